package main

import (
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

// Nothing gets past a rule: a file below a path that a rule, or a group of a router, is for
// is served under that rule, whatever is asked for.

// ruledSite is a folder with a file for each kind of rule, whose content is its kind.
func ruledSite(t testing.TB) (open func(t testing.TB) http.Handler) {
	dir := folder(t, map[string][]byte{
		"private/f": []byte("PRIVATE"), "private/index.html": []byte("PRIVATE"), "guarded/f": []byte("GUARDED"), "guarded/@scope/f": []byte("GUARDED"), "headed/f": []byte("HEADED"),
		"locked/f": []byte("LOCKED"), "locked/index.html": []byte("LOCKED"), "x/f": []byte("open"), "index.html": []byte("open"), "login.html": []byte("login"),
		"old/f": []byte("open"), "_headers": []byte("/headed/*\n  X-Headed: yes\n"), "back\\slash": []byte("open"), ".hidden/f": []byte("HIDDEN"),
	})
	return func(t testing.TB) http.Handler {
		o, err := parse([]string{
			"--redirect", "/private/* /login.html 404!", "--redirect", "/old/:a/:b /x/:b 200", "-H", "/guarded/**: X-Guarded: yes",
			"--netlify", "--clean-urls", "--spa", "--listing", "off", dir,
		}, func(string) string { return "" })
		if err != nil {
			t.Fatal(err)
		}
		from, err := o.site.readSources(o.path)
		if err != nil {
			t.Fatal(err)
		}
		p := &perLoop{}
		if err := p.open(&o, o.all(), from, nil); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.files.Close() })
		lock := func(next http.Handler) http.Handler {
			return func(w *http.Response, r *http.Request) error {
				w.Add("X-Locked", "yes")
				return next(w, r)
			}
		}
		site := new(http.Router)
		site.Handle("/", p.handler)
		site.Handle("/{a}", p.handler)
		site.Handle("/one/{a}", p.handler)
		site.Handle("/two/{a}/{rest...}", p.handler)
		site.Group("/locked", lock).Handle("/", p.handler)
		return site.Serve
	}
}

// askPastRules asks for a path and reports an answer that it should not get.
func askPastRules(t testing.TB, c *httptest.Client, path string) (status int) {
	t.Helper()
	a := c.Do("GET", path, "", "Host: a", "Accept: text/html")
	for content, field := range map[string]string{"PRIVATE": "", "HIDDEN": "", "GUARDED": "X-Guarded", "HEADED": "X-Headed", "LOCKED": "X-Locked"} {
		if strings.Contains(a.Body, content) && (field == "" || a.Header(field) != "yes") {
			t.Errorf("%q gets past its rule: %v", path, a)
		}
	}
	if to := a.Header("Location"); to != "" && (to[0] != '/' || len(to) > 1 && (to[1] == '/' || to[1] == '\\')) {
		t.Errorf("%q is sent to another host: %v", path, a)
	}
	return a.Status
}

// rulePieces are what paths are made of that want to get past something.
var rulePieces = []string{
	"/", ".", "..", "%2e", "%2E%2e", "%2f", "%2F", "%2f..%2f", "%5c", "\\", "//", "/../", "/./", "%252f", "%25", "%252e", "%00", "%09", ";", "%3b", "?", ".html", "index.html",
	"private", "%70rivate", "guarded", "headed", "locked", "lo%63ked", "one", "two", "old", "x", "f", "%66", ".hidden", "PRIVATE", "%c0%af",
}

// pathOf joins the pieces that bytes choose.
func pathOf(choices iter.Seq[byte]) string {
	path := "/"
	for b := range choices {
		path += rulePieces[int(b)%len(rulePieces)]
	}
	return path[:min(len(path), 1000)]
}

// pastRules are paths that were tried elsewhere.
var pastRules = []string{
	"/private/f", "/private%2ff", "/x/../private/f", "/x%2f..%2fprivate%2ff", "/one/..%2fprivate%2ff", "/one/x%2F..%2f..%2flocked%2ff", "/locked%2ff", "/%6cocked%2ff",
	"/two/x/..%2f..%2flocked/f", "/private%5cf", "/x/..%5cprivate/f", "/x%252f..%252fprivate/f", "/x/%252e%252e/private/f", "//private/f", "/private//f", "/./private/./f",
	"/old/x/..%2f..%2fprivate%2ff", "/old/..%2fprivate/f", "/old/x/..%252f..%252fprivate%252ff", "/guarded%2ff", "/x/..%2fguarded/f", "/headed%2Ff", "/private", "/private%2f", "/locked%2f", "/locked",
	"/x%2f..%2f.hidden%2ff", "/old/a/..%2f.hidden%2ff",
}

func TestNothingGetsPastARule(t *testing.T) {
	open := ruledSite(t)
	luck := rand.New(rand.NewPCG(3, 14))
	paths := slices.Clone(pastRules)
	for range 3000 {
		paths = append(paths, pathOf(func(yield func(byte) bool) {
			for range luck.IntN(9) {
				if !yield(byte(luck.Uint32())) {
					return
				}
			}
		}))
	}
	statuses := make(map[int]int)
	httptest.Run(t, httptest.Config{Handler: open(t)}, func(c *httptest.Client) {
		for _, path := range paths {
			statuses[askPastRules(t, c, path)]++
		}
		for path, field := range map[string]string{"/guarded/f": "X-Guarded", "/headed/f": "X-Headed", "/locked/f": "X-Locked", "/guarded/@scope%2ff": "X-Guarded", "/guarded/x%2f..%2ff": "X-Guarded"} {
			if a := c.Get(path, "Host: a"); a.Status != 200 || a.Header(field) != "yes" {
				t.Errorf("%s: %v", path, a)
			}
		}
		if a := c.Get("/x%2ff", "Host: a"); a.Status != 404 {
			t.Errorf("a file is served by its own pattern, and that is not /{a}: %v", a)
		}
	})
	for _, status := range []int{200, 307, 400, 404} {
		if statuses[status] < 20 {
			t.Errorf("only %d answers were %d: %v", statuses[status], status, statuses)
		}
	}
}

func FuzzRules(f *testing.F) {
	for i := range rulePieces {
		f.Add([]byte{byte(i), 0, 23})
		f.Add([]byte{32, byte(i), byte(i), 23, byte(i), 33})
	}
	open := ruledSite(f)
	f.Fuzz(func(t *testing.T, input []byte) {
		path := pathOf(slices.Values(input))
		httptest.Run(t, httptest.Config{Handler: open(t)}, func(c *httptest.Client) { askPastRules(t, c, path) })
	})
}
