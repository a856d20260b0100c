package main

import (
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestSystemdPassesASocket has systemd's own program open a socket, start bobbin at the first
// connection, and take its notifications.
func TestSystemdPassesASocket(t *testing.T) {
	t.Parallel()
	activate, err := exec.LookPath("systemd-socket-activate")
	if err != nil {
		t.Skip("systemd-socket-activate is not installed (package systemd)")
	}
	m := newFakeManager(t, filepath.Join(t.TempDir(), "notify"))
	dir := t.TempDir()
	u := &upgradable{file: filepath.Join(dir, "bobbin")}
	u.install(t)
	socket := filepath.Join(dir, "s")
	u.program = &program{t: t, said: &transcript{}, over: make(chan error, 1)}
	u.cmd = exec.Command(activate, "-l", socket, "-E", "NOTIFY_SOCKET="+m.name, u.file)
	u.cmd.Stderr = u.said
	if err := u.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	u.pid = u.cmd.Process.Pid
	go func() { u.over <- u.cmd.Wait() }()
	t.Cleanup(func() { _ = syscall.Kill(u.pid, syscall.SIGKILL) })
	u.waits("Listening on "+socket, 1)
	overSocket(t, socket) // the connection waits for the program
	if got := m.hears(); !strings.HasPrefix(got, "READY=1\nSTATUS=serving unix:"+socket) {
		t.Errorf("systemd hears %q", got)
	}
	u.upgrade()
	if got := m.hears(); !strings.HasPrefix(got, "MAINPID=") {
		t.Errorf("then %q", got)
	}
	m.hears()
	overSocket(t, socket)
	u.signalNewest(syscall.SIGTERM)
	u.ends(exitOK)
	if c, err := net.Dial("unix", socket); err == nil {
		c.Close()
		t.Error("the socket listens without a process")
	}
}
