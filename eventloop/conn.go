package eventloop

import (
	"errors"
	"net/netip"
	"time"
)

// A Conn is one socket and the conversation on it. All of it belongs to the
// loop's goroutine.
type Conn struct {
	// Set at accept, never changed.
	loop     *Loop
	protocol Protocol
	id       uint32
	fd       int32
	peer     [16]byte
	peerPort uint16

	state State
	end   Kind // of its end, if it is known before: ClosedTimeout, ClosedEvicted or FailedAborted

	// What the kernel said last, until a call says otherwise: it reports each
	// change only once.
	readable bool
	writable bool
	hungUp   bool // read to the end, for there will be no other event
	ended    bool // the end was read

	// What is to be done.
	paused   bool // the protocol wants to hear nothing
	full     bool // above the high-water mark
	inAgain  bool // on the loop's again list
	dirty    bool // on the loop's dirty list
	sentEOF  bool // the protocol knows that the peer has ended
	linger   bool // before closing
	watched  bool // by the kernel
	reset    bool // not closed but reset
	drainDue bool // a Backpressured protocol is to be told that there is room

	slot      int16 // on the wheel; -1 when it is on none
	prev      int32 // there, the descriptor and 1; 0 for none
	next      int32
	idleSince int32 // in ticks, 0 while it is busy, negative while it waits for its peer

	in       *input        // read, and not yet used
	out      *output       // for the socket, which has not taken it yet
	tls      *secure       // if there is TLS, when its handshake is done
	deadline time.Duration // since the loop was made, 0 for none
}

// Reasons for the end of a connection, beside those that the kernel gives.
var (
	ErrInputFull = errors.New("eventloop: the peer sent more than its protocol could use")
	ErrEvicted   = errors.New("eventloop: another connection needed the room")
	ErrShed      = errors.New("eventloop: its client owed most of the output, and there was no room for more")
	ErrCut       = errors.New("eventloop: cut off, the loop had to end")
	ErrAborted   = errors.New("eventloop: aborted")
)

// Loop returns the loop that c belongs to.
func (c *Conn) Loop() *Loop { return c.loop }

// ID returns the connection's number: the how-manieth it was on its loop.
func (c *Conn) ID() uint32 { return c.id }

// State returns where the connection is in its life.
func (c *Conn) State() State { return c.state }

