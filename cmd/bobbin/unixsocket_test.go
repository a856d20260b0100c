package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	nethttp "net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// overSocket asks the program over its Unix socket.
func overSocket(t *testing.T, path string) {
	t.Helper()
	client := nethttp.Client{Timeout: time.Minute, Transport: &nethttp.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}}
	answer, err := client.Get("http://localhost/bench")
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != 200 {
		t.Errorf("it answers %d", answer.StatusCode)
	}
}

// TestAUnixSocketLeavesNoFile has it with a mode, with several loops, after a crash, and
// in the place of a server that is about to end.
func TestAUnixSocketLeavesNoFile(t *testing.T) {
	t.Parallel()
	for _, loops := range []string{"1", "2"} {
		path := filepath.Join(t.TempDir(), "s")
		is := func(want string) {
			t.Helper()
			info, err := os.Lstat(path)
			switch {
			case err != nil && (want != "" || !errors.Is(err, fs.ErrNotExist)):
				t.Errorf("with --loops %s: %v", loops, err)
			case err == nil && info.Mode().String() != want:
				t.Errorf("with --loops %s its file is %s, want %q", loops, info.Mode(), want)
			}
		}
		p := start(t, "umask 077", "--loops", loops, "-l", "unix:"+path+"?mode=0660")
		if want := "listening unix:" + path + " "; !strings.Contains(p.first, want) {
			t.Errorf("%q is not in %q", want, p.first)
		}
		is("Srw-rw----")
		overSocket(t, path)
		p.signal(syscall.SIGTERM)
		p.ends(exitOK)
		is("")

		p = start(t, "umask 077", "--loops", loops, "-l", "unix:"+path)
		is("Srwx------")
		p.cmd.Process.Kill()
		<-p.over
		is("Srwx------") // a stale one
		p = start(t, "", "--loops", loops, "-l", "unix:"+path+"?mode=0600")
		is("Srw-------")
		code, out, complaint := try([]string{"-l", "unix:" + path}, "", nil)
		if code != exitFailed || out != "" || !strings.Contains(complaint, "another program listens there; end it, or choose another path") {
			t.Errorf("a second server: %d, %q, %q", code, out, complaint)
		}
		is("Srw-------")

		// Another one takes the path, as by a rename, and the first then ends.
		other := filepath.Join(t.TempDir(), "s")
		second := start(t, "", "--loops", loops, "-l", "unix:"+other+"?mode=0622")
		if err := os.Rename(other, path); err != nil {
			t.Fatal(err)
		}
		p.signal(syscall.SIGTERM)
		p.ends(exitOK)
		is("Srw--w--w-")
		overSocket(t, path)
		second.signal(syscall.SIGTERM)
		second.ends(exitOK)
		is("Srw--w--w-") // it is at another path than its own
	}
}

// TestAnAddressThatFailsLeavesNoSocket has one that works before one that is taken.
func TestAnAddressThatFailsLeavesNoSocket(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	path := filepath.Join(t.TempDir(), "s")
	code, _, complaint := try([]string{"-l", "unix:" + path, "-l", taken.Addr().String()}, "", nil)
	if code != exitFailed || !strings.Contains(complaint, "choose another port with --listen") {
		t.Errorf("%d, %q", code, complaint)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file of its socket: %v", err)
	}
}

func TestAPathThatFailsIsExplained(t *testing.T) {
	dir := folder(t, map[string][]byte{"file": nil})
	for _, row := range []struct{ name, path, says string }{
		{"a path that is too long", filepath.Join(dir, strings.Repeat("a", 120)), "; choose a shorter one"},
		{"a folder that is not there", filepath.Join(dir, "missing", "s"), "there is no folder " + filepath.Join(dir, "missing") + "; make it"},
		{"a folder that is none", filepath.Join(dir, "file", "s"), filepath.Join(dir, "file") + " is no folder"},
		{"a file that is no socket", filepath.Join(dir, "file"), "there is a file that is no socket; remove it"},
		{"a folder in its place", dir, "there is a file that is no socket; remove it"},
	} {
		code, out, complaint := try([]string{"-l", "unix:" + row.path}, "", nil)
		if code != exitFailed || out != "" || !strings.Contains(complaint, row.says) || strings.Contains(complaint, "port") || strings.Count(complaint, "\n") != 1 {
			t.Errorf("%s: %d, %q, want %q", row.name, code, complaint, row.says)
		}
	}
	for cause, want := range map[error]string{
		syscall.EACCES: "this user may make no file in /run",
		syscall.EROFS:  "choose a folder that can be written to",
	} {
		if got := explainListen("--listen", "unix:/run/s", fmt.Errorf("cannot listen: %w", cause)).Error(); !strings.Contains(got, want) || strings.Contains(got, "port") {
			t.Errorf("%v: %s", cause, got)
		}
	}
	none := "this machine does not have that address; choose another with --listen"
	if got := explainListen("--listen", "192.0.2.1:80", fmt.Errorf("cannot listen: %w", syscall.EADDRNOTAVAIL)).Error(); !strings.HasSuffix(got, none) {
		t.Errorf("an address of another machine: %s", got)
	}
	for address, want := range map[string]string{":80": "ports below 1024 are privileged; choose another with --listen", ":8080": "cannot listen: permission denied"} {
		if got := explainListen("--listen", address, fmt.Errorf("cannot listen: %w", syscall.EACCES)).Error(); !strings.HasSuffix(got, want) {
			t.Errorf("%s: %s", address, got)
		}
	}
}
