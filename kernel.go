// Package bobbin is the lowest layer: the only package that makes system calls for
// sockets and for waiting. It uses epoll on Linux and kqueue on macOS and the BSDs. It
// keeps no connection and knows no protocol.
//
// The layers above use the [Kernel] interface. So the same event loop and the same
// HTTP code also run over the simulated kernel of eventloop/sim. To serve HTTP, use
// package github.com/bobbin-http/bobbin/http.
package bobbin

import (
	"errors"
	"io"
	"math"
	"net/netip"
	"time"
)

// A Kernel is the operating system, as far as an event loop needs it. Descriptors are small
// integers, as everywhere in Unix.
//
// A Kernel belongs to one goroutine. Only Wake, Now and Monotonic may be called from others.
//
// Readiness is a hint, and the call has the truth: an event may come without reason,
// may come late, and may say less than is so. A call that would have to wait returns
// [ErrNotNow] instead. A call that a signal has interrupted (EINTR) is repeated
// inside.
type Kernel interface {
	// Listen binds a stream socket and listens on it. It returns the address that
	// was bound, with the port that the kernel chose if none was given.
	Listen(at Address, how ListenOptions) (fd int, bound Address, err error)

	// Accept takes one connection from a listening socket, or returns ErrNotNow.
	// It skips connections that died in the queue. ErrExhausted means that there
	// is no descriptor or no memory for one more connection at present. The
	// address of a peer on a Unix socket is the zero value.
	Accept(listener int) (fd int, from netip.AddrPort, err error)

	// Refuse has the kernel begin no more connections at a listening socket. Connections
	// that it has begun are completed and can be accepted. Refuse reports whether the
	// kernel can do that. If it can, the socket may be closed after a while without a reset
	// to any client; if not, closing it resets every connection in its queue. Refuse cannot
	// be undone. It belongs to the socket and not to the descriptor: another process that
	// has the same socket accepts nothing more either.
	Refuse(listener int) bool

	// Handshaking reports whether a socket that refuses more still has
	// connections that Accept cannot return yet: their TCP handshake is not
	// complete, or DeferAccept holds them, for a second at most.
	Handshaking(listener int) bool

	// Read reads the bytes that are there. It returns 0 and io.EOF after the
	// peer's last byte. A count with ErrNotNow means that nothing more is there at present;
	// a count with a nil error means that there may be more. No other error comes with a
	// count.
	Read(fd int, p []byte) (int, error)

	// Write writes as much as the socket has room for. A count with ErrNotNow means
	// that the socket is full; a count below len(p) with a nil error means that
	// there may be more room. more announces that further bytes follow at once,
	// so that the kernel need not send a small packet now. One call should carry
	// 1 MiB at most.
	Write(fd int, p []byte, more bool) (int, error)

	// Writev is Write for several pieces in order, 16 at most.
	Writev(fd int, pieces [][]byte, more bool) (int, error)

	// SendFile writes n bytes of f from offset on, under the rules of Write. It may wait for
	// a disk unless the bytes are Cached. When the file ends before n bytes, it returns the
	// count that was written and, at the latest with the next call, io.ErrUnexpectedEOF.
	SendFile(fd int, f File, offset int64, n int) (int, error)

	// Cached reports whether n bytes of f from offset on are in memory, so that
	// SendFile need not wait for a disk. A kernel that cannot tell reports false.
	Cached(f File, offset int64, n int) bool

	// Unsent returns how many of the written bytes the peer has not acknowledged,
	// or 0 where the kernel does not tell. A socket takes megabytes before its
	// peer has received one of them.
	Unsent(fd int) int

	// LocalAddr returns the address at which a connection has reached this machine. On a
	// Unix socket, and after an error, it is one that is not valid.
	LocalAddr(fd int) netip.AddrPort

	// AckNow acknowledges the bytes that were read. Without it, a kernel may wait for an
	// answer that can carry the acknowledgement, while the peer waits for the
	// acknowledgement before it sends the rest (RFC 896).
	AckNow(fd int)

	// KeepUnsentShort has the kernel take little more than it can send: 64 KiB or so, and not
	// megabytes. What is written later then waits for less, and the kernel reports room sooner and
	// more often. Where the kernel cannot do that, it has no effect.
	KeepUnsentShort(fd int)

	// Shutdown ends our half of the conversation: the peer reads to the end, and
	// may go on sending.
	Shutdown(fd int) error

	// Close gives the descriptor back. Written bytes are still delivered, unless
	// the peer sends more: the kernel answers that with a reset.
	Close(fd int) error

	// Reset gives the descriptor back and tells the peer at once that the
	// conversation failed. Written bytes may be lost.
	Reset(fd int) error

	Detacher // gives a connection to another owner: detach.go

	// Watch registers a descriptor once, for life: both directions, edge-triggered.
	// Its readiness at that moment is reported, and from then on each change.
	Watch(fd int) error

	// Unwatch ends the events of a descriptor that is closed next, and whose socket
	// another descriptor or another process has, too: so it stays open.
	Unwatch(fd int) error

	// WatchFolder begins to watch a folder and the folders below it that are not hidden.
	// Where the system has no such watch, it returns errors.ErrUnsupported.
	WatchFolder(path string) (FolderWatch, error)

	// Wait fills events with the descriptors that have become ready, and returns
	// how many there are. When none is ready, it sleeps until one is, until Wake
	// is called, or until Monotonic has come to the given time; see Forever and
	// NoWait. It may return 0 early. Several events for one descriptor may come in
	// one call, in any order.
	Wait(events []Event, until time.Duration) (int, error)

	// Wake ends the present Wait, or else keeps the next one from sleeping. Any
	// goroutine may call it, at any time before Shut.
	Wake() error

	// Monotonic reads the clock for deadlines, which only goes forward: the time since
	// the kernel was opened. Any goroutine may call it.
	Monotonic() time.Duration

	// Now reads the clock for dates, which takes twice the time. Any goroutine may
	// call it.
	Now() time.Time

	// Shut gives back the kernel's own descriptors. Sockets belong to the loop.
	Shut() error
}