// Peer returns the address of the other side; on a Unix socket, one that is
// not valid.
func (c *Conn) Peer() netip.AddrPort {
	if c.peerPort == 0 {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(netip.AddrFrom16(c.peer).Unmap(), c.peerPort)
}

// Buffered returns how many bytes the socket has not taken yet.
func (c *Conn) Buffered() int64 {
	n := int64(0)
	if c.out != nil {
		n = c.out.size
	}
	if c.tls != nil && c.tls.plain != nil {
		n += c.tls.plain.size
	}
	return n
}

// Unsent returns how many bytes the peer has not acknowledged, in the queue and,
// as far as it tells, in the kernel.
func (c *Conn) Unsent() int64 {
	if c.state == Dead {
		return 0
	}
	return c.Buffered() + int64(c.loop.kernel.Unsent(int(c.fd)))
}

// Rest returns what was read and the protocol has not used, for one that is told
// that no more will come. It is the loop's, and gone after the call.
func (c *Conn) Rest() []byte {
	if c.in == nil {
		return nil
	}
	return c.in.rest()
}

// Full reports whether more is queued than Limits.HighWater. A protocol with
// more to say should wait: OnData is called again, with what it left over, when
// half of it is gone.
func (c *Conn) Full() bool { return c.full }

// speaks reports whether what is written would still be sent.
func (c *Conn) speaks() bool { return c.state <= Open }

// ShouldWait reports whether a Backpressured protocol should wait before it says more,
// because its peer, or all peers together, have not taken what was said before.
// If so, OnDrain is called when there is room.
func (c *Conn) ShouldWait() bool {
	l := c.loop
	l.own("Conn.Crowded")
	if !c.speaks() {
		return true // to nobody; OnClose is next
	}
	if l.scarce {
		c.checkTotal()
	}
	return c.full
}

// Reserve returns empty memory with room for n bytes, which are sent once they
// were appended there and Commit was called, before anything else is done with
// the connection.
func (c *Conn) Reserve(n int) []byte {
	c.loop.own("Conn.Room")
	if !c.speaks() {
		return make([]byte, 0, n) // which nobody will read
	}
	p := c.outQueue().last(c.loop, n)
	return p.bytes[len(p.bytes):]
}

// Commit sends the n bytes that were put into what Reserve returned.
func (c *Conn) Commit(n int) {
	if !c.speaks() {
		return
	}
	o := c.outQueue()
	last := len(o.pieces) - 1
	p := &o.pieces[last]
	p.bytes = p.bytes[:len(p.bytes)+n]
	if len(p.bytes) == 0 {
		// There is nothing to say after all, and a queue with nothing in it
		// would be written for ever.
		p.release(c.loop)
		if o.pieces = o.pieces[:last]; last == 0 {
			c.loop.dropQueue(c.outbox())
		}
		return
	}
	c.addQueued(o, int64(n), int64(n))
}

// Write sends a copy of p. It takes everything: a protocol that respects Full
// keeps the queue short. Nothing is sent on a connection that was closed.
func (c *Conn) Write(p []byte) {
	c.Commit(copy(c.Reserve(len(p))[:len(p)], p))
}

// WriteNoCopy sends p itself, without a copy. Nobody may change it from then on.
func (c *Conn) WriteNoCopy(p []byte) {
	c.loop.own("Conn.Share")
	if len(p) == 0 || !c.speaks() {
		return
	}
	o := c.outQueue()
	o.pieces = append(o.pieces, piece{bytes: p, lent: true})
	c.loop.lend(p)
	c.addQueued(o, int64(len(p)), 0)
}

// SendFile sends n bytes of f from offset on. If the file turns out to be
// shorter, the connection is reset, for what was promised cannot be kept.
func (c *Conn) SendFile(f File, offset, n int64) {
	c.loop.own("Conn.SendFile")
	if n == 0 || !c.speaks() {
		f.Release()
		return
	}
	o := c.outQueue()
	o.pieces = append(o.pieces, piece{file: sourceOf(f), at: offset, left: n})
	c.addQueued(o, n, 0)
}

// SetDeadline has the protocol's OnTimeout called when d has passed, unless the
// deadline is set anew before. 0 means none. It is late by a tenth of a second
// at most, and never early.
func (c *Conn) SetDeadline(d time.Duration) {
	c.loop.own("Conn.SetDeadline")
	if !c.speaks() && c.state != Closing {
		return
	}
	if d <= 0 {
		c.deadline = 0 // whoever walks the wheel takes it off
		return
	}
	before := c.deadline
	c.deadline = c.loop.until(d)
	if before == 0 || c.deadline < before {
		c.loop.wheel.moved(c) // else it is looked at soon enough where it is
	}
}

// SetIdle says whether nothing is under way here, so that this connection is the
// first to be closed when another needs its room.
func (c *Conn) SetIdle(idle bool) {
	c.idleSince = 0
	if idle {
		c.idleSince = int32(c.loop.ticks) + 1
	}
}

// SetWaiting says that something has begun that only the peer can continue, such as
// half a request: this connection is closed for another that needs its room, after
// those that are idle.
func (c *Conn) SetWaiting() { c.idleSince = -int32(c.loop.ticks) - 1 }

// Again has OnData called in the next turn with what it leaves over now,
// although nothing more has come. So a protocol that has done its share of this
// turn lets others have theirs.
func (c *Conn) Again() {
	c.loop.own("Conn.Again")
	c.loop.queueAgain(c)
}

// Pause has the protocol hear nothing more until Resume. The peer's bytes stay
// in the kernel, which makes the peer wait in its turn.
func (c *Conn) Pause() {
	c.loop.own("Conn.Pause")
	c.paused = true
}

// Paused reports whether the protocol hears nothing at present, by its own wish.
func (c *Conn) Paused() bool { return c.paused }

// Resume ends a Pause. What came meanwhile is shown in the next turn.
func (c *Conn) Resume() {
	c.loop.own("Conn.Resume")
	if c.paused {
		c.paused = false
		c.loop.queueAgain(c)
	}
}

// Close closes the connection when all that was written is with the kernel. Our
// half is shut first, and what the peer still sends is thrown away for a while
// (Limits.LingerTotal): closing at once would answer those bytes by a reset,
// which destroys the answer on its way (RFC 9112 section 9.6).
func (c *Conn) Close() { c.close("Conn.Close", true) }

// CloseWithoutLinger is Close for a peer that has promised to send nothing more, and has
// nothing in the socket either: the descriptor is closed as soon as all that was
// written is with the kernel.
func (c *Conn) CloseWithoutLinger() { c.close("Conn.Hangup", false) }

// Abort ends the connection at once and lets the peer know: what was written
// need not arrive.
func (c *Conn) Abort(why error) {
	c.loop.own("Conn.Abort")
	if why == nil {
		why = ErrAborted
	}
	c.reset = true
	if c.end == 0 {
		c.end = FailedAborted
	}
	c.loop.markClosed(c, why)
}
