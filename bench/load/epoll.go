package load

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// A poller waits for some of many sockets. Sockets are known by their index.
type poller struct {
	fd    int
	ready [512]unix.EpollEvent
}

func newPoller() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return &poller{fd: fd}, nil
}

// add registers a socket that is watched for bytes to read.
func (p *poller) add(fd, index int) error {
	return unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(index)})
}

// watch changes whether a socket is watched for room to write, too.
func (p *poller) watch(fd, index int, writing bool) error {
	e := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(index)}
	if writing {
		e.Events |= unix.EPOLLOUT
	}
	return unix.EpollCtl(p.fd, unix.EPOLL_CTL_MOD, fd, &e)
}

// wait returns the sockets that are ready, after some milliseconds at the latest.
func (p *poller) wait(milliseconds int) ([]unix.EpollEvent, error) {
	n, err := unix.EpollWait(p.fd, p.ready[:], milliseconds)
	if err == unix.EINTR {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return p.ready[:n], nil
}

func (p *poller) close() { unix.Close(p.fd) }
