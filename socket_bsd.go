//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package bobbin

import (
	"errors"
	"io"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// A count below what was asked says nothing here: calls are repeated until the
// kernel answers EAGAIN.

// Listen implements Kernel.
func (k *kqueue) Listen(at Address, how ListenOptions) (int, Address, error) {
	return listen(at, how)
}

// Accept implements Kernel. Darwin has no accept4, so that the flags are set
// afterwards, with the lock that keeps a fork from coming between. When
// descriptors run out, Darwin drops the connection that it would have handed
// over, where Linux leaves it in the queue.
func (k *kqueue) Accept(listener int) (int, netip.AddrPort, error) {
	var last error
	for range acceptTries {
		syscall.ForkLock.RLock()
		fd, sa, err := unix.Accept(listener)
		if err == nil {
			unix.CloseOnExec(fd)
		}
		syscall.ForkLock.RUnlock()
		if err == nil {
			if err := unix.SetNonblock(fd, true); err != nil {
				unix.Close(fd)
				return -1, netip.AddrPort{}, failed("set non-blocking", fd, err)
			}
			return fd, addrPort(sa), nil
		}
		var again bool
		if again, last = acceptFailed(listener, err); !again {
			break
		}
	}
	return -1, netip.AddrPort{}, last
}

// Refuse implements Kernel. None of these systems has a way to keep a listening
// socket from taking more.
func (k *kqueue) Refuse(int) bool { return false }

// Handshaking implements Kernel.
func (k *kqueue) Handshaking(int) bool { return false }

// Read implements Kernel.
func (k *kqueue) Read(fd int, p []byte) (int, error) {
	for {
		n, err := unix.Read(fd, p)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return 0, ErrNotNow
		case err != nil:
			return 0, failed("read", fd, err)
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		}
		return n, nil
	}
}

// Write implements Kernel. There is no flag here to say that more follows.
// Darwin answers EPROTOTYPE when the peer closes just then; like every other
// error it means that this connection is over.
func (k *kqueue) Write(fd int, p []byte, more bool) (int, error) {
	for {
		n, err := unix.Write(fd, p)
		switch {
		case err == unix.EINTR:
			continue
		case err == unix.EAGAIN:
			return 0, ErrNotNow
		case err != nil:
			return 0, failed("write", fd, err)
		}
		return n, nil
	}
}

// Writev implements Kernel piece by piece: x/sys has writev on two of these
// systems only.
func (k *kqueue) Writev(fd int, pieces [][]byte, more bool) (int, error) {
	total := 0
	for i, p := range pieces {
		n, err := k.Write(fd, p, more || i < len(pieces)-1)
		total += n
		if err != nil || n < len(p) {
			return total, err
		}
	}
	return total, nil
}

// SendFile implements Kernel. The call answers a count and EAGAIN together, and
// leaves the offset alone. OpenBSD and NetBSD have no such call.
func (k *kqueue) SendFile(fd int, f File, offset int64, n int) (int, error) {
	at := offset
	sent, err := unix.Sendfile(fd, int(f.Fd()), &at, n)
	for sent == 0 && err == unix.EINTR {
		sent, err = unix.Sendfile(fd, int(f.Fd()), &at, n)
	}
	switch {
	case sent > 0 && (err == unix.EINTR || err == nil):
		return sent, nil
	case err == unix.EAGAIN:
		return sent, ErrNotNow
	case errors.Is(err, unix.ENOSYS), errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOTSUP), errors.Is(err, unix.EINVAL):
		return copyFile(k, fd, f, offset, n)
	case err != nil:
		return sent, failed("sendfile", fd, err)
	case n == 0:
		return 0, nil
	}
	return 0, io.ErrUnexpectedEOF // no bytes and no error: the file ends here
}

// Cached implements Kernel. These systems tell only about memory that is mapped,
// and mapping a file that somebody cuts short would end the process.
func (k *kqueue) Cached(File, int64, int) bool { return false }

// Unsent implements Kernel. Each of these systems has another name for it, or
// none: what the socket has not taken must do.
func (k *kqueue) Unsent(int) int { return 0 }

// AckNow implements Kernel. There is no such call on these systems.
func (k *kqueue) AckNow(int) {}

// Shutdown implements Kernel.
func (k *kqueue) Shutdown(fd int) error { return shutdown(fd) }

// Reset implements Kernel.
func (k *kqueue) Reset(fd int) error { return reset(fd) }

// Close implements Kernel. The knotes of a descriptor go with it.
func (k *kqueue) Close(fd int) error { return closeSocket(fd) }

// keepAlive finds peers that are gone without a word. The times have other
// names on each of these systems, or none, so that the system's own serve.
func keepAlive(fd int) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1); err != nil {
		return failed("setsockopt SO_KEEPALIVE", fd, err)
	}
	return nil
}

// divides is false: there is SO_REUSEPORT, too, but on Darwin, OpenBSD and NetBSD
// one of the sockets gets all connections. FreeBSD and DragonFly could divide them,
// and are treated alike, so that there is one way on these systems.
const divides = false

func share(int) error { return ErrNotShared }

// deferAccept has no counterpart here but accept filters, which need a module
// in the kernel.
func deferAccept(int) {}
