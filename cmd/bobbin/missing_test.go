package main

import (
	"testing"

	"github.com/bobbin-http/bobbin/http/httptest"
)

// TestRulesLeaveTheSitesOwnPages has rules for other paths beside each page that stands in
// for a missing one.
func TestRulesLeaveTheSitesOwnPages(t *testing.T) {
	for _, row := range []struct {
		name string
		args []string
		path string
		want string
	}{
		{"without rules", nil, "/nofile", "lost"},
		{"with a redirect", []string{"--redirect", "/r /b"}, "/nofile", "lost"},
		{"with a rule that has precedence", []string{"--redirect", "/r /b 301!"}, "/nofile", "lost"},
		{"with rules of the site", []string{"--netlify"}, "/nofile", "lost"},
		{"with the application", []string{"--redirect", "/r /b", "--spa=app.html"}, "/nofile", "app"},
		{"with the application, which leaves the rules", []string{"--redirect", "/r /a.txt 200", "--spa=app.html"}, "/r", "a"},
	} {
		dir := folder(t, map[string][]byte{
			"index.html": []byte("start"), "404.html": []byte("lost"), "app.html": []byte("app"), "a.txt": []byte("a"),
			"_redirects": []byte("/old /new\n"),
		})
		s, _ := prepared(t, append(row.args, "--host", "test", dir)...)
		httptest.Run(t, httptest.Config{Handler: s.loops[0].handler}, func(c *httptest.Client) {
			if a := c.Get(row.path, "Accept: text/html"); a.Body != row.want {
				t.Errorf("%s: %s is %v, want %q", row.name, row.path, a, row.want)
			}
		})
	}
}
