package sidebars

import (
	"golang.org/x/sys/unix"

	"github.com/bobbin-http/bobbin/cmd/tour/steps/ready"
)

// waits is how often is looked for events.
const waits = 100

// Dup closes a socket in which something has come, while a duplicate of it is open, and
// counts the events behind that.
func Dup() (careless, careful int, err error) {
	if careless, err = afterClose(false); err != nil {
		return 0, 0, err
	}
	careful, err = afterClose(true)
	return careless, careful, err
}

// #region dup

func afterClose(careful bool) (events int, err error) {
	poller, socket, _, err := twoReady()
	if err != nil {
		return 0, err
	}
	duplicate, err := unix.Dup(socket) // as a child process has one
	if err != nil {
		return 0, err
	}
	unix.Close(socket)
	if careful {
		unix.Close(duplicate)
	}
	batch := make([]ready.Event, 8)
	for range waits {
		n, err := poller.Wait(batch, 0)
		if err != nil {
			return events, err
		}
		for _, event := range batch[:n] {
			if event.FD == socket {
				events++
			}
		}
	}
	return events, nil
}

// #endregion
