package static

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

// TestForgetReachesWhatIsBeingAskedFor changes a file and calls Forget between a
// worker's look at the disk and its report to the loop: the result may be answered
// once, and is not kept.
func TestForgetReachesWhatIsBeingAskedFor(t *testing.T) {
	for _, row := range []struct {
		name   string
		before func(c *httptest.Client, change func(string))
	}{
		{"asked for the first time", func(c *httptest.Client, change func(string)) {}},
		{"asked ahead, as it was answered half a second ago", func(c *httptest.Client, change func(string)) {
			c.Get("/a.txt")
			change("a second version")
			c.Sleep(700 * time.Millisecond)
		}},
		{"asked anew, as it was answered long ago", func(c *httptest.Client, change func(string)) {
			c.Get("/a.txt")
			change("a second version")
			c.Sleep(time.Minute)
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			root := tree(t, map[string]string{"a.txt": "the first version"})
			change := func(content string) { write(t, filepath.Join(root, "a.txt"), content) }
			var loop *eventloop.Loop
			var files *Files
			forget := false
			files = open(t, root, Options{Fields: func(string) [][2]string {
				// The worker reads the file after this. A function that is posted
				// here runs before the worker's report.
				if forget {
					forget = false
					loop.Post(func() {
						change("the version that was not yet there")
						files.Forget()
					})
				}
				return nil
			}})
			config := httptest.Config{Handler: files.Serve, Server: func(s *http.Server) { loop = s.Loop() }}
			httptest.Run(t, config, func(c *httptest.Client) {
				row.before(c, change)
				forget = true
				c.Get("/a.txt")
				c.Sleep(10 * time.Millisecond)
				if forget {
					t.Error("the disk was not asked")
				}
				if a := c.Get("/a.txt"); a.Body != "the version that was not yet there" {
					t.Errorf("the answer is %v", a)
				}
			})
		})
	}
}

// TestWithoutDescriptorsNothingIsMissing: caches keep a 404 for long, and it would be
// wrong.
func TestWithoutDescriptorsNothingIsMissing(t *testing.T) {
	root := tree(t, map[string]string{"a.txt": "a", "index.html": "index", "sub/index.html": "sub", "about.html": "about", "app.html": "app", "404.html": "missing", "empty/": ""})
	for _, row := range []struct {
		name    string
		options Options
		also    string // a path that there is something for
	}{
		{"links that stay inside are followed", Options{}, "/sub"},
		{"no links are followed", Options{Symlinks: NoLinks}, "/sub"},
		{"all links are followed", Options{Symlinks: AllLinks}, "/sub"},
		{"clean URLs are answered", Options{CleanURLs: true}, "/about"},
		{"there is a fallback", Options{Fallback: "app.html"}, "/nothing"},
		{"folders are listed", Options{Listing: true}, "/empty/"},
	} {
		visit(t, open(t, root, row.options), func(v *visitor) {
			for _, path := range []string{"/a.txt", "/", "/sub/", row.also} {
				enough := exhaust(t)
				got := v.ask("GET "+path, "Accept: text/html")
				enough()
				if got.status != 503 || got.header.Get("Retry-After") == "" {
					t.Errorf("%s: %s: %v", row.name, path, got)
				}
			}
			if got := v.ask("GET /a.txt"); got.body != "a" {
				t.Errorf("%s: afterwards: %v", row.name, got)
			}
		})
	}
}

// exhaust takes away all descriptors but those in use, until the result is called.
func exhaust(t *testing.T) (enough func()) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	next, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	low := limit
	set(&low.Cur, int(next.Fd())) // the lowest number that is free
	next.Close()
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &low); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
			t.Fatal(err)
		}
	}
}

// set exists because systems differ in the type.
func set[T int64 | uint64](p *T, n int) { *p = T(n) }
