package eventloop

import (
	"errors"
)

// A stream of a connection that carries several: see carry.go. Its protocol writes to a Conn
// without a socket, and its carrier takes what is queued there.

// A Stream is one conversation on a connection that carries several.
type Stream struct {
	Of any // the carrier's own: it stays as it is

	conn     *Conn
	on       *Carried
	protocol Protocol
	timer    *Timer // nil until a deadline was set
	prev     *Stream
	next     *Stream
	noted    bool
}

// ErrCarrierClosed is the reason for the end of a stream whose connection has ended.
var ErrCarrierClosed = errors.New("eventloop: the connection of the stream has ended")

// noDescriptor is the descriptor of a Conn that is a stream's.
const noDescriptor = -1

// Conn returns what the protocol of the stream writes to.
func (s *Stream) Conn() *Conn { return s.conn }

// stream returns the stream that c belongs to.
func (c *Conn) stream() *Stream { return (*Stream)(c.protocol.(*streamProtocol)) }

// whole returns the connection itself, or for a stream the one that carries it.
func (c *Conn) whole() *Conn {
	if c.fd == noDescriptor {
		return c.stream().on.conn
	}
	return c
}

// Carrier returns the connection itself, or for a stream the one that carries it.
func (c *Conn) Carrier() *Conn { return c.whole() }

// markOutput has flush look at a connection that has output or is to be finished.
func (c *Conn) markOutput() {
	if c.fd == noDescriptor {
		c.stream().note()
		return
	}
	c.loop.lists.markDirty(c)
}

// note has the carrier be told of the stream.
func (s *Stream) note() {
	if s.noted || s.conn.state == Dead {
		return
	}
	s.noted = true
	s.on.noted = append(s.on.noted, s)
	s.on.Mark()
}

// Show shows the protocol what the peer has sent. What it does not use is kept, and shown
// again when it listens.
func (s *Stream) Show(p []byte) {
	c := s.conn
	if !c.canRead() {
		s.on.carrier.OnUsed(s, len(p)) // nothing is done with it
		return
	}
	if !c.mayDeliver() || c.in != nil {
		c.keep(p)
		if c.mayDeliver() {
			c.loop.lists.markAgain(c)
		}
		return
	}
	if used := c.protocol.OnData(c, p); used < len(p) && c.canRead() {
		c.keep(p[used:])
	}
}

// ShowEnd says that the peer has sent all.
func (s *Stream) ShowEnd() {
	c := s.conn
	c.noteEnd()
	switch {
	case !c.canRead():
	case c.in == nil:
		c.notifyEOF()
	default:
		c.loop.lists.markAgain(c)
	}
}

// Kept returns how many bytes of the peer's are kept until the protocol listens.
func (s *Stream) Kept() int { return len(s.conn.Rest()) }

// Queued returns how many bytes the stream has for the peer.
func (s *Stream) Queued() int64 { return s.conn.Buffered() }

// Ended reports whether nothing follows what is queued.
func (s *Stream) Ended() bool { return s.conn.state == HalfClosed || s.conn.state == Closing }

// Closed reports whether the protocol has closed its Conn, and wants nothing of the peer any more.
func (s *Stream) Closed() bool { return s.conn.state == Closing }

// Next returns the first of the bytes that are queued, at most n. They are valid until
// something else is done with the loop; if they are lent, as long as their lender says. With
// ErrCold there are none before a worker has read them, and OnStream follows.
func (s *Stream) Next(n int) (p []byte, lent bool, err error) {
	o := s.conn.out
	if o == nil || o.size == 0 {
		return nil, false, nil
	}
	first := &o.pieces[0]
	if first.leftover() == 0 {
		o.take(s.conn.loop, &o.pieces, 0)
	}
	if first.file == nil {
		p = first.rest()
		return p[:min(n, len(p))], first.lent, nil
	}
	p, _, err = s.conn.nextPart(first, int64(n), true)
	return p, false, err
}

// Took takes n bytes off the queue, which are in frames.
func (s *Stream) Took(n int) {
	c := s.conn
	l := c.loop
	if c.out.sent(l, n); c.out.size == 0 {
		l.pools.giveOutput(c.out)
		c.out = nil
	}
	if c.pressure == pressureOn && c.Buffered() <= l.output.resumeAt() {
		c.pressure = pressureGone
		l.lists.markAgain(c)
	}
}

