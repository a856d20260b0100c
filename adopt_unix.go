//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package bobbin

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// A socket that listens already comes from a service manager (systemd's socket
// activation, by its number), from another part of the program, or from the process that
// this one follows in an upgrade. Kernel.Listen makes a descriptor of its own for it, and
// leaves the given one to its owner.
//
// An Address with a path besides is a Unix socket that an earlier process of this program
// has opened there: its file is treated as if it had been made here.

// Errors of a descriptor that cannot be listened on.
var (
	errNoSocket     = errors.New("no stream socket")
	errNotListening = errors.New("a socket that does not listen")
)

// adopt returns a descriptor of its own for a socket that listens already, and the address
// that the socket has. Connections inherit from it what they inherit from a socket that
// was made here; an option that it refuses only costs time.
func adopt(at Address, how ListenOptions) (fd int, bound Address, err error) {
	name, err := listensAt(at.FD)
	if err != nil {
		return -1, at, err
	}
	fd, err = unix.FcntlInt(uintptr(at.FD), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return -1, at, failed("duplicate", at.FD, err)
	}
	bound, err = take(fd, name, at, how)
	if err != nil {
		unix.Close(fd)
		return -1, at, err
	}
	return fd, bound, nil
}

// listensAt returns the address of a socket, or an error if it does not listen.
func listensAt(fd int) (unix.Sockaddr, error) {
	kind, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TYPE)
	switch {
	case err == unix.EBADF:
		return nil, fmt.Errorf("descriptor %d is not open", fd)
	case err != nil || kind != unix.SOCK_STREAM:
		return nil, fmt.Errorf("descriptor %d is %w", fd, errNoSocket)
	}
	if on, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ACCEPTCONN); err == nil && on == 0 {
		return nil, fmt.Errorf("descriptor %d is %w", fd, errNotListening)
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return nil, failed("getsockname", fd, err)
	}
	return name, nil
}

// take sets the options of a socket that was adopted, and returns its address.
func take(fd int, name unix.Sockaddr, at Address, how ListenOptions) (Address, error) {
	if err := unix.SetNonblock(fd, true); err != nil {
		return at, failed("set non-blocking", fd, err)
	}
	if path, ok := name.(*unix.SockaddrUnix); ok {
		return takePath(path.Name, at)
	}
	if how.BothFamilies {
		if only, err := unix.GetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY); err == nil && only != 0 {
			return at, ErrNoDualStack
		}
	}
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	_ = keepAlive(fd)
	if how.DeferAccept {
		deferAccept(fd)
	}
	return Address{IP: addrPort(name)}, nil
}

// takePath returns the address of a Unix socket that was adopted. If it is this program's,
// its file gets the permissions that are asked for now.
func takePath(name string, at Address) (bound Address, err error) {
	if at.Path == "" {
		if name == "" {
			name = at.String() // it has none
		}
		return Address{Path: name}, nil
	}
	bound = Address{Path: at.Path, Mode: at.Mode}
	path, err := filepath.Abs(at.Path)
	if err != nil {
		return at, err
	}
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&os.ModeSocket == 0 {
		return bound, nil // an abstract socket of Linux, or a file that was removed
	}
	bound.file = &socketFile{path, info}
	if at.Mode != 0 {
		if err := os.Chmod(path, at.Mode.Perm()); err != nil {
			return at, err
		}
	}
	return bound, nil
}

// Duplicate returns another descriptor for a socket, to be given to another process. It is
// not inherited by itself. The two have one O_NONBLOCK in common, which must not be
// changed.
func Duplicate(fd int) (*os.File, error) {
	other, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, failed("duplicate", fd, err)
	}
	return os.NewFile(uintptr(other), "socket"), nil
}
