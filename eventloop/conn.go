package eventloop

import (
	"errors"
	"io"
	"net/netip"
	"time"

	"github.com/bobbin-http/bobbin"
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

// lingering is what a connection is allowed after our half of it is shut. As few are
// in that state at a time, the loop has them, and not the connections.
type lingering struct {
	until time.Duration
	bytes int
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
	o.pieces = append(o.pieces, piece{file: f, at: offset, left: n})
	c.addQueued(o, n, 0)
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
		c.loop.record(Backpressure, c, queued)
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

func (c *Conn) close(call string, linger bool) {
	c.loop.own(call)
	if !c.speaks() {
		return
	}
	c.linger = linger
	c.idleSince = 0
	c.become(Closing)
	c.dropInput()
	c.loop.touch(c)
}

// Abort ends the connection at once and lets the peer know: what was written
// need not arrive.
func (c *Conn) Abort(why error) {
	c.loop.own("Conn.Abort")
	if why == nil {
		why = ErrAborted
	}
	c.reset = true
	c.loop.markClosed(c, why)
}

func (c *Conn) dropInput() {
	if c.in != nil {
		c.loop.giveInput(c.in)
		c.in = nil
	}
}

// listens reports whether the protocol may be shown something.
func (c *Conn) listens() bool {
	return c.state <= Open && !c.paused && !c.full
}

// proceed takes what the peer says as far as it goes this turn.
func (l *Loop) proceed(c *Conn) {
	switch {
	case c.state == Lingering:
		l.discard(c)
		return
	case c.state > Open:
		return
	}
	if l.scarce {
		c.checkTotal()
	}
	for budget := l.limits.ReadBudget; c.readable && budget > 0 && !c.inAgain; {
		if !c.listens() {
			if c.hungUp {
				l.readWhilePaused(c)
			}
			return
		}
		p, n := l.read(c)
		if len(p) > 0 {
			l.hear(c, p)
		}
		if budget -= n; budget <= 0 && c.readable {
			l.queueAgain(c)
		}
	}
	if c.ended {
		l.tellEnd(c)
	}
}

// tellEnd tells the protocol that the peer has ended, once it has been shown
// everything.
func (l *Loop) tellEnd(c *Conn) {
	if !c.sentEOF && !c.inAgain && c.listens() {
		c.sentEOF = true
		if c.truncated() {
			c.Abort(ErrTruncated)
			return
		}
		c.protocol.OnEOF(c)
	}
}

// read takes what the socket has. It returns what the peer has said, in the loop's
// memory, and how many bytes it was on the way.
func (l *Loop) read(c *Conn) (p []byte, n int) {
	if c.tls == nil {
		n = l.receive(c)
		return l.scratch[:n], n
	}
	if c.tls.heard {
		c.readable = false // it has said that nothing more will come
		return nil, 0
	}
	if n = l.receive(c); n > 0 {
		p = l.decrypt(c, l.scratch[:n])
	}
	return p, n
}

// receive fills the loop's buffer from the socket and returns how much is in it.
// An end, an error and an empty socket are noted at the connection.
func (l *Loop) receive(c *Conn) int {
	n, err := l.kernel.Read(int(c.fd), l.scratch)
	if err != nil {
		switch {
		case err == bobbin.ErrNotNow:
			// Beside a hang-up, a count says nothing: the end may wait
			// behind it, and no event will tell.
			c.readable = n > 0 && c.hungUp
		case err == io.EOF:
			c.readable, c.ended, c.hungUp = false, true, false
		default:
			c.readable = false
			l.markClosed(c, err)
			return 0
		}
	}
	if n > 0 {
		l.record(Read, c, int64(n))
	}
	return n
}

// hear shows the protocol what has come, behind what it left over before, and
// keeps what it leaves over now.
func (l *Loop) hear(c *Conn, p []byte) {
	if c.in != nil {
		c.in.add(p)
		l.hearAgain(c)
		return
	}
	used := c.protocol.OnData(c, p)
	if used < len(p) && c.state <= Open {
		l.keep(c, p[used:])
		l.checkInputLimit(c)
	}
}

// keep puts p behind what has not been used yet.
func (l *Loop) keep(c *Conn, p []byte) {
	if c.in == nil {
		c.in = l.takeInput()
	}
	c.in.add(p)
}

// hearAgain shows the protocol what it left over.
func (l *Loop) hearAgain(c *Conn) {
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
	l.checkInputLimit(c)
}

// checkInputLimit ends a connection that holds more than it may.
func (l *Loop) checkInputLimit(c *Conn) {
	if len(c.in.rest())-l.limits.ReadBudget > l.limits.Input {
		c.Abort(ErrInputFull)
	}
}

// readWhilePaused reads from a connection whose protocol wants to hear nothing at
// present but whose peer has ended or is gone: only reading tells which. What
// comes is kept, up to the limit.
func (l *Loop) readWhilePaused(c *Conn) {
	for c.readable && c.state <= Open {
		if c.in != nil && len(c.in.rest()) >= l.limits.Input {
			return // it is read further when the protocol has used some
		}
		if p, _ := l.read(c); len(p) > 0 {
			l.keep(c, p)
		}
	}
	if p, ok := c.protocol.(Backpressured); ok && c.ended && !c.sentEOF && c.speaks() {
		p.OnPeerClosed(c)
	}
}

// discard reads and throws away, within the limits for lingering.
func (l *Loop) discard(c *Conn) {
	for c.readable {
		n := l.receive(c)
		if c.state != Lingering {
			return
		}
		left := l.lingering[c]
		left.bytes += n
		l.lingering[c] = left
		if c.ended || left.bytes > l.limits.LingerBytes {
			l.markClosed(c, nil)
			return
		}
		if n > 0 {
			l.lingerOn(c)
		}
	}
}

// write is the flush of one connection: the only place that writes to sockets.
func (l *Loop) write(c *Conn) {
	if c.state == Dead {
		return
	}
	budget := l.limits.WriteBudget
	for l.supply(c) && c.writable && budget > 0 {
		n, err := c.out.send(l, c, budget)
		if err == errCold {
			break
		}
		budget -= n
		if n > 0 {
			l.record(Wrote, c, int64(n))
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
		case err == errShrunk:
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

// finish ends our half when all is written. A peer that has kept its promise to
// send nothing more needs no lingering; whether it has, the socket knows.
func (l *Loop) finish(c *Conn) {
	if c.ended || !c.linger && !c.readable {
		l.markClosed(c, nil)
		return
	}
	if err := l.kernel.Shutdown(int(c.fd)); err != nil {
		l.markClosed(c, err)
		return
	}
	c.become(Lingering)
	l.lingering[c] = lingering{until: l.until(l.limits.LingerTotal)}
	l.lingerOn(c)
	c.readable = true // there may be something from before
	l.queueAgain(c)
}

// lingerOn gives a lingering connection until its peer falls silent, or until
// it has lingered long enough.
func (l *Loop) lingerOn(c *Conn) {
	idle := l.limits.LingerIdle
	if l.stopping {
		idle = min(idle, time.Second)
	}
	c.deadline = min(l.until(idle), l.lingering[c].until)
	l.wheel.moved(c)
}

// markClosed takes a connection out of the conversation. The descriptor is closed
// when the turn ends, and not before: its number must not become another's
// while events for it may still be at hand.
func (l *Loop) markClosed(c *Conn, why error) {
	if c.state == Dead {
		return
	}
	if why == nil && c.tls != nil {
		why = c.tls.why
	}
	c.become(Dead)
	l.closing = append(l.closing, closing{c, why})
}
