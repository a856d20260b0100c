package bobbin

import (
	"encoding/binary"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A call that cannot block is a raw system call, of which the Go scheduler does not
// know. That saves 240 instructions each time. Such a call returns as soon as any Go
// function without a preemption point. A call that may touch a disk is never raw.
// sendfile is, because it is called for bytes in memory only.
//
// Telling the scheduler costs more than that where the loop sleeps now and then: the
// first such call after a sleep wakes the runtime's monitor, which then runs every
// 20 µs for a millisecond and more. With downloads of 10 MiB that was an eighth of the
// processor time.

// Listen implements Kernel.
func (k *epoll) Listen(at Address, how ListenOptions) (int, Address, error) {
	return listen(at, how)
}

// Accept implements Kernel.
func (k *epoll) Accept(listener int) (int, netip.AddrPort, error) {
	var err error
	for range acceptTries {
		k.peerLen = uint32(len(k.peer))
		fd, _, e := syscall.RawSyscall6(unix.SYS_ACCEPT4, uintptr(listener),
			uintptr(unsafe.Pointer(&k.peer)), uintptr(unsafe.Pointer(&k.peerLen)),
			unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0, 0)
		if e == 0 {
			return int(fd), rawAddress(k.peer[:]), nil
		}
		var again bool
		if again, err = acceptFailed(listener, e); !again {
			return -1, netip.AddrPort{}, err
		}
	}
	return -1, netip.AddrPort{}, err
}

// Refuse implements Kernel. A TCP socket gets a filter that drops the packets that begin
// connections. Their clients try again a second later, when another process may listen
// there. A Unix socket refuses to be connected to from then on.
func (k *epoll) Refuse(listener int) bool {
	family, err := unix.GetsockoptInt(listener, unix.SOL_SOCKET, unix.SO_DOMAIN)
	switch {
	case err != nil:
		return false
	case family == unix.AF_UNIX:
		return unix.Shutdown(listener, unix.SHUT_RD) == nil
	}
	if unix.SetsockoptSockFprog(listener, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, &noNewConnections) != nil {
		return false // out of memory, or not allowed
	}
	// Later connections are no longer deferred. Those that are deferred now can be
	// accepted when the kernel repeats its part of the handshake, after a second.
	_ = unix.SetsockoptInt(listener, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 0)
	return true
}

// noNewConnections is a socket filter that drops packets with SYN and without ACK. The
// kernel shows it a packet from the TCP header on.
var noNewConnections = func() unix.SockFprog {
	const flags, syn, ack = 13, 0x02, 0x10
	program := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_B | unix.BPF_ABS, K: flags},
		{Code: unix.BPF_ALU | unix.BPF_AND | unix.BPF_K, K: syn | ack},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, K: syn, Jf: 1},
		{Code: unix.BPF_RET | unix.BPF_K, K: 0},          // drop the packet
		{Code: unix.BPF_RET | unix.BPF_K, K: 0xffffffff}, // let all of it pass
	}
	return unix.SockFprog{Len: uint16(len(program)), Filter: &program[0]}
}()

// Handshaking implements Kernel by sock_diag(7), which lists the connections of a port
// whose handshake is not complete. Where that is not allowed, it reports true.
func (k *epoll) Handshaking(listener int) bool {
	sa, err := unix.Getsockname(listener)
	if err != nil {
		return false
	}
	var port int
	families := []byte{unix.AF_INET}
	switch sa := sa.(type) {
	case *unix.SockaddrInet4:
		port = sa.Port
	case *unix.SockaddrInet6:
		port = sa.Port
		families = append(families, unix.AF_INET6)
	default:
		return false // a Unix socket has no handshake
	}
	for _, family := range families {
		some, err := handshaking(family, port)
		if some || err != nil {
			return true
		}
	}
	return false
}

