package eventloop

import "github.com/bobbin-http/bobbin"

// write is the flush of one connection: the only place that writes to sockets.
func (l *Loop) write(c *Conn) {
	if c.state == Dead {
		return
	}
	budget := l.limits.WriteBudget
	for l.supply(c) && c.writable && budget > 0 {
		n, err := c.out.send(l, c, budget)
		if err == ErrCold {
			break
		}
		budget -= n
		if n > 0 {
			l.recorder.put(Wrote, c.id, 0, int64(n))
			c.out.sent(l, n)
			if len(c.out.pieces) == 0 {
				l.giveOutput(c.out)
				c.out = nil
				if c.idleSince > 0 {
					c.SetIdle(true) // from now on
				}
			}
		}
		switch {
		case err == bobbin.ErrNotNow:
			c.writable = false
			c.recordFull(n)
		case err == ErrChanged:
			c.reset = true
			fallthrough
		case err != nil:
			l.markClosed(c, err)
			return
		}
	}
	if c.out == nil && c.state == Open && !c.full && c.tls == nil {
		return // all of it is sent, as nearly always
	}
	if c.state == Dead {
		return
	}
	if c.full && c.Buffered() <= l.resumeAt() {
		c.full, c.drainDue = false, true
		l.record(BackpressureOff, c, c.Buffered())
		l.queueAgain(c)
	}
	switch {
	case c.out != nil && c.writable && c.out.pieces[0].readAhead == nil:
		l.touch(c) // the budget is used up: the others first
	case c.out != nil:
		c.out.shrink(l)
	case c.state == Closing && c.Buffered() == 0:
		l.finish(c)
	}
	if !c.watched && c.state != Dead {
		l.watch(c)
	}
}

// recordFull records that a socket has taken n bytes, and had no room for the rest.
func (c *Conn) recordFull(n int) {
	kind := WritePart
	if n == 0 {
		kind = WriteNotNow
	}
	c.loop.record(kind, c, c.Buffered())
}

// supply reports whether there is something for the socket, after encrypting some
// more if there is TLS.
func (l *Loop) supply(c *Conn) bool {
	if c.tls != nil {
		return l.encrypt(c)
	}
	return c.out != nil
}

// watch registers a connection that stays open beyond its first turn. One that
// is answered and closed at once never costs that call.
func (l *Loop) watch(c *Conn) {
	if err := l.kernel.Watch(int(c.fd)); err != nil {
		l.complain("watch", err)
		c.reset = true
		l.markClosed(c, err)
		return
	}
	c.watched = true
	if c.state == Fresh {
		c.become(Open)
	}
}

// outbox is where what the protocol says is queued: for the socket, or to be
// encrypted first.
func (c *Conn) outbox() **output {
	if c.tls != nil {
		return &c.tls.plain
	}
	return &c.out
}

// outQueue returns what said says, and makes it if there is none.
func (c *Conn) outQueue() *output {
	q := c.outbox()
	if *q == nil {
		*q = c.loop.takeOutput()
	}
	return *q
}

// addQueued accounts for what was just queued.
func (c *Conn) addQueued(o *output, size, memory int64) {
	l := c.loop
	o.size += size
	o.memory += memory
	l.memory += memory
	c.checkHighWater(size)
	l.touch(c)
}

// checkHighWater looks whether more is queued than should be, after size bytes were.
func (c *Conn) checkHighWater(size int64) {
	l := c.loop
	if l.memory > l.scarceAt {
		l.scarceQueued += size
		if !l.scarce {
			l.beginScarcity()
		}
	}
	if queued := c.Buffered(); queued > int64(l.limits.HighWater) {
		c.hold(queued)
	}
}

// hold has nothing more be read from the connection until its peer has taken
// enough of what is queued.
func (c *Conn) hold(queued int64) {
	if !c.full {
		c.full = true
		c.loop.record(BackpressureOn, c, queued)
	}
}

func (c *Conn) dropOutput() {
	if c.tls != nil {
		c.loop.dropQueue(&c.tls.plain)
	}
	c.loop.dropQueue(&c.out)
}

func (l *Loop) dropQueue(o **output) {
	if *o != nil {
		(*o).drop(l)
		l.giveOutput(*o)
		*o = nil
	}
}
