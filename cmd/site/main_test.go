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
			title  string
		}{
			{"/", 200, "Welcome"},
			{"/about", 200, "About"},
			{"/nothing", 404, "Not found"},
		} {
			if a := c.Get(row.path); a.Status != row.status || !strings.Contains(a.Body, "<h1>"+row.title+"</h1>") {
				t.Errorf("%s: %v", row.path, a)
			}
		}
	})
}
