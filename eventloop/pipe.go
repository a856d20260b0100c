package eventloop

// Between a protocol and its socket is a pipe of bytes. There are two kinds of it. A
// plain one shows the protocol what was read, and sends what is queued, as it is. One
// over TLS (tlspipe.go) decrypts the former and encrypts the latter. The functions in
// this file choose between the two. Nothing else asks which it is: queues, limits and
// accounts are the same for both.

// read reads from the socket. It returns the peer's bytes in plain text, in the loop's
// memory, and how many bytes were read for them.
func (c *Conn) read() (p []byte, n int) {
	if c.tls != nil {
		return c.tls.readSocket()
	}
	p = c.receive()
	return p, len(p)
}

// prepareOutput reports whether there is something for the socket, after encrypting
// some more of it if there is TLS.
func (c *Conn) prepareOutput() bool {
	if c.out != nil && c.out.size == 0 {
		c.dropOutput() // room was reserved, and nothing was committed
	}
	if c.tls != nil {
		return c.tls.encrypt()
	}
	return c.out != nil
}

// outQueue returns the queue of a connection, after making it if there is none, and
// the pieces in it behind which a protocol writes.
func (c *Conn) outQueue() (*output, *[]piece) {
	if c.out == nil {
		c.out = c.loop.pools.takeOutput()
		if staged := c.loop.lists.dirty.take(c); len(staged) > 0 {
			c.out.add(c.loop, &c.out.pieces, staged)
		}
	}
	if c.tls != nil {
		return c.out, &c.out.text
	}
	return c.out, &c.out.pieces
}

// sending returns the piece that is first in that list.
func (c *Conn) sending() *piece {
	_, list := c.outQueue()
	return &(*list)[0]
}

// sendEnd tells the peer that nothing more is sent, at once. Where it is not said by
// TLS, closing the socket says it.
func (c *Conn) sendEnd() {
	if c.tls != nil {
		c.tls.sendCloseNotify()
		c.flush(c.loop.lists.dirty.take(c)) // which the socket takes at once, or not at all
	}
}

// failure returns why the pipe has failed, or nil. The protocol is shown nothing after
// a failure.
func (c *Conn) failure() error {
	if c.tls != nil {
		return c.tls.why
	}
	return nil
}

// truncated reports whether the end of what the peer has sent may not be the peer's
// doing, and matters. Anyone between the two can end a connection, but only the peer
// can say by TLS that it meant to. Between two requests, it may just leave.
func (c *Conn) truncated() bool {
	return c.tls != nil && !c.tls.heard && c.tls.shown && (c.idleSince <= 0 || c.tls.whole)
}
