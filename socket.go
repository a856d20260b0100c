//go:build linux || darwin || dragonfly || freebsd || netbsd || openbsd

package bobbin

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// The part that is the same on all Unix kernels: listening, the classes of their
// errors, and copying a file where the kernel cannot send one by itself.

// backlog is how many connections may wait to be accepted by default.
const backlog = 4096

// copyChunk is how much of a file is copied at a time where the kernel cannot
// send it by itself.
const copyChunk = 64 << 10

// clock is the part of each kernel that reads the time.
type clock struct{ opened time.Time }

// Now implements Kernel.
func (*clock) Now() time.Time { return time.Now() }

// Monotonic implements Kernel.
func (c *clock) Monotonic() time.Duration { return time.Since(c.opened) }

// The states of a loop's sleep. Wake makes each of them called, and has to end the
// sleep only if it was asleep. The end of Wait makes each of them awake.
const (
	awake  uint32 = iota // the loop runs, and looks again before it sleeps
	asleep               // the loop sleeps, or is about to
	called               // the next Wait must not sleep
)

// Descriptors returns how many descriptors the process may hold. The Go runtime has
// raised the soft limit to the hard one before main begins.
func Descriptors() int {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		return 256 // the default on macOS, the smallest in use
	}
	return int(min(uint64(r.Cur), 1<<30))
}

// failed adds the call and its descriptor to an error.
func failed(call string, fd int, err error) error {
	return fmt.Errorf("bobbin: %s on %d: %w", call, fd, err)
}

// acceptFailed sorts an error of accept into its class. again means that only this
// connection is gone, and the next may be there: Linux returns errors of the
// connection itself from accept (accept(2), "Error handling"), and a firewall's
// refusal as EPERM.
func acceptFailed(fd int, err error) (again bool, _ error) {
	switch err {
	case unix.EAGAIN:
		return false, ErrNotNow
	case unix.EINTR, unix.ECONNABORTED, unix.ECONNRESET, unix.EPROTO, unix.EPERM,
		unix.ENETDOWN, unix.ENOPROTOOPT, unix.EHOSTDOWN, unix.EHOSTUNREACH,
		unix.EOPNOTSUPP, unix.ENETUNREACH, unix.ETIMEDOUT:
		return true, failed("accept", fd, err)
	case unix.EMFILE, unix.ENFILE, unix.ENOBUFS, unix.ENOMEM:
		return false, fmt.Errorf("%w (%w)", ErrExhausted, err)
	}
	return false, failed("accept", fd, err)
}

// acceptTries bounds how many dead connections one call of Accept skips.
const acceptTries = 64

// listen binds and listens. It runs once for each listener, so it may take the portable
// way: the flags are set after the socket is made, under the lock that keeps out a fork
// in between.
func listen(at Address, how ListenOptions) (fd int, bound Address, err error) {
	if how.ReusePort == ReusePortNext && (at.Path != "" || at.FD != 0 || !divides) {
		return -1, at, ErrNotShared
	}
	if at.FD != 0 {
		return adopt(at, how)
	}
	if at.Path != "" {
		return listenUnix(at, how)
	}
	family := unix.AF_INET6
	if at.IP.Addr().Is4() {
		family = unix.AF_INET
	}
	fd, err = socket(family)
	if err != nil {
		return -1, at, err
	}
	bound, err = bindInternet(fd, at, how)
	if err != nil {
		unix.Close(fd)
		return -1, at, err
	}
	return fd, bound, nil
}

// socket makes a stream socket that does not block and is not inherited.
func socket(family int) (int, error) {
	syscall.ForkLock.RLock()
	fd, err := unix.Socket(family, unix.SOCK_STREAM, 0)
	if err == nil {
		unix.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return -1, fmt.Errorf("bobbin: socket: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		unix.Close(fd)
		return -1, failed("set non-blocking", fd, err)
	}
	return fd, nil
}

// bindInternet sets the options of a TCP socket, binds it and listens.
func bindInternet(fd int, at Address, how ListenOptions) (Address, error) {
	if err := setOptions(fd, how); err != nil {
		return at, err
	}
	sa, err := sockaddr(fd, at, how)
	if err != nil {
		return at, err
	}
	if how.ReusePort == ReusePortNext {
		if err := share(fd); err != nil {
			return at, err
		}
	}
	if err := bindAndListen(fd, sa, how); err != nil {
		return at, err
	}
	// The first socket shares the address only once it has it: at an address that
	// another process shares, binding has failed by now.
	if how.ReusePort == ReusePortFirst && divides {
		if err := share(fd); err != nil {
			return at, err
		}
	}
	name, err := unix.Getsockname(fd)
	if err != nil {
		return at, failed("getsockname", fd, err)
	}
	return Address{IP: addrPort(name)}, nil
}

// setOptions sets the options of a listening socket. Accepted connections inherit them,
// on Linux and on the BSDs, so there is no call for each connection.
func setOptions(fd int, how ListenOptions) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return failed("setsockopt SO_REUSEADDR", fd, err)
	}
	if err := unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1); err != nil {
		return failed("setsockopt TCP_NODELAY", fd, err)
	}
	if how.DeferAccept {
		deferAccept(fd)
	}
	return keepAlive(fd)
}

