package http

import (
	"errors"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// A stream of HTTP/2 is a conn with one request. It begins with HEADERS. When the answer is
// said, and the client has sent its body, or we do not want more of it, it is forgotten.

// An h2Stream is one request and its answer.
type h2Stream struct {
	conn   conn
	stream eventloop.Stream
	on     *h2Conn
	id     uint32
	number uint32        // of its request on the connection, as in records
	since  time.Duration // of its beginning, by the clock of Server.elapsed
	place  uint8         // in the picture of the connection, from 1; 0 without one

	// What we send.
	window   int64 // bytes that the client has room for
	priority h2.Priority
	next     *h2Stream // in its list of h2Sending
	turn     uint32    // by which that is ordered, 0 before the first
	listed   bool
	small    bool             // the next frame may be small, see h2Sending.room
	smallAt  *eventloop.Timer // until that, or until the rest of a body is not wanted any more
	trailers []byte           // lines, for the end

	writeTimer *eventloop.Timer // of the handler's deadline for its answer, which is out
	said       bool             // END_STREAM is out

	// What the client sends.
	credit    int64    // bytes that it may send
	grace     int64    // bytes that it may send beyond that, because it did not know our SETTINGS when the stream began
	most      int64    // to which the window has grown
	owed      int64    // bytes that came and that the handler has not used
	used      int64    // bytes that were used and not given back
	length    int64    // Content-Length that is left, -1 without one
	heard     bool     // END_STREAM has come
	left      bool     // a handler off the loop has the exchange, although the stream is over
	early     bool     // its priority came before it, and goes before that in its fields
	behind    []byte   // the lines of trailers
	behindWhy *refusal // why those are refused
	extended  bool     // the request is an extended CONNECT (RFC 8441)
	thrown    int64    // bytes that were thrown away behind the answer
	finished  bool     // the conn is done, and the rest of the body is thrown away
	dropped   bool     // it was reset, and ends with this turn
}

// h2StreamsKept is how many streams a server keeps to be used again.
const h2StreamsKept = 64

// begin begins a stream.
func (p *h2Conn) begin(id uint32) *h2Stream {
	srv := p.server
	var s *h2Stream
	if k := len(srv.freeStreams); k > 0 {
		s = srv.freeStreams[k-1]
		srv.freeStreams = srv.freeStreams[:k-1]
	} else {
		s = &h2Stream{}
		s.stream.Of = s
	}
	l := &srv.limits
	s.on, s.id = p, id
	s.conn = conn{server: srv, since: p.c.since, requests: p.c.requests, closeAfter: true}
	p.c.requests++
	p.quiet = false
	s.number, s.since, s.place = uint32(p.c.requests), srv.elapsed(), p.takePlace()
	if k := srv.watched[p.c]; k != nil && k.state != ConnActive {
		k.report(ConnActive)
	}
	p.carried.Begin(&s.stream, &s.conn.conn, &s.conn)
	s.window = int64(p.peer.InitialWindowSize)
	s.priority, s.early = p.sending.takeEarly(id)
	s.credit, s.most, s.length = int64(l.StreamWindow), int64(l.StreamWindow), -1
	if !p.known {
		s.grace = max(h2.DefaultWindow-int64(l.StreamWindow), 0) // RFC 9113 section 6.9.2
	}
	p.streams.add(s)
	return s
}

// forget takes a stream that is over off its connection, and keeps its memory.
func (s *h2Stream) forget() {
	p := s.on
	s.use(s.owed)
	p.streams.remove(s)
	p.givePlace(s.place)
	p.unlist(s)
	for _, t := range [...]**eventloop.Timer{&s.smallAt, &s.writeTimer} {
		if *t != nil {
			(*t).Stop()
			*t = nil
		}
	}
	if s.stream.Free() && !s.left && len(p.server.freeStreams) < h2StreamsKept {
		*s = h2Stream{stream: s.stream}
		s.stream.Of = s
		p.server.freeStreams = append(p.server.freeStreams, s)
	}
	p.watch()
}

// takeReset ends a stream that the client does not want any more.
func (p *h2Conn) takeReset(h h2.FrameHeader, payload []byte) *h2.Error {
	s := p.streams.find(h.Stream)
	switch {
	case s == nil && p.isIdle(h.Stream):
		return errH2Idle
	case s == nil || s.dropped:
		return p.guard.useless(p.server)
	}
	s.recordReset(h2.ReadReset(payload))
	p.drop(s, errH2Left)
	return p.guard.reset(p.server)
}

// errH2Left is why a stream ends that its client has reset.
var errH2Left = errors.New("http: the client has reset the stream")

// drop ends a stream before its time; its conn hears of it when the turn ends.
func (p *h2Conn) drop(s *h2Stream, why error) {
	if s.finished {
		s.forget()
		return
	}
	s.said, s.heard, s.dropped = true, true, true
	s.stream.Fail(why)
}

// resetStream resets a stream, which may have been refused before it had begun.
func (p *h2Conn) resetStream(id uint32, code h2.ErrorCode) {
	s := p.streams.find(id)
	p.gone.add(id, &p.server.limits)
	p.guard.controls++
	p.write(h2.AppendReset(p.server.h2Frame[:0], id, code))
	if s != nil && !s.dropped {
		s.recordReset(code)
		p.drop(s, errH2Reset)
	}
	if code == h2.NoError || p.broken {
		return
	}
	if why := p.guard.reset(p.server); why != nil {
		p.fail(why)
	}
}

// errH2Reset is why a stream ends that we have reset.
var errH2Reset = errors.New("http: the stream was reset for an error of its client's")

// OnStreamOver implements eventloop.Carrier.
func (p *h2Conn) OnStreamOver(from *eventloop.Stream, why error) {
	s := from.Of.(*h2Stream)
	if !(s.said && s.heard) && !p.broken && p.c.conn.State() <= eventloop.Open {
		code := h2.NoError
		if !s.said {
			code = resetCode(why)
		}
		p.gone.add(s.id, &p.server.limits)
		p.write(h2.AppendReset(nil, s.id, code))
		s.recordReset(code)
	}
	s.forget()
}

// resetCode returns what the client is told of a stream that has ended before its time.
func resetCode(why error) h2.ErrorCode {
	if why == errStalled || errors.Is(why, ErrAbort) {
		return h2.Cancel
	}
	return h2.InternalError
}

// endSaid is called when END_STREAM is out. A tunnel may still hear its client.
func (s *h2Stream) endSaid() {
	if s.said = true; s.stream.Closed() {
		s.finish()
	}
}

// finish is called when the answer is out as a whole.
func (s *h2Stream) finish() {
	p := s.on
	p.guard.answered(&p.server.limits)
	s.conn.closed(nil)
	if !s.stream.End() {
		return // OnStreamOver follows
	}
	s.use(s.owed)
	if s.heard {
		s.forget()
		return
	}
	s.finished = true
	p.unlist(s)
	p.watch()
	s.endBodyLater()
	s.giveCredit()
}

// endBodyLater tells the client to send no more of its body (RFC 9113 section 8.1), when it has had
// Limits.DiscardIdle to hear the answer: curl before version 8 takes an answer that it has not looked
// at for none, if a reset comes with it.
func (s *h2Stream) endBodyLater() {
	p, id := s.on, s.id
	if s.smallAt != nil {
		s.smallAt.Stop()
	}
	s.smallAt = p.server.loop.After(p.server.limits.DiscardIdle, func() {
		if s.id == id && s.on == p && p.c.conn.State() <= eventloop.Open {
			s.smallAt = nil
			p.c.conn.Guard(func() { p.resetStream(id, h2.NoError) })
		}
	})
}
