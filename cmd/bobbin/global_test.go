package main

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// visit makes one request, and returns the answer as it came.
func (p *program) visit(request string) string {
	p.t.Helper()
	c := p.dial()
	say(p.t, c, strings.Replace(request, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1))
	answer, err := io.ReadAll(c)
	if err != nil {
		p.t.Error(err)
	}
	return string(answer)
}

func TestTheAccessLogIsApachesAndIsReopened(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file, moved := filepath.Join(dir, "access.log"), filepath.Join(dir, "access.log.1")
	p := start(t, "", "--log", "combined="+file)
	p.visit("GET /bench?a HTTP/1.1\r\nHost: a\r\nUser-Agent: a \"b\"\r\nReferer: http://c/\r\n\r\n")
	if err := os.Rename(file, moved); err != nil {
		t.Fatal(err)
	}
	// The line of the first request may be in either file: it is written later.
	p.signal(syscall.SIGUSR1)
	for range 1000 {
		if _, err := os.Stat(file); err == nil {
			break
		}
		<-time.After(10 * time.Millisecond)
	}
	p.visit("GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n")
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
	old, err := os.ReadFile(moved)
	if err != nil {
		t.Fatal(err)
	}
	new, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := `^127\.0\.0\.1 - - \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "GET /bench\?a HTTP/1\.1" 200 13 "http://c/" "a \\"b\\""` + "\n" +
		`127\.0\.0\.1 - - \[.*\] "GET /nothing HTTP/1\.1" 404 \d+ "-" "-"` + "\n$"
	if all := string(old) + string(new); !regexp.MustCompile(want).MatchString(all) {
		t.Errorf("the log is %q", all)
	}
	if !strings.Contains(string(new), "/nothing") {
		t.Error("the new file has not been written to")
	}
}

func TestWhoAsksTooOftenIsToldWhenToComeBack(t *testing.T) {
	t.Parallel()
	p := start(t, "", "--limit-rate", "2/h", "--trust", "127.0.0.1")
	for _, row := range []struct{ who, want string }{
		{"192.0.2.1", "200 OK"}, {"192.0.2.1", "200 OK"}, {"192.0.2.1", "429 Too Many Requests"},
		{"192.0.2.2", "200 OK"}, {"2001:db8::1", "200 OK"}, {"2001:db8::2", "200 OK"}, {"2001:db8::3", "429 Too Many Requests"},
	} {
		answer := p.visit("GET /bench HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: " + row.who + "\r\n\r\n")
		if !strings.HasPrefix(answer, "HTTP/1.1 "+row.want+"\r\n") || strings.Contains(row.want, "429") != strings.Contains(answer, "Retry-After: ") {
			t.Errorf("%s: %q", row.who, answer)
		}
	}
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
}

// TestWhoIsNotTrustedSpeaksForItself has a client that claims to be others.
func TestWhoIsNotTrustedSpeaksForItself(t *testing.T) {
	t.Parallel()
	p := start(t, "", "--limit-rate", "1/h", "--trust", "192.0.2.0/24")
	p.visit("GET /bench HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n")
	if answer := p.visit("GET /bench HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.2\r\n\r\n"); !strings.HasPrefix(answer, "HTTP/1.1 429 ") {
		t.Errorf("%q", answer)
	}
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
}

// TestRefusalsAreSeen has the program refuse before any handler is asked: they are in
// both logs, and use up the rate.
func TestRefusalsAreSeen(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "log")
	p := start(t, "", "--log", "common="+file, "-v", "--limit-rate", "3/h")
	for i, row := range []struct{ request, status string }{
		{"GET / HTTP/1.1\r\n\r\n", "400"}, {"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", "501"}, {"\x16\x03\x01\r\n\r\n", "400"},
		{"GET / HTTP/1.1\r\n\r\n", "429"}, {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "429"},
	} {
		if answer := p.visit(row.request); !strings.HasPrefix(answer, "HTTP/1.1 "+row.status+" ") {
			t.Errorf("%d: %q", i, answer)
		}
	}
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{`] "GET / HTTP/1.1" 400 `, `] "BREW / HTTP/1.1" 501 `, `] "\x16\x03\x01" 400 `, `] "GET / HTTP/1.1" 429 `} {
		if !strings.Contains(string(text), line) {
			t.Errorf("%s is not in the log: %s", line, text)
		}
	}
	for _, line := range []string{`127.0.0.1 refused "GET / HTTP/1.1" 400 `, `127.0.0.1 refused "\x16\x03\x01" 400 `, `127.0.0.1 GET "/" 429 `} {
		if !strings.Contains(p.said.String(), line) {
			t.Errorf("%s is not said: %s", line, p.said)
		}
	}
}
