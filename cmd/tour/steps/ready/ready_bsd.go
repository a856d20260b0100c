//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package ready

import "golang.org/x/sys/unix"

// A Poller is a kqueue: a list of sockets that the kernel keeps for us.
type Poller struct {
	fd     int
	kernel [256]unix.Kevent_t // filled by the kernel
}

// Open makes a poller that watches nothing yet.
func Open() (*Poller, error) {
	fd, err := unix.Kqueue()
	if err == nil {
		unix.CloseOnExec(fd)
	}
	return &Poller{fd: fd}, err
}

// #region watch

// Watch puts a socket on the list. Close takes it off again.
func (p *Poller) Watch(fd int, how Trigger) error {
	changes := make([]unix.Kevent_t, 1, 2)
	unix.SetKevent(&changes[0], fd, unix.EVFILT_READ, unix.EV_ADD)
	if how == Edge {
		changes = changes[:2]
		unix.SetKevent(&changes[0], fd, unix.EVFILT_READ, unix.EV_ADD|unix.EV_CLEAR)
		unix.SetKevent(&changes[1], fd, unix.EVFILT_WRITE, unix.EV_ADD|unix.EV_CLEAR)
	}
	_, err := unix.Kevent(p.fd, changes, nil, nil)
	return err
}

// #endregion

// Wait sleeps until a socket is ready, or for so many milliseconds, -1 being for
// ever. It returns how many events there are: reading and writing are events of
// their own, so a socket may be there twice. A signal may end it early, with none.
func (p *Poller) Wait(events []Event, milliseconds int) (int, error) {
	var timeout *unix.Timespec
	if milliseconds >= 0 {
		t := unix.NsecToTimespec(int64(milliseconds) * 1e6)
		timeout = &t
	}
	n, err := unix.Kevent(p.fd, nil, p.kernel[:min(len(events), len(p.kernel))], timeout)
	if err == unix.EINTR {
		return 0, nil
	}
	for i := range max(n, 0) {
		e := &p.kernel[i]
		ended := e.Flags&unix.EV_EOF != 0
		events[i] = Event{
			FD:       int(e.Ident),
			Readable: ended || int(e.Filter) == unix.EVFILT_READ,
			Writable: ended || int(e.Filter) == unix.EVFILT_WRITE,
		}
	}
	return max(n, 0), err
}
