package eventloop

// A connection of which one half has ended, and one that another protocol goes on with:
// tunnels need both.

// canRead reports whether the protocol may still be shown what the peer sends.
func (c *Conn) canRead() bool { return c.state <= HalfClosed }

// endsOutput reports whether nothing is written behind what is queued.
func (c *Conn) endsOutput() bool {
	return c.state == HalfClosed || c.state == Closing && c.closeMode != closeDetach
}

// CloseWrite ends our half of the connection when all that was written is with the kernel,
// and over TLS sends close_notify first. Nothing can be written any more; the protocol is
// shown what the peer still sends, until it closes the connection.
func (c *Conn) CloseWrite() {
	c.loop.owner.check("Conn.CloseWrite")
	if c.canWrite() {
		c.become(HalfClosed)
		c.markOutput()
	}
}

// shutHalf ends our half when all is written.
func (c *Conn) shutHalf() {
	if err := c.loop.kernel.Shutdown(int(c.fd)); err != nil {
		c.markClosed(err)
	}
}

// SetProtocol has another protocol go on with the connection. It gets all calls from now
// on, and is shown, in the next turn, what the present one has not used. Over TLS,
// an end of the peer without close_notify is then a failure, also on an idle connection.
func (c *Conn) SetProtocol(p Protocol) {
	c.loop.owner.check("Conn.SetProtocol")
	if c.fd == noDescriptor {
		c.stream().protocol = p
		c.loop.lists.markAgain(c)
		return
	}
	c.protocol = p
	if c.tls != nil {
		c.tls.whole = true
	}
	c.loop.lists.markAgain(c)
}
