package behind

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"sync"
	"syscall"

	"github.com/bobbin-http/bobbin"
)

// A kernel is the machine's own, except that its only listening socket is a
// net.Listener that a test has made. So the bytes of a test travel between its client and
// bobbin, and between them there is the socket that the test has opened.
type kernel struct {
	bobbin.Kernel
	addr bobbin.Address

	wake [2]int // a pipe: the loop watches its reading end in place of a listening socket

	mu       sync.Mutex
	accepted []accepted
	closed   bool
}

// accepted is a connection that the loop has not taken yet.
type accepted struct {
	fd   int
	from netip.AddrPort
}

// openKernel returns a kernel whose listener is bound to addr.
func openKernel(addr net.Addr) (*kernel, error) {
	own, err := bobbin.Open()
	if err != nil {
		return nil, err
	}
	k := &kernel{Kernel: own}
	k.addr.IP = netip.MustParseAddrPort("127.0.0.1:1") // of a listener that has no address, in a test
	if addr != nil {
		if at, err := netip.ParseAddrPort(addr.String()); err == nil {
			k.addr.IP = at
		}
	}
	if err := syscall.Pipe(k.wake[:]); err != nil {
		return nil, errors.Join(err, own.Shut())
	}
	for _, fd := range k.wake {
		syscall.CloseOnExec(fd)
		if err := syscall.SetNonblock(fd, true); err != nil {
			return nil, errors.Join(err, own.Shut())
		}
	}
	return k, nil
}

// Listen implements bobbin.Kernel.
func (k *kernel) Listen(bobbin.Address, bobbin.ListenOptions) (int, bobbin.Address, error) {
	return k.wake[0], k.addr, nil
}

// Accept implements bobbin.Kernel.
func (k *kernel) Accept(int) (int, netip.AddrPort, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.accepted) == 0 {
		var drained [64]byte
		for n := len(drained); n == len(drained); {
			n, _ = syscall.Read(k.wake[0], drained[:])
		}
		return 0, netip.AddrPort{}, bobbin.ErrNotNow
	}
	a := k.accepted[0]
	k.accepted = k.accepted[1:]
	return a.fd, a.from, nil
}

// Refuse implements bobbin.Kernel: the socket is the test's.
func (k *kernel) Refuse(int) bool { return false }

// Shut implements bobbin.Kernel.
func (k *kernel) Shut() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, a := range k.accepted {
		syscall.Close(a.fd)
	}
	k.accepted, k.closed = nil, true
	syscall.Close(k.wake[1])
	return k.Kernel.Shut()
}

// add hands a connection to the loop.
func (k *kernel) add(c net.Conn, from netip.AddrPort) error {
	fd, err := descriptor(c)
	if err != nil {
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return syscall.Close(fd)
	}
	k.accepted = append(k.accepted, accepted{fd, from})
	_, err = syscall.Write(k.wake[1], []byte{1})
	if err == syscall.EAGAIN { // there are wakes in it already
		err = nil
	}
	return err
}

// descriptor returns a socket that is the server's side of a connection, and gives the
// connection up. One that is no socket is relayed to a pair of them.
func descriptor(c net.Conn) (int, error) {
	if own, ok := c.(*net.TCPConn); ok {
		raw, err := own.SyscallConn()
		if err != nil {
			return 0, err
		}
		var fd int
		var failed error
		err = raw.Control(func(of uintptr) {
			if fd, failed = syscall.Dup(int(of)); failed == nil {
				syscall.CloseOnExec(fd)
			}
		})
		return fd, errors.Join(err, failed, own.Close())
	}
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return 0, err
	}
	if err := syscall.SetNonblock(pair[0], true); err != nil {
		return 0, err
	}
	go relay(c, end(pair[1]))
	return pair[0], nil
}

// An end is one of a pair of sockets, used by goroutines that wait in the kernel.
type end int

// Read implements io.Reader.
func (e end) Read(p []byte) (int, error) {
	for {
		n, err := syscall.Read(int(e), p)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// Write implements io.Writer.
func (e end) Write(p []byte) (written int, err error) {
	for written < len(p) {
		n, err := syscall.Write(int(e), p[written:])
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return written, err
		}
		written += n
	}
	return written, nil
}

// relay copies both directions between a connection of a test and the pair's end.
func relay(c net.Conn, e end) {
	over := make(chan bool)
	go func() {
		io.Copy(e, c)
		syscall.Shutdown(int(e), syscall.SHUT_WR)
		close(over)
	}()
	io.Copy(c, e)
	c.Close()
	<-over
	syscall.Close(int(e))
}
