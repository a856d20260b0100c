package eventloop

// EmbedConns has f make each connection that the loop accepts from now on, as a field of
// the protocol that is to speak on it: one object in place of two. The accept function gets
// the protocol by Conn.Protocol. Both are new at each call, and f touches nothing of the
// Conn. OnClose may be called on a protocol whose accept function has panicked. EmbedConns
// must be called on the loop's goroutine, or before the loop runs. Few protocols need it:
// an allocation less matters where there are very many connections.
func (l *Loop) EmbedConns(f func() (*Conn, Protocol)) {
	l.owner.check("Loop.EmbedConns")
	l.embed = f
}

// makeConn returns a connection that has nothing set but its protocol, if that has the
// connection as a field.
func (l *Loop) makeConn() *Conn {
	if l.embed == nil {
		return new(Conn)
	}
	c, p := l.embed()
	c.protocol = p
	return c
}

// Protocol returns the protocol that speaks on the connection, or on the stream. In the accept
// function, and during a TLS handshake, it is the one that has the connection as a field, or
// nil: see Loop.EmbedConns.
func (c *Conn) Protocol() Protocol {
	switch p := c.protocol.(type) {
	case *handshake:
		return p.embeds
	case *streamProtocol:
		return p.protocol
	}
	return c.protocol
}
