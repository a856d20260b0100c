package main

import (
	nethttp "net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestSIGHUPReadsUsersAndRulesAnew changes the files of a server that runs, on two loops.
func TestSIGHUPReadsUsersAndRulesAnew(t *testing.T) {
	t.Parallel()
	const hash = ":$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n" // of U*U
	dir := folder(t, map[string][]byte{"site/index.html": []byte("start"), "site/new.html": []byte("new"), "users": []byte("ali" + hash)})
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p := start(t, "", "--loops", "2", "--netlify", "--auth", filepath.Join(dir, "users"), filepath.Join(dir, "site"))
	client := &nethttp.Client{Transport: &nethttp.Transport{DisableKeepAlives: true}, CheckRedirect: func(*nethttp.Request, []*nethttp.Request) error { return nethttp.ErrUseLastResponse }}
	expect := func(when, user, path string, status int, field string) {
		t.Helper()
		for range 8 { // on both loops
			r, err := nethttp.NewRequest("GET", p.url+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.SetBasicAuth(user, "U*U")
			a, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			a.Body.Close()
			if got := a.Header.Get("X-A") + a.Header.Get("Location"); a.StatusCode != status || got != field {
				t.Errorf("%s, %s as %s is %d %q, want %d %q", when, path, user, a.StatusCode, got, status, field)
				return
			}
		}
	}
	hangUp := func(n int, says ...string) {
		t.Helper()
		p.signal(syscall.SIGHUP)
		for _, text := range says {
			p.waits(text, n)
		}
	}
	expect("at the start", "ali", "", 200, "")
	expect("at the start", "baba", "", 401, "")
	expect("at the start", "ali", "old", 404, "")

	write("users", "baba"+hash)
	write("site/_redirects", "/old /new.html\n/new.html /other 302!\n/a id=:id /b\n")
	write("site/_headers", "/*\n  X-A: b\n")
	hangUp(1, "SIGHUP: users reloaded", "SIGHUP: redirects and headers reloaded", "_redirects:3 is skipped")
	expect("with new users", "baba", "", 200, "b")
	expect("with new users", "ali", "", 401, "")
	expect("with new rules", "baba", "old", 301, "/new.html")
	expect("with new rules", "baba", "new.html", 302, "/other")

	write("users", "no colon\n")
	write("site/_headers", "/*\n  Basic-Auth: a:b\n")
	hangUp(1, "SIGHUP: users not reloaded, the old ones stay in use", "expected NAME:HASH", "SIGHUP: redirects and headers not reloaded, the old ones stay in use")
	expect("with mistakes in the files", "baba", "", 200, "b")
	expect("with mistakes in the files", "baba", "old", 301, "/new.html")

	os.Remove(filepath.Join(dir, "users"))
	write("site/_headers", "")
	write("site/_redirects", "")
	hangUp(2, "SIGHUP: users not reloaded", "SIGHUP: redirects and headers reloaded")
	expect("without the file of users", "baba", "", 200, "")
	expect("without rules", "baba", "old", 404, "")

	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
}

// TestSIGHUPSaysWhyItReadsNothing has no file that could be read.
func TestSIGHUPSaysWhyItReadsNothing(t *testing.T) {
	t.Parallel()
	p := start(t, "", folder(t, map[string][]byte{"a.txt": []byte("a")}))
	p.signal(syscall.SIGHUP)
	p.waits("SIGHUP ignored: there is no file of --auth, --netlify or --tls-cert to read anew", 1)
	if strings.Count(p.said.String(), "SIGHUP") != 1 {
		t.Errorf("it says %q", p.said)
	}
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
}
