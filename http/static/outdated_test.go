package static

import (
	"bytes"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestACompressedSiblingMayLookOlder compares times that tools have copied from a file.
func TestACompressedSiblingMayLookOlder(t *testing.T) {
	for _, row := range []struct {
		name    string
		sibling time.Duration // from an even second on
		file    time.Duration
		sent    bool
	}{
		{"of the same time", 5 * time.Second, 5 * time.Second, true},
		{"made later", 9 * time.Second, 5 * time.Second, true},
		{"brotli -k rounds down to a second", 5 * time.Second, 5*time.Second + 999*time.Millisecond, true},
		{"FAT and zip to two", 4 * time.Second, 5*time.Second + 999*time.Millisecond, true},
		{"JavaScript to a thousandth", 5*time.Second + 123*time.Millisecond, 5*time.Second + 123456789, true},
		{"a build wrote it just before the file", 4*time.Second + 900*time.Millisecond, 5*time.Second + 100*time.Millisecond, true},
		{"two seconds are no rounding", 3 * time.Second, 5 * time.Second, false},
		{"a day is none", 0, 24 * time.Hour, false},
		{"nor are all years since 1970", written.Sub(time.Unix(0, 0)) * -1, 0, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			root := tree(t, map[string]string{"a.css": letters(2000), "a.css.br": "br", "a.css.gz": "gz"})
			even := written.Truncate(2 * time.Second)
			setTime(t, filepath.Join(root, "a.css"), even.Add(row.file))
			setTime(t, filepath.Join(root, "a.css.br"), even.Add(row.sibling))
			setTime(t, filepath.Join(root, "a.css.gz"), even.Add(row.sibling))
			var log bytes.Buffer
			files := open(t, root, Options{Log: slog.New(slog.NewTextHandler(&log, nil)), Memory: 1})
			visit(t, files, func(v *visitor) {
				for range 3 { // it is kept in no memory, so that it is looked at each time
					for _, coding := range []string{"br", "gzip"} {
						got := v.ask("GET /a.css", "Accept-Encoding: "+coding)
						if (got.header.Get("Content-Encoding") == coding) != row.sent {
							t.Errorf("as %s: %v", coding, got)
						}
					}
				}
			})
			lines := 0
			if !row.sent {
				lines = 1
			}
			for _, name := range []string{"compressed=a.css.br", "compressed=a.css.gz"} {
				if n := strings.Count(log.String(), name); n != lines {
					t.Errorf("%s is in %d lines of the log: %s", name, n, log.String())
				}
			}
		})
	}
}

// TestALogOfManyOldSiblingsIsShort serves a site of which every compressed file is old.
func TestALogOfManyOldSiblingsIsShort(t *testing.T) {
	site := map[string]string{}
	for i := range 5 * outdatedLines {
		site[fmt.Sprintf("%d.css", i)], site[fmt.Sprintf("%d.css.gz", i)] = "css", "gz"
	}
	root := tree(t, site)
	var log bytes.Buffer
	visit(t, open(t, root, Options{Log: slog.New(slog.NewTextHandler(&log, nil))}), func(v *visitor) {
		for i := range 5 * outdatedLines {
			setTime(t, filepath.Join(root, fmt.Sprintf("%d.css.gz", i)), written.Add(-time.Hour))
			if got := v.ask(fmt.Sprintf("GET /%d.css", i), "Accept-Encoding: gzip"); got.body != "css" {
				t.Errorf("%v", got)
			}
		}
	})
	if n := strings.Count(log.String(), "\n"); n != outdatedLines+1 {
		t.Errorf("%d lines: %s", n, log.String())
	}
}
