package http

import (
	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http/internal/h1"
	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// The body of a request on a stream, and the trailers behind it.

// takeTrailers takes the fields behind a body.
func (s *h2Stream) takeTrailers(h h2.FrameHeader, why *h2.Error) *h2.Error {
	b := &s.on.server.h2Block
	switch {
	case why != nil:
		return why
	case s.heard:
		return errH2Closed
	case !h.Flags.Has(h2.FlagEndStream) || b.Pseudo > 0 || b.Malformed != nil:
		return errH2Trailers
	case s.length > 0:
		return errH2Length
	}
	for _, f := range b.Fields {
		if f.Known.ConnectionSpecific() || f.Known == h2.NameTE {
			return errH2Trailers
		}
	}
	s.keepTrailers(b)
	s.hear()
	return nil
}

// keepTrailers keeps the fields behind a body, until the handler has read that. If they are
// refused, the body has failed.
func (s *h2Stream) keepTrailers(b *h2.Block) {
	c, x := &s.conn, s.conn.x
	if x == nil {
		return
	}
	why := x.refuseTrailers(b)
	switch {
	case why == nil:
		s.behind = append(s.behind, b.Text...)
	case c.phase == inBody:
		c.failBody(why)
	default:
		s.behindWhy = why
	}
}

// refuseTrailers returns why trailers are refused, or nil. The limits of fields hold for them together
// with the headers.
func (x *exchange) refuseTrailers(b *h2.Block) *refusal {
	l := &x.conn.server.limits
	const ends = len("\r\n")
	for _, f := range b.Fields {
		if len(b.LineOf(f))-ends > l.FieldLine {
			return errH2TooLarge
		}
		if !h1.IsFieldValue(string(b.ValueOf(f))) {
			return errH2Control
		}
	}
	if b.TooLarge || len(b.Fields)+x.head.NFields > l.FieldCount || len(b.Text)+x.head.Size-x.head.FieldsAt > l.FieldBytes {
		return errH2TooLarge
	}
	return nil
}

// errH2Control is the answer to trailers that no head could have.
var errH2Control = newRefusal(StatusBadRequest, "a field holds a control character")

// takeData takes a piece of a body.
func (p *h2Conn) takeData(h h2.FrameHeader, payload []byte) *h2.Error {
	in, why := h.Content(payload)
	if why != nil {
		return why
	}
	n := int64(h.Length)
	if p.credit.window -= n; p.credit.window < 0 {
		return errH2Overrun
	}
	s := p.streams.find(h.Stream)
	switch {
	case s == nil && p.isIdle(h.Stream):
		return errH2Idle
	case h.Stream > p.last, p.gone.has(h.Stream):
		p.credit.give(n) // it was on its way
		return p.guard.useless(p.server)
	case s == nil || s.heard:
		p.credit.give(n)
		return errH2Closed
	}
	if s.credit -= n; s.credit < -s.grace {
		p.credit.give(n)
		return errH2StreamOver
	}
	if p.credit.size == 0 {
		p.credit.begin(p)
	}
	data := payload[in.From:in.To]
	if len(data) == 0 && !h.Flags.Has(h2.FlagEndStream) {
		if why := p.guard.useless(p.server); why != nil {
			return why
		}
	} else {
		p.guard.useful()
	}
	if padding := n - int64(len(data)); padding > 0 {
		s.giveBack(padding) // it is used at once
	}
	why = s.takeBody(data, h.Flags.Has(h2.FlagEndStream))
	if n > 0 && p.credit.isShut() {
		p.restartWaits()
	}
	return why
}

// takeBody takes data, which may be the last.
func (s *h2Stream) takeBody(data []byte, last bool) *h2.Error {
	p := s.on
	if s.length >= 0 {
		if s.length -= int64(len(data)); s.length < 0 || last && s.length > 0 {
			s.giveBack(int64(len(data)))
			return errH2Length
		}
	}
	switch {
	case s.finished:
		s.throwAway(int64(len(data)))
	case len(data) > 0:
		s.owed += int64(len(data))
		p.server.h2Kept += int64(len(data))
		s.stream.Show(data)
		p.server.makeRoomForUnread()
	}
	if p.streams.find(s.id) != s || s.dropped {
		return nil // its handler has ended it, or it was too large
	}
	if last {
		s.hear()
	} else {
		s.giveCredit()
	}
	return nil
}

// hear notes that the client has sent all.
func (s *h2Stream) hear() {
	s.heard = true
	if s.finished {
		s.forget()
		return
	}
	s.stream.ShowEnd()
}

// throwAway counts what comes behind an answer. When it is more than Limits.Discard, the window of
// the stream is left as it is, until the stream is reset.
func (s *h2Stream) throwAway(n int64) {
	s.giveBack(n)
	s.thrown += n
}

// OnUsed implements eventloop.Carrier.
func (p *h2Conn) OnUsed(from *eventloop.Stream, n int) {
	s := from.Of.(*h2Stream)
	s.use(int64(n))
	s.giveCredit()
}

// use notes that n bytes are not kept any more.
func (s *h2Stream) use(n int64) {
	s.owed -= n
	s.on.server.h2Kept -= n
	s.giveBack(n)
}

// giveBack notes that the client may send n more bytes. Those for the connection are given back even if
// the stream is over.
func (s *h2Stream) giveBack(n int64) {
	s.used += n
	if s.on.credit.give(n); s.on.credit.due() {
		s.on.carried.Mark()
	}
}

// bodyEnded is OnEOF for a stream: the client has sent all of its body.
func (c *conn) bodyEnded() {
	x := c.x
	x.framing.End()
	if s := x.stream; s.behindWhy != nil {
		x.failed = s.behindWhy
	} else if len(s.behind) > 0 {
		x.trailers, x.extras = s.behind, true
	}
	if c.phase == inBody {
		c.resume()
	}
}