// Shrink has what is queued wait in memory of its own size, because the peer makes no room for it.
func (s *Stream) Shrink() {
	if o := s.conn.out; o != nil && len(o.pieces) > 0 {
		o.shrink(s.conn.loop)
	}
}

// Fail ends the stream for a reason: its protocol hears of it when the turn ends.
func (s *Stream) Fail(why error) { s.conn.markClosed(why) }

// End forgets a stream of which all is said. Its protocol hears nothing of it. It reports
// false for a stream that has failed: OnStreamOver follows, or has been called.
func (s *Stream) End() bool {
	c := s.conn
	if c.state == Dead {
		return false
	}
	c.state = Dead
	s.forget()
	return true
}

// Free reports whether the loop has nothing to do any more with a stream that has ended, so that
// its memory may be used again. If not, it is left to the garbage collector.
func (s *Stream) Free() bool { return s.conn.state == Dead && !s.conn.inAgain && !s.noted }

// forget gives back all that the stream has of the loop.
func (s *Stream) forget() {
	c := s.conn
	l := c.loop
	c.dropInput()
	c.dropOutput()
	if s.timer != nil {
		s.timer.Stop()
	}
	if len(l.clients.named) > 0 {
		delete(l.clients.named, c)
	}
	if s.prev != nil {
		s.prev.next = s.next
	} else {
		s.on.first = s.next
	}
	if s.next != nil {
		s.next.prev = s.prev
	}
	s.prev, s.next = nil, nil
	s.on.streams--
}

// over is closeNow for a stream.
func (s *Stream) over(why error) {
	s.forget()
	s.on.carrier.OnStreamOver(s, why)
}

// arm sets the timer for the deadline of the stream.
func (s *Stream) arm() {
	c := s.conn
	if c.state == Dead || c.deadline == 0 {
		return
	}
	if s.timer == nil {
		s.timer = &Timer{loop: c.loop, run: s.look, index: -1}
	}
	if s.timer.index >= 0 {
		if s.timer.at <= c.deadline {
			return // it is looked at soon enough
		}
		s.timer.Stop()
	}
	s.timer.at = c.deadline
	c.loop.timers.heap.push(s.timer)
}

// look decides about a stream whose timer has run.
func (s *Stream) look() {
	c := s.conn
	l := c.loop
	switch {
	case c.state == Dead || c.deadline == 0:
		return
	case c.deadline > l.clock.now:
		s.arm()
		return
	}
	l.record(Deadline, c, int64(l.clock.now-c.deadline))
	c.deadline = 0
	c.end = ClosedTimeout
	l.guard(c, func() { s.protocol.OnTimeout(c) })
	if c.canRead() {
		c.end = 0
	}
}

// A streamProtocol is a Stream as its Conn sees it.
type streamProtocol Stream

// OnData implements Protocol.
func (p *streamProtocol) OnData(c *Conn, b []byte) int {
	used := p.protocol.OnData(c, b)
	if used > 0 {
		p.on.carrier.OnUsed((*Stream)(p), used)
	}
	return used
}

// OnEOF implements Protocol.
func (p *streamProtocol) OnEOF(c *Conn) { p.protocol.OnEOF(c) }

// OnTimeout implements Protocol.
func (p *streamProtocol) OnTimeout(c *Conn) { p.protocol.OnTimeout(c) }

// OnShutdown implements Protocol.
func (p *streamProtocol) OnShutdown(c *Conn) { p.protocol.OnShutdown(c) }

// OnClose implements Protocol.
func (p *streamProtocol) OnClose(c *Conn, why error) { p.protocol.OnClose(c, why) }

// OnDrain implements Backpressured.
func (p *streamProtocol) OnDrain(c *Conn) {
	if b, ok := p.protocol.(Backpressured); ok {
		b.OnDrain(c)
	}
}

// OnPeerClosed implements Backpressured.
func (p *streamProtocol) OnPeerClosed(c *Conn) {
	if b, ok := p.protocol.(Backpressured); ok {
		b.OnPeerClosed(c)
	}
}

// About implements Informer.
func (p *streamProtocol) About() []any {
	if i, ok := p.protocol.(Informer); ok {
		return i.About()
	}
	return nil
}

// deadlineMoved is called when the deadline of a connection was set to an earlier time than
// that at which it would be looked at.
func (c *Conn) deadlineMoved() {
	if c.fd == noDescriptor {
		c.stream().note() // most are over in the same turn: the timer is set behind that
		return
	}
	c.loop.timers.wheel.moved(c)
}
