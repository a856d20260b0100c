package eventloop

import (
	"errors"
	"net/netip"
	"time"

	"github.com/bobbin-http/bobbin"
)

// A Listener accepts connections. No error of accepting ends it: for want of
// descriptors it pauses, and goes on when there are some.
type Listener struct {
	loop  *Loop
	fd    int
	addr  bobbin.Address
	how   bobbin.ListenOptions
	begin func(*Conn) Protocol

	// Where the kernel does not divide connections among several loops; see loops.go.
	peers       []*Listener  // whom this one deals out to, itself among them
	turn        int          // whose turn it is
	acceptQueue *acceptQueue // what this one accepts from, in place of a socket
	onQueued    func()       // posted when something lies there

	door []arrival // one that was accepted and waits for room, or none

	group *group // of the listeners at the address, if there are several
	gone  bool   // the socket is closed; the group's lock is for it

	ready   bool // a connection may be waiting
	inAgain bool // on the loop's list of listeners to go on with
	closed  bool

	handedOver bool // another process has the socket, or will
	refuses    bool // the kernel begins no more connections

	pause   *Timer        // runs while accepting is paused
	backoff time.Duration // how long the next pause is
}

// How long accepting pauses when it cannot go on. A descriptor that is given
// back ends the pause early.
const (
	shortestPause = 100 * time.Millisecond
	longestPause  = time.Second
)

// Listen opens a listening socket. For each connection begin makes the
// protocol that speaks on it.
func (l *Loop) Listen(at bobbin.Address, how bobbin.ListenOptions, begin func(*Conn) Protocol) (*Listener, error) {
	l.own("Loop.Listen")
	fd, bound, err := l.kernel.Listen(at, how)
	if err != nil {
		return nil, err
	}
	if err := l.kernel.Watch(fd); err != nil {
		l.kernel.Close(fd)
		return nil, err
	}
	ln := &Listener{loop: l, fd: fd, addr: bound, how: how, begin: begin}
	l.listeners = append(l.listeners, ln)
	return ln, nil
}

// Addr returns the address that the listener is bound to.
func (ln *Listener) Addr() bobbin.Address { return ln.addr }

// Close stops accepting. Connections that were accepted are not touched.
func (ln *Listener) Close() {
	ln.loop.own("Listener.Close")
	if !ln.closed {
		ln.closed = true
		ln.loop.deadListeners = append(ln.loop.deadListeners, ln)
	}
}

// HandOver says that another process has the listening socket, too, or is about to:
// that it was inherited, came from a service manager, or is passed on in an upgrade.
// At a stop it is closed, then, and neither emptied nor made to refuse connections:
// those in its queue are for the other process, and what refuses them is a property of
// the socket, by which that would never accept any more.
func (ln *Listener) HandOver() {
	ln.loop.own("Listener.HandOver")
	ln.handedOver = true
}

// accept takes what is waiting, as much as one turn allows.
func (ln *Listener) accept() {
	l := ln.loop
	for range l.limits.AcceptBatch {
		if !ln.ready || ln.closed || ln.pause != nil {
			return
		}
		to := ln.next()
		if to == ln && l.open >= l.limits.Conns+beyondConns {
			l.record(AcceptPaused, nil, int64(l.open))
			if len(l.closing) == 0 {
				ln.rest(shortestPause)
				return
			}
			break // reap gives descriptors back
		}
		fd, from, err := ln.take()
		switch {
		case err == nil:
			ln.backoff = 0
			if to != ln {
				ln.distribute(to, fd, from) // whose loop admits it or not
			} else if !ln.admit(arrival{fd, from}) {
				return
			}
			if l.scarce {
				l.flush()
			}
		case err == bobbin.ErrNotNow:
			ln.ready = false
		case errors.Is(err, bobbin.ErrExhausted):
			l.record(AcceptFailed, nil, 1)
			l.complain("accept", err)
			ln.makeRoom()
			return
		default:
			l.record(AcceptFailed, nil, 2)
			l.complain("accept", err)
			ln.rest(longestPause)
			return
		}
	}
	l.queueListener(ln)
}

