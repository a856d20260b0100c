package middleware

import (
	"net/url"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

func TestAPlaceholderIsFilledWhereverItStands(t *testing.T) {
	for _, row := range []struct{ name, rule, path, to string }{
		{"before a query", "/a/* /b/:splat?k=1 301!", "/a/x/y", "/b/x/y?k=1"},
		{"in a query", "/j/:id /b?id=:id 301!", "/j/7", "/b?id=7"},
		{"in a query, escaped as in a form", "/j/:id /b?id=:id&k=1 301!", "/j/a%26b=c%20d%3Fe", "/b?id=a%26b%3Dc+d%3Fe&k=1"},
		{"a splat in a query", "/j/* /b?path=:splat 301!", "/j/x/y", "/b?path=x%2Fy"},
		{"twice in a query", "/:a/:b /c?a=:a&b=:b 301!", "/1/2", "/c?a=1&b=2"},
		{"in a fragment", "/p/* /x#:splat 301!", "/p/a/b", "/x#a/b"},
		{"in a fragment behind a query", "/p/:id /x?id=:id#:id 301!", "/p/a%23b", "/x?id=a%23b#a%23b"},
		{"a question in a fragment begins no query", "/p/:id /x#?:id 301!", "/p/a%20b", "/x#?a%20b"},
		{"before a fragment", "/p/* /x/:splat#end 301!", "/p/a", "/x/a#end"},
		{"in part of a segment", "/p/:id /post-:id.html 301!", "/p/7", "/post-7.html"},
		{"at the end of a word", "/p/:id /post:id 301!", "/p/7", "/post7"},
		{"two in a segment", "/:y/:m/:slug /blog/:y-:m-:slug 301!", "/2024/05/hi", "/blog/2024-05-hi"},
		{"in a URL", "/a/* https://e.example/:splat?from=:splat 301!", "/a/x", "https://e.example/x?from=x"},
		{"in the query of a URL without a path", "/a/:id https://e.example?id=:id 301!", "/a/x", "https://e.example?id=x"},
		{"a name that begins like another", "/:a/:ab /:ab/:a 301!", "/1/2", "/2/1"},
		{"a name with a hyphen", "/:a/:a-b /x/:a-b 301!", "/1/2", "/x/2"},
		{"a value that looks like a place", "/:a/:b /x/:a/:b 301!", "/:b/2", "/x/:b/2"},
		{"a colon in a word is a colon", "/p/* /Special:Search/:splat 301!", "/p/a", "/Special:Search/a"},
		{"and in a time, and before two slashes", "/p/* /:splat?t=12:30&u=https://a.example 301!", "/p/a", "/a?t=12:30&u=https://a.example"},
		{"a text fragment is one", "/p/:id /:id#:~:text=a 301!", "/p/a", "/a#:~:text=a"},
		{"a port", "/p/* https://e.example:8443/:splat 301!", "/p/a", "https://e.example:8443/a"},
		{"an address", "/p/* https://[2001:db8::1]:8443/:splat 301!", "/p/a", "https://[2001:db8::1]:8443/a"},
		{"a dollar that no server means", "/p /price-$100/$a 301!", "/p", "/price-$100/$a"},
		{"a star without one in the source", "/p /a*b 301!", "/p", "/a*b"},

		{"nothing between two slashes leaves one", "/s/* /x/:splat/ 301!", "/s", "/x/"},
		{"in a URL, too", "/s/* https://e.example/:splat/y 301!", "/s/", "https://e.example/y"},
		{"something between them keeps both", "/s/* /x/:splat/ 301!", "/s/a/b", "/x/a/b/"},
		{"nothing at the end", "/s/* /x/:splat 301!", "/s", "/x/"},
		{"nothing before a query", "/s/* /x/:splat?k=1 301!", "/s", "/x/?k=1"},
		{"nothing in a query", "/s/* /x?p=:splat/ 301!", "/s", "/x?p=/"},
		{"a rest that begins with a slash", "/pre* /all/:splat 301!", "/pre/x", "/all/x"},

		{"the query of the request goes before a fragment", "/p /x#end 301!", "/p?a=b", "/x?a=b#end"},
		{"unless there is one", "/p /x?c=d#end 301!", "/p?a=b", "/x?c=d#end"},
		{"a question in a fragment is none", "/p /x#end? 301!", "/p?a=b", "/x?a=b#end?"},
	} {
		rule, err := ParseRedirect(row.rule)
		if err != nil {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		list := Redirects{rule}
		as := func(w *http.Response, r *http.Request, path string) error { return w.Text("as " + path) }
		httptest.Run(t, httptest.Config{Handler: list.Forced(list.Missing(as), as)}, func(c *httptest.Client) {
			if got := leadsTo(t, c, "site.example", row.path); got != row.to {
				t.Errorf("%s: %s, and %s leads to %q, want %q", row.name, row.rule, row.path, got, row.to)
			}
		})
	}
}

func TestATargetInPlaceIsAPath(t *testing.T) {
	for rule, want := range map[string]string{
		"/a/* /b/:splat?k=1 200!":   "as /b/x y",
		"/a/* /b/:splat#k 200!":     "as /b/x y",
		"/a/* /b/:splat#k?a 200!":   "as /b/x y",
		"/a/:id /b/:id-:id 404!":    "as /b/x y-x y",
		"/a/:id /b?id=:id#:id 200!": "as /b",
	} {
		r, err := ParseRedirect(rule)
		if err != nil {
			t.Error(err)
			continue
		}
		as := func(w *http.Response, r *http.Request, path string) error { return w.Text("as " + path) }
		httptest.Run(t, httptest.Config{Handler: Redirects{r}.Forced(nil, as)}, func(c *httptest.Client) {
			if a := c.Get("/a/x%20y"); a.Body != want {
				t.Errorf("%s: %v, want %q", rule, a, want)
			}
		})
	}
}

func TestATargetThatWouldBeSentAsItIsWrittenIsRefused(t *testing.T) {
	for rule, want := range map[string]string{
		"/a/:id /b/:name":                    "uses :name, which the source does not have",
		"/a/:id /b?id=:name":                 "uses :name, which the source does not have",
		"/a/:id /b?id=:id&n=:name":           "uses :name",
		"/a/:id /b#:name":                    "uses :name",
		"/a /b?p=:splat":                     "uses :splat",
		"/a/:id /b/:i":                       "uses :i,",
		"/a/:id /b/:idx":                     "uses :idx",
		"/a/* https://e.example:splat":       "has a placeholder in its host",
		"/a/* https://e.example:splat/x":     "has a placeholder in its host",
		"/a/:l https://:l.example/":          "has a placeholder in its host",
		"/a/:l https://:l@e.example/":        "has a placeholder in its host",
		"/a https://e.example:port/":         "has a placeholder in its host",
		"/a/* https://[2001:db8::1]:splat/":  "has a placeholder in its host",
		"/a/* /b/$1":                         "has a variable of another server: write :name or :splat, and %24 for a $",
		"/a/* /b/$1/c":                       "has a variable of another server",
		"/a/* https://e.example$request_uri": "has a variable of another server",
		"/a/* https://$host/b":               "has a variable of another server",
		"/a/* /b?q=${args}":                  "has a variable of another server",
		"/a/* /b/*":                          "has a *: write :splat",
		"/a/* /b?p=*":                        "has a *: write :splat",
	} {
		if _, err := ParseRedirect(rule); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", rule, err, want)
		}
	}
}

// FuzzTheValuesOfATargetStayInTheirPlaces asks for any path: its host, the names in its query,
// and the path before its value are the rule's.
func FuzzTheValuesOfATargetStayInTheirPlaces(f *testing.F) {
	for _, seed := range []string{"a", "//e.example/", "a/../../b", "%3Fid=2%26n=3", "%23", "@e.example", "%0d%0aX: b", "%2f%2fe.example", "\\e.example", ":splat", "a//", "%", "ü"} {
		f.Add(seed)
	}
	rule, err := ParseRedirect("/a/* https://site.example/b/:splat?id=:splat&n=1#:splat")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path string) {
		clean, err := http.CleanPath(nil, http.EscapePath(nil, "/a/"+path))
		if err != nil {
			return
		}
		to, ok := rule.match(string(clean))
		if !ok {
			return
		}
		u, err := url.Parse(to)
		if err != nil || u.Scheme != "https" || u.Host != "site.example" || u.User != nil || !strings.HasPrefix(u.Path, "/b/") || strings.ContainsAny(to, "\r\n ") {
			t.Fatalf("%q leads to %q, %v", path, to, err)
		}
		if q, err := url.ParseQuery(u.RawQuery); err != nil || len(q) != 2 || len(q["id"]) != 1 || q.Get("n") != "1" {
			t.Errorf("%q leads to %q: its query is %v, %v", path, to, q, err)
		}
	})
}