// handshaking reports whether a connection of a family to a port is in its handshake.
func handshaking(family byte, port int) (bool, error) {
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return false, err
	}
	defer unix.Close(fd)
	const (
		byFamily = 20           // SOCK_DIAG_BY_FAMILY
		states   = 1<<3 | 1<<12 // TCP_SYN_RECV and, in the kernel, TCP_NEW_SYN_RECV
		size     = 16 + 8 + 48  // struct nlmsghdr and struct inet_diag_req_v2
	)
	var ask [size]byte
	binary.NativeEndian.PutUint32(ask[0:], size)
	binary.NativeEndian.PutUint16(ask[4:], byFamily)
	binary.NativeEndian.PutUint16(ask[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	ask[16], ask[17] = family, unix.IPPROTO_TCP
	binary.NativeEndian.PutUint32(ask[20:], states)
	binary.BigEndian.PutUint16(ask[24:], uint16(port)) // ours; the peer's may be any
	if err := unix.Sendto(fd, ask[:], 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return false, err
	}
	var answer [8 << 10]byte
	n, _, err := unix.Recvfrom(fd, answer[:], 0)
	switch {
	case err != nil:
		return false, err
	case n < 16:
		return false, io.ErrUnexpectedEOF
	}
	switch binary.NativeEndian.Uint16(answer[4:]) {
	case byFamily:
		return true, nil
	case unix.NLMSG_DONE:
		return false, nil
	}
	return false, unix.EINVAL // NLMSG_ERROR
}

// rawAddress reads a struct sockaddr of Linux.
func rawAddress(p []byte) netip.AddrPort {
	switch binary.NativeEndian.Uint16(p) {
	case unix.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(p[4:8])), binary.BigEndian.Uint16(p[2:]))
	case unix.AF_INET6:
		return netip.AddrPortFrom(netip.AddrFrom16([16]byte(p[8:24])).Unmap(), binary.BigEndian.Uint16(p[2:]))
	}
	return netip.AddrPort{}
}

// Read implements Kernel by recv, which saves the way through the virtual file system
// that read takes. A short count means that the socket is empty: bytes that come later
// are a new event.
func (k *epoll) Read(fd int, p []byte) (int, error) {
	for {
		n, _, e := syscall.RawSyscall6(unix.SYS_RECVFROM, uintptr(fd),
			uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), 0, 0, 0)
		switch {
		case e == unix.EINTR:
			continue
		case e == unix.EAGAIN:
			return 0, ErrNotNow
		case e != 0:
			return 0, failed("recv", fd, e)
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		case int(n) < len(p):
			return int(n), ErrNotNow
		}
		return int(n), nil
	}
}

// Write implements Kernel by send. A short count means that the socket is full: by then
// Linux has noted that it must report when there is room.
func (k *epoll) Write(fd int, p []byte, more bool) (int, error) {
	for {
		n, _, e := syscall.RawSyscall6(unix.SYS_SENDTO, uintptr(fd),
			uintptr(unsafe.Pointer(unsafe.SliceData(p))), uintptr(len(p)), uintptr(sendFlags(more)), 0, 0)
		if e == unix.EINTR {
			continue
		}
		return wrote("send", fd, int(n), len(p), e)
	}
}

// Writev implements Kernel by sendmsg, because writev takes no flags.
func (k *epoll) Writev(fd int, pieces [][]byte, more bool) (int, error) {
	total, n := 0, 0
	for _, p := range pieces[:min(len(pieces), len(k.iovecs))] {
		if len(p) == 0 {
			continue
		}
		k.iovecs[n].Base = unsafe.SliceData(p)
		k.iovecs[n].SetLen(len(p))
		total += len(p)
		n++
	}
	msg := unix.Msghdr{Iov: &k.iovecs[0]}
	msg.SetIovlen(n)
	for {
		sent, _, e := syscall.RawSyscall(unix.SYS_SENDMSG, uintptr(fd),
			uintptr(unsafe.Pointer(&msg)), uintptr(sendFlags(more)))
		if e == unix.EINTR {
			continue
		}
		clear(k.iovecs[:n]) // so that the garbage collector may free the pieces
		return wrote("sendmsg", fd, int(sent), total, e)
	}
}

