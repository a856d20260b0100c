package eventloop

// A Protocol is our side of one conversation. The loop calls it, always on its
// own goroutine and never one call inside another for the same connection, and
// it answers by the methods of the Conn. It must not wait.
type Protocol interface {
	// OnData is shown the bytes that have come and are not yet used, and
	// returns how many of them it has used now. The rest is kept and shown
	// again, with more behind it, when more has come; at once in the next turn
	// if it called Conn.Again. The bytes are the loop's: they are gone when
	// OnData returns.
	OnData(c *Conn, p []byte) (used int)

	// OnEOF is called when the peer has sent its last byte. It may still be reading.
	// All its bytes have been shown; those that OnData left over will never be
	// completed. It is called at most once.
	OnEOF(c *Conn)

	// OnTimeout says that the deadline set by Conn.SetDeadline has passed, after
	// one more look into the socket. There is no deadline then.
	OnTimeout(c *Conn)

	// OnShutdown says that the loop wants to end: finish what has begun, begin
	// nothing, close. It is called at most once, and from then on
	// Loop.Stopping is true.
	OnShutdown(c *Conn)

	// OnClose is the last call: the connection is over, for the reason given, and
	// its descriptor is about to be closed. It is called exactly once. The
	// reason is nil when our side closed and the kernel has taken all output.
	OnClose(c *Conn, why error)
}

// A Backpressured protocol says more than a peer takes at once, or keeps it waiting.
type Backpressured interface {
	Protocol

	// OnDrain says that there is room again: half of Limits.HighWater is left in
	// the queue, or Conn.ShouldWait has reason to be called once more.
	OnDrain(c *Conn)

	// OnPeerClosed says that the peer has sent its last byte while the protocol was
	// paused, or under back-pressure. Most peers have closed then, and wait for nothing;
	// some have only ended their half. Bytes that they sent before are kept, and OnEOF
	// comes when the protocol listens again.
	OnPeerClosed(c *Conn)
}
