//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package bobbin

import (
	"errors"
	"io"
	"net/netip"
	"syscall"

	"golang.org/x/sys/unix"
)

// On these systems a short count has no meaning: a call is repeated until the kernel
// returns EAGAIN.

// Listen implements Kernel.
func (k *kqueue) Listen(at Address, how ListenOptions) (int, Address, error) {
	return listen(at, how)
}

// Accept implements Kernel. Darwin has no accept4, so the flags are set afterwards,
// under the lock that keeps out a fork in between. When there is no descriptor, Darwin
// drops the connection, where Linux leaves it in the queue.
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

// Write implements Kernel. These systems have no flag for more. Darwin returns EPROTOTYPE
// when the peer closes at that moment; like every other error it means that the
// connection is over.
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

// SendFile implements Kernel. The system call returns a count and EAGAIN together, and
// does not change the offset. OpenBSD and NetBSD have no such call.
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

// Cached implements Kernel. These systems report only on mapped memory, and a mapped
// file that another process truncates would end this one.
func (k *kqueue) Cached(File, int64, int) bool { return false }

// Unsent implements Kernel. Each of these systems has another call for it, or none, so
// only the loop's own queue is known.
func (k *kqueue) Unsent(int) int { return 0 }

// LocalAddr implements Kernel.
func (k *kqueue) LocalAddr(fd int) netip.AddrPort { return localAddr(fd) }

// AckNow implements Kernel. There is no such call on these systems.
func (k *kqueue) AckNow(int) {}

// KeepUnsentShort implements Kernel. Darwin has an option for that, but by it the socket is reported
// later and takes as much as ever; the others have none. Their sockets take less than Linux's.
func (k *kqueue) KeepUnsentShort(int) {}

// Shutdown implements Kernel.
func (k *kqueue) Shutdown(fd int) error { return shutdown(fd) }

// Reset implements Kernel.
func (k *kqueue) Reset(fd int) error { return reset(fd) }

// Unwatch implements Kernel. The filters of a descriptor go with it, whatever other
// descriptors its socket has.
func (k *kqueue) Unwatch(int) error { return nil }

// Close implements Kernel. The filters of a descriptor go with it.
func (k *kqueue) Close(fd int) error { return closeSocket(fd) }

// keepAlive has the kernel find peers that have vanished. The options for its times
// have another name on each of these systems, or none, so the system's defaults hold.
func keepAlive(fd int) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1); err != nil {
		return failed("setsockopt SO_KEEPALIVE", fd, err)
	}
	return nil
}

// divides is false: these systems have SO_REUSEPORT, too, but on Darwin, OpenBSD and
// NetBSD one of the sockets gets all connections. FreeBSD and DragonFly could divide
// them, and are treated like the others, so that there is one way.
const divides = false

func share(int) error { return ErrNotShared }

// deferAccept does nothing. Accept filters would be the counterpart, but they need a
// module in the kernel.
func deferAccept(int) {}
