package eventloop

// What a protocol writes is staged or queued, and sent in the flush of the turn; see stage.go
// and flush.go.

// Reserve returns empty memory with room for n bytes, which are sent once they
// were appended there and Commit was called, before anything else is done with
// the connection.
func (c *Conn) Reserve(n int) []byte {
	c.loop.owner.check("Conn.Reserve")
	if !c.canWrite() {
		return make([]byte, 0, n) // and dropped by Commit
	}
	if c.out == nil && c.tls == nil {
		if p := c.loop.lists.dirty.reserve(c, n); p != nil {
			return p
		}
	}
	o, list := c.outQueue()
	p := o.last(c.loop, list, n)
	return p.bytes[len(p.bytes):]
}

// Commit sends the n bytes that were put into what Reserve returned.
func (c *Conn) Commit(n int) {
	if !c.canWrite() {
		return
	}
	if c.out == nil {
		c.commitStaged(n)
		return
	}
	o, list := c.outQueue()
	last := len(*list) - 1
	p := &(*list)[last]
	p.bytes = p.bytes[:len(p.bytes)+n]
	if len(p.bytes) == 0 {
		// There is nothing to say after all, and a queue with nothing in it
		// would be written for ever.
		p.release(c.loop)
		*list = (*list)[:last]
		if o.size == 0 {
			c.dropOutput()
		}
		return
	}
	c.addQueued(int64(n), int64(n))
}

// Write sends a copy of p. It takes everything: a protocol that respects Full
// keeps the queue short. Nothing is sent on a connection that was closed.
func (c *Conn) Write(p []byte) {
	c.Commit(copy(c.Reserve(len(p))[:len(p)], p))
}

// WriteNoCopy sends p itself, without a copy. It must not be changed from then on.
func (c *Conn) WriteNoCopy(p []byte) {
	c.loop.owner.check("Conn.WriteNoCopy")
	if len(p) == 0 || !c.canWrite() {
		return
	}
	_, list := c.outQueue()
	*list = append(*list, piece{bytes: p, lent: true})
	c.loop.output.lend(p)
	c.addQueued(int64(len(p)), 0)
}

// Buffered returns how many bytes the socket has not taken yet.
func (c *Conn) Buffered() int64 {
	if c.out == nil {
		return int64(len(c.loop.lists.dirty.staged(c)))
	}
	return c.out.size
}

// Unsent returns how many bytes the peer has not acknowledged, in the queue and,
// as far as it tells, in the kernel.
func (c *Conn) Unsent() int64 {
	if c.state == Dead {
		return 0
	}
	if c.fd == noDescriptor {
		return c.Buffered() // what is in frames is with the connection
	}
	return c.Buffered() + int64(c.loop.kernel.Unsent(int(c.fd)))
}

// KeepUnsentShort has the socket take little more than the peer does, so that what is written later can
// overtake more of what is not yet written. See bobbin.Kernel.
func (c *Conn) KeepUnsentShort() {
	c.loop.owner.check("Conn.KeepUnsentShort")
	if c.state <= Closing {
		c.loop.kernel.KeepUnsentShort(int(c.fd))
	}
}

// SendFile sends n bytes of f from offset on. If the file turns out to be
// shorter, the connection is reset, for what was promised cannot be kept.
func (c *Conn) SendFile(f File, offset, n int64) {
	c.loop.owner.check("Conn.SendFile")
	if n == 0 || !c.canWrite() {
		c.loop.giveBack(f)
		return
	}
	_, list := c.outQueue()
	*list = append(*list, piece{file: sourceOf(f), at: offset, left: n})
	c.addQueued(n, 0)
}
