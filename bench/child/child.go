// Package child starts other programs, and ends each of them before this one:
// servers, load generators, and measuring tools. Each runs in a process group of its
// own. So Ctrl-C in a terminal reaches only this program, which ends the others in
// order; and the children of a child end with it.
package child

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// patience is the time from SIGTERM to SIGKILL.
const patience = 2 * time.Second

// AnyCore lets the system choose the core of a child.
const AnyCore = -1

// A Command is a program to start.
type Command struct {
	Args   []string
	Dir    string
	Env    []string  // added to this program's environment
	Core   int       // the only core it may run on, or AnyCore
	Stdin  *os.File  // a file, so that the end of the child does not wait for its writer
	Stdout io.Writer // nil: together with its errors, see Tail
	Stderr io.Writer // nil: its end is kept, see Tail
}

// A Child is a started program.
type Child struct {
	command *exec.Cmd
	words   tail
	done    chan struct{}
	err     error // set before done is closed
	once    sync.Once
}

// alive has every child that was started and not ended. It is global because a
// forgotten process must be found from anywhere.
var alive struct {
	sync.Mutex
	children map[*Child]bool
}

// Start starts c, and ends it when ctx is done.
func Start(ctx context.Context, c Command) (*Child, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	args := pinned(c.Args, c.Core)
	child := &Child{command: exec.Command(args[0], args[1:]...), done: make(chan struct{})}
	child.command.Dir = c.Dir
	child.command.Env = append(os.Environ(), c.Env...)
	if c.Stdin != nil {
		child.command.Stdin = c.Stdin
	}
	child.command.Stdout = c.Stdout
	child.command.Stderr = c.Stderr
	if c.Stderr == nil {
		child.command.Stderr = &child.words
	}
	if c.Stdout == nil {
		child.command.Stdout = &child.words
	}
	child.command.SysProcAttr = apart()
	// The children of a child may keep its output open after its end.
	child.command.WaitDelay = patience
	if err := child.command.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Args[0], err)
	}

	alive.Lock()
	if alive.children == nil {
		alive.children = make(map[*Child]bool)
	}
	alive.children[child] = true
	alive.Unlock()

	go func() {
		child.err = child.command.Wait()
		close(child.done)
	}()
	go func() {
		select {
		case <-ctx.Done():
			child.End()
		case <-child.done:
		}
	}()
	return child, nil
}

// pinned binds args to one core, where taskset exists.
func pinned(args []string, core int) []string {
	if core == AnyCore || !CanPin() {
		return args
	}
	return append([]string{"taskset", "-c", strconv.Itoa(core)}, args...)
}

// CanPin reports whether children can be bound to a core.
var CanPin = sync.OnceValue(func() bool {
	_, err := exec.LookPath("taskset")
	return err == nil
})

// PID is the process ID of the program itself: taskset becomes the program that it
// starts.
func (c *Child) PID() int { return c.command.Process.Pid }

// Done is closed when the program has ended.
func (c *Child) Done() <-chan struct{} { return c.done }

// Died returns how the program ended, or nil while it runs.
func (c *Child) Died() error {
	select {
	case <-c.done:
	default:
		return nil
	}
	how := "it ended early"
	if c.err != nil {
		how = c.err.Error()
	}
	if words := c.Tail(); words != "" {
		how += ": " + words
	}
	return errors.New(how)
}

// Wait waits for the end of the program, and returns its error.
func (c *Child) Wait() error {
	<-c.done
	c.End() // for children that it left behind
	if c.err != nil {
		return c.Died()
	}
	return nil
}

// Interrupt sends SIGINT, as Ctrl-C does: perf and strace then print their counts.
func (c *Child) Interrupt() { c.command.Process.Signal(syscall.SIGINT) }

// Signal sends a signal to the program, but not to its children.
func (c *Child) Signal(s os.Signal) { c.command.Process.Signal(s) }

// ExitCode is the exit code of the program, or -1 after a signal. It may be called
// when Done is closed.
func (c *Child) ExitCode() int { return c.command.ProcessState.ExitCode() }

// Tail is the end of the program's output, in one line.
func (c *Child) Tail() string { return c.words.line() }

// End ends the program and all its children, first by SIGTERM. It may be called more
// than once.
func (c *Child) End() {
	c.once.Do(func() {
		group := -c.PID()
		syscall.Kill(group, syscall.SIGTERM)
		select {
		case <-c.done:
		case <-time.After(patience):
		}
		syscall.Kill(group, syscall.SIGKILL)
		alive.Lock()
		delete(alive.children, c)
		alive.Unlock()
	})
	<-c.done
}

// EndAll ends every child that has not been ended.
func EndAll() {
	alive.Lock()
	var all []*Child
	for c := range alive.children {
		all = append(all, c)
	}
	alive.Unlock()
	var ends sync.WaitGroup
	for _, c := range all {
		ends.Go(c.End)
	}
	ends.Wait()
}

// Output runs a program to its end and returns its output.
func Output(ctx context.Context, c Command) (string, error) {
	var out bytes.Buffer
	c.Stdout = &out
	child, err := Start(ctx, c)
	if err != nil {
		return "", err
	}
	if err := child.Wait(); err != nil {
		if ctx.Err() != nil {
			return "", ctx.Err()
		}
		return out.String(), fmt.Errorf("%s: %w", c.Args[0], err)
	}
	return out.String(), nil
}

// tail keeps the end of the bytes written to it.
type tail struct {
	mu   sync.Mutex
	kept []byte
}

const tailBytes = 4 << 10

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept = append(t.kept, p...)
	if extra := len(t.kept) - tailBytes; extra > 0 {
		t.kept = append(t.kept[:0], t.kept[extra:]...)
	}
	return len(p), nil
}

// line returns the last line that is not empty, shortened.
func (t *tail) line() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	const most = 300
	s := strings.Join(strings.Fields(string(t.kept)), " ")
	if len(s) > most {
		s = "…" + strings.ToValidUTF8(s[len(s)-most:], "")
	}
	return s
}
