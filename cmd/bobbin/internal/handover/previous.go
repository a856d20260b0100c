package handover

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

// A Previous is the process before, of which this one is the next.
type Previous struct {
	PID     int
	Sockets []Socket
	Secret  []byte

	talk   *talk
	stderr int
}

// helloWithin is how long the process before has to send its first message.
const helloWithin = 10 * time.Second

// Receive reads what the process before has for this one. Value is that of the variable; it
// is taken out of the environment of this process, so that no other inherits it.
func Receive(value string) (*Previous, error) {
	os.Unsetenv(Variable)
	var pid, at int
	if n, err := fmt.Sscanf(value, "%d:%d", &pid, &at); n != 2 || err != nil || pid < 1 || at < 3 {
		return nil, notForUsers(value, "")
	}
	if kind, err := syscall.GetsockoptInt(at, syscall.SOL_SOCKET, syscall.SO_TYPE); err != nil || kind != syscall.SOCK_STREAM {
		return nil, notForUsers(value, fmt.Sprintf(": descriptor %d is no socket", at))
	}
	syscall.CloseOnExec(at)
	t, err := newTalk(os.NewFile(uintptr(at), "the process before"))
	if err != nil {
		return nil, notForUsers(value, ": "+err.Error())
	}
	var h hello
	err = t.until(time.Now().Add(helloWithin))
	if err == nil {
		err = t.in.Decode(&h)
	}
	if err == nil {
		err = t.until(time.Time{})
	}
	if err != nil {
		t.conn.Close()
		return nil, fmt.Errorf("the process before, %d, does not say what it hands over: %w", pid, err)
	}
	p := &Previous{PID: pid, Sockets: h.Sockets, Secret: h.Secret, talk: t, stderr: h.Stderr}
	for _, s := range h.Sockets {
		syscall.CloseOnExec(s.FD)
	}
	syscall.CloseOnExec(p.stderr)
	return p, nil
}

func notForUsers(value, more string) error {
	return fmt.Errorf("the environment variable %s is %q%s: bobbin sets it for itself in an upgrade; unset it", Variable, value, more)
}

// Ready says that this process can serve, with the indices of the sockets that it has taken,
// and waits until they are its own: until the process before says so, or has ended. The
// others are closed. Standard error is that of the process before, from then on.
func (p *Previous) Ready(taken []int) error {
	defer p.talk.conn.Close()
	used := make(map[int]bool)
	for _, i := range taken {
		used[i] = true
	}
	for i, s := range p.Sockets {
		if !used[i] {
			syscall.Close(s.FD)
		}
	}
	if err := replace(p.stderr, 2); err != nil {
		return fmt.Errorf("standard error: %w", err)
	}
	syscall.Close(p.stderr)
	if taken == nil {
		taken = []int{}
	}
	var y yours
	// Without an answer, or after an error, the process before has ended, and all is this
	// one's: had it found that this process is late, it would have killed it.
	if p.talk.out.Encode(ready{taken}) == nil {
		_ = p.talk.in.Decode(&y)
	}
	return nil
}
