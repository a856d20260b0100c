// Package bobbin is the ground that the rest of the house stands on: the only
// package with a window to the kernel. It asks for sockets, bytes and wake-ups,
// in epoll on Linux and in kqueue on macOS and the BSDs, and remembers no
// connection and knows no protocol.
//
// Everything above works against the [Kernel] interface, so that the same event
// loop and the same HTTP code also run over the simulated kernel of
// eventloop/sim. To serve HTTP, use package
// github.com/bobbin-http/bobbin/http.
package bobbin

import (
	"errors"
	"io"
	"net/netip"
	"time"
)

// A Kernel is what an event loop asks of an operating system. Descriptors are
// small integers, as everywhere in Unix.
//
// A Kernel belongs to one goroutine. Wake alone may be called from any other.
//
// Readiness is a hint, the call tells the truth: an event may come for nothing,
// may come late, and may say less than is so. What a call cannot do at present
// it answers with [ErrNotNow]. Interrupted calls (EINTR) are repeated inside.
type Kernel interface {
	// Listen binds a stream socket and listens on it. It returns the address
	// that was bound, with the port that the kernel chose if none was given.
	Listen(at Address, how ListenOptions) (fd int, bound Address, err error)

	// Accept takes one connection from a listening socket, or answers
	// ErrNotNow. Connections that died in the queue are skipped. An error that
	// is ErrExhausted means that the descriptors or the memory for one more are
	// missing at present. The address of a peer on a Unix socket is the zero
	// value.
	Accept(listener int) (fd int, from netip.AddrPort, err error)

	// Refuse has the kernel begin no more connections at a listening socket, while
	// those that it has begun are finished and can be accepted. It reports whether
	// the kernel can: if so, the socket can be closed after a while without a reset
	// to any client, and if not, closing resets whatever is in its queue. It cannot
	// be undone, and it is the socket's and not the descriptor's: where another
	// process has the socket, too, that accepts nothing any more, either.
	Refuse(listener int) bool

	// Handshaking reports whether the kernel has begun connections at a socket that
	// refuses more, and that Accept cannot return yet: those that DeferAccept keeps,
	// for a second at most, are among them.
	Handshaking(listener int) bool

	// Read reads what is there: 0 and io.EOF after the peer's last byte. A
	// count beside ErrNotNow means that nothing more is there at present; a
	// count beside nil means that nobody knows.
	Read(fd int, p []byte) (int, error)

	// Write writes what there is room for. A count beside ErrNotNow means that
	// the socket is full; a lower count than asked beside nil means that
	// nobody knows. More announces that further bytes follow at once, so that
	// a head need not travel alone. One call should carry 1 MiB at most.
	Write(fd int, p []byte, more bool) (int, error)

	// Writev is Write for several pieces in order, 16 at most.
	Writev(fd int, pieces [][]byte, more bool) (int, error)

	// SendFile writes n bytes of f from offset on, under the rules of Write. What
	// is not Cached it may wait for.
	// When the file ends before n bytes, it answers what was written and, at
	// the latest with the next call, io.ErrUnexpectedEOF.
	SendFile(fd int, f File, offset int64, n int) (int, error)

	// Cached reports whether SendFile would find n bytes of f from offset on in
	// memory, so that it need not wait for a disk. A kernel that cannot tell
	// says no.
	Cached(f File, offset int64, n int) bool

	// Unsent returns how many of the bytes that were written the peer has not
	// acknowledged, as far as the kernel tells, or else 0. A socket takes
	// megabytes of which its peer has not seen one.
	Unsent(fd int) int

	// AckNow acknowledges what was read, where the kernel would wait for an answer
	// to do that with, and can be told not to. A peer may be waiting for it before
	// it sends the rest of what it has to say (RFC 896).
	AckNow(fd int)

	// Shutdown ends our half of the conversation: the peer reads to the end,
	// and may go on sending.
	Shutdown(fd int) error

	// Close gives the descriptor back. What was written is still delivered,
	// unless the peer sends more, which the kernel answers by a reset.
	Close(fd int) error

	// Reset gives the descriptor back and tells the peer at once that the
	// conversation failed; nothing that was written need arrive.
	Reset(fd int) error

	// Watch registers a socket once, for life: both directions, edge-triggered.
	// What is ready at that moment is reported, and from then on each change.
	Watch(fd int) error

	// Wait fills events with what has become ready and returns how many. When
	// nothing is ready, it sleeps until something is, until Wake is called or
	// until the time given; the zero time means for ever, NoWait not at all.
	// It may return 0 early. Several events for one descriptor may come in one
	// call, in any order.
	Wait(events []Event, until time.Time) (int, error)

	// Wake ends the Wait that sleeps at present, or else keeps the next one
	// from sleeping. Any goroutine may call it, at any time before Shut.
	Wake() error

	// Work runs f elsewhere, where it may wait for a disk or for others, and
	// returns at once. What f touches is not the loop's. If f calls wait, that
	// returns when wake is called, or at once if it was since wait returned
	// last; both may be called by any goroutine.
	Work(f func(wait func())) (wake func())

	// Now reads the clock. The result carries the monotonic reading for
	// deadlines and the wall clock for dates. Any goroutine may call it.
	Now() time.Time

	// Shut gives back what the kernel itself holds. Sockets are their owner's.
	Shut() error
}

