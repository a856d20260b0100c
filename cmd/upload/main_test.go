package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http/httptest"
)

func TestUpload(t *testing.T) {
	const boundary = "Content-Type: multipart/form-data; boundary=b"
	file := func(name, content string) string {
		return "--b\r\nContent-Disposition: form-data; name=\"files\"; filename=\"" + name + "\"\r\n\r\n" + content + "\r\n"
	}
	folder := t.TempDir()
	httptest.Run(t, httptest.Config{Handler: site(folder).Serve}, func(c *httptest.Client) {
		for _, row := range []struct {
			name   string
			body   string
			status int
			want   string
		}{
			{"files are kept", file("a.txt", "hello") + file("b.txt", "world!") + "--b--\r\n", 200, "a.txt: 5 bytes\nb.txt: 6 bytes\n"},
			{"and not overwritten", file("a.txt", "other") + "--b--\r\n", 409, "already"},
			{"a file has a name", file("..", "other") + "--b--\r\n", 409, "already"},
			{"half a form is none", file("c.txt", "hello"), 400, "malformed"},
		} {
			if a := c.Do("POST", "/", row.body, boundary); a.Status != row.status || !strings.Contains(a.Body, row.want) {
				t.Errorf("%s: %v", row.name, a)
			}
		}
		a := c.Do("POST", "/", file("<b>c", "x")+"--b--\r\n", boundary)
		if typ := a.Header("Content-Type"); typ != "text/plain; charset=utf-8" {
			t.Errorf("a browser may take the name of a file for HTML: %v", a)
		}
		if a := c.Get("/"); a.Status != 200 {
			t.Errorf("%v", a)
		}
	})
	left, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(left) != 3 {
		t.Errorf("left: %v, %v", left, err)
	}
	if p, err := os.ReadFile(filepath.Join(folder, "a.txt")); string(p) != "hello" {
		t.Errorf("%q, %v", p, err)
	}
}
