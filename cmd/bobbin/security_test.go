package main

import (
	"bufio"
	nethttp "net/http"
	"strings"
	"syscall"
	"testing"
)

// TestSecurityIsOnEveryAnswer: --security covers the site's error page, listings, redirects
// and refusals, and -H overrides it for files.
func TestSecurityIsOnEveryAnswer(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string][]byte{"index.html": []byte("here"), "404.html": []byte("lost"), "sub/a.txt": []byte("a"), "framed.html": []byte("f")})
	p := start(t, "", "--security", "--listing", "on", "--redirect", "/old /new 301", "-H", "/framed.html: X-Frame-Options: DENY", dir)
	for _, row := range []struct {
		name   string
		ask    string
		status int
		frame  string
	}{
		{"a file", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200, "SAMEORIGIN"},
		{"a file with a rule", "GET /framed.html HTTP/1.1\r\nHost: a\r\n\r\n", 200, "DENY"},
		{"the site's page for an error", "GET /missing HTTP/1.1\r\nHost: a\r\n\r\n", 404, "SAMEORIGIN"},
		{"a listing", "GET /sub/ HTTP/1.1\r\nHost: a\r\n\r\n", 200, "SAMEORIGIN"},
		{"a folder without its slash", "GET /sub HTTP/1.1\r\nHost: a\r\n\r\n", 301, "SAMEORIGIN"},
		{"a rule that redirects", "GET /old HTTP/1.1\r\nHost: a\r\n\r\n", 301, "SAMEORIGIN"},
		{"another method", "DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", 405, "SAMEORIGIN"},
		{"a method that there is not", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501, "SAMEORIGIN"},
		{"another host", "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421, "SAMEORIGIN"},
		{"a request that is malformed", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400, "SAMEORIGIN"},
	} {
		answer, err := nethttp.ReadResponse(bufio.NewReader(strings.NewReader(p.visit(row.ask))), nil)
		if err != nil {
			t.Fatalf("%s: %v", row.name, err)
		}
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Referrer-Policy": "strict-origin-when-cross-origin",
			"X-Frame-Options": row.frame, "Cross-Origin-Opener-Policy": "same-origin",
		} {
			if values := answer.Header.Values(name); answer.StatusCode != row.status || len(values) != 1 || values[0] != want {
				t.Errorf("%s: %d, %s: %q, want %q", row.name, answer.StatusCode, name, values, want)
			}
		}
	}
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
}