// NoWait, given to Wait, is a time long past: look and do not sleep.
var NoWait = time.Unix(1, 0)

// Ready says which calls on a descriptor are worth trying. An error and a
// hang-up show in both directions, because the call has the details.
type Ready uint8

const (
	Readable Ready = 1 << iota
	Writable

	// HungUp says that the peer has sent its last byte, or that the connection
	// is broken. Bytes may be waiting before the end: read until io.EOF or an
	// error, for there will be no other event to remind you.
	HungUp
)

// An Event says that a watched descriptor has become ready.
type Event struct {
	FD    int
	Ready Ready
}

// A File is something that SendFile sends from. *os.File is one.
type File interface {
	io.ReaderAt  // where the kernel cannot send from a file by itself
	Fd() uintptr // where it can
}

// An Address is where to listen: an IP address and a port, or the path of a
// Unix socket.
type Address struct {
	IP   netip.AddrPort // port 0 lets the kernel choose
	Path string         // not empty for a Unix socket
}

// String returns the address as one would type it.
func (a Address) String() string {
	if a.Path != "" {
		return "unix:" + a.Path
	}
	return a.IP.String()
}

// ListenOptions are the choices at a listening socket.
type ListenOptions struct {
	// Backlog is how many connections may wait to be accepted. 0 means 4,096;
	// every kernel clips it to its own maximum.
	Backlog int

	// BothFamilies lets a socket on the IPv6 wildcard address take IPv4
	// connections too. Where the kernel cannot, Listen answers
	// ErrNoDualStack.
	BothFamilies bool

	// DeferAccept keeps a connection in the kernel until its first bytes are
	// there, so that accepting and reading are one step. It suits protocols in
	// which the client speaks first; a client that only connects is not seen.
	// Where the kernel cannot, it means nothing.
	DeferAccept bool

	// ReusePort says whether other sockets of this process listen at the address,
	// too. Where the kernel can have that, it gives each connection to one of
	// them, by its address, so that a client cannot choose.
	ReusePort ReusePort
}

// ReusePort is a socket's part in an address that several sockets listen at. The
// first of them is ReusePortFirst, so that an address at which another process listens
// is in use as ever; the others are ReusePortNext. Another process of the same user
// could join, too, if it was told to and did not look first.
type ReusePort uint8

const (
	ReusePortNone  ReusePort = iota // nobody else listens there
	ReusePortFirst                  // nobody else does yet, and others will join if the kernel can have that
	ReusePortNext                   // one is open already; Listen answers ErrNotShared where the kernel cannot
)

// Errors that those above tell apart. Everything else is the kernel's own
// error, with what was being done.
var (
	// ErrNotNow means that a call would have to wait. It is normal, and never
	// logged.
	ErrNotNow = errors.New("bobbin: not now")

	// ErrExhausted means that the process or the system has no descriptor or
	// no memory for one more socket at present (EMFILE, ENFILE, ENOBUFS,
	// ENOMEM).
	ErrExhausted = errors.New("bobbin: out of descriptors or memory")

	// ErrNoDualStack means that one socket cannot serve IPv4 and IPv6 here.
	// Listen on each.
	ErrNoDualStack = errors.New("bobbin: no socket for both IPv4 and IPv6 on this system")

	// ErrNotShared means that connections to the address are not divided among
	// several sockets: on a Unix socket, or on this system. One socket accepts.
	ErrNotShared = errors.New("bobbin: no two sockets for one address here")

	// ErrInUse means that somebody else listens at the address.
	ErrInUse = errors.New("address already in use")
)
