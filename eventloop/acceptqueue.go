package eventloop

import (
	"net/netip"
	"sync"

	"github.com/bobbin-http/bobbin"
)

// An acceptQueue holds connections that one loop has accepted for another. The listener
// that has one accepts from it in place of a socket. The two loops share nothing else.
type acceptQueue struct {
	room int // how many may lie here, beside the connections of the loop

	mu     sync.Mutex
	list   []arrival
	closed bool
}

// An arrival is a connection that no loop has begun.
type arrival struct {
	fd   int
	from netip.AddrPort
}

// put puts a connection in. It reports whether the queue had room and was open, else
// the descriptor is still the caller's; and whether it was empty, so that the other
// loop has to be told.
func (b *acceptQueue) put(a arrival) (taken, first bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || len(b.list) >= b.room {
		return false, false
	}
	b.list = append(b.list, a)
	return true, len(b.list) == 1
}

// take takes one out, under the rules of Kernel.Accept.
func (b *acceptQueue) take() (int, netip.AddrPort, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.list) == 0 {
		return -1, netip.AddrPort{}, bobbin.ErrNotNow
	}
	a := b.list[0]
	b.list = b.list[1:]
	return a.fd, a.from, nil
}

// hasRoom reports whether put would take one.
func (b *acceptQueue) hasRoom() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.closed && len(b.list) < b.room
}

// close lets nothing more in.
func (b *acceptQueue) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
}

// distributeTo opens a listener on another loop that has an accept queue and no socket, and has ln
// deal connections out to it. Neither loop may run yet.
func (ln *Listener) distributeTo(l *Loop, begin func(*Conn) Protocol) *Listener {
	other := &Listener{loop: l, fd: -1, addr: ln.addr, how: ln.how, makeProtocol: begin, acceptQueue: &acceptQueue{room: l.limits.AcceptBatch}}
	other.onQueued = func() {
		other.ready = true
		other.accept()
	}
	l.listeners.all = append(l.listeners.all, other)
	if ln.peers == nil {
		ln.peers = []*Listener{ln}
	}
	ln.peers = append(ln.peers, other)
	return other
}

// next returns which listener begins the connection that is accepted next: ln itself,
// or one of those to which it deals out. If none has room, it is ln, where the newcomer
// is admitted at the cost of another or not at all.
func (ln *Listener) next() *Listener {
	l := ln.loop
	if ln.peers == nil {
		return ln
	}
	for range ln.peers {
		to := ln.peers[ln.turn]
		if to == ln && l.conns.open < l.limits.Conns || to != ln && !to.loop.held() && to.acceptQueue.hasRoom() {
			return to
		}
		ln.turn = (ln.turn + 1) % len(ln.peers)
	}
	return ln
}

// distribute has the listener that next returned begin a connection. If that has come to an
// end since, ln does: one more than its limit is better than one that is cut off.
func (ln *Listener) distribute(to *Listener, fd int, from netip.AddrPort) {
	if ln.peers != nil {
		ln.turn = (ln.turn + 1) % len(ln.peers)
	}
	if to == ln || !to.give(arrival{fd, from}) {
		ln.begin(fd, from)
	}
}

// give is called by another loop. It reports whether this one will begin the
// connection.
func (ln *Listener) give(a arrival) bool {
	taken, first := ln.acceptQueue.put(a)
	// One such post is under way at a time, so that it need not count against the
	// limit. A loop that has ended looks into the queue when it shuts.
	if first && ln.loop.mail.put(ln.onQueued, false) == nil {
		_ = ln.loop.kernel.Wake() // one that has just ended needs none
	}
	return taken
}

// empty gives back the descriptors that no loop will begin.
func (ln *Listener) empty() {
	ln.acceptQueue.close()
	for {
		fd, _, err := ln.acceptQueue.take()
		if err != nil {
			return
		}
		if err := ln.loop.kernel.Close(fd); err != nil {
			ln.loop.report.complain("close", err)
		}
	}
}
