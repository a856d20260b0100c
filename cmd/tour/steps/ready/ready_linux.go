package ready

import "golang.org/x/sys/unix"

// A Poller is an epoll instance: a list of sockets that the kernel keeps for us.
type Poller struct {
	fd     int
	kernel [256]unix.EpollEvent // filled by the kernel
}

// Open makes a poller that watches nothing yet.
func Open() (*Poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	return &Poller{fd: fd}, err
}

// #region watch

// Watch puts a socket on the list. Close takes it off again.
func (p *Poller) Watch(fd int, how Trigger) error {
	events := uint32(unix.EPOLLIN)
	if how == Edge {
		events = unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET
	}
	return unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: events, Fd: int32(fd)})
}

// #endregion

// Wait sleeps until a socket is ready, or for so many milliseconds, -1 being for
// ever. It returns how many events there are. A signal may end it early, with none.
func (p *Poller) Wait(events []Event, milliseconds int) (int, error) {
	n, err := unix.EpollWait(p.fd, p.kernel[:min(len(events), len(p.kernel))], milliseconds)
	if err == unix.EINTR {
		return 0, nil
	}
	for i := range max(n, 0) {
		e := p.kernel[i]
		broken := e.Events&(unix.EPOLLERR|unix.EPOLLHUP) != 0
		events[i] = Event{
			FD:       int(e.Fd),
			Readable: broken || e.Events&(unix.EPOLLIN|unix.EPOLLRDHUP) != 0,
			Writable: broken || e.Events&unix.EPOLLOUT != 0,
		}
	}
	return max(n, 0), err
}