// sockaddr returns an address as bind takes it, after deciding whether an IPv6 socket
// serves IPv4, too.
func sockaddr(fd int, at Address, how ListenOptions) (unix.Sockaddr, error) {
	ip, port := at.IP.Addr(), int(at.IP.Port())
	if ip.Is4() {
		return &unix.SockaddrInet4{Port: port, Addr: ip.As4()}, nil
	}
	only := 1
	if how.BothFamilies {
		only = 0
	}
	err := unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, only)
	if err != nil && how.BothFamilies {
		return nil, ErrNoDualStack // OpenBSD and DragonFly
	}
	return &unix.SockaddrInet6{Port: port, Addr: ip.As16(), ZoneId: zoneID(ip.Zone())}, nil
}

// bindAndListen turns an address that is in use into ErrInUse.
func bindAndListen(fd int, sa unix.Sockaddr, how ListenOptions) error {
	if err := bind(fd, sa); err != nil {
		return err
	}
	return begin(fd, how)
}

func bind(fd int, sa unix.Sockaddr) error {
	err := unix.Bind(fd, sa)
	if err == unix.EADDRINUSE {
		return ErrInUse
	}
	return err
}

// begin begins to listen on a socket that is bound.
func begin(fd int, how ListenOptions) error {
	if how.Backlog == 0 {
		how.Backlog = backlog
	}
	switch err := unix.Listen(fd, how.Backlog); err {
	case nil:
		return nil
	case unix.EADDRINUSE:
		return ErrInUse
	default:
		return failed("listen", fd, err)
	}
}

// addrPort translates an address. A Unix socket has none.
func addrPort(sa unix.Sockaddr) netip.AddrPort {
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).Unmap(), uint16(sa.Port))
	}
	return netip.AddrPort{}
}

// localAddr returns the address that a socket is bound to.
func localAddr(fd int) netip.AddrPort {
	name, err := unix.Getsockname(fd)
	if err != nil {
		return netip.AddrPort{} // the connection is gone
	}
	return addrPort(name)
}

// zoneID returns the number of the network interface that a link-local address belongs
// to, or 0 for the kernel's choice if there is no such interface.
func zoneID(zone string) uint32 {
	if zone == "" {
		return 0
	}
	if n, err := strconv.ParseUint(zone, 10, 32); err == nil {
		return uint32(n)
	}
	link, err := net.InterfaceByName(zone)
	if err != nil {
		return 0
	}
	return uint32(link.Index)
}

// shutdown ends our half of the conversation. It is no error when the peer has gone
// already.
func shutdown(fd int) error {
	if err := unix.Shutdown(fd, unix.SHUT_WR); err != nil && err != unix.ENOTCONN {
		return failed("shutdown", fd, err)
	}
	return nil
}

// reset closes a socket and sends the peer a reset.
func reset(fd int) error {
	// When the peer has gone already, Darwin returns EINVAL, and the close alone
	// is right.
	_ = unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1, Linger: 0})
	return closeSocket(fd)
}

// closeSocket gives a descriptor back. It is never repeated: whatever close returns,
// the number may already belong to another socket.
func closeSocket(fd int) error {
	if err := unix.Close(fd); err != nil && err != unix.EINTR && err != unix.ECONNRESET {
		return failed("close", fd, err)
	}
	return nil
}

// copyFile is SendFile through a buffer, where the kernel cannot send the file.
func copyFile(k Kernel, fd int, f File, offset int64, n int) (int, error) {
	p := make([]byte, min(n, copyChunk))
	got, err := f.ReadAt(p, offset)
	if got == 0 {
		if err == nil || err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return 0, err
	}
	return k.Write(fd, p[:got], got < n)
}
