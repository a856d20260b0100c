package static

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// shout shows name, length and beginning of a README.
func shout(name string, text []byte) []byte {
	if string(text) == "nothing" {
		return nil
	}
	return fmt.Appendf(nil, "<p>%s of %d bytes: %.20s</p>", name, len(text), text)
}

// TestAReadmeIsShownBelowItsListing: which file it is, and when there is none.
func TestAReadmeIsShownBelowItsListing(t *testing.T) {
	long := strings.Repeat("x", readmeMax)
	many := map[string]string{"README.md": "many"}
	for i := range listPage {
		many[fmt.Sprintf("%04d", i)] = ""
	}
	for _, row := range []struct {
		name    string
		files   map[string]string
		options Options
		ask     string
		want    string // "" for none
	}{
		{"README.md is shown", map[string]string{"README.md": "hello"}, Options{}, "GET /", "<p>README.md of 5 bytes: hello</p>"},
		{"it goes before others", map[string]string{"README": "no", "README.txt": "no", "README.md": "hello"}, Options{}, "GET /", "README.md of 5"},
		{"README.txt goes before README", map[string]string{"README": "no", "README.txt": "hello"}, Options{}, "GET /", "README.txt of 5"},
		{"README alone is shown", map[string]string{"README": "hello"}, Options{}, "GET /", "README of 5"},
		{"letters of either case are", map[string]string{"ReadMe.MD": "hello"}, Options{}, "GET /", "ReadMe.MD of 5"},
		{"in a folder below, too", map[string]string{"sub/README.md": "hello"}, Options{}, "GET /sub/", "README.md of 5"},
		{"not in the folder above", map[string]string{"sub/README.md": "hello"}, Options{}, "GET /", ""},
		{"other names are not", map[string]string{"README.html": "no", "NOTREADME.md": "no"}, Options{}, "GET /", ""},
		{"a folder of that name is not", map[string]string{"README.md/a": "no"}, Options{}, "GET /", ""},
		{"one of the largest size is", map[string]string{"README.md": long}, Options{}, "GET /", "README.md of 32768"},
		{"a larger one is not", map[string]string{"README.md": long + "x"}, Options{}, "GET /", ""},
		{"one of which nothing is made is not", map[string]string{"README.md": "nothing"}, Options{}, "GET /", ""},
		{"a private one is not", map[string]string{"README.md": secret}, Options{Private: []string{"README.md"}}, "GET /", ""},
		{"programs get none", map[string]string{"README.md": "hello"}, Options{}, "GET / application/json", ""},
		{"the first page has it", many, Options{}, "GET /", "README.md of 4"},
		{"others do not", many, Options{}, "GET /?after=0500", ""},
		{"nor does a page in another order that is not the first", many, Options{}, "GET /?sort=size&before=0500", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			root := tree(t, row.files)
			for i, name := range row.options.Private {
				row.options.Private[i] = filepath.Join(root, name)
			}
			row.options.Listing, row.options.Readme = true, shout
			visit(t, open(t, root, row.options), func(v *visitor) {
				ask, accept, json := strings.Cut(row.ask, " application/")
				fields := []string{}
				if json {
					fields = append(fields, "Accept: application/"+accept)
				}
				got := v.ask(ask, fields...)
				policy := got.header.Get("Content-Security-Policy")
				if shown := strings.Contains(got.body, "<article"); shown != (row.want != "") || !strings.Contains(got.body, row.want) || strings.Contains(policy, "'self' data:") != shown {
					t.Errorf("shown: %v, %s\n%.2000s", shown, policy, got.body[max(0, len(got.body)-4000):])
				}
			})
		})
	}
}

// TestAChangedReadmeIsShown within two seconds, as the sizes of files are.
func TestAChangedReadmeIsShown(t *testing.T) {
	root := tree(t, map[string]string{"README.md": "before"})
	visit(t, open(t, root, Options{Listing: true, Readme: shout}), func(v *visitor) {
		before := v.ask("GET /")
		write(t, filepath.Join(root, "README.md"), "behind it")
		v.s.Sleep(listFor)
		behind := v.ask("GET /")
		if !strings.Contains(before.body, "of 6 bytes: before") || !strings.Contains(behind.body, "of 9 bytes: behind it") {
			t.Errorf("before %.3000s\nbehind %.3000s", before.body, behind.body)
		}
	})
}
