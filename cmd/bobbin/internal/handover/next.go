package handover

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// A Plan says how the next process is started.
type Plan struct {
	Path string   // of the program
	Args []string // with the name of the program
	Env  []string

	Files   []*os.File // of the listening sockets; closed when the process has begun
	Sockets []Socket   // the same; their FD is filled in
	Keep    []int      // descriptors that it has by the same numbers: those of a service manager
	Secret  []byte     // for the next process alone: not in its environment, which others may read

	Relay io.Writer // gets the lines that it writes to standard error before it is ready
}

// A Next is the next process.
type Next struct {
	PID int

	process *os.Process // its number may be another's once it was waited for, and this knows

	plan  Plan
	talk  *talk
	words *words
	ended chan string // how it has ended, once
	code  atomic.Int32
}

// Start starts the next process.
func Start(p Plan) (*Next, error) {
	for _, fd := range p.Keep {
		if fd < 3 {
			return nil, fmt.Errorf("descriptor %d cannot be handed over", fd)
		}
	}
	ours, theirs, err := pair()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	r, w, err := os.Pipe()
	if err != nil {
		ours.Close()
		return nil, err
	}
	defer w.Close()
	t, err := newTalk(ours)
	if err != nil {
		r.Close()
		return nil, err
	}
	n := &Next{plan: p, talk: t, ended: make(chan string, 1)}
	if err := n.begin(theirs, w); err != nil {
		t.conn.Close()
		r.Close()
		return nil, err
	}
	n.words = listen(r, p.Relay)
	return n, nil
}

// begin makes the process. Its descriptors are 0 to 2, those that are kept, then the others.
func (n *Next) begin(control, stderr *os.File) error {
	p := &n.plan
	l := layout{[]uintptr{0, 1, stderr.Fd()}}
	for _, fd := range p.Keep {
		l.keep(fd)
	}
	at := l.put(control.Fd())
	for i, f := range p.Files {
		p.Sockets[i].FD = l.put(f.Fd())
	}
	real := l.put(2)
	env := slices.DeleteFunc(slices.Clone(p.Env), func(s string) bool { return strings.HasPrefix(s, Variable+"=") })
	env = append(env, fmt.Sprintf("%s=%d:%d", Variable, os.Getpid(), at))
	pid, _, err := syscall.StartProcess(p.Path, p.Args, &syscall.ProcAttr{Env: env, Files: l.files})
	runtime.KeepAlive(control)
	runtime.KeepAlive(stderr)
	for _, f := range p.Files {
		f.Close()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", p.Path, err)
	}
	n.PID = pid
	if n.process, err = os.FindProcess(pid); err != nil {
		return err
	}
	go func() {
		state, err := n.process.Wait() // it is reaped, whenever it ends
		if err != nil {
			n.ended <- err.Error()
		} else {
			n.code.Store(int32(max(state.ExitCode(), 0)))
			n.ended <- state.String()
		}
	}()
	// A program that reads none of it holds up nothing: Ready has a deadline.
	go func() { _ = n.talk.out.Encode(hello{p.Sockets, real, p.Secret}) }()
	return nil
}

// ErrStopped means that this process was stopped while it waited for the next one.
var ErrStopped = errors.New("this process is stopping")

// A Failure is why the next process has not become ready.
type Failure struct {
	Why   string // such as "exit status 1"
	Words string // the last line that it has written, or ""
}

func (f *Failure) Error() string {
	if f.Words == "" {
		return f.Why + ", without a word"
	}
	return f.Why + ": " + f.Words
}

// Ready waits until the next process says that it is ready, and returns the indices of the
// sockets that it has taken. It waits until the time is over, or until stop is closed; then,
// and after every other failure, the process is killed.
func (n *Next) Ready(within time.Duration, stop <-chan struct{}) (taken []int, err error) {
	said := make(chan error, 1)
	var answer ready
	go func() { said <- n.talk.in.Decode(&answer) }()
	timer := time.NewTimer(within)
	defer timer.Stop()
	why := ""
	select {
	case err := <-said:
		if err == nil {
			return n.check(answer.Taken)
		}
		if errors.Is(err, errTooLong) || errors.As(err, new(*json.SyntaxError)) || errors.As(err, new(*json.UnmarshalTypeError)) {
			return nil, n.fail("it did not answer as bobbin does, and was killed")
		}
		why = n.exit("it closed the connection to this process, and was killed")
	case why = <-n.ended:
		n.ended <- why // for exit
	case <-timer.C:
		why = fmt.Sprintf("it was not ready within %v, and was killed", within)
	case <-stop:
		_ = n.fail("")
		return nil, ErrStopped
	}
	return nil, n.fail(why)
}

// check refuses an answer that is none.
func (n *Next) check(taken []int) ([]int, error) {
	for _, i := range taken {
		if i < 0 || i >= len(n.plan.Sockets) {
			return nil, n.fail(fmt.Sprintf("it has taken a socket %d, and %d were given", i, len(n.plan.Sockets)))
		}
	}
	return taken, nil
}

// endsWithin is how long a process has to end that has closed its connection.
const endsWithin = time.Second

// exit returns how the process has ended, or otherwise if it does not.
func (n *Next) exit(otherwise string) string {
	select {
	case how := <-n.ended:
		n.ended <- how
		return how
	case <-time.After(endsWithin):
		return otherwise
	}
}

// fail ends the process, waits for its end, and returns why it is so, with its last words.
func (n *Next) fail(why string) error {
	_ = n.process.Kill() // it may have ended
	n.talk.conn.Close()
	select {
	case <-n.ended:
	case <-time.After(endsWithin): // the kernel has it in a call that cannot be broken off
	}
	return &Failure{why, n.words.end(endsWithin)}
}

// End ends a process that has said that it is ready, and is not wanted any more.
func (n *Next) End() { _ = n.fail("") }

// Give tells the next process that the sockets are its own. After an error it is killed.
func (n *Next) Give() error {
	err := errors.Join(n.talk.until(time.Now().Add(endsWithin)), n.talk.out.Encode(yours{true}))
	if err != nil {
		return n.fail(n.exit("it closed the connection to this process when it was to take over"))
	}
	n.talk.conn.Close()
	return nil
}

// ExitCode returns that of the next process, or 0 if it has none yet.
func (n *Next) ExitCode() int { return int(n.code.Load()) }

// Well is how a process ends that was stopped.
const Well = "exit status 0"

// Ended returns a channel on which it is said how the next process has ended.
func (n *Next) Ended() <-chan string { return n.ended }
