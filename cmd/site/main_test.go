package main

import (
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http/httptest"
)

func TestSite(t *testing.T) {
	httptest.Run(t, httptest.Config{Handler: site().Serve}, func(c *httptest.Client) {
		for _, row := range []struct {
			path   string
			status int
			want   string
		}{
			{"/", 200, "<h1>Welcome</h1>"},
			{"/about", 200, "<h1>About</h1>"},
			{"/nothing", 404, "404 Not Found\n"},
		} {
			if a := c.Get(row.path); a.Status != row.status || !strings.Contains(a.Body, row.want) {
				t.Errorf("%s: %v", row.path, a)
			}
		}
	})
}
