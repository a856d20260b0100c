package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// tour is the command "bobbin tour" of the program.
func tour(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, append([]string{"tour"}, args...)...)
	cmd.Env = append(os.Environ(), "BOBBIN_TEST_PROGRAM=1")
	return cmd
}

// TestTheProgramHasTheTour runs a step by the program itself, which has the files of all
// steps in it.
func TestTheProgramHasTheTour(t *testing.T) {
	t.Parallel()
	cmd := tour(t, "1")
	cmd.Dir = t.TempDir() // no repository is near
	out, err := cmd.CombinedOutput()
	for _, want := range []string{"0 of 8 clients were answered.", "unix.Read(client, request)", "8 of 8 clients were answered.", "bobbin tour diff 1 2"} {
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%q is not there, %v: %s", want, err, out)
		}
	}
}

// TestTheTourInATerminal has a person in a terminal of 80 columns that knows no escape
// sequences.
func TestTheTourInATerminal(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("tmux, which is the terminal, is not here")
	}
	socket := t.TempDir() + "/tmux"
	tmux := func(args ...string) string {
		out, err := exec.Command("tmux", append([]string{"-S", socket}, args...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("tmux %s: %v, %s", args, err, out)
		}
		return string(out)
	}
	cmd := tour(t, "1")
	tmux("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "60",
		fmt.Sprintf("TERM=dumb NO_COLOR=1 BOBBIN_TEST_PROGRAM=1 '%s' tour 1; echo it ended with $?; cat", cmd.Path))
	t.Cleanup(func() { exec.Command("tmux", "-S", socket, "kill-server").Run() })
	shows := func(want string) {
		t.Helper()
		for tries := 0; !strings.Contains(tmux("capture-pane", "-p"), want); tries++ {
			if tries == 3000 {
				t.Fatalf("%q is not shown: %s", want, tmux("capture-pane", "-p"))
			}
			<-time.After(10 * time.Millisecond)
		}
	}
	shows("Your guess, a, b or c (Enter for none, q to stop):")
	tmux("send-keys", "a", "Enter")
	shows("It breaks. The answer is not a, but c) none.")
	shows("Enter for step 2, q to stop:")
	tmux("send-keys", "q", "Enter")
	shows("it ended with 0")
}
