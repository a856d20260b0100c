package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestActivated(t *testing.T) {
	for _, row := range []struct{ name, fds, pid, want string }{
		{"two sockets for this process", "2", "7", "fd:3 fd:4"},
		{"sockets for another process", "2", "8", ""},
		{"none", "", "", ""},
		{"no sockets", "0", "7", ""},
		{"a number that is none is named", "two", "7", `LISTEN_FDS is "two", and has to be the number of sockets that were passed`},
	} {
		env := map[string]string{"LISTEN_FDS": row.fds, "LISTEN_PID": row.pid}
		at, err := activated(func(name string) string { return env[name] }, 7)
		got := strings.Join(at, " ")
		if err != nil {
			got = err.Error()
		}
		if got != row.want {
			t.Errorf("%s: %s", row.name, got)
		}
	}
}

// TestSocketsThatWerePassedGoBeforeAllThatIsNotTyped has one socket, and addresses of each
// origin.
func TestSocketsThatWerePassedGoBeforeAllThatIsNotTyped(t *testing.T) {
	for _, row := range []struct{ args, variable, at, warns string }{
		{"", "", "fd:3", ""},
		{"", "BOBBIN_LISTEN", "fd:3", ""},
		{"-l 127.0.0.1:81", "", "127.0.0.1:81", "the sockets of LISTEN_FDS are not used, because --listen was given"},
		{"-p 82", "", "localhost:82", "because --port was given"},
		{"--public=false", "", "localhost:8080", "because --public was given"},
	} {
		env := map[string]string{"LISTEN_FDS": "1", "LISTEN_PID": fmt.Sprint(os.Getpid()), row.variable: ":80"}
		o, err := parse(strings.Fields(row.args), func(name string) string { return env[name] })
		if err == nil {
			err = o.takeActivation(func(name string) string { return env[name] })
		}
		if err != nil {
			t.Fatal(err)
		}
		warnings := strings.Join(o.warnings, "\n")
		if at := strings.Join(o.at, " "); at != row.at || !strings.Contains(warnings, row.warns) || (warnings == "") != (row.warns == "") {
			t.Errorf("%q, %s: it listens on %s, and warns of %q", row.args, row.variable, at, warnings)
		}
	}
}

// TestBobbinServesASocketThatItIsGiven starts it as a service manager does, after a client
// has connected.
func TestBobbinServesASocketThatItIsGiven(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	file, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(dir+"/a.txt", []byte("hello"), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/bin/sh", "-c", `export LISTEN_PID=$$; exec "$0" "$@"`, self, dir)
	cmd.ExtraFiles = []*os.File{file}
	cmd.Env = append(os.Environ(), "BOBBIN_TEST_PROGRAM=yes", "LISTEN_FDS=1")
	var said strings.Builder
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	answer, err := http.Get("http://" + l.Addr().String() + "/a.txt")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if string(text) != "hello" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	http.DefaultClient.CloseIdleConnections()
	_ = cmd.Process.Signal(os.Interrupt)
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %s", err, said.String())
	}
	if !strings.Contains(said.String(), l.Addr().String()) {
		t.Errorf("it does not say where it listens: %s", said.String())
	}
}

// TestASocketThatWasPassedIsLookedAt has the guard against foreign names treat it as an
// address of its own.
func TestASocketThatWasPassedIsLookedAt(t *testing.T) {
	for at, want := range map[string]bool{"127.0.0.1:0": true, "[::1]:0": true, ":0": false} {
		l, err := net.Listen("tcp", at)
		if err != nil {
			t.Log(err) // without IPv6
			continue
		}
		file, err := l.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		if got := onLoopback([]string{fmt.Sprint("fd:", file.Fd())}); got != want {
			t.Errorf("%s is on loopback only: %v", at, got)
		}
		file.Close()
		l.Close()
	}
}
