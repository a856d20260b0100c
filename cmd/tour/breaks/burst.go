package breaks

import (
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Burst stops the server's process for a moment, as a busy machine would. Meanwhile
// eight clients connect and ask for a page.
func Burst(t *Target, patience time.Duration) (Outcome, error) {
	if err := stop(t.Process); err != nil {
		return Outcome{}, fmt.Errorf("stop the server: %w", err)
	}
	clients := t.crowd(newcomers)
	defer hangUp(clients)
	for _, c := range clients {
		if _, err := io.WriteString(c, request); err != nil {
			return Outcome{}, err
		}
	}
	if err := t.Process.Signal(unix.SIGCONT); err != nil {
		return Outcome{}, fmt.Errorf("continue the server: %w", err)
	}
	o := Outcome{Seen: []string{fmt.Sprintf("While the server is stopped for a moment, %d clients connect and ask.", newcomers)}}
	next := make(chan io.Reader, len(clients))
	for _, c := range clients {
		c.SetReadDeadline(time.Now().Add(patience))
		next <- c
	}
	o.Count = count(len(clients), func() int {
		status, _ := readAnswer(<-next)
		return status
	})
	o.Survived = o.Count == newcomers
	o.Result = answered(o.Count, newcomers)
	return o, nil
}

// stop returns when the process, which is a child of this one, has stopped.
func stop(p *os.Process) error {
	if err := p.Signal(unix.SIGSTOP); err != nil {
		return err
	}
	for {
		var status unix.WaitStatus
		if _, err := unix.Wait4(p.Pid, &status, unix.WUNTRACED, nil); err != unix.EINTR {
			return err
		}
	}
}
