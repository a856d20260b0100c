package main

import (
	"bufio"
	"io"
	nethttp "net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestTheHealthPathIsAnsweredBeforeEverythingElse has a site with a password, a limit of
// rates and a log, and a client that knows no Host of it.
func TestTheHealthPathIsAnsweredBeforeEverythingElse(t *testing.T) {
	t.Parallel()
	dir := folder(t, map[string][]byte{"site/healthz": []byte("a file"), "users": []byte("ali:$2a$04$PHFbAhLLmHQkCVIvPJ1Ote5uMk.HGBmzIpnSgYHPQ5CgHHVYMNh9S\n")})
	log := filepath.Join(dir, "log")
	p := start(t, "", "--health", "/healthz", "--auth", filepath.Join(dir, "users"), "--limit-rate", "1/h", "--log", "common="+log, filepath.Join(dir, "site"))
	for _, row := range []struct{ name, request, status, says string }{
		{"it needs no password", "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", "200 OK", "ready\n"},
		{"and is limited by no rate", "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", "200 OK", "ready\n"},
		{"by any name", "GET /healthz HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n", "200 OK", "ready\n"},
		{"through a proxy", "GET /healthz HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n", "200 OK", "ready\n"},
		{"by HEAD, too", "HEAD /healthz HTTP/1.1\r\nHost: a\r\n\r\n", "200 OK", ""},
		{"with a query", "GET /healthz?a HTTP/1.1\r\nHost: a\r\n\r\n", "200 OK", "ready\n"},
		{"no cache keeps it", "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", "200 OK", "Cache-Control: no-store\r\n"},
		{"nothing is to be sent there", "POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "405 Method Not Allowed", "Allow: GET, HEAD\r\n"},
		{"a path below it is the site's", "GET /healthz/a HTTP/1.1\r\nHost: a\r\n\r\n", "401 Unauthorized", ""},
		{"and the rest of the site has its limit", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "429 Too Many Requests", ""},
	} {
		if answer := p.visit(row.request); !strings.HasPrefix(answer, "HTTP/1.1 "+row.status+"\r\n") || !strings.Contains(answer, row.says) {
			t.Errorf("%s: %q", row.name, answer)
		}
	}
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
	text, err := os.ReadFile(log)
	if s := string(text); err != nil || strings.Contains(s, "/healthz ") || !strings.Contains(s, "/healthz/a ") {
		t.Errorf("the log is %q, %v", text, err)
	}
}

// TestHealthIs503FromTheBeginningOfAStop asks again and again on one connection.
func TestHealthIs503FromTheBeginningOfAStop(t *testing.T) {
	t.Parallel()
	p := start(t, "", "--health", "/healthz", "--limit", "StopGrace=20s", "--limit", "Drain=40s", "-p", "0")
	c := p.dial()
	r := bufio.NewReader(c)
	for asked := 0; ; asked++ {
		say(t, c, "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
		answer, err := nethttp.ReadResponse(r, nil)
		if err != nil {
			t.Fatalf("answer %d: %v", asked, err)
		}
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		if asked == 0 {
			p.signal(syscall.SIGTERM)
			continue
		}
		if answer.StatusCode == 200 && string(text) == "ready\n" {
			continue // the signal is on its way
		}
		if answer.StatusCode != 503 || string(text) != "stopping\n" {
			t.Errorf("it says %d, %q", answer.StatusCode, text)
		}
		break
	}
}
