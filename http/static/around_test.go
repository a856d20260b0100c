package static

import (
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
	"github.com/bobbin-http/bobbin/http/middleware"
)

// TestNoPathGetsPastAGroupOrARule asks for files in thousands of odd ways. One folder
// is behind the middleware of a group, another behind a rule: what lies in them never
// comes without.
func TestNoPathGetsPastAGroupOrARule(t *testing.T) {
	root := tree(t, map[string]string{
		"index.html": "start", "f": "open", "a/f": "open", "a/b/f": "open", "a/private/f": "open", "private%2ff": "open",
		"private/f": secret, "private/index.html": secret, "private/a/f": secret,
		"ruled/f": secret, "ruled/index.html": secret, "ruled/a/f": secret,
		"login.html": "log in",
	})
	rule, err := middleware.ParseRedirect("/ruled/* /login.html 404!")
	if err != nil {
		t.Fatal(err)
	}
	files := open(t, root, Options{Listing: true})
	ruled := middleware.Redirects{rule}.Forced(files.Serve, files.ServeAs)
	site := new(http.Router)
	site.Handle("/", ruled)
	site.Handle("/a/{name}", ruled)
	site.Group("/private", func(next http.Handler) http.Handler {
		return func(w *http.Response, r *http.Request) error {
			if r.Header("Authorization") == "" {
				return http.StatusUnauthorized
			}
			return next(w, r)
		}
	}).Handle("/", ruled)

	pieces := []string{
		"/", "/", "/", ".", "..", "%2e", "%2E%2e", ".%2e", "%2f", "%2F", "%5c", "//", "/../", "/./", "private", "private", "%70rivate",
		"ruled", "ruled", "rule%64", "a", "b", "f", "f", "index.html", "%252f", "%252e",
	}
	luck := rand.New(rand.NewPCG(8, 1))
	paths := []string{
		"/private/f", "/x/../private/f", "/x/%2e%2e/private/f", "//private//f", "/private%2ff", "/x%2F..%2Fprivate/f", "/a/x%2F..%2f..%2Fprivate%2Ff",
		"/a/..%2Fprivate", "/private", "/private%2f", "/./private/", "/ruled/f", "/a/../ruled/f", "/ruled%2ff", "/a%2f..%2fruled/f", "/a/..%2fruled%2ff", "//ruled/f", "/ruled",
	}
	for len(paths) < 3000 {
		path := "/"
		for range 1 + luck.IntN(7) {
			path += pieces[luck.IntN(len(pieces))]
		}
		paths = append(paths, path)
	}
	kinds := make(map[string]int)
	httptest.Run(t, httptest.Config{Handler: site.Serve}, func(c *httptest.Client) {
		for _, path := range paths {
			for hops := 0; hops < 4; hops++ {
				a := c.Get(path)
				if strings.Contains(a.Body, secret) {
					t.Errorf("%s shows what is not to be seen: %v", path, a)
				}
				if a.Status/100 != 3 {
					switch {
					case a.Status == 200:
						kinds["served"]++
					case a.Status == 401:
						kinds["by the group"]++
					case a.Body == "log in":
						kinds["by the rule"]++
					default:
						kinds["refused"]++
					}
					break
				}
				kinds["redirected"]++
				path = a.Header("Location")
				if u, err := url.Parse(path); err != nil || u.Host != "" || !strings.HasPrefix(path, "/") {
					t.Errorf("it leads to %q", path)
				}
			}
		}
	})
	for _, kind := range []string{"served", "by the group", "by the rule", "refused", "redirected"} {
		if kinds[kind] < 30 {
			t.Errorf("only %d are %s: %v", kinds[kind], kind, kinds)
		}
	}
	t.Log(kinds)
}