// sendFlags keeps a broken pipe from raising a signal, and with more the kernel from
// sending a small packet now.
func sendFlags(more bool) int {
	if more {
		return unix.MSG_NOSIGNAL | unix.MSG_MORE
	}
	return unix.MSG_NOSIGNAL
}

// wrote turns the result of a send into that of Write.
func wrote(call string, fd, n, asked int, e syscall.Errno) (int, error) {
	switch {
	case e == unix.EAGAIN:
		return 0, ErrNotNow
	case e != 0:
		return 0, failed(call, fd, e)
	case n < asked:
		return n, ErrNotNow
	}
	return n, nil
}

// SendFile implements Kernel. A count below n does not mean that the socket is full: the
// call may have stopped at a page that is not in memory. Only EAGAIN means full. If a
// page has left memory since Cached was called, this thread waits for the disk, and so
// does the loop.
func (k *epoll) SendFile(fd int, f File, offset int64, n int) (int, error) {
	for {
		at := offset
		sent, _, e := syscall.RawSyscall6(unix.SYS_SENDFILE, uintptr(fd), f.Fd(),
			uintptr(unsafe.Pointer(&at)), uintptr(n), 0, 0)
		switch {
		case e == unix.EINTR:
			continue
		case e == unix.EAGAIN:
			return 0, ErrNotNow
		case e == unix.EINVAL, e == unix.ENOSYS, e == unix.EOPNOTSUPP:
			return copyFile(k, fd, f, offset, n) // a file system without it
		case e != 0:
			return 0, failed("sendfile", fd, e)
		case sent == 0 && n > 0:
			return 0, io.ErrUnexpectedEOF
		}
		return int(sent), nil
	}
}

var pageSize = int64(os.Getpagesize())

// Cached implements Kernel by cachestat (Linux 6.5), which counts the pages in memory.
// Older kernels do not have it, and it is denied for files that belong to another user
// and are not writable. Then Cached reads a byte from each of some pages with
// RWF_NOWAIT, which not every file system supports.
func (k *epoll) Cached(f File, offset int64, n int) bool {
	if n <= 0 {
		return true
	}
	asked := unix.CachestatRange{Off: uint64(offset), Len: uint64(n)}
	_, _, e := syscall.RawSyscall6(unix.SYS_CACHESTAT, f.Fd(),
		uintptr(unsafe.Pointer(&asked)), uintptr(unsafe.Pointer(&k.cached)), 0, 0, 0)
	if e == 0 {
		first, last := offset/pageSize, (offset+int64(n)-1)/pageSize
		return k.cached.Cache >= uint64(last-first+1)
	}
	const step = 128 << 10 // the usual read-ahead of the kernel
	var p [1]byte
	for at := offset; ; at = min(at+step, offset+int64(n)-1) {
		got, err := unix.Preadv2(int(f.Fd()), [][]byte{p[:]}, at, unix.RWF_NOWAIT)
		if err != nil || got == 0 {
			return false
		}
		if at == offset+int64(n)-1 {
			return true
		}
	}
}

// Unsent implements Kernel.
func (k *epoll) Unsent(fd int) int {
	var n int32
	_, _, e := syscall.RawSyscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCOUTQ, uintptr(unsafe.Pointer(&n)))
	if e != 0 {
		return 0 // the connection is gone
	}
	return int(n)
}

// LocalAddr implements Kernel.
func (k *epoll) LocalAddr(fd int) netip.AddrPort { return localAddr(fd) }

