package static

import (
	"strings"
	"testing"
)

// TestAPageIsAskedForBeforeItGetsMore has an owner of Options.Inject that is particular.
func TestAPageIsAskedForBeforeItGetsMore(t *testing.T) {
	root := tree(t, map[string]string{"a.html": "a", "no.html": "b", "no.html.gz": "compressed", "large.html": strings.Repeat("c", 100), "d.txt": "d"})
	var asked []string
	files := open(t, root, Options{Inject: "<more>", Small: 50,
		Fields: func(path string) [][2]string { return [][2]string{{"X-Path", path}} },
		MayInject: func(path string, fields [][2]string, page []byte) bool {
			asked = append(asked, path+" "+string(page))
			return path != "/no.html" && len(fields) == 1 && fields[0][1] == path
		}})
	visit(t, files, func(v *visitor) {
		for path, want := range map[string]string{"/a.html": "a<more>", "/no.html": "b", "/large.html": strings.Repeat("c", 100), "/d.txt": "d"} {
			if got := v.ask("GET " + path); got.body != want {
				t.Errorf("%s: %v", path, got)
			}
		}
		if got := v.ask("GET /no.html", "Accept-Encoding: gzip"); got.body != "compressed" {
			t.Errorf("a page without more has its siblings: %v", got)
		}
	})
	if list := strings.Join(asked, "\n"); len(asked) != 3 || !strings.Contains(list, "/large.html ") || strings.Contains(list, "ccc") || !strings.Contains(list, "/no.html b") {
		t.Errorf("asked was for %q", asked)
	}
}
