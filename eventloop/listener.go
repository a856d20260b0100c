package eventloop

import (
	"errors"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bobbin-http/bobbin"
)

// A Listener accepts connections. No error of accepting ends it: for want of
// descriptors it pauses, and goes on when there are some.
type Listener struct {
	loop         *Loop
	fd           int
	addr         bobbin.Address
	how          bobbin.ListenOptions
	makeProtocol func(*Conn) Protocol // the accept function

	// Where the kernel does not divide connections among several loops; see loops.go.
	peers       []*Listener  // the listeners that this one distributes to, itself among them
	turn        int          // the index of the next of them
	acceptQueue *acceptQueue // accepted from in place of a socket
	onQueued    func()       // posted when that is not empty any more

	door []arrival // one that was accepted and waits for room, or none

	group *group     // of the listeners at the address, if there are several
	open  sync.Mutex // held while the socket is closed or duplicated
	gone  bool       // the socket is closed; both locks are for it

	ready   bool // a connection may be waiting
	inAgain bool // on the loop's list of listeners to go on with
	closed  bool

	handedOver atomic.Bool    // another process has the socket, or will
	asked      bobbin.Address // of Listen
	adopted    bool           // the socket was made elsewhere, and has another owner
	inherited  bool           // from the process before, see inherit.go
	from       Socket         // the program's, see ListenOn
	refuses    bool           // the kernel begins no more connections

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
	l.owner.check("Loop.Listen")
	if l.stop.begun || l.stop.gaveUp {
		return nil, errEnded
	}
	fd, bound, inherited, err := l.openSocket(at, how)
	if err != nil {
		return nil, err
	}
	if err := l.kernel.Watch(fd); err != nil {
		l.kernel.Close(fd)
		return nil, err
	}
	ln := &Listener{loop: l, fd: fd, addr: bound, asked: at, how: how, makeProtocol: begin, adopted: at.FD != 0, inherited: inherited}
	ln.handedOver.Store(ln.adopted || inherited)
	l.listeners.all = append(l.listeners.all, ln)
	return ln, nil
}

// Addr returns the address that the listener is bound to.
func (ln *Listener) Addr() bobbin.Address { return ln.addr }

// Close stops accepting. Connections that were accepted are not touched.
func (ln *Listener) Close() {
	ln.loop.owner.check("Listener.Close")
	if !ln.closed {
		ln.closed = true
		ln.loop.listeners.closed = append(ln.loop.listeners.closed, ln)
	}
}

// accept takes what is waiting, as much as one turn allows.
func (ln *Listener) accept() {
	l := ln.loop
	for range l.limits.AcceptBatch {
		if !ln.ready || ln.closed || ln.pause != nil || l.listeners.waiting {
			return
		}
		to := ln.next()
		if to == ln && l.conns.open >= l.limits.Conns+beyondConns {
			l.record(AcceptPaused, nil, int64(l.conns.open))
			if len(l.closings.due) == 0 {
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
				ln.distribute(to, fd, from) // the other loop admits it or not
			} else if !ln.admit(arrival{fd, from}) {
				return
			}
			if l.output.scarce {
				l.flush()
			}
		case err == bobbin.ErrNotNow:
			ln.ready = false
		case errors.Is(err, bobbin.ErrExhausted):
			l.record(AcceptFailed, nil, 1)
			l.report.complain("accept", err)
			ln.makeRoom()
			return
		default:
			l.record(AcceptFailed, nil, 2)
			l.report.complain("accept", err)
			ln.rest(longestPause)
			return
		}
	}
	l.listeners.markAgain(ln)
}

// take takes one connection, from the door, the socket or the accept queue.
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
	who := l.clients.at(a.from.Addr())
	switch {
	case l.eviction.admit(who):
		ln.distribute(ln, a.fd, a.from)
		return true
	case l.eviction.mayWait(who):
		l.record(AcceptPaused, nil, int64(l.conns.open))
		ln.door = []arrival{a}
		ln.rest(shortestPause)
		return false
	}
	l.eviction.turnAway(who, a.fd)
	return true
}

// makeRoom is called when the kernel has no descriptor for one more connection. It
// closes one, and pauses if there is none to spare.
func (ln *Listener) makeRoom() {
	l := ln.loop
	if l.eviction.spareOne() {
		return // reap gives its descriptor back, and calls resume
	}
	ln.backoff = min(max(2*ln.backoff, shortestPause), longestPause)
	ln.rest(ln.backoff)
}

func (ln *Listener) rest(d time.Duration) {
	ln.pause = ln.loop.After(d, func() {
		ln.pause = nil
		ln.loop.listeners.markAgain(ln)
	})
}

