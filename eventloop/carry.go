package eventloop

import (
	"iter"
)

// A connection may carry several conversations at a time: the streams of HTTP/2. Each is a
// Conn without a socket, so that its protocol cannot tell: it writes to a queue of its own,
// is held back above Limits.HighWater, has a deadline, and ends. The protocol of the
// connection, its carrier, takes what is queued, puts it into frames, and shows to a stream
// what the peer has sent on it.

// A Carrier is a protocol that carries streams.
type Carrier interface {
	// OnStream says that a stream has something for the peer: output, its end, or nothing
	// after all. It is called before the sockets are written to, once for each such stream.
	OnStream(s *Stream)

	// OnRoom says that there is room in the connection for what its streams have: it is
	// called behind OnStream, and again when the socket has taken enough, if Carried.Wait
	// was called.
	OnRoom()

	// OnUsed says that the protocol of a stream has used n bytes of what it was shown.
	OnUsed(s *Stream, n int)

	// OnStreamOver says that a stream has ended before its time: by Conn.Abort, a panic, or
	// the end of the connection.
	OnStreamOver(s *Stream, why error)
}

// Carried is what a loop has for a connection that carries streams. It is a field of the
// carrier, and begins with Carry. All of it belongs to the loop's goroutine.
type Carried struct {
	conn    *Conn
	carrier Carrier
	run     func()  // visit, made once
	first   *Stream // of all streams
	streams int

	noted []*Stream // have something for the peer
	due   bool      // on the list for the next flush
	waits bool      // the carrier has more, when the socket has taken enough
	most  int64     // bytes that may be left in the queue then
}

// carriers are the connections of a loop that carry streams.
type carriers struct {
	of    map[*Conn]*Carried
	due   []*Carried // are to be visited in the next flush
	wait  []*Carried // for their sockets
	spare []*Carried // the memory of a list
}

// Carry makes a connection one that carries streams. Its protocol is the carrier.
func (d *Carried) Carry(c *Conn, carrier Carrier) {
	l := c.loop
	l.owner.check("Carried.Carry")
	*d = Carried{conn: c, carrier: carrier}
	d.run = d.visit
	if l.carriers.of == nil {
		l.carriers.of = make(map[*Conn]*Carried)
	}
	l.carriers.of[c] = d
}

// Streams returns how many streams there are.
func (d *Carried) Streams() int { return d.streams }

// All yields the streams that are not over, the latest first.
func (d *Carried) All() iter.Seq[*Stream] {
	return func(yield func(*Stream) bool) {
		for s := d.first; s != nil; {
			next := s.next // s may end meanwhile
			if !yield(s) {
				return
			}
			s = next
		}
	}
}

// Wait has OnRoom called when no more than so many bytes are left in the queue of the connection,
// and no more than half of Limits.HighWater, at the earliest in the next turn. Of several calls,
// the one with most counts.
func (d *Carried) Wait(most int64) {
	d.most = max(d.most, most)
	if !d.waits {
		d.waits, d.most = true, most
		l := d.conn.loop
		l.carriers.wait = append(l.carriers.wait, d)
	}
}

// Mark has OnRoom called in the next flush.
func (d *Carried) Mark() {
	if !d.due {
		d.due = true
		l := d.conn.loop
		l.carriers.due = append(l.carriers.due, d)
	}
}

// Begin begins a stream. Conn is a field of its protocol, or new; nothing of it may be in
// use. The stream has the peer and the number of its connection.
func (d *Carried) Begin(s *Stream, c *Conn, p Protocol) {
	l := d.conn.loop
	l.owner.check("Carried.Begin")
	*s = Stream{Of: s.Of, conn: c, on: d, protocol: p, timer: s.timer, next: d.first}
	if d.first != nil {
		d.first.prev = s
	}
	d.first = s
	d.streams++
	*c = Conn{
		loop: l, protocol: (*streamProtocol)(s), id: d.conn.id, fd: noDescriptor,
		peer: d.conn.peer, peerPort: d.conn.peerPort,
		state: Open, place: noSpan, slot: -1, figures: d.conn.figures, watched: true,
	}
}

// visitCarriers has the carriers that are due put what their streams have into frames.
func (l *Loop) visitCarriers() {
	if len(l.carriers.due) > 0 {
		l.runCarriers()
	}
}

// carriersReady reports whether a carrier is due, before the loop sleeps. One that waits for its
// socket is, when that has taken enough.
func (l *Loop) carriersReady() bool {
	if len(l.carriers.wait) > 0 {
		l.roomForCarriers()
	}
	return len(l.carriers.due) > 0
}

// runCarriers has all carriers that are due put what their streams have into frames.
func (l *Loop) runCarriers() {
	k := &l.carriers
	due := k.due
	k.due, k.spare = k.spare[:0], nil // what is marked meanwhile belongs to the next flush
	for i, d := range due {
		due[i] = nil
		d.due = false
		if d.conn.state != Dead {
			l.guard(d.conn, d.run)
		}
	}
	k.spare = due
}

// visit tells a carrier what its streams have. A timer is set behind that, for those that have
// not ended.
func (d *Carried) visit() {
	noted := d.noted
	for _, s := range noted {
		if s.noted = false; s.conn.state != Dead {
			d.carrier.OnStream(s)
		}
	}
	d.carrier.OnRoom()
	for i, s := range noted {
		noted[i] = nil
		s.arm()
	}
	rest := d.noted[len(noted):] // were noted meanwhile
	d.noted = append(d.noted[:0], rest...)
}

// roomForCarriers marks carriers that wait for their sockets, if
// these have taken enough.
func (l *Loop) roomForCarriers() {
	k := &l.carriers
	wait := k.wait[:0]
	for _, d := range k.wait {
		switch {
		case !d.waits || d.conn.state == Dead:
		case d.conn.Buffered() <= min(d.most, l.output.resumeAt()):
			d.waits = false
			d.Mark()
		default:
			wait = append(wait, d)
			continue
		}
		d.waits = false
	}
	clear(k.wait[len(wait):])
	k.wait = wait
}

// Over ends all streams, when their connection has ended.
func (d *Carried) Over() {
	l := d.conn.loop
	delete(l.carriers.of, d.conn)
	for s := d.first; s != nil; s = s.next {
		s.Fail(ErrCarrierClosed)
	}
}

// carriedMemory returns how many bytes of memory the streams of a connection have for its peer.
func (l *Loop) carriedMemory(c *Conn) (n int64) {
	d := l.carriers.of[c]
	if d == nil {
		return 0
	}
	for s := d.first; s != nil; s = s.next {
		n += s.conn.inMemory()
	}
	return n
}
