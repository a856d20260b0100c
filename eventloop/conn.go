package eventloop

import (
	"errors"
	"net/netip"
	"time"
)

// A Conn is one socket and the conversation on it. All of it belongs to the
// loop's goroutine.
type Conn struct {
	// Set at accept, never changed but for the protocol, at the end of a handshake, and the
	// peer, by SetPeer.
	loop     *Loop
	protocol Protocol
	id       uint32
	fd       int32
	peer     [16]byte
	peerPort uint16

	// Where it is in its life.
	state     State     // state.go
	peerEnd   peerEnd   // read.go: of the peer's half
	pressure  pressure  // flush.go: whether the peer takes what is written
	closeMode closeMode // close.go
	end       Kind      // of its end, if it is known before: ClosedTimeout, ClosedEvicted or FailedAborted

	// What the kernel reported last, until a call says otherwise: it reports each
	// change only once.
	readable bool
	writable bool
	watched  bool // the kernel has been asked to report changes

	paused  bool  // the protocol wants to be shown nothing
	inAgain bool  // on the list of that name, see worklists
	place   uint8 // stage.go: on the list for flush, from 1; 0 if it is not on it
	figures uint8 // leaveout.go

	slot      int16 // on the wheel; -1 when it is on none
	prev      int32 // there, a neighbour's descriptor + 1; 0 for none
	next      int32
	idleSince int32 // tick + 1; 0 while it is busy, negative while it waits for its peer
	heldSince int32 // tick + 1, when its socket was full and took something last, or its end began; 0 for neither

	in       *input        // read, and not yet used
	out      *output       // written, and not yet taken by the socket
	tls      *tlsPipe      // if there is TLS, when its handshake is done
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

// ID returns the connection's number on its loop, counted from 1.
func (c *Conn) ID() uint32 { return c.id }

// State returns where the connection is in its life.
func (c *Conn) State() State { return c.state }

// Peer returns the address of the other side; on a Unix socket, one that is
// not valid.
func (c *Conn) Peer() netip.AddrPort {
	if !c.hasPeer() {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(netip.AddrFrom16(c.peer).Unmap(), c.peerPort)
}

// LocalAddr returns the address at which the connection has reached this machine; on a Unix
// socket, one that is not valid. It asks the kernel each time, so that a connection need
// not keep it.
func (c *Conn) LocalAddr() netip.AddrPort {
	c.loop.owner.check("Conn.LocalAddr")
	return c.loop.kernel.LocalAddr(int(c.whole().fd))
}

// Rest returns the bytes that were read and that the protocol has not used, for OnEOF and
// OnTimeout. It is the loop's, and gone after the call.
func (c *Conn) Rest() []byte {
	if c.in == nil {
		return nil
	}
	return c.in.rest()
}

// Full reports whether there is back-pressure: since more than Limits.HighWater was
// queued, until half of Limits.HighWater is left. A protocol with more to send should
// wait: OnData is called again then, with the bytes that it left over.
func (c *Conn) Full() bool { return c.pressure == pressureOn }

// canWrite reports whether what is written would still be sent.
func (c *Conn) canWrite() bool { return c.state <= Open }

// ShouldWait reports whether a Backpressured protocol should wait before it says more,
// because its peer, or all peers together, have not taken what was said before.
// If so, OnDrain is called when there is room.
func (c *Conn) ShouldWait() bool {
	l := c.loop
	l.owner.check("Conn.ShouldWait")
	if !c.canWrite() {
		return true // nothing is sent any more; OnClose is next
	}
	if l.output.scarce {
		c.checkTotal()
	}
	return c.pressure == pressureOn
}

// SetDeadline has the protocol's OnTimeout called when d has passed, unless the
// deadline is set anew before. 0 means none. It is late by a tenth of a second
// at most, and never early.
func (c *Conn) SetDeadline(d time.Duration) {
	c.loop.owner.check("Conn.SetDeadline")
	if c.state > Closing {
		return
	}
	if d <= 0 {
		c.deadline = 0 // it is taken off the wheel when its slot comes up
		return
	}
	before := c.deadline
	c.deadline = c.loop.clock.after(d)
	if before == 0 || c.deadline < before {
		c.deadlineMoved() // else it is looked at soon enough where it is
	}
}

// SetIdle says whether nothing is under way here, so that this connection is the
// first to be closed when another needs its room.
func (c *Conn) SetIdle(idle bool) {
	c.idleSince = 0
	if idle {
		c.idleSince = int32(c.loop.clock.ticks) + 1
	}
}

// SetWaiting says that something has begun that only the peer can continue, such as
// half a request: this connection is closed for another that needs its room, after
// those that are idle.
func (c *Conn) SetWaiting() { c.idleSince = -int32(c.loop.clock.ticks) - 1 }

// Again has OnData called in the next turn with what it leaves over now,
// although nothing more has come. So a protocol that has done its share of this
// turn lets others have theirs.
func (c *Conn) Again() {
	c.loop.owner.check("Conn.Again")
	c.loop.lists.markAgain(c)
}

// Pause has the protocol hear nothing more until Resume. The peer's bytes stay
// in the kernel, which makes the peer wait in its turn.
func (c *Conn) Pause() {
	c.loop.owner.check("Conn.Pause")
	c.paused = true
}

// Paused reports whether the protocol has called Pause, and not Resume since.
func (c *Conn) Paused() bool { return c.paused }

// Resume ends a Pause. Bytes that came meanwhile are shown in the next turn.
func (c *Conn) Resume() {
	c.loop.owner.check("Conn.Resume")
	if c.paused {
		c.paused = false
		c.loop.lists.markAgain(c)
	}
}

// Close closes the connection when all that was written is with the kernel. Our
// half is shut first, and what the peer still sends is thrown away for a while
// (Limits.LingerGrace): closing at once would answer those bytes by a reset,
// which destroys the answer on its way (RFC 9112 section 9.6).
func (c *Conn) Close() {
	c.loop.owner.check("Conn.Close")
	c.close(closeLinger)
}

// CloseWithoutLinger is Close for a peer that has promised to send nothing more, and has
// nothing in the socket either: the descriptor is closed as soon as all that was
// written is with the kernel.
func (c *Conn) CloseWithoutLinger() {
	c.loop.owner.check("Conn.CloseWithoutLinger")
	c.close(closePlain)
}

// Abort resets the connection at once: output that is queued is lost.
func (c *Conn) Abort(why error) {
	c.loop.owner.check("Conn.Abort")
	if why == nil {
		why = ErrAborted
	}
	if c.end == 0 {
		c.end = FailedAborted
	}
	c.reset(why)
}
