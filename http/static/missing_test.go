package static

import (
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
	"github.com/bobbin-http/bobbin/http/middleware"
)

// TestAMissingFileIsAnsweredInPlace has rules, a fallback and a page for 404 in one folder.
func TestAMissingFileIsAnsweredInPlace(t *testing.T) {
	const page, script = "Accept: text/html", "Accept: */*"
	root := tree(t, map[string]string{"index.html": "start", "app.html": "application", "404.html": "lost", "a.txt": "a", "sub/": ""})
	rules, err := middleware.ParseRedirects(strings.NewReader("/old /new\n/in /a.txt 200\n/out /gone 200\n/lost /a.txt 404\n/deep/* /sub/:splat 302\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name     string
		rules    bool
		fallback string
		path     string
		accept   string
		status   int
		want     string // the body, or the Location of a redirect
	}{
		{"without rules it is the folder's page", false, "", "/nofile", page, 404, "lost"},
		{"a rule for another path leaves that", true, "", "/nofile", page, 404, "lost"},
		{"for a program, too", true, "", "/nofile", script, 404, "lost"},
		{"a rule goes before it", true, "", "/old", page, 301, "/new"},
		{"a rule that answers in place does, too", true, "", "/in", page, 200, "a"},
		{"with its own status", true, "", "/lost", page, 404, "a"},
		{"a rule that leads to no file leaves the page", true, "", "/out", page, 404, "lost"},
		{"in a folder without an index it is the page", true, "", "/sub/", page, 404, "lost"},
		{"a rule goes before the application", true, "app.html", "/old", page, 301, "/new"},
		{"for a script, too", true, "app.html", "/old", script, 301, "/new"},
		{"with a star", true, "app.html", "/deep/x", page, 302, "/sub/x"},
		{"a rule for another path leaves the application", true, "app.html", "/nofile", page, 200, "application"},
		{"but not for a script, which gets the folder's page", true, "app.html", "/nofile", script, 404, "lost"},
		{"nor for an asset", true, "app.html", "/no.js", page, 404, "lost"},
		{"a rule that leads to no page leads to the application", true, "app.html", "/out", page, 200, "application"},
		{"a file goes before all", true, "app.html", "/a.txt", page, 200, "a"},
	} {
		o := Options{Fallback: row.fallback}
		var files *Files
		if row.rules {
			o.Missing = rules.Missing(func(w *http.Response, r *http.Request, path string) error { return files.ServeAs(w, r, path) })
		}
		files = open(t, root, o)
		httptest.Run(t, httptest.Config{Handler: files.Serve}, func(c *httptest.Client) {
			for range 2 { // from the disk, and from memory
				a := c.Get(row.path, row.accept)
				got := a.Body
				if row.status/100 == 3 {
					got = a.Header("Location")
				}
				if a.Status != row.status || got != row.want {
					t.Errorf("%s: %s is %d %q, want %d %q", row.name, row.path, a.Status, got, row.status, row.want)
				}
			}
		})
	}
}

// TestMissingMayHaveItsOwnReason returns a 404 that is not plain.
func TestMissingMayHaveItsOwnReason(t *testing.T) {
	files := open(t, tree(t, map[string]string{"404.html": "lost"}), Options{
		Missing: func(w *http.Response, r *http.Request) error { return http.StatusNotFound.Because("it was sold") },
	})
	httptest.Run(t, httptest.Config{Handler: files.Serve}, func(c *httptest.Client) {
		if a := c.Get("/x"); a.Status != 404 || !strings.Contains(a.Body, "it was sold") {
			t.Errorf("%v", a)
		}
	})
}

// TestAFallbackVariesByWhatItDependsOn asks as a shared cache does: what one client gets
// must not be given to the other.
func TestAFallbackVariesByWhatItDependsOn(t *testing.T) {
	const both = "Accept, Sec-Fetch-Mode"
	for _, own404 := range []string{"404.html", "none.html"} {
		root := tree(t, map[string]string{"index.html": strings.Repeat("the application ", 100), "a.txt": "a", own404: "lost", "sub/b.txt": "b"})
		for _, ruled := range []bool{false, true} {
			o := Options{Fallback: "index.html", Listing: true}
			if ruled {
				o.Missing = func(w *http.Response, r *http.Request) error { return http.StatusNotFound }
			}
			httptest.Run(t, httptest.Config{Handler: open(t, root, o).Serve}, func(c *httptest.Client) {
				tag := c.Get("/").Header("ETag")
				for _, row := range []struct {
					name, path, field string
					status            int
					varies            bool
				}{
					{"the application", "/users/7", "Accept: text/html", 200, true},
					{"to a browser that navigates", "/users/7", "Sec-Fetch-Mode: navigate", 200, true},
					{"the 404 of the same path", "/users/7", "Accept: */*", 404, true},
					{"in a folder that does not exist", "/users/", "Accept: */*", 404, true},
					{"an answer that is not modified", "/users/7", "Accept: text/html\r\nIf-None-Match: " + tag, 304, true},
					{"the 404 of an asset, which is never the application", "/no.js", "Accept: text/html", 404, false},
					{"a file", "/a.txt", "Accept: text/html", 200, false},
					{"the application at its own path", "/", "Accept: text/html", 200, false},
					{"and by its name", "/index.html", "Accept: text/html", 200, false},
				} {
					for range 2 {
						a := c.Get(row.path, row.field)
						if got := varyOf(a); a.Status != row.status || strings.Contains(got, both) != row.varies {
							t.Errorf("%s: %s with %q is %d, and varies by %q", row.name, row.path, row.field, a.Status, got)
						}
					}
				}
			})
		}
	}
}

// varyOf returns the names of all Vary fields.
func varyOf(a httptest.Answer) string {
	var names []string
	for _, line := range a.Headers {
		if name, value, _ := strings.Cut(line, ":"); strings.EqualFold(name, "Vary") {
			names = append(names, strings.TrimSpace(value))
		}
	}
	return strings.Join(names, ", ")
}