// Times for Wait that are no times.
const (
	NoWait  time.Duration = 0             // has passed: Wait looks once and does not sleep
	Forever time.Duration = math.MaxInt64 // never comes
)

// Ready says which calls on a descriptor are worth trying. An error and a hang-up set
// both directions, because only a call returns the details.
type Ready uint8

const (
	Readable Ready = 1 << iota
	Writable

	// HungUp says that the peer has sent its last byte, or that the connection
	// is broken. Bytes may be waiting before the end, and no other event will
	// follow: read until io.EOF or an error.
	HungUp
)

// An Event says that a watched descriptor has become ready.
type Event struct {
	FD    int
	Ready Ready
}

// A File is the source for SendFile. *os.File is one.
type File interface {
	io.ReaderAt  // where the kernel cannot send from a file by itself
	Fd() uintptr // where it can
}

// A FolderWatch reports changes below a folder. It belongs to one goroutine.
type FolderWatch interface {
	// FD returns the descriptor that becomes readable when something has changed.
	// It is for Kernel.Watch, and Close gives it back.
	FD() int

	// Changes calls f for each path that has changed, until there is no more at
	// present. The path is "" when more has changed than the kernel could note, or the
	// folder itself is gone.
	Changes(f func(path string)) error

	// Missed returns why a folder below is not watched, once, or nil.
	Missed() error

	Close() error
}

// ListenOptions are the choices for a listening socket.
type ListenOptions struct {
	// Backlog is how many connections may wait to be accepted. 0 means 4,096.
	// Every kernel limits it to a maximum of its own.
	Backlog int

	// BothFamilies lets a socket on the IPv6 wildcard address take IPv4
	// connections too. Where the kernel cannot do that, Listen returns
	// ErrNoDualStack.
	BothFamilies bool

	// DeferAccept keeps a connection in the kernel until its first bytes are
	// there, so that it can be read from as soon as it is accepted. It suits
	// protocols in which the client speaks first; a client that only connects is
	// not seen. Where the kernel cannot do that, the option has no effect.
	DeferAccept bool

	// ReusePort says whether other sockets of this process listen at the address,
	// too. The kernel then gives each connection to one of the sockets. It
	// chooses by the client's address and port.
	ReusePort ReusePort
}

// ReusePort is the part of a socket in an address at which several sockets listen
// (SO_REUSEPORT). The first socket fails, as one without the option does, when another
// process listens at the address. Another process of the same user can join later, if
// it sets the option without looking first.
type ReusePort uint8

const (
	ReusePortNone  ReusePort = iota // no other socket listens at the address
	ReusePortFirst                  // the first socket; others join if the kernel can do that
	ReusePortNext                   // another one; Listen returns ErrNotShared where the kernel cannot
)

// Errors that callers tell apart. Any other error is the kernel's own, with the name of
// the call but for bind, whose error the user sees beside the address.
var (
	// ErrNotNow means that a call would have to wait. It is normal, and never
	// logged.
	ErrNotNow = errors.New("bobbin: not now")

	// ErrExhausted means that the process or the system has no descriptor or no
	// memory for one more socket at present (EMFILE, ENFILE, ENOBUFS, ENOMEM).
	ErrExhausted = errors.New("bobbin: out of descriptors or memory")

	// ErrNoDualStack means that one socket cannot serve both IPv4 and IPv6 on
	// this system. Listen on each.
	ErrNoDualStack = errors.New("bobbin: no socket for both IPv4 and IPv6 on this system")

	// ErrNotShared means that the kernel does not divide the connections of an
	// address among several sockets: on a Unix socket, or on this system. Listen
	// with one socket.
	ErrNotShared = errors.New("bobbin: no two sockets for one address here")

	// ErrInUse means that another socket listens at the address.
	ErrInUse = errors.New("address already in use")
)
