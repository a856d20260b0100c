package middleware

import (
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

// leadsTo returns where a path of a host is redirected to.
func leadsTo(t *testing.T, c *httptest.Client, host, path string) string {
	t.Helper()
	conn := c.Dial()
	defer conn.Close()
	if err := conn.Send("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return conn.Answer("GET").Header("location")
}

func TestARedirectAppliesToAHost(t *testing.T) {
	list, err := ParseRedirects(strings.NewReader(`
https://old.example/*      https://new.example/:splat 301!
http://Docs.Example:80     /docs 302!
https://[2001:db8::1]/a    /b 301!
https://b.example/only     /other
/everywhere                /there 301!
`))
	if err != nil {
		t.Fatal(err)
	}
	as := func(w *http.Response, r *http.Request, path string) error { return w.Text("as " + path) }
	httptest.Run(t, httptest.Config{Handler: list.Forced(list.Missing(as), as)}, func(c *httptest.Client) {
		for _, row := range []struct{ host, path, to string }{
			{"old.example", "/x/y", "https://new.example/x/y"},
			{"OLD.example:8080", "/", "https://new.example/"},
			{"old.example.", "/x", "https://new.example/x"},
			{"old.example.evil", "/x", ""},
			{"new.example", "/x", ""},
			{"docs.example", "/", "/docs"},
			{"docs.example", "/x", ""},
			{"[2001:db8::1]:80", "/a", "/b"},
			{"[2001:db8::2]:80", "/a", ""},
			{"b.example", "/only", "/other"},
			{"a.example", "/only", ""},
			{"a.example", "/everywhere", "/there"},
		} {
			if got := leadsTo(t, c, row.host, row.path); got != row.to {
				t.Errorf("%s%s leads to %q, want %q", row.host, row.path, got, row.to)
			}
		}
	})
}

// TestOnlyARuleWithPrecedenceIsBeforeFiles has a site where each path is a file but for
// those that begin with /none.
func TestOnlyARuleWithPrecedenceIsBeforeFiles(t *testing.T) {
	list, err := ParseRedirects(strings.NewReader("/a /b\n/secret /b 302!\n/none/a /c\n/none/b /d 302!\n/none/* /e\n"))
	if err != nil {
		t.Fatal(err)
	}
	as := func(w *http.Response, r *http.Request, path string) error { return w.Text("as " + path) }
	missing := list.Missing(as)
	files := func(w *http.Response, r *http.Request) error {
		if strings.HasPrefix(r.Path(), "/none") {
			return missing(w, r)
		}
		return w.Text("a file")
	}
	httptest.Run(t, httptest.Config{Handler: list.Forced(files, as)}, func(c *httptest.Client) {
		for path, want := range map[string]string{"/a": "", "/secret": "/b", "/none/a": "/c", "/none/b": "/d", "/none/c": "/e"} {
			if got := leadsTo(t, c, "a.example", path); got != want {
				t.Errorf("%s leads to %q, want %q", path, got, want)
			}
		}
	})
}

func TestARedirectDoesNotLeadToItself(t *testing.T) {
	for _, row := range []struct {
		rule string
		path string
		to   string // "" if it does not apply
	}{
		{"/* /docs/notes 301!", "/x", "/docs/notes"},
		{"/* /docs/notes 301!", "/docs/notes", ""},
		{"/* /docs/notes#end 301!", "/docs/notes", ""},
		{"/* /docs/notes?a=b 301!", "/docs/notes", ""},
		{"/* /:splat 301!", "/a%20b", ""},
		{"/a /a/ 301!", "/a", "/a/"},
		{"/go/* /:splat//evil.example 301!", "/go/", "/evil.example"},
		{"/go/* /:splat 301!", "/go//evil.example", "/evil.example"},
		{"/:page /pages/:page 301!", "/a", "/pages/a"},
		{"/:page /pages/:page 301!", "/", ""},
		{"/a /a/ 301!", "/a/", ""},
		{"http://site.example/* https://site.example/:splat 301!", "/x", ""},
		{"/* https://site.example/:splat 301!", "/x", ""},
		{"/* https://site.example:8443/:splat 301!", "/x", "https://site.example:8443/x"},
		{"/* https://www.site.example/:splat 301!", "/x", "https://www.site.example/x"},
		{"/pre* /all/:splat 301!", "/prefix/a", "/all/fix/a"},
		{"/pre* /all/:splat 301!", "/pre", "/all/"},
		{"/a/pre* /all/:splat 301!", "/a/pre-b", "/all/-b"},
		{"/a/pre* /all/:splat 301!", "/a/b", ""},
		{"/a/pre* /all/:splat 301!", "/a", ""},
		{"/a /b/é 301!", "/a?q=ü", "/b/%C3%A9?q=%C3%BC"},
		{"/é/* /b/:splat 301!", "/é/ü\xff", "/b/%C3%BC%FF"},
		{"/é /%C3%A9 301!", "/é", ""},
	} {
		list, err := ParseRedirects(strings.NewReader(row.rule))
		if err != nil {
			t.Errorf("%s: %v", row.rule, err)
			continue
		}
		as := func(w *http.Response, r *http.Request, path string) error { return w.Text("as " + path) }
		httptest.Run(t, httptest.Config{Handler: list.Forced(list.Missing(as), as)}, func(c *httptest.Client) {
			if got := leadsTo(t, c, "site.example", row.path); got != row.to {
				t.Errorf("%s: %s leads to %q, want %q", row.rule, row.path, got, row.to)
			}
		})
	}
}

// TestARuleTellsWhereItGoesBeforeFiles asks without a request.
func TestARuleTellsWhereItGoesBeforeFiles(t *testing.T) {
	list, err := ParseRedirects(strings.NewReader("/a/* /login 404!\n/b /c 301\n/d /d 301!\nhttps://old.example/e /f 301!\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name, host, path string
		want             bool
	}{
		{"a path of the rule", "x", "/a/b", true},
		{"its folder", "x", "/a/", true},
		{"another path", "x", "/ab", false},
		{"a rule behind files", "x", "/b", false},
		{"a rule that leads to its own path", "x", "/d", false},
		{"a rule for the host", "OLD.example:80", "/e", true},
		{"a rule for another host", "x", "/e", false},
	} {
		if got := list.For(row.host, row.path, true) != nil; got != row.want {
			t.Errorf("%s: %v", row.name, got)
		}
	}
}
