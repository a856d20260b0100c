package sidebars

import "golang.org/x/sys/unix"

// afterClosing is how many events Dup counts, the careless way: epoll has open sockets on
// its list, where kqueue has numbers.
const afterClosing = waits

// reportsEnd waits for the first event of a socket, and reports whether it tells the end.
func reportsEnd(socket int) (bool, error) {
	list, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return false, err
	}
	defer unix.Close(list)
	event := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP, Fd: int32(socket)}
	if err := unix.EpollCtl(list, unix.EPOLL_CTL_ADD, socket, &event); err != nil {
		return false, err
	}
	var events [1]unix.EpollEvent
	n, err := unix.EpollWait(list, events[:], 1000)
	for err == unix.EINTR {
		n, err = unix.EpollWait(list, events[:], 1000)
	}
	return n == 1 && events[0].Events&unix.EPOLLRDHUP != 0, err
}
