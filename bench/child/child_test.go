package child

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestAChildTakesItsOwnChildrenAlong(t *testing.T) {
	tests := []struct {
		name string
		end  func(cancel func(), c *Child)
	}{
		{"when it is ended", func(_ func(), c *Child) { c.End() }},
		{"when everything is ended", func(func(), *Child) { EndAll() }},
		{"when what it was started for is over", func(cancel func(), c *Child) { cancel(); <-c.Done(); c.End() }},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			noted := filepath.Join(t.TempDir(), "pid")
			c, err := Start(ctx, Command{Args: []string{"sh", "-c", "sleep 60 & echo $! >" + noted + "x; mv " + noted + "x " + noted + "; wait"}, Core: AnyCore})
			if err != nil {
				t.Fatal(err)
			}
			var text []byte
			within(t, func() bool {
				text, err = os.ReadFile(noted)
				return err == nil
			})
			grandchild, err := strconv.Atoi(strings.TrimSpace(string(text)))
			if err != nil {
				t.Fatal(err)
			}
			test.end(cancel, c)
			// It is dead at once; that it is gone takes whoever adopted it.
			within(t, func() bool { return gone(grandchild) })
		})
	}
}

// gone says that a process has ended, waited for or not.
func gone(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return true
	}
	line, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err == nil && strings.Contains(string(line), ") Z ")
}

func within(t *testing.T, ok func() bool) {
	t.Helper()
	for until := time.Now().Add(10 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("it takes too long")
		}
	}
}

func TestAChildThatWillNotEndIsEnded(t *testing.T) {
	ready := filepath.Join(t.TempDir(), "ready")
	c, err := Start(t.Context(), Command{Args: []string{"sh", "-c", "trap '' TERM; : >" + ready + "; while :; do sleep 1; done"}, Core: AnyCore})
	if err != nil {
		t.Fatal(err)
	}
	within(t, func() bool { _, err := os.Stat(ready); return err == nil })
	began := time.Now()
	c.End()
	if took := time.Since(began); took > 3*patience {
		t.Errorf("it took %v", took)
	}
}

func TestADeadChildSaysWhatItDiedOf(t *testing.T) {
	c, err := Start(t.Context(), Command{Args: []string{"sh", "-c", "echo the port is taken >&2; exit 3"}, Core: AnyCore})
	if err != nil {
		t.Fatal(err)
	}
	<-c.Done()
	if err := c.Died(); err == nil || err.Error() != "exit status 3: the port is taken" {
		t.Errorf("it says %v", err)
	}
	c.End()
}

func TestWhatIsNotThereIsNamed(t *testing.T) {
	if _, err := Start(t.Context(), Command{Args: []string{"no-such-program"}, Core: AnyCore}); err == nil || !strings.Contains(err.Error(), "no-such-program") {
		t.Errorf("the error is %v", err)
	}
}

func TestTheTailIsBounded(t *testing.T) {
	var b tail
	for range 1000 {
		b.Write([]byte(strings.Repeat("word ", 100)))
	}
	b.Write([]byte("and the end\n"))
	if len(b.kept) > tailBytes || !strings.HasSuffix(b.line(), "and the end") || len(b.line()) > 310 {
		t.Errorf("%d bytes are kept, and it says %q", len(b.kept), b.line())
	}
}

func TestASignalReachesTheProgramAndItsStatusIsKept(t *testing.T) {
	said, err := os.Create(filepath.Join(t.TempDir(), "said"))
	if err != nil {
		t.Fatal(err)
	}
	defer said.Close()
	c, err := Start(t.Context(), Command{Args: []string{"sh", "-c", "trap 'exit 7' USR1; echo ready >&2; while :; do sleep 0.01; done"}, Core: AnyCore, Stderr: said})
	if err != nil {
		t.Fatal(err)
	}
	defer c.End()
	within(t, func() bool { p, err := os.ReadFile(said.Name()); return err == nil && string(p) == "ready\n" })
	c.Signal(syscall.SIGUSR1) // SIGHUP is ignored below nohup, and a shell keeps that
	<-c.Done()
	if c.ExitCode() != 7 || c.Tail() != "" {
		t.Errorf("status %d, and the tail is %q", c.ExitCode(), c.Tail())
	}
}