// AckNow implements Kernel. A Unix socket has no acknowledgements.
func (k *epoll) AckNow(fd int) {
	one := int32(1)
	_, _, _ = syscall.RawSyscall6(unix.SYS_SETSOCKOPT, uintptr(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK,
		uintptr(unsafe.Pointer(&one)), unsafe.Sizeof(one), 0)
}

// unsentMost is how many bytes a socket takes beyond those that it can send, with KeepUnsentShort.
const unsentMost = 64 << 10

// KeepUnsentShort implements Kernel. A Unix socket has no such option, and takes 200 KiB at most.
func (k *epoll) KeepUnsentShort(fd int) {
	most := int32(unsentMost)
	_, _, _ = syscall.RawSyscall6(unix.SYS_SETSOCKOPT, uintptr(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT,
		uintptr(unsafe.Pointer(&most)), unsafe.Sizeof(most), 0)
}

// Unwatch implements Kernel. A registration belongs to the socket and not to the
// descriptor: it would outlast the latter, and report for whatever has its number next.
func (k *epoll) Unwatch(fd int) error {
	var none unix.EpollEvent
	if err := unix.EpollCtl(k.fd, unix.EPOLL_CTL_DEL, fd, &none); err != nil {
		return failed("epoll_ctl", fd, err)
	}
	return nil
}

// Detach implements Kernel. A registration belongs to the socket, which stays open, and
// not to the descriptor: so it is taken back. A connection that was never watched has
// none, which is an error of no account.
func (k *epoll) Detach(fd int) (net.Conn, error) {
	var none unix.EpollEvent
	_ = unix.EpollCtl(k.fd, unix.EPOLL_CTL_DEL, fd, &none)
	return netConn(fd)
}

// Shutdown implements Kernel.
func (k *epoll) Shutdown(fd int) error { return shutdown(fd) }

// Reset implements Kernel.
func (k *epoll) Reset(fd int) error { return reset(fd) }

// Close implements Kernel. Without SO_LINGER, close does not wait.
func (k *epoll) Close(fd int) error {
	if _, _, e := syscall.RawSyscall(unix.SYS_CLOSE, uintptr(fd), 0, 0); e != 0 && e != unix.EINTR {
		return failed("close", fd, e)
	}
	return nil
}

// keepAlive has the kernel find peers that have vanished: it sends a probe after 30 s of
// silence, and three at intervals of 10 s. While bytes are unacknowledged, Linux sends
// no probes: then the loop's deadlines hold, and after a quarter of an hour of sending
// the bytes again (net.ipv4.tcp_retries2) the kernel gives up. TCP_USER_TIMEOUT would
// shorten that, but it also counts the time in which the peer answers that it has no
// room, and so it resets honest clients that read slowly.
func keepAlive(fd int) error {
	for _, o := range []struct {
		level, name, value int
		called             string
	}{
		{unix.SOL_SOCKET, unix.SO_KEEPALIVE, 1, "SO_KEEPALIVE"},
		{unix.IPPROTO_TCP, unix.TCP_KEEPIDLE, 30, "TCP_KEEPIDLE"},
		{unix.IPPROTO_TCP, unix.TCP_KEEPINTVL, 10, "TCP_KEEPINTVL"},
		{unix.IPPROTO_TCP, unix.TCP_KEEPCNT, 3, "TCP_KEEPCNT"},
	} {
		if err := unix.SetsockoptInt(fd, o.level, o.name, o.value); err != nil {
			return failed("setsockopt "+o.called, fd, err)
		}
	}
	return nil
}

// divides is true: the kernel divides the connections of an address among the sockets
// that share it.
const divides = true

// share lets other sockets of the same user listen at the address, if they set the
// option, too. It may be called for a socket that listens already (Linux 4.6): the
// kernel makes the group when the second socket joins.
func share(fd int) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1); err != nil {
		return failed("setsockopt SO_REUSEPORT", fd, err)
	}
	return nil
}

// deferAccept has the kernel hold a connection until its first bytes are there. That
// only saves work, so an error does not matter.
func deferAccept(fd int) {
	_ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_DEFER_ACCEPT, 1)
}
