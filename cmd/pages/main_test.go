package main

import (
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http/httptest"
)

func TestPages(t *testing.T) {
	handler, err := site()
	if err != nil {
		t.Fatal(err)
	}
	httptest.Run(t, httptest.Config{Handler: handler}, func(c *httptest.Client) {
		for _, row := range []struct {
			name, path string
			status     int
			kind, want string
		}{
			{"the list links each yarn, escaped", "/", 200, "text/html; charset=utf-8", `<a href="/yarns/Silk%20&amp;%20linen">Silk &amp; linen</a>`},
			{"a link leads to its page", "/yarns/Silk%20&%20linen", 200, "text/html; charset=utf-8", "<h1>Silk &amp; linen</h1>\n<p>It is blue, and 120 metres long."},
			{"a yarn that is not sold has no page", "/yarns/Rope", 404, "text/plain; charset=utf-8", "404"},
			{"the style sheet is in the binary", "/assets/style.css", 200, "text/css; charset=utf-8", "body {"},
			{"so is the picture", "/assets/yarn.svg", 200, "image/svg+xml", "<svg"},
			{"the templates are not served", "/assets/list.tmpl", 404, "text/plain; charset=utf-8", "404"},
		} {
			a := c.Get(row.path)
			if a.Status != row.status || a.Header("Content-Type") != row.kind || !strings.Contains(a.Body, row.want) {
				t.Errorf("%s: %v", row.name, a)
			}
		}
		tag := c.Get("/assets/style.css").Header("ETag")
		if a := c.Get("/assets/style.css", "If-None-Match: "+tag); tag == "" || a.Status != 304 {
			t.Errorf("with the ETag %q: %v", tag, a)
		}
	})
}
