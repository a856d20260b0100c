//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package sidebars

import "golang.org/x/sys/unix"

// afterClosing is how many events Dup counts, the careless way: kqueue has numbers on its
// list, where epoll has open sockets.
const afterClosing = 0

// reportsEnd waits for the first event of a socket, and reports whether it tells the end.
func reportsEnd(socket int) (bool, error) {
	list, err := unix.Kqueue()
	if err != nil {
		return false, err
	}
	defer unix.Close(list)
	changes, events := make([]unix.Kevent_t, 1), make([]unix.Kevent_t, 1)
	unix.SetKevent(&changes[0], socket, unix.EVFILT_READ, unix.EV_ADD)
	second := unix.NsecToTimespec(1e9)
	n, err := unix.Kevent(list, changes, events, &second)
	for err == unix.EINTR {
		n, err = unix.Kevent(list, changes, events, &second)
	}
	return n == 1 && events[0].Flags&unix.EV_EOF != 0, err
}
