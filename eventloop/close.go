package eventloop

// How a connection ends. Closing sends the last bytes, lingering waits for the peer's
// end, and a dead connection is closed in reap, when the turn ends: its number must
// not become another's while events for it may still be at hand.

import (
	"time"
)

// A closeMode is how the descriptor of a connection is to be closed.
type closeMode uint8

const (
	closePlain  closeMode = iota // as soon as the kernel has all of the output
	closeLinger                  // after that, when the peer has ended or has had its time
	closeReset                   // by a reset: output that is queued is lost
	closeDetach                  // not: it goes to another owner; see detach.go
)

// Closings are the connections of a loop that are about to end.
type closings struct {
	due []closing // closed in reap

	// Few connections linger at a time. So their limits are here, and not in Conn.
	lingering map[*Conn]lingering

	detached detachments // detach.go: those that leave the loop
}

// A closing is a connection to be closed, and why.
type closing struct {
	conn *Conn
	why  error
}

// lingering is how long a connection has lingered after our half of it was shut, and what
// its peer has sent meanwhile. A peer that sends a large body sees the answer only when it
// has sent all of it, so its time is bound by the rate of its bytes and not by their
// number.
type lingering struct {
	since time.Duration
	bytes int64 // that were thrown away
}

// until returns when the connection has lingered long enough.
func (s lingering) until(l *Limits) time.Duration {
	earned := min(float64(s.bytes)/float64(l.LingerRate), l.LingerTotal.Seconds())
	return s.since + min(l.LingerGrace+time.Duration(earned*float64(time.Second)), l.LingerTotal)
}

func (s *closings) init() { s.lingering = make(map[*Conn]lingering) }

// any reports whether there is something to close.
func (s *closings) any() bool { return len(s.due) > 0 }

// take returns what is to be closed.
func (s *closings) take() []closing {
	list := s.due
	s.due = nil
	return list
}

// close begins the end of a connection that has been answered.
func (c *Conn) close(mode closeMode) {
	if !c.canRead() {
		return
	}
	c.closeMode = mode
	c.idleSince, c.heldSince = 0, c.loop.clock.tickNow()
	c.become(Closing)
	c.dropInput()
	c.markOutput()
}

// finish is called when all is written. It ends our half, and has the connection
// linger. A peer that has sent nothing more, as it said, needs no lingering: the
// socket has nothing to read then.
func (c *Conn) finish() {
	l := c.loop
	if c.closeMode == closeDetach || c.peerEnd >= endRead || c.closeMode != closeLinger && !c.readable {
		c.markClosed(nil)
		return
	}
	if err := l.kernel.Shutdown(int(c.fd)); err != nil {
		c.markClosed(err)
		return
	}
	c.become(Lingering)
	l.closings.lingering[c] = lingering{since: l.clock.now}
	c.lingerOn()
	c.readable = true // there may be something from before
	l.lists.markAgain(c)
}

// lingerOn gives a lingering connection until its peer is silent, or until it has
// lingered long enough.
func (c *Conn) lingerOn() {
	l := c.loop
	idle := l.limits.LingerIdle
	if l.stop.begun {
		idle = min(idle, time.Second)
	}
	c.deadline = min(l.clock.after(idle), l.closings.lingering[c].until(&l.limits))
	l.timers.wheel.moved(c)
}

// discard reads what a lingering peer sends and throws it away, as much as a connection may
// have read in a turn.
func (c *Conn) discard() {
	l := c.loop
	for budget := l.limits.ReadBudget; c.readable; {
		if budget <= 0 {
			l.lists.markAgain(c)
			return
		}
		n := len(c.receive())
		if c.state != Lingering {
			return
		}
		if c.peerEnd >= endRead {
			c.markClosed(nil)
			return
		}
		if n > 0 {
			budget -= n
			left := l.closings.lingering[c]
			left.bytes += int64(n)
			l.closings.lingering[c] = left
			c.lingerOn()
		}
	}
}

// reset has the connection end with this turn, by a reset.
func (c *Conn) reset(why error) {
	c.closeMode = closeReset
	c.markClosed(why)
}

// markClosed has the connection end with this turn. Nothing is read, written or shown
// to the protocol any more.
func (c *Conn) markClosed(why error) {
	if c.state == Dead {
		return
	}
	if why == nil {
		why = c.failure()
	}
	if c.state < Closing {
		c.heldSince = c.loop.clock.tickNow()
	}
	c.become(Dead)
	c.loop.closings.due = append(c.loop.closings.due, closing{c, why})
}

// notify tells the protocol that its connection is over, exactly once.
func (e closing) notify() {
	if e.conn.protocol != nil { // it has none if the accept function panicked
		e.conn.protocol.OnClose(e.conn, e.why)
	}
}

// closeNow gives back all that a connection has, its descriptor last. It is called in
// reap.
func (c *Conn) closeNow(why error) {
	l := c.loop
	if c.fd == noDescriptor {
		c.stream().over(why)
		return
	}
	if c.closeMode == closeDetach && why == nil {
		c.detachNow()
		return
	}
	c.forget()
	l.record(c.EndKind(why), c, int64(c.fd))
	var err error
	if c.closeMode == closeReset {
		err = l.kernel.Reset(int(c.fd))
	} else {
		err = l.kernel.Close(int(c.fd))
	}
	if err != nil {
		l.report.complain("close", err)
	}
	c.notDetached(why)
}

// forget gives back all that a connection has of the loop, but its descriptor.
func (c *Conn) forget() {
	l := c.loop
	c.dropInput()
	c.dropOutput()
	l.timers.wheel.unlink(c)
	delete(l.closings.lingering, c)
	l.conns.remove(c)
	l.eviction.countOut(c)
	delete(l.clients.named, c)
}
