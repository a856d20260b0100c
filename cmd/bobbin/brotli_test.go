package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestBrotli compresses a file by the program that people use, which copies the file's
// time without the fraction of a second.
// TestBrotliOnTheFly: the codings of --compress are compared by what a client prefers, and the
// smallest is sent to one that takes all alike.
func TestBrotliOnTheFly(t *testing.T) {
	t.Parallel()
	site := folder(t, map[string][]byte{"a.css": some})
	for _, row := range []struct{ flag, accepts, want string }{
		{"br,zstd,gzip", "gzip, br, zstd", "br"},
		{"br,zstd,gzip", "gzip, deflate", "gzip"},
		{"br,zstd,gzip", "br;q=0.5, zstd", "zstd"},
		{"br", "gzip", ""},
		{"zstd,gzip", "gzip, br", "gzip"},
	} {
		p := start(t, "", "--compress", row.flag, site)
		out := tool(t, "curl", "-sS", "-D", "-", "-o", filepath.Join(t.TempDir(), "out"), "-H", "Accept-Encoding: "+row.accepts, p.url+"a.css")
		if row.want == "" && strings.Contains(out, "Content-Encoding") || row.want != "" && !strings.Contains(out, "\nContent-Encoding: "+row.want+"\r") {
			t.Errorf("--compress %s, Accept-Encoding: %s:\n%s", row.flag, row.accepts, out)
		}
	}
}

func TestBrotli(t *testing.T) {
	t.Parallel()
	site := folder(t, map[string][]byte{"a.css": some})
	name := filepath.Join(site, "a.css")
	when := time.Date(2024, 5, 6, 7, 8, 9, 987654321, time.UTC)
	if err := os.Chtimes(name, when, when); err != nil {
		t.Fatal(err)
	}
	tool(t, "brotli", "-k", name)
	p := start(t, "", site)
	out := tool(t, "curl", "-sS", "-D", "-", "-o", "/dev/null", "-H", "Accept-Encoding: br", p.url+"a.css")
	reports(t, out, `(?i)\nContent-Encoding: br\r\n`)

	// An old one has a line in the log, and is not sent.
	old := when.Add(-time.Hour)
	if err := os.Chtimes(name+".br", old, old); err != nil {
		t.Fatal(err)
	}
	p = start(t, "", "--compress", "off", site)
	out = tool(t, "curl", "-sS", "-D", "-", "-o", "/dev/null", "-H", "Accept-Encoding: br", p.url+"a.css")
	if strings.Contains(out, "Content-Encoding") {
		t.Errorf("it answers:\n%s", out)
	}
	p.waits("compressed=a.css.br", 1)
}
