package eventloop

// How a connection is read. The kernel reports once that there is something to read;
// the socket is read until a call answers that there is no more. Bytes that the
// protocol does not use are kept and shown again, with more behind them.

import (
	"io"

	"github.com/bobbin-http/bobbin"
)

// A peerEnd is how far the peer's half of a connection has come to its end.
type peerEnd uint8

const (
	endNone   peerEnd = iota // the peer may send more
	endHungUp                // the kernel has reported a hang-up: no other event comes, and the socket is read to its end
	endRead                  // the end was read
	endTold                  // and the protocol knows
)

// onReady notes what the kernel reports about a connection, and acts on it.
func (c *Conn) onReady(ready bobbin.Ready) {
	if ready&bobbin.HungUp != 0 && c.peerEnd == endNone {
		c.peerEnd = endHungUp
	}
	if ready&bobbin.Writable != 0 {
		c.writable = true
		if c.out != nil {
			c.loop.lists.markDirty(c)
		}
	}
	if ready&bobbin.Readable != 0 {
		c.readable = true
		if !c.inAgain {
			c.readInput()
		}
	}
}

// handleLeftover goes on with the input and the news that the last turn left over. The peer is
// heard before the protocol is told that there is room again: one that fills it each time
// would never be shown anything.
func (c *Conn) handleLeftover() {
	c.inAgain = false
	if c.loop.output.scarce {
		c.checkTotal()
	}
	if c.in != nil && c.mayDeliver() {
		c.deliverKept()
	}
	c.readInput()
	if c.pressure == pressureGone {
		c.notifyDrain()
	}
}

// readInput reads what the peer has sent and shows it to the protocol, as far as it
// goes this turn.
func (c *Conn) readInput() {
	l := c.loop
	switch {
	case c.state == Lingering:
		c.discard()
		return
	case !c.canRead():
		return
	}
	if l.output.scarce {
		c.checkTotal()
	}
	for budget := l.limits.ReadBudget; c.readable && budget > 0 && !c.inAgain; {
		if !c.mayDeliver() {
			if c.peerEnd == endHungUp {
				c.readWhilePaused()
			}
			return
		}
		p, n := c.read()
		if len(p) > 0 {
			c.deliver(p)
		}
		if budget -= n; budget <= 0 && c.readable {
			l.lists.markAgain(c)
		}
	}
	if c.peerEnd == endRead {
		c.notifyEOF()
	}
}

// receive fills the loop's buffer from the socket and returns what is in it. An end,
// an error and an empty socket are noted at the connection.
func (c *Conn) receive() []byte {
	l := c.loop
	n, err := l.kernel.Read(int(c.fd), l.pools.scratch)
	if n == 0 {
		c.readNothing(err)
		return nil
	}
	// An error beside a count is ErrNotNow. Beside a hang-up that says nothing: the
	// end may wait behind it, and no event will tell.
	c.readable = err == nil || c.peerEnd == endHungUp
	l.recorder.put(Read, c.id, 0, int64(n))
	return l.pools.scratch[:n]
}

// readNothing notes why a read has returned nothing.
func (c *Conn) readNothing(err error) {
	switch err {
	case nil:
	case bobbin.ErrNotNow:
		c.readable = false
		c.loop.record(ReadNotNow, c, 0)
	case io.EOF:
		c.noteEnd()
	default:
		c.readable = false
		c.markClosed(err)
	}
}

// noteEnd notes that the peer has sent its last byte, and that it was read.
func (c *Conn) noteEnd() {
	c.readable = false
	c.peerEnd = max(c.peerEnd, endRead)
}

// mayDeliver reports whether the protocol may be shown something.
func (c *Conn) mayDeliver() bool {
	return c.state <= HalfClosed && !c.paused && c.pressure != pressureOn
}

// deliver shows the protocol what has come, behind what it left over before, and
// keeps what it leaves over now.
func (c *Conn) deliver(p []byte) {
	if c.in != nil {
		c.in.add(p)
		c.deliverKept()
		return
	}
	used := c.protocol.OnData(c, p)
	if used < len(p) && (c.canRead() || c.leaves()) {
		c.keepRest(p[used:])
	}
}

// keepRest keeps what the protocol has not used, within the limit.
func (c *Conn) keepRest(p []byte) {
	c.keep(p)
	c.checkInputLimit()
}

// keep puts p behind what has not been used yet.
func (c *Conn) keep(p []byte) {
	if c.in == nil {
		c.in = c.loop.pools.takeInput()
	}
	c.in.add(p)
}

// deliverKept shows the protocol what it left over.
func (c *Conn) deliverKept() {
	in := c.in
	used := c.protocol.OnData(c, in.rest())
	if c.in != in {
		return // closed meanwhile, and its memory given back
	}
	in.at += used
	if len(in.rest()) == 0 {
		c.dropInput()
		return
	}
	c.checkInputLimit()
}

// checkInputLimit ends a connection that holds more than it may.
func (c *Conn) checkInputLimit() {
	l := c.loop
	l.record(ReadPart, c, int64(len(c.in.rest())))
	if len(c.in.rest())-l.limits.ReadBudget > l.limits.Input {
		c.Abort(ErrInputFull)
	}
}

// dropInput gives back what was kept.
func (c *Conn) dropInput() {
	if c.in != nil {
		c.loop.pools.giveInput(c.in)
		c.in = nil
	}
}

// readWhilePaused reads from a connection with a paused protocol, after a hang-up: the
// peer has ended or is gone, and only reading tells which. The bytes are kept, up to the
// limit.
func (c *Conn) readWhilePaused() {
	for c.readable && c.canRead() {
		if c.in != nil && len(c.in.rest()) >= c.loop.limits.Input {
			return // it is read further when the protocol has used some
		}
		if p, _ := c.read(); len(p) > 0 {
			c.keep(p)
		}
	}
	if p, ok := c.protocol.(Backpressured); ok && c.peerEnd == endRead && c.canRead() {
		p.OnPeerClosed(c)
	}
}

// notifyEOF tells the protocol that the peer has ended, once it has been shown
// everything.
func (c *Conn) notifyEOF() {
	if !c.inAgain && c.mayDeliver() {
		c.peerEnd = endTold
		if c.truncated() {
			c.Abort(ErrTruncated)
			return
		}
		c.protocol.OnEOF(c)
	}
}
