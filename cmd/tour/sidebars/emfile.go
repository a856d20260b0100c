package sidebars

import (
	"golang.org/x/sys/unix"

	"github.com/bobbin-http/bobbin/cmd/tour/steps/ready"
)

// NoDescriptor has a client connect when the process has no descriptor left.
func NoDescriptor() (careless, careful int, err error) {
	if careless, err = eventsForOne(false); err != nil {
		return 0, 0, err
	}
	careful, err = eventsForOne(true)
	return careless, careful, err
}

// #region emfile

func eventsForOne(careful bool) (events int, err error) {
	listener, poller, err := oneWaits()
	if err != nil {
		return 0, err
	}
	reserve, err := unix.Dup(listener)
	if err != nil {
		return 0, err
	}
	release, err := takeAllDescriptors()
	if err != nil {
		return 0, err
	}
	defer release()
	batch := make([]ready.Event, 8)
	for range waits {
		n, err := poller.Wait(batch, 0)
		if n == 0 || err != nil {
			return events, err // it would sleep here
		}
		events++
		_, _, err = unix.Accept(listener)
		if err == unix.EMFILE && careful {
			unix.Close(reserve)
			if client, _, err := unix.Accept(listener); err == nil {
				unix.Close(client) // it is told at once
			}
			reserve, _ = unix.Dup(listener)
		}
	}
	return events, nil
}

// #endregion

// oneWaits makes a listener with a client in its queue.
func oneWaits() (listener int, poller *ready.Poller, err error) {
	listener, address, err := listen(false, nil)
	if err != nil {
		return 0, nil, err
	}
	if poller, err = ready.Open(); err != nil {
		return 0, nil, err
	}
	if err = poller.Watch(listener, ready.Level); err != nil {
		return 0, nil, err
	}
	return listener, poller, connect(address)
}

// takeAllDescriptors lowers the limit, and opens as many as there may be.
func takeAllDescriptors() (release func(), err error) {
	var before unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &before); err != nil {
		return nil, err
	}
	low := before
	low.Cur = 100
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &low); err != nil {
		return nil, err
	}
	var taken []int
	for {
		fd, err := unix.Dup(0)
		if err != nil {
			break
		}
		taken = append(taken, fd)
	}
	return func() {
		for _, fd := range taken {
			unix.Close(fd)
		}
		unix.Setrlimit(unix.RLIMIT_NOFILE, &before)
	}, nil
}
