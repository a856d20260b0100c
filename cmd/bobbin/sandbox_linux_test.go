package main

import (
	"crypto/tls"
	"fmt"
	"io"
	nethttp "net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	ll "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// needsLandlock skips a test where the kernel has none.
func needsLandlock(t *testing.T) {
	t.Helper()
	if version, err := ll.LandlockGetABIVersion(); err != nil || version < 1 {
		t.Skipf("skipped: this kernel has no landlock (%v)", err)
	}
}

// TestAHandlerInTheSandboxOpensNothingElse has a handler open files of the system, and the
// same without the sandbox.
func TestAHandlerInTheSandboxOpensNothingElse(t *testing.T) {
	t.Parallel()
	needsLandlock(t)
	dir := folder(t, map[string][]byte{"site/a.txt": []byte("hello"), "log/x": nil, "secret": []byte("s")})
	in := func(name string) string { return filepath.Join(dir, name) }
	log := filepath.Join(t.TempDir(), "access.log")
	for _, mode := range []string{"off", "on", "auto"} {
		p := startAs(t, "peeks", "", "--sandbox", mode, "--log", "json="+log, in("site"))
		for _, row := range []struct{ name, path, allowed, denied string }{
			{"a file of the site is read", "peek?" + in("site/a.txt"), "open", "open"},
			{"one beside the site is, because another folder may take its place", "peek?" + in("secret"), "open", "open"},
			{"the list of users is not", "peek?/etc/passwd", "open", "permission denied"},
			{"nor is the root listed", "peek?/", "open", "permission denied"},
			{"nor the home folder of root", "peek?/root", "open", "permission denied"},
			{"a file is not made in the site", "poke?" + in("site/new"), "open", "permission denied"},
			{"one is made where the log is", "poke?" + filepath.Dir(log) + "/new", "open", "open"},
			{"the null device is written", "poke?/dev/null", "open", "open"},
		} {
			want := row.denied
			if mode == "off" {
				want = row.allowed
			}
			if got := p.ask(row.path); !strings.HasPrefix(got, "200 ") || !strings.HasSuffix(got, want) {
				t.Errorf("--sandbox %s: %s: %s, want %s", mode, row.name, got, want)
			}
		}
		os.Remove(in("site/new"))
		if got := p.ask("a.txt"); got != "200 hello" {
			t.Errorf("--sandbox %s: the site is not served: %s", mode, got)
		}
		if got, want := strings.Contains(p.ask("who"), "NoNewPrivs:\t1"), mode != "off"; got != want {
			t.Errorf("--sandbox %s: no new privileges: %v", mode, got)
		}
		p.signal(syscall.SIGTERM)
		p.ends(exitOK)
		says := fmt.Sprintf("sandbox: no file but these can be opened\" read=[%s] write=[%s] sockets=[] run=[", dir, filepath.Dir(log))
		if mode == "off" && p.sandbox != "" || mode != "off" && !strings.Contains(p.sandbox, says) {
			t.Errorf("--sandbox %s says %q, want %q", mode, p.sandbox, says)
		}
	}
}

// TestTheSandboxLeavesWhatAServerDoesForYears replaces each thing that a server opens again,
// as tools replace them.
func TestTheSandboxLeavesWhatAServerDoesForYears(t *testing.T) {
	t.Parallel()
	needsLandlock(t)
	etc, logs := t.TempDir(), t.TempDir()
	srv := folder(t, map[string][]byte{"releases/1/a.txt": []byte("one"), "releases/2/a.txt": []byte("two")})
	current := filepath.Join(srv, "current")
	link := func(release string) {
		t.Helper()
		if err := os.Symlink(filepath.Join("releases", release), current+".new"); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(current+".new", current); err != nil {
			t.Fatal(err)
		}
	}
	link("1")
	made, _ := pair(t, t.TempDir())
	place := func() { // as ACME clients do: a new file under the old name
		t.Helper()
		for from, to := range map[string]string{made.Pair.Cert: "cert.pem", made.Pair.Key: "key.pem"} {
			text, err := os.ReadFile(from)
			if err == nil {
				err = os.WriteFile(filepath.Join(etc, "new"), text, 0o600)
			}
			if err == nil {
				err = os.Rename(filepath.Join(etc, "new"), filepath.Join(etc, to))
			}
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	place()
	log := filepath.Join(logs, "access.log")
	p := start(t, "", "--sandbox", "on", "--log", "common="+log, "--tls-cert", filepath.Join(etc, "cert.pem"), "--tls-key", filepath.Join(etc, "key.pem"), current)
	get := func() string {
		t.Helper()
		client := &nethttp.Client{Transport: &nethttp.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
		answer, err := client.Get(p.url + "a.txt")
		if err != nil {
			t.Fatal(err)
		}
		defer answer.Body.Close()
		text, err := io.ReadAll(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	becomes := func(want string) { // a file in memory is compared with the disk's after a moment
		t.Helper()
		for tries := 0; get() != want; tries++ {
			if tries == 3000 {
				t.Fatalf("the site is not %q but %q; it says %s", want, get(), p.said)
			}
			<-time.After(10 * time.Millisecond)
		}
	}
	becomes("one")
	link("2")
	becomes("two")
	if err := os.MkdirAll(filepath.Join(srv, "releases/3"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(srv, "releases/3/a.txt"), []byte("three"), 0o644); err != nil {
		t.Fatal(err)
	}
	link("3")
	becomes("three") // a release that was made after the start

	made, _ = pair(t, t.TempDir())
	place()
	p.signal(syscall.SIGHUP)
	p.waits("SIGHUP: reloaded", 1)

	if err := os.Rename(log, log+".1"); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGUSR1)
	for written := false; !written; {
		get()
		info, err := os.Stat(log)
		if written = err == nil && info.Size() > 0; !written {
			<-time.After(10 * time.Millisecond)
		}
	}
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
	if strings.Contains(p.said.String(), "permission denied") {
		t.Errorf("it says %s", p.said)
	}
}

// TestAReloadElsewhereIsRefusedInTheSandbox has the configuration file name a folder beside
// the one of the start, which is served, and one elsewhere, which is not.
func TestAReloadElsewhereIsRefusedInTheSandbox(t *testing.T) {
	t.Parallel()
	needsLandlock(t)
	dir := folder(t, map[string][]byte{"one/a.txt": []byte("one"), "two/a.txt": []byte("two")})
	other := folder(t, map[string][]byte{"site/a.txt": []byte("three")})
	config := filepath.Join(t.TempDir(), "bobbin.toml")
	serve := func(path string) {
		t.Helper()
		if err := os.WriteFile(config, fmt.Appendf(nil, "path = %q\n", path), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	serve(dir + "/one")
	p := start(t, "", "--sandbox", "on", "--config", config)
	serve(dir + "/two")
	p.signal(syscall.SIGHUP)
	p.waits("SIGHUP: reloaded", 1)
	if got := p.ask("a.txt"); got != "200 two" {
		t.Errorf("the folder beside the first is %s", got)
	}
	serve(other + "/site")
	p.signal(syscall.SIGHUP)
	p.waits("): the sandbox has the files of the start and those beside them", 1)
	if got := p.ask("a.txt"); got != "200 two" {
		t.Errorf("after a reload that was refused, the folder is %s", got)
	}
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
}

// TestAKernelWithoutLandlockIsNamed: strace has the kernel say that it has none.
func TestAKernelWithoutLandlockIsNamed(t *testing.T) {
	t.Parallel()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("skipped: strace is not installed")
	}
	if text, err := exec.Command(strace, "-D", "-o", "/dev/null", "true").CombinedOutput(); err != nil {
		t.Skipf("skipped: strace may not trace here: %v, %s", err, text)
	}
	without := "exec " + strace + ` -D -f -o /dev/null -e trace=landlock_create_ruleset -e inject=landlock_create_ruleset:error=ENOSYS "$0" "$@"`
	site := folder(t, map[string][]byte{"a.txt": []byte("hello")})
	p := startAs(t, "peeks", without, "--sandbox", "auto", site)
	if got := p.ask("a.txt"); got != "200 hello" {
		t.Errorf("the site is not served: %s", got)
	}
	if want := "no sandbox: this kernel has no landlock, so permissions alone keep the program from other files"; !strings.Contains(p.said.String(), want) {
		t.Errorf("it says %q", p.said)
	}
	if got := p.ask("who"); !strings.Contains(got, "NoNewPrivs:\t1") {
		t.Errorf("what the kernel has is not used: %s", got)
	}
	p.signal(syscall.SIGTERM)
	p.ends(0)

	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", without, self, "-p", "0", "--sandbox", "on", site)
	cmd.Env = append(os.Environ(), "BOBBIN_TEST_PROGRAM=peeks")
	text, err := cmd.CombinedOutput()
	if want := "--sandbox on: this kernel has no landlock, so permissions alone keep the program from other files: choose --sandbox auto to serve without\n"; err == nil || !strings.HasSuffix(string(text), want) {
		t.Errorf("with --sandbox on: %v, %s", err, text)
	}
}
