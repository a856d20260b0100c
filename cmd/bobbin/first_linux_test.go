package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// TestProcess1StaysAfterAnUpgrade has the program be process 1 of a namespace, as in a
// container. It is upgraded twice, and stopped; all signals are for process 1.
func TestProcess1StaysAfterAnUpgrade(t *testing.T) {
	t.Parallel()
	unshare := []string{"unshare", "--pid", "--fork", "--kill-child", "--mount-proc"}
	if out, err := exec.Command(unshare[0], append(unshare[1:], "true")...).CombinedOutput(); err != nil {
		t.Skipf("no namespace of processes here: %v, %s", err, bytes.TrimSpace(out))
	}
	u := startUpgradable(t, t.TempDir(), "exec "+strings.Join(unshare, " ")+` "$0" "$@"`)
	var host int // the number of process 1 out here
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", u.pid))
	if err == nil {
		_, err = fmt.Sscan(string(text), &host)
	}
	if err != nil || !strings.Contains(u.first, " pid=1\n") {
		t.Fatalf("%q, %v: %s", text, err, u.first)
	}
	signal := func(s syscall.Signal) {
		t.Helper()
		if err := syscall.Kill(host, s); err != nil {
			t.Fatalf("%v: %s", err, u.said)
		}
	}
	answers := func() {
		t.Helper()
		if answer := u.visit(get); !strings.HasPrefix(answer, "HTTP/1.1 200") {
			t.Errorf("it answers %q", answer)
		}
	}
	signal(syscall.SIGUSR2)
	u.waits("took over from the process before", 1)
	u.waits("this is process 1, and it stays as long as another process serves", 1)
	answers()
	signal(syscall.SIGUSR2)
	u.waits("took over from the process before", 2)
	answers()
	signal(syscall.SIGTERM)
	u.ends(exitOK)
	if said := u.said.String(); strings.Contains(said, "cut off") || strings.Contains(said, "level=ERROR") {
		t.Errorf("it says %s", said)
	}
}

func TestParentOf(t *testing.T) {
	for stat, want := range map[string]int{
		"12 (bobbin) S 7 12 12 0 -1": 7,
		"12 (a) R 8) S 9 12 12":      9,
		"":                           0,
		"12 (bobbin)":                0,
	} {
		if got := parentOf(stat); got != want {
			t.Errorf("%q: %d", stat, got)
		}
	}
}