// take takes one connection, from the door, the socket or the basket.
func (ln *Listener) take() (int, netip.AddrPort, error) {
	if k := len(ln.door); k > 0 {
		a := ln.door[0]
		ln.door = nil
		return a.fd, a.from, nil
	}
	if ln.acceptQueue != nil {
		return ln.acceptQueue.take()
	}
	return ln.loop.kernel.Accept(ln.fd)
}

// admit begins a connection that was accepted if there is room for it, or can be
// made. If not, it waits at the door for a moment, and accepting with it. It reports
// whether to go on accepting.
func (ln *Listener) admit(a arrival) bool {
	l := ln.loop
	who := l.clientAt(a.from.Addr())
	switch {
	case l.admit(who):
		ln.distribute(ln, a.fd, a.from)
		return true
	case l.mayWait(who):
		l.record(AcceptPaused, nil, int64(l.open))
		ln.door = []arrival{a}
		ln.rest(shortestPause)
		return false
	}
	l.turnAway(who, a.fd)
	return true
}

// makeRoom is called when the kernel has no descriptor for one more connection. It
// closes one, and pauses if there is none to spare.
func (ln *Listener) makeRoom() {
	l := ln.loop
	if l.spareOne() {
		return // reap gives its descriptor back, and calls resume
	}
	ln.backoff = min(max(2*ln.backoff, shortestPause), longestPause)
	ln.rest(ln.backoff)
}

func (ln *Listener) rest(d time.Duration) {
	ln.pause = ln.loop.After(d, func() {
		ln.pause = nil
		ln.loop.queueListener(ln)
	})
}

// resume goes on accepting, as descriptors were given back: at once when they
// had run out, else when a tenth of the connections is free again, so that a
// full server does not toggle with each of them.
func (ln *Listener) resume() {
	l := ln.loop
	if !ln.ready || ln.closed {
		return
	}
	if ln.pause != nil {
		if l.open > l.limits.Conns-l.limits.Conns/10 && len(ln.door) == 0 {
			return
		}
		ln.pause.Stop()
		ln.pause = nil
	}
	l.queueListener(ln)
}

// begin makes a connection of a descriptor and reads from it at once: with
// DeferAccept the request is there. The kernel is asked to watch it only if it
// is still open in flush.
func (l *Loop) begin(ln *Listener, fd int, from netip.AddrPort) {
	l.open++
	c := &Conn{
		loop: l, id: uint32(l.Count(Accepted)) + 1, fd: int32(fd), slot: -1,
		peer: from.Addr().As16(), peerPort: from.Port(),
		readable: true, writable: true,
	}
	for fd >= len(l.conns) {
		l.conns = append(l.conns, make([]*Conn, max(64, len(l.conns)))...)
	}
	if l.conns[fd] != nil {
		panic("eventloop: internal error: the kernel gave out a descriptor that is in use")
	}
	l.conns[fd] = c
	if l.open > l.crowdedAt {
		l.countIn(c)
	}
	l.record(Accepted, c, int64(fd))
	l.current = c
	l.checkWatchdog()
	c.protocol = ln.begin(c)
	l.touch(c)
	l.proceed(c)
	if l.stopping && c.speaks() {
		c.protocol.OnShutdown(c)
	}
	l.endCallback(c)
}

func (l *Loop) listener(fd int) *Listener {
	for _, ln := range l.listeners {
		if ln.fd == fd {
			return ln
		}
	}
	return nil
}

func (l *Loop) closeListener(ln *Listener) {
	if l.stopping && ln.acceptQueue == nil && !ln.refuses && !ln.handedOver && !l.gaveUp {
		ln.closed = false
		ln.drain() // what has come since, in the shortest possible time before
		ln.closed = true
	}
	if ln.pause != nil {
		ln.pause.Stop()
		ln.pause = nil
	}
	for i := range l.listeners {
		if l.listeners[i] == ln {
			l.listeners = append(l.listeners[:i], l.listeners[i+1:]...)
			break
		}
	}
	for _, a := range ln.door {
		if err := l.kernel.Reset(a.fd); err != nil {
			l.complain("reset", err)
		}
	}
	ln.door = nil
	if ln.acceptQueue != nil {
		ln.empty()
	} else if err := ln.closeSocket(); err != nil {
		l.complain("close", err)
	}
}

func (l *Loop) queueListener(ln *Listener) {
	if !ln.inAgain && !ln.closed {
		ln.inAgain = true
		l.eager = append(l.eager, ln)
	}
}
