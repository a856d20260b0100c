package static

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

// TestMountsBelowAPrefix has a folder and an FS behind one router.
func TestMountsBelowAPrefix(t *testing.T) {
	root := tree(t, map[string]string{
		"index.html": "start", "a.css": "a", "sub/b.txt": "b", "sub/deep/c.txt": "c", "assets/a.css": "another", "404.html": "lost",
		"page/index.html": "page", ".hidden": secret,
	})
	var router http.Router
	paths := func(path string) [][2]string { return [][2]string{{"X-Path", path}} }
	assets := open(t, root, Options{Prefix: "/assets/", Listing: true, Fields: paths})
	router.Handle("/assets/", assets.Serve)
	router.Group("/v1").Handle("/app/", serveFS(t, fstest.MapFS{
		"index.html": {Data: []byte("application")}, "sub/x.js": {Data: []byte("x")},
	}, Options{Prefix: "v1/app", Fallback: "index.html", Fields: paths}).Serve)
	single := open(t, root+"/a.css", Options{Prefix: "/style"})
	router.Handle("/style", single.Serve)
	router.Handle("/style/", single.Serve)
	router.Handle("/as/", func(w *http.Response, r *http.Request) error { return assets.ServeAs(w, r, "/assets/sub/b.txt") })
	router.Handle("/wrong/", assets.Serve)
	router.Handle("/assetssub/", assets.Serve)

	httptest.Run(t, httptest.Config{Handler: router.Serve}, func(c *httptest.Client) {
		for range 2 { // from the disk, and from memory
			for _, row := range []struct {
				name, path string
				status     int
				want       string // the body, or the Location of a redirect
			}{
				{"its index", "/assets/", 200, "start"},
				{"a file", "/assets/a.css", 200, "a"},
				{"a file of a folder named like the prefix", "/assets/assets/a.css", 200, "another"},
				{"the prefix without its slash is redirected by the router", "/assets", 307, "/assets/"},
				{"a folder without its slash is redirected below the prefix", "/assets/sub/deep?q=1", 301, "/assets/sub/deep/?q=1"},
				{"and one with an index", "/assets/page", 301, "/assets/page/"},
				{"an escape in the prefix is one of its letters", "/%61ssets/a.css", 200, "a"},
				{"its own page for a missing file", "/assets/missing", 404, "lost"},
				{"hidden files stay hidden", "/assets/.hidden", 404, "lost"},
				{"no path leads out of it", "/assets/%2e%2e/assets/a.css", 307, "/assets/a.css"},
				{"nor by an escaped slash", "/assets/x%2f..%2f..%2fa.css", 404, ""},
				{"a path outside of the prefix is not served", "/wrong/a.css", 404, "lost"},
				{"nor one that only begins with the same letters", "/assetssub/b.txt", 404, "lost"},
				{"one path may be answered by another", "/as/", 200, "b"},
				{"an FS behind a group", "/v1/app/sub/x.js", 200, "x"},
				{"its index, too", "/v1/app/", 200, "application"},
				{"its redirects", "/v1/app/sub", 301, "/v1/app/sub/"},
				{"its fallback", "/v1/app/users/7", 200, "application"},
				{"a single file at its prefix", "/style", 200, "a"},
				{"with a slash", "/style/", 200, "a"},
				{"and by its own name", "/style/a.css", 200, "a"},
				{"with nothing beside it", "/style/index.html", 404, ""},
			} {
				got := c.Get(row.path, "Accept: text/html")
				if got.Status != row.status || row.status/100 == 3 && got.Header("Location") != row.want ||
					row.status/100 != 3 && row.want != "" && got.Body != row.want {
					t.Errorf("%s: %s is %d %q %q", row.name, row.path, got.Status, got.Header("Location"), got.Body)
				}
			}
		}
		for path, want := range map[string]string{"/assets/a.css": "/assets/a.css", "/v1/app/users/7": "/v1/app/index.html"} {
			if got := c.Get(path, "Accept: text/html"); got.Header("X-Path") != want {
				t.Errorf("for %s the rules are asked about %q", path, got.Header("X-Path"))
			}
		}
		list := c.Get("/assets/sub/").Body
		for _, link := range []string{`href="../"`, `href="./b.txt"`, `href="./deep/"`, `<a href="../"><bdi>assets</bdi>/</a>`, "<title>/assets/sub/"} {
			if !strings.Contains(list, link) {
				t.Errorf("the listing has no %s: %s", link, list)
			}
		}
		list = c.Get("/assets/sub/deep/").Body
		if !strings.Contains(list, `<a href="../../"><bdi>assets</bdi>/</a>`) || strings.Contains(list, `href="../../../"`) {
			t.Errorf("the listing leads to %s", list)
		}
	})
}

// TestTheTopOfAMountHasNoParent lists the folder itself.
func TestTheTopOfAMountHasNoParent(t *testing.T) {
	for _, prefix := range []string{"", "/assets"} {
		visit(t, open(t, tree(t, map[string]string{"a.txt": "a"}), Options{Prefix: prefix, Listing: true}), func(v *visitor) {
			got := v.ask("GET " + prefix + "/")
			if got.status != 200 || strings.Contains(got.body, `href="../"`) || !strings.Contains(got.body, `href="./a.txt"`) {
				t.Errorf("%q: %v", prefix, got)
			}
		})
	}
}
