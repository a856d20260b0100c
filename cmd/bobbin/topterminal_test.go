package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// A tmux is a terminal in which a person runs the program.
type tmux struct {
	t      *testing.T
	socket string
}

// openTmux runs a command line of the shell in a terminal. "$bobbin" is the program.
func openTmux(t *testing.T, width, height int, command string, env ...string) *tmux {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		t.Skip("skipped: tmux, which is the terminal, is not here")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	m := &tmux{t, t.TempDir() + "/tmux"}
	t.Cleanup(func() { exec.Command("tmux", "-S", m.socket, "kill-server").Run() })
	cmd := exec.Command("tmux", "-u", "-S", m.socket, "-f", "/dev/null", "new-session", "-d", "-x", fmt.Sprint(width), "-y", fmt.Sprint(height), command)
	cmd.Env = append(os.Environ(), "BOBBIN_TEST_PROGRAM=1", "bobbin="+self, "LC_ALL=C.UTF-8", "NO_COLOR=")
	cmd.Env = append(cmd.Env, env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v, %s", err, out)
	}
	return m
}

func (m *tmux) do(args ...string) string {
	m.t.Helper()
	out, err := exec.Command("tmux", append([]string{"-S", m.socket}, args...)...).CombinedOutput()
	if err != nil {
		m.t.Fatalf("tmux %s: %v, %s", args, err, out)
	}
	return string(out)
}

// until waits until something is so, and fails with what the terminal shows.
func (m *tmux) until(what string, is func() bool) {
	m.t.Helper()
	for tries := 0; !is(); tries++ {
		if tries == 1000 {
			m.t.Fatalf("%s: that is not so; the terminal (%s) shows\n%s", what, m.modes(), m.do("capture-pane", "-p"))
		}
		<-time.After(10 * time.Millisecond)
	}
}

// shows waits until the terminal shows all of it.
func (m *tmux) shows(want ...string) string {
	m.t.Helper()
	screen := ""
	m.until(fmt.Sprintf("%q is shown", want), func() bool {
		screen = m.do("capture-pane", "-p", "-e")
		bare := sgr.ReplaceAllString(screen, "")
		for _, w := range want {
			if !strings.Contains(bare, w) {
				return false
			}
		}
		return true
	})
	return screen
}

// modes are what a program may leave behind: the cursor, the screen, and lines that go on.
func (m *tmux) modes() string {
	return strings.TrimSpace(m.do("display-message", "-p", "cursor #{cursor_flag} other screen #{alternate_on} wrap #{wrap_flag}"))
}

const (
	atRest  = "cursor 1 other screen 0 wrap 1"
	takenUp = "cursor 0 other screen 1 wrap 0"
)

func (m *tmux) press(keys ...string) { m.do(append([]string{"send-keys"}, keys...)...) }

// TestTopInATerminal has a person with a terminal of 80 columns and 24 lines, on light paper.
func TestTopInATerminal(t *testing.T) {
	t.Parallel()
	server := start(t, "")
	m := openTmux(t, 80, 24, `"$bobbin" top `+server.host()+`; echo it ended with $?; cat`)
	m.do("set-option", "-g", "window-style", "fg=black,bg=white")
	screen := m.shows("bobbin top "+server.host(), " live", "% busy, longest callback", "turn    [", "w wait ", "r reap ", "events per wait", "0 connections  i idle 0", "this is you", "\nq quit")
	if m.modes() != takenUp {
		t.Error(m.modes())
	}
	if !onInk.MatchString(screen) || sgr.MatchString(strings.NewReplacer("\x1b[39m", "", "\x1b[0m", "").Replace(onInk.ReplaceAllString(screen, ""))) {
		t.Errorf("something but a blank cell is in a colour, or no cell is: %q", screen)
	}
	m.press("Space")
	m.shows("paused for ", "space go on")
	m.press("Space")
	m.shows(" live", "space pause")
	m.do("resize-window", "-x", "50", "-y", "10")
	m.until("it fits a smaller window", func() bool {
		lines := strings.Split(m.do("capture-pane", "-p"), "\n")
		return len(lines) == 11 && strings.HasPrefix(lines[9], "q quit") && len(lines[0]) == 50 && strings.HasSuffix(lines[0], "live")
	})
	m.press("C-z", "Space") // no shell is here that could continue it, so it stays
	m.shows("paused for ", "space go on")
	if m.modes() != takenUp {
		t.Error(m.modes())
	}
	m.press("q")
	m.shows("it ended with 0")
	if m.modes() != atRest {
		t.Error(m.modes())
	}
}

// TestTopWithoutColours has NO_COLOR: each state is a letter anyway.
func TestTopWithoutColours(t *testing.T) {
	t.Parallel()
	server := start(t, "")
	m := openTmux(t, 100, 30, `"$bobbin" top `+server.host()+`; echo it ended with $?; cat`, "NO_COLOR=1")
	if screen := m.shows("i idle 0", "r reading 0", "h handling 0", "w writing 0", "c closing 0", "this is you"); sgr.MatchString(screen) {
		t.Errorf("%q", screen)
	}
	m.press("C-c")
	m.shows("it ended with 0")
	if m.modes() != atRest {
		t.Error(m.modes())
	}
}

// TestTopInADumbTerminal has one that knows no sequences: a line each second.
func TestTopInADumbTerminal(t *testing.T) {
	t.Parallel()
	server := start(t, "")
	m := openTmux(t, 80, 24, `TERM=dumb "$bobbin" top `+server.host()+`; echo it ended with $?; cat`)
	m.until("there are two lines", func() bool {
		return strings.Count(strings.ReplaceAll(m.do("capture-pane", "-p", "-J"), "\n", " "), "; 0 connections; 0 requests/s; 0 B owed") >= 2
	})
	if m.modes() != atRest {
		t.Error(m.modes())
	}
	m.press("C-c")
	m.shows("it ended with 0")
}

// TestTopGivesTheTerminalBack stops and continues the program as shells do, and ends it as
// systems do.
func TestTopGivesTheTerminalBack(t *testing.T) {
	t.Parallel()
	server := start(t, "")
	m := openTmux(t, 80, 24, `env PS1='$ ' sh -i`)
	m.shows("$")
	m.press(`"$bobbin" top `+server.host(), "Enter")
	m.shows("% busy, longest callback")
	m.press("C-z")
	m.until("the shell has the terminal", func() bool { return m.modes() == atRest && strings.Contains(m.do("capture-pane", "-p"), "topped") })
	m.press("fg", "Enter")
	m.shows("% busy, longest callback", " live")
	if m.modes() != takenUp {
		t.Error(m.modes())
	}
	m.press("C-z")
	m.until("the shell has the terminal again", func() bool { return m.modes() == atRest })
	m.press("kill %1; fg; echo it ended with $?", "Enter")
	m.shows("it ended with 0")
	if m.modes() != atRest {
		t.Error(m.modes())
	}
}

// TestTopGoesOnWithAServerThatWasStartedAnew has one that is stopped and comes back at its
// address.
func TestTopGoesOnWithAServerThatWasStartedAnew(t *testing.T) {
	t.Parallel()
	server := start(t, "")
	m := openTmux(t, 80, 24, `"$bobbin" top `+server.host()+`; echo it ended with $?; cat`)
	m.shows("% busy, longest callback", " live")
	server.signal(syscall.SIGTERM)
	server.ends(exitOK)
	m.shows("reconnecting, last frame ", "% busy, longest callback") // what was known last
	start(t, "", "-l", server.host())
	m.shows("% busy, longest callback", " live")
	m.press("q")
	m.shows("it ended with 0")
}
