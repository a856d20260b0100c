package main

import (
	"io/fs"
	"log/slog"
	nethttp "net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestDrainIsTheLimitByAnotherName has both names in the same place, and in different ones.
func TestDrainIsTheLimitByAnotherName(t *testing.T) {
	for _, row := range []struct {
		name, args, file string
		want             string // the limit, or an error, or what the warning says
	}{
		{"the flag sets it", "--drain 30s", "", "30s"},
		{"without it the default stays", "", "", "0s"},
		{"the file sets it", "", "drain = \"40s\"", "40s"},
		{"the command line goes before the limit in the file", "--drain 30s", "[limit]\nDrain = \"40s\"", "30s"},
		{"and the limit there before the flag in the file", "--limit Drain=50s", "drain = \"40s\"", "--limit Drain from the command line has precedence"},
		{"both on the command line contradict each other", "--drain 30s --limit Drain=50s", "", "--drain and --limit Drain set the same limit: remove one"},
		{"a number without a unit is refused", "--drain 30", "", `--drain "30" is not a duration: write 90s, 5m or 1h`},
		{"a delay may be none", "--drain-delay 0", "", "0s"},
		{"a delay without a unit is refused", "--drain-delay 5", "", `--drain-delay "5" is not a duration: write 5s or 1m`},
		{"nor is one that is negative", "--drain-delay=-5s", "", `--drain-delay "-5s" is not a duration`},
		{"a file for the port needs its folder", "--port-file /no/such/port", "", "--port-file /no/such/port: there is no folder /no/such: make it first"},
		{"and is a file", "--port-file " + os.TempDir(), "", "there is something that is no file: choose another name"},
	} {
		args := strings.Fields(row.args)
		if row.file != "" {
			args = append(args, "-c", filepath.Join(folder(t, map[string][]byte{"c": []byte(row.file)}), "c"))
		}
		o, err := parse(args, func(string) string { return "" })
		got := o.limits.Drain.String() + strings.Join(o.warnings, "")
		if err != nil {
			got = err.Error()
		}
		if !strings.Contains(got, row.want) {
			t.Errorf("%s: %s, and not %s", row.name, got, row.want)
		}
	}
}

// TestAStopIsDelayedForLoadBalancers has health say 503 while requests are served, until a
// second signal.
func TestAStopIsDelayedForLoadBalancers(t *testing.T) {
	t.Parallel()
	p := start(t, "", "--drain-delay", "24h", "--health", "/healthz", "--admin", "127.0.0.1:0")
	_, rest, _ := strings.Cut(p.first, "admin=")
	admin := strings.TrimSpace(rest)
	health := strings.Replace(get, "/bench", "/healthz", 1)
	if answer := p.visit(health); !strings.HasPrefix(answer, "HTTP/1.1 200") {
		t.Errorf("before, health is %q", answer)
	}
	idle := p.dial()
	say(t, idle, get)
	if _, err := idle.Read(make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	p.signal(syscall.SIGTERM)
	p.waits("bobbin: stopping in 24h0m0s, and serving until then, for --drain-delay; a second signal skips that", 1)
	if answer := p.visit(health); !strings.HasPrefix(answer, "HTTP/1.1 503") {
		t.Errorf("health is %q", answer)
	}
	ready, err := nethttp.Get(admin + "-/ready")
	if err != nil {
		t.Fatal(err)
	}
	ready.Body.Close()
	if ready.StatusCode != 503 {
		t.Errorf("/-/ready is %d", ready.StatusCode)
	}
	if answer := p.visit(get); !strings.HasPrefix(answer, "HTTP/1.1 200") {
		t.Errorf("a new connection gets %q", answer)
	}
	say(t, idle, get)
	answer := make([]byte, 1000)
	if n, err := idle.Read(answer); err != nil || strings.Contains(string(answer[:n]), "Connection: close") {
		t.Errorf("one that was open gets %q, %v", answer[:n], err)
	}
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
	if said := p.said.String(); strings.Contains(said, "cut off") {
		t.Errorf("it says %q", said)
	}
	// A delay that ends by itself.
	p = start(t, "", "--drain-delay", "1ms")
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
}

// TestThePortIsInAFile looks at it while the program runs, after an upgrade, and at the end.
func TestThePortIsInAFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "port")
	u := startUpgradable(t, dir, "", "--port-file", file)
	_, port, _ := strings.Cut(strings.TrimSuffix(u.url, "/"), "://localhost:")
	read := func() fs.FileInfo {
		t.Helper()
		text, err := os.ReadFile(file)
		if err != nil || string(text) != port+"\n" {
			t.Errorf("the file has %q, %v; the port is %s", text, err, port)
		}
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != 0o644 {
			t.Fatal(info, err)
		}
		return info
	}
	first := read()
	u.replace("#!/bin/sh\nexit 1\n", 0o755)
	u.signal(syscall.SIGUSR2)
	u.waits("and this one goes on", 1)
	if now := read(); !os.SameFile(first, now) {
		t.Error("an upgrade that failed has written the file")
	}
	u.install(t)
	u.upgrade()
	u.signalNewest(syscall.SIGTERM)
	u.ends(exitOK) // the first is not last
	if list, err := os.ReadDir(dir); err != nil || len(list) != 1 {
		t.Errorf("at the end there are %v, %v", list, err)
	}
	code, _, complaint := try([]string{"-l", "unix:" + filepath.Join(dir, "s"), "--port-file", file, "--admin", "127.0.0.1:0"}, "", nil)
	if code != exitFailed || !strings.Contains(complaint, "only Unix sockets are listened on") {
		t.Errorf("for a Unix socket: %d, %q", code, complaint)
	}
	if list, err := os.ReadDir(dir); err != nil || len(list) != 1 {
		t.Errorf("it has left %v, %v", list, err)
	}
}

// TestABrowserIsOpenedForAPerson has those refused who are none.
func TestABrowserIsOpenedForAPerson(t *testing.T) {
	for _, row := range []struct {
		name     string
		terminal bool
		uid      int
		at       string
		want     string
	}{
		{"a person on a terminal", true, 1000, "localhost:8080", ""},
		{"root", true, 0, "localhost:8080", "--open opens no browser as root"},
		{"a script", false, 1000, "localhost:8080", "standard error is none: leave it out"},
		{"a person whose site has no URL", true, 1000, "unix:/run/s", "a browser opens no Unix socket"},
	} {
		got := ""
		if err := checkOpen(row.terminal, row.uid, row.at); err != nil {
			got = err.Error()
		}
		if (got == "") != (row.want == "") || !strings.Contains(got, row.want) {
			t.Errorf("%s: %q", row.name, got)
		}
	}
	code, _, complaint := try([]string{"--open"}, "", nil)
	if code != exitUsage || !strings.HasPrefix(complaint, "bobbin: --open opens ") {
		t.Errorf("in a test: %d, %q", code, complaint)
	}
}

// TestTheHelperGetsTheURL has a program in its place, and then none.
func TestTheHelperGetsTheURL(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "said")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, opener()), []byte("#!/bin/sh\necho \"$@\" >"+fifo+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	said := &transcript{}
	log := slog.New(slog.NewTextHandler(said, nil))
	openBrowser("http://localhost:1/", log)
	text, err := os.ReadFile(fifo) // waits for the program
	if err != nil || string(text) != "http://localhost:1/\n" {
		t.Errorf("it was started with %q, %v", text, err)
	}
	t.Setenv("PATH", "")
	openBrowser("http://localhost:2/", log)
	for !strings.Contains(said.String(), "open the page yourself\" url=http://localhost:2/") {
		<-time.After(time.Millisecond)
	}
}
