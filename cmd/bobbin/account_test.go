package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestUsersThatAreNone(t *testing.T) {
	for _, row := range []struct{ user, says string }{
		{"no-such-user", `there is no user "no-such-user" on this machine`},
		{"1234:no-such-group", `there is no group "no-such-group" on this machine`},
		{"root", "this is root, or root's group: name a user with fewer rights"},
		{"0", "this is root"},
		{"1234:0", "this is root"},
		{":1234", "write the name of a user, or USER:GROUP"},
		{"1234:", "write the name of a user, or USER:GROUP"},
	} {
		if a, err := findAccount(row.user); err == nil || !strings.Contains(err.Error(), row.says) {
			t.Errorf("%s is %+v, %v", row.user, a, err)
		}
	}
	a, err := findAccount("4294967:4294968")
	if err != nil || a.uid != 4294967 || a.gid != 4294968 || fmt.Sprint(a.groups) != "[4294968]" {
		t.Errorf("numbers that nothing has are %+v, %v", a, err)
	}
}

// TestOnlyRootBecomesAnother has a process without root's rights ask for another user.
func TestOnlyRootBecomesAnother(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("this is root")
	}
	if _, err := parse([]string{"--user", "4294967"}, func(string) string { return "" }); err == nil || !strings.Contains(err.Error(), "only root can become another user") {
		t.Errorf("it says: %v", err)
	}
}

// asRoot skips a test that cannot become another user.
func asRoot(t *testing.T) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("skipped: only root can become another user")
	}
}

// open lets every user into a folder of the test, and in those above it.
func open(t *testing.T, dir string) string {
	t.Helper()
	for at := dir; len(at) > len(os.TempDir()); at = filepath.Dir(at) {
		if err := os.Chmod(at, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// TestRootIsGoneAfterTheStart has the program bind a port of root's, read a key of root's,
// and serve as another user.
func TestRootIsGoneAfterTheStart(t *testing.T) {
	t.Parallel()
	asRoot(t)
	const user, group = 54321, 54322
	site := open(t, folder(t, map[string][]byte{"a.txt": []byte("hello")}))
	logs := open(t, t.TempDir())
	log := filepath.Join(logs, "access.log")
	socket := filepath.Join(t.TempDir(), "socket")
	p := startAs(t, "peeks", "", "--user", fmt.Sprintf("%d:%d", user, group), "--sandbox", "off", "--log", "common="+log, "-l", "127.0.0.1:0", "--admin", "unix:"+socket, site)
	if got := p.ask("a.txt"); got != "200 hello" {
		t.Errorf("the site is %s", got)
	}
	status := strings.Join(strings.Fields(p.ask("who")), " ")
	for _, want := range []string{"Uid: 54321 54321 54321 54321", "Gid: 54322 54322 54322 54322", "Groups: 54322 "} {
		if !strings.Contains(status, want) {
			t.Errorf("%q is not in %s", want, status)
		}
	}
	// Every thread is the user's: each has a status of its own.
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", p.cmd.Process.Pid))
	if err != nil || len(threads) < 2 {
		t.Fatalf("%d threads, %v", len(threads), err)
	}
	for _, name := range threads {
		text, err := os.ReadFile(name)
		if err != nil {
			continue // it has ended
		}
		if !strings.Contains(string(text), "Uid:\t54321\t54321\t54321\t54321") || !strings.Contains(string(text), "CapEff:\t0000000000000000") {
			t.Errorf("%s:\n%s", name, text)
		}
	}
	info, err := os.Stat(log)
	if err != nil || info.Sys().(*syscall.Stat_t).Uid != user {
		t.Errorf("the log belongs to %+v, %v", info, err)
	}
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
}

// TestAKeyOfRootsIsNamed has a key that root alone can read: it is served, and the log says
// that a reload will not read it.
func TestAKeyOfRootsIsNamed(t *testing.T) {
	t.Parallel()
	asRoot(t)
	dir := open(t, t.TempDir())
	made, _ := pair(t, dir)
	p := start(t, "", "--user", "54321", "--sandbox", "off", "--tls-cert", made.Pair.Cert, "--tls-key", made.Pair.Key)
	p.waits("a file was opened at the start that a reload cannot open", 1)
	p.waits("file="+made.Pair.Key, 1)
	p.signal(syscall.SIGHUP)
	p.waits("SIGHUP: not reloaded, the old configuration stays in use", 1)
	p.signal(syscall.SIGTERM)
	p.ends(exitOK)
}

// TestTheOperatorIsToldOfRoot has the network served as root, with a warning, and as another
// user, without.
func TestTheOperatorIsToldOfRoot(t *testing.T) {
	t.Parallel()
	asRoot(t)
	for _, row := range []struct {
		args  string
		warns bool
	}{
		{"-l 0.0.0.0:0", true},
		{"-l 0.0.0.0:0 --user 54321", false},
		{"-l 127.0.0.1:0", false},
	} {
		p := start(t, "", strings.Fields(row.args)...)
		p.signal(syscall.SIGTERM)
		p.ends(exitOK)
		if got := strings.Contains(p.said.String(), "serves the network as root"); got != row.warns {
			t.Errorf("%q warns of root: %v", row.args, got)
		}
	}
}

// TestMetricsHaveDescriptorsAfterTheStart looks for a figure whose file in procfs is root's
// once the program has become another user.
func TestMetricsHaveDescriptorsAfterTheStart(t *testing.T) {
	t.Parallel()
	asRoot(t)
	p := start(t, "", "--user", "54321", "--admin", "127.0.0.1:0")
	_, text := fetch(t, "http://"+p.admin()+"/-/metrics", "localhost")
	if !strings.Contains(text, "\nprocess_open_fds ") || strings.Contains(text, "\nprocess_open_fds 0\n") {
		t.Errorf("there is no number of descriptors in\n%s", text)
	}
}
