package eventloop

// How a connection is written. Output is queued, and flush sends the queue when all
// that is ready in this turn has been read. Above the high-water mark there is
// back-pressure: the connection is not read, so that its peer has to take output before
// it is served further.

import "github.com/bobbin-http/bobbin"

// A pressure is the back-pressure of a connection.
type pressure uint8

const (
	pressureOff  pressure = iota
	pressureOn            // more than Limits.HighWater is queued, or anything while memory is scarce
	pressureGone          // half of that limit is left, and a Backpressured protocol is to be told
)

// flush writes what is staged for the connection, which has no queue then, or what is in its
// queue, as much as the socket takes and the budget of one turn allows. Only it and
// writeStaged, its beginning, write to sockets.
func (c *Conn) flush(staged []byte) {
	if c.state == Dead {
		return
	}
	l := c.loop
	budget := l.limits.WriteBudget
	if len(staged) > 0 {
		if budget -= c.writeStaged(staged, budget); c.state == Dead {
			return
		}
	}
	for (c.out != nil || c.tls != nil) && c.prepareOutput() && c.writable && budget > 0 {
		n, err := c.out.send(l, c, budget)
		if err == ErrCold {
			break
		}
		budget -= n
		if n > 0 {
			l.recorder.put(Wrote, c.id, 0, int64(n))
			if c.out.sent(l, n); c.out.size == 0 {
				l.pools.giveOutput(c.out)
				c.out = nil
				if c.idleSince > 0 {
					c.SetIdle(true) // from now on
				}
			}
		}
		if err != nil && c.writeFailed(err, n) {
			return
		}
	}
	if c.out == nil && c.state == Open && c.pressure != pressureOn {
		return // all of it is sent, as nearly always
	}
	if c.state != Dead {
		c.afterFlush()
	}
}

// writeStaged writes what is staged, as much as the socket takes and the budget allows, and
// puts the rest into the connection's queue. It returns how much was written.
func (c *Conn) writeStaged(staged []byte, budget int) (n int) {
	l := c.loop
	var err error
	if c.writable {
		n, err = l.kernel.Write(int(c.fd), staged[:min(len(staged), budget)], false)
	}
	if n > 0 {
		l.recorder.put(Wrote, c.id, 0, int64(n))
	}
	if n < len(staged) {
		o, _ := c.outQueue()
		o.add(l, &o.pieces, staged[n:])
	}
	if err != nil {
		c.writeFailed(err, n)
	}
	return n
}

// writeFailed reports whether the connection ends with an error of a write that has
// written n bytes.
func (c *Conn) writeFailed(err error, n int) bool {
	switch err {
	case bobbin.ErrNotNow:
		c.writable = false
		c.recordFull(n)
		return false
	case ErrChanged, errPanic:
		c.reset(err)
	default:
		c.markClosed(err)
	}
	return true
}

// recordFull records that a socket has taken n bytes, and had no room for the rest.
func (c *Conn) recordFull(n int) {
	kind := WritePart
	if n == 0 {
		kind = WriteNotNow
	}
	if n > 0 || c.heldSince == 0 {
		c.heldSince = c.loop.clock.tickNow()
	}
	c.loop.record(kind, c, c.Buffered())
}

// afterFlush decides how a connection goes on that is more than open and written.
func (c *Conn) afterFlush() {
	l := c.loop
	if c.pressure == pressureOn && c.Buffered() <= l.output.resumeAt() {
		c.pressure = pressureGone
		l.record(BackpressureOff, c, c.Buffered())
		l.lists.markAgain(c)
	}
	switch {
	case c.out == nil && c.state == Closing:
		c.finish()
	case c.out == nil && c.state == HalfClosed:
		c.shutHalf()
	case c.out == nil || len(c.out.pieces) == 0:
		// The rest, if there is one, waits for a worker that reads a file.
	case c.writable && c.out.pieces[0].readAhead == nil:
		l.lists.markDirty(c) // the budget is used up: the others first
	default:
		c.out.shrink(l)
	}
	if !c.watched && c.state != Dead {
		c.watch()
	}
}

// watch registers a connection that stays open beyond its first turn. One that
// is answered and closed at once never costs that call.
func (c *Conn) watch() {
	l := c.loop
	if err := l.kernel.Watch(int(c.fd)); err != nil {
		l.report.complain("watch", err)
		c.reset(err)
		return
	}
	c.watched = true
	if c.state == Fresh {
		c.become(Open)
	}
}

// addQueued accounts for what was just queued.
func (c *Conn) addQueued(size, memory int64) {
	l := c.loop
	c.out.grow(l, size, memory)
	c.checkHighWater(size)
	c.markOutput()
}

// commitStaged is Commit for bytes that are staged.
func (c *Conn) commitStaged(n int) {
	l := c.loop
	size := l.lists.dirty.commit(c, n)
	if l.Memory() > l.output.scarceAt {
		l.output.noteScarce(int64(n))
	}
	if size > l.limits.HighWater {
		c.pushBack(int64(size))
	}
}

// checkHighWater looks whether more is queued than should be, after size bytes were.
func (c *Conn) checkHighWater(size int64) {
	l := c.loop
	if l.output.bytes > l.output.scarceAt {
		l.output.noteScarce(size)
	}
	if queued := c.Buffered(); queued > int64(l.limits.HighWater) {
		c.pushBack(queued)
	}
}

// pushBack has nothing more be read from the connection until its peer has taken
// enough of what is queued.
func (c *Conn) pushBack(queued int64) {
	if c.pressure != pressureOn {
		c.pressure = pressureOn
		c.loop.record(BackpressureOn, c, queued)
	}
}

// notifyDrain tells a protocol that waited for it that there is room.
func (c *Conn) notifyDrain() {
	c.pressure = pressureOff
	if p, ok := c.protocol.(Backpressured); ok && c.canRead() {
		p.OnDrain(c)
	}
}

// dropOutput gives up what is queued.
func (c *Conn) dropOutput() {
	if c.out != nil {
		c.out.drop(c.loop)
		c.loop.pools.giveOutput(c.out)
		c.out = nil
	}
}