// resume goes on accepting, as descriptors were given back: at once when they
// had run out, else when a tenth of the connections is free again, so that a
// full server does not toggle with each of them.
func (ln *Listener) resume() {
	l := ln.loop
	if !ln.ready || ln.closed || l.listeners.waiting {
		return
	}
	if ln.pause != nil {
		if l.conns.open > l.limits.Conns-l.limits.Conns/10 && len(ln.door) == 0 {
			return
		}
		ln.pause.Stop()
		ln.pause = nil
	}
	l.listeners.markAgain(ln)
}

// begin makes a connection of a descriptor and reads from it at once: with
// DeferAccept the request is there. The kernel is asked to watch it only if it
// is still open in flush.
func (ln *Listener) begin(fd int, from netip.AddrPort) {
	l := ln.loop
	c := l.makeConn()
	c.loop, c.fd, c.slot = l, int32(fd), -1
	c.peer, c.peerPort = from.Addr().As16(), from.Port()
	c.readable, c.writable = true, true
	l.conns.add(c)
	l.eviction.countIn(c)
	l.record(Accepted, c, int64(fd))
	l.guard(c, func() {
		c.protocol = ln.makeProtocol(c)
		l.lists.markDirty(c)
		c.readInput()
		if l.stop.begun && c.canWrite() {
			c.protocol.OnShutdown(c)
		}
	})
}

// Listeners are those of a loop.
type listeners struct {
	all    []*Listener
	eager  []*Listener // have more to accept, for the next dispatch
	due    int         // how many of them this turn has still to go on with
	closed []*Listener // their sockets are closed in reap

	inherited *Inheritance // inherit.go
	waiting   bool         // none accepts before TakeOver is called

	relief *Timer // runs while other loops are held, see relief.go
}

// any reports whether there is something to do in the next turn.
func (s *listeners) any() bool { return len(s.eager)+len(s.closed) > 0 }

// at returns the listener of a descriptor, or nil.
func (s *listeners) at(fd int) *Listener {
	for _, ln := range s.all {
		if ln.fd == fd {
			return ln
		}
	}
	return nil
}

// markAgain has dispatch go on with a listener although the kernel reports nothing
// about it.
func (s *listeners) markAgain(ln *Listener) {
	if !ln.inAgain && !ln.closed {
		ln.inAgain = true
		s.eager = append(s.eager, ln)
	}
}

// acceptAgain goes on with the listeners that had more to accept when the turn began.
func (l *Loop) acceptAgain() {
	s := &l.listeners
	for i := range s.due {
		ln := s.eager[i]
		s.eager[i], ln.inAgain = nil, false
		l.checkWatchdog()
		ln.accept()
		l.endAccept()
	}
	s.eager, s.due = without(s.eager, s.due), 0
}

// reap closes the sockets of listeners that were closed, and has the others go on,
// as descriptors were given back.
func (s *listeners) reap() {
	for _, ln := range s.closed {
		ln.closeNow()
	}
	s.closed = nil
	for _, ln := range s.all {
		ln.resume()
	}
}

// remove takes a listener out.
func (s *listeners) remove(ln *Listener) {
	if i := slices.Index(s.all, ln); i >= 0 {
		s.all = slices.Delete(s.all, i, i+1)
	}
}

// removeFile removes the file of a Unix socket, unless another process has the socket, or
// another socket the path. At a stop that comes first: the next process finds no file.
func (ln *Listener) removeFile() {
	if ln.handedOver.Load() || ln.acceptQueue != nil { // another process or loop has the socket
		return
	}
	if err := ln.addr.RemoveFile(); err != nil {
		ln.loop.report.complain("remove the socket's file", err)
	}
}

// closeNow gives back what a listener has. It is called in reap.
func (ln *Listener) closeNow() {
	l := ln.loop
	ln.removeFile()
	if l.stop.begun && ln.acceptQueue == nil && !ln.refuses && !ln.handedOver.Load() && !l.stop.gaveUp {
		ln.closed = false
		ln.drain() // what has come since, in the shortest possible time before
		ln.closed = true
	}
	if ln.pause != nil {
		ln.pause.Stop()
		ln.pause = nil
	}
	l.listeners.remove(ln)
	for _, a := range ln.door {
		if err := l.kernel.Reset(a.fd); err != nil {
			l.report.complain("reset", err)
		}
	}
	ln.door = nil
	if ln.acceptQueue != nil {
		ln.empty()
	} else if err := ln.closeSocket(); err != nil {
		l.report.complain("close", err)
	}
	if ln.from != nil {
		_ = ln.from.Close() // the program may have closed it by now
	}
}
