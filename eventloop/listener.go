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
	hands  []*Listener // whom this one deals out to, itself among them
	turn   int         // whose turn it is
	basket *basket     // what this one accepts from, in place of a socket
	heed   func()      // posted when something lies there

	ready   bool // somebody may be waiting
	queued  bool // on the loop's list of listeners to go on with
	closed  bool
	pause   *Timer        // runs while accepting is paused
	backoff time.Duration // how long the next pause is
}

// How long accepting pauses when it cannot go on. A descriptor that is given
// back ends the pause early.
const (
	shortestPause = 100 * time.Millisecond
	longestPause  = time.Second
)

// evictAfter is how long a connection must have been idle to make room for
// another, and evictBatch how many go in one turn.
const (
	evictAfter = time.Second
	evictBatch = 8
	evictScan  = 256 // connections looked at in one turn
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

// accept takes what is waiting, as much as one turn allows.
func (ln *Listener) accept() {
	l := ln.loop
	for range l.limits.AcceptBatch {
		if !ln.ready || ln.closed || ln.pause != nil {
			return
		}
		to := ln.next()
		if to == nil {
			l.record(Refused, nil, 1)
			ln.makeRoom()
			return
		}
		fd, from, err := ln.take()
		switch {
		case err == nil:
			ln.backoff = 0
			ln.deal(to, fd, from)
			if l.scarce {
				l.flush()
			}
		case err == bobbin.ErrNotNow:
			ln.ready = false
		case errors.Is(err, bobbin.ErrExhausted):
			l.counters.AcceptErrors++
			l.record(Refused, nil, 2)
			l.complain("accept", err)
			ln.makeRoom()
			return
		default:
			l.counters.AcceptErrors++
			l.complain("accept", err)
			ln.rest(longestPause)
			return
		}
	}
	l.queueListener(ln)
}

// take takes one connection, from the socket or from the basket.
func (ln *Listener) take() (int, netip.AddrPort, error) {
	if ln.basket != nil {
		return ln.basket.take()
	}
	return ln.loop.kernel.Accept(ln.fd)
}

// makeRoom closes connections that have been idle, and pauses if there are
// none.
func (ln *Listener) makeRoom() {
	l := ln.loop
	if l.evict() {
		return // reap gives their descriptors back, and calls resume
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
		if l.open > l.limits.Conns-l.limits.Conns/10 {
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
	l.counters.Accepted++
	c := &Conn{
		loop: l, id: uint32(l.counters.Accepted), fd: int32(fd), slot: -1,
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
	l.record(Accepted, c, int64(fd))
	l.current = c
	l.step()
	c.protocol = ln.begin(c)
	l.touch(c)
	l.proceed(c)
	if l.stopping && c.speaks() {
		c.protocol.Stopping(c)
	}
}

// evict closes some connections that have been idle, of those that a hand
// moving over the table comes by, the idlest first. It reports whether there
// were any.
func (l *Loop) evict() bool {
	found := false
	for range evictBatch {
		var idlest *Conn
		for range min(evictScan/evictBatch, len(l.conns)) {
			l.hand = (l.hand + 1) % len(l.conns)
			c := l.conns[l.hand]
			if c == nil || c.state != Open || c.idleSince == 0 || c.Queued() > 0 {
				continue // the peer is still to take an answer, perhaps
			}
			if l.now-time.Duration(c.idleSince)*tick < evictAfter {
				continue
			}
			if idlest == nil || c.idleSince < idlest.idleSince {
				idlest = c
			}
		}
		if idlest != nil {
			found = true
			l.counters.Evicted++
			if idlest.tls != nil {
				l.sayEnd(idlest)
				l.write(idlest) // which the socket takes at once, or not at all
			}
			l.bury(idlest, ErrEvicted)
		}
	}
	return found
}
