//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package bobbin

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// A socket that listens already comes from a service manager (systemd's socket
// activation, by its number), from a parent process, or from another part of the program.
// Kernel.Listen makes a descriptor of its own for it, and leaves the given one to its owner.

// Errors of a descriptor that cannot be listened on.
var (
	errNoSocket     = errors.New("no stream socket")
	errNotListening = errors.New("a socket that does not listen")
)

// adopt returns a descriptor of its own for a socket that listens already, and the address
// that the socket has. Connections inherit from it what they inherit from a socket that
// was made here; an option that it refuses only costs time.
func adopt(at Address, how ListenOptions) (fd int, bound Address, err error) {
	kind, err := unix.GetsockoptInt(at.FD, unix.SOL_SOCKET, unix.SO_TYPE)
	switch {
	case err == unix.EBADF:
		return -1, at, fmt.Errorf("descriptor %d is not open", at.FD)
	case err != nil || kind != unix.SOCK_STREAM:
		return -1, at, fmt.Errorf("descriptor %d is %w", at.FD, errNoSocket)
	}
	if on, err := unix.GetsockoptInt(at.FD, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err == nil && on == 0 {
		return -1, at, fmt.Errorf("descriptor %d is %w", at.FD, errNotListening)
	}
	name, err := unix.Getsockname(at.FD)
	if err != nil {
		return -1, at, failed("getsockname", at.FD, err)
	}
	fd, err = unix.FcntlInt(uintptr(at.FD), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return -1, at, failed("duplicate", at.FD, err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return -1, at, failed("set non-blocking", fd, err)
	}
	if path, ok := name.(*unix.SockaddrUnix); ok {
		bound.Path = path.Name
		if bound.Path == "" {
			bound.Path = at.String() // it has no name
		}
		return fd, bound, nil
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	_ = keepAlive(fd)
	if how.DeferAccept {
		deferAccept(fd)
	}
	return fd, Address{IP: addrPort(name)}, nil
}
