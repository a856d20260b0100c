package http

import (
	"github.com/bobbin-http/bobbin/http/internal/h1"
	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// The request of a stream: its field block, and the call of its handler.

// takeHeaders takes the beginning of a field block.
func (p *h2Conn) takeHeaders(h h2.FrameHeader, payload []byte) *h2.Error {
	in, why := h.Content(payload)
	if why != nil && !why.Stream {
		return why
	}
	p.block = h2Block{header: h, p: p.block.p[:0], why: why}
	return p.takeBlock(h, payload[in.From:in.To])
}

// takeContinuation takes more of a field block.
func (p *h2Conn) takeContinuation(h h2.FrameHeader, payload []byte) *h2.Error {
	if p.block.frames++; p.block.frames > p.server.limits.Continuations {
		return errH2BlockSize
	}
	return p.takeBlock(h, payload)
}

// takeBlock takes a piece of a field block, and the block when it is the last one.
func (p *h2Conn) takeBlock(h h2.FrameHeader, piece []byte) *h2.Error {
	b := &p.block
	if len(b.p)+len(piece) > p.server.limits.HeaderBlock {
		return errH2BlockSize
	}
	if h.Flags.Has(h2.FlagEndHeaders) && len(b.p) == 0 {
		b.p = nil // nearly always: it need not be copied
	} else {
		b.p = append(b.p, piece...)
		piece = b.p
	}
	if !h.Flags.Has(h2.FlagEndHeaders) {
		return nil
	}
	head, why := b.header, b.why
	b.header = h2.FrameHeader{}
	known := p.recall(piece)
	if known == nil || p.streams.find(head.Stream) != nil { // the latter has trailers
		known = nil
		if failed := p.decode(piece); failed != nil {
			return failed
		}
	}
	if cap(b.p) > keptBody {
		b.p = nil
	}
	return p.takeHead(head, why, piece, known)
}

// isIdle reports whether the client has not begun a stream, or cannot, because its number is even.
// Those that came behind the last GOAWAY have begun for it, and their frames are ignored (RFC 9113
// section 6.8).
func (p *h2Conn) isIdle(id uint32) bool { return id > max(p.last, p.ignored) || id&1 == 0 }

// decode decodes a field block, whatever becomes of it: both sides have to keep their tables
// in step.
func (p *h2Conn) decode(block []byte) *h2.Error {
	srv := p.server
	if p.decoder == nil {
		p.decoder = h2.NewDecoder(h2.DefaultTable)
	}
	l := &srv.limits
	b := &srv.h2Block
	b.Text, b.Fields = b.Text[:0], b.Fields[:0]
	return p.decoder.Decode(block, b, h2.Limit{Bytes: p.listSize(), Fields: l.FieldCount + h2PseudoFields, Crumbs: l.Crumbs})
}

// takeHead takes a field block that is complete, and decoded or known: a request, or trailers.
func (p *h2Conn) takeHead(h h2.FrameHeader, why *h2.Error, block []byte, known *h2Known) *h2.Error {
	s := p.streams.find(h.Stream)
	switch {
	case s != nil && !s.dropped:
		return s.takeTrailers(h, why)
	case h.Stream <= p.last && p.gone.has(h.Stream):
		return nil // its trailers were on their way
	case h.Stream <= p.last:
		return errH2ClosedHead
	case p.leaving:
		p.ignored = max(p.ignored, h.Stream)
		return nil // the client knows by GOAWAY that it may ask again elsewhere
	}
	p.last = h.Stream
	switch {
	case why != nil:
		return why
	case p.streams.count >= p.server.limits.Streams:
		return errH2TooMany
	}
	p.served = true
	p.guard.useful()
	p.begin(h.Stream).serve(h, block, known)
	if p.c.mustEnd() {
		p.sayLeaving()
	}
	return nil
}

// serve serves the request of a field block, which is known or in Server.h2Block.
func (s *h2Stream) serve(h h2.FrameHeader, block []byte, known *h2Known) {
	c, srv := &s.conn, s.on.server
	s.heard = h.Flags.Has(h2.FlagEndStream)
	text, why := s.head(block, known)
	if why != nil {
		s.on.resetStream(s.id, why.Code)
		return
	}
	x := srv.takeExchange(c)
	x.stream = s
	c.x = x
	var reader h1.HeadReader
	n, refused := reader.Read(&x.head, text, &srv.parsing, &srv.fields, c.conn.ID())
	switch {
	case refused != nil:
		c.refuseHead(text, (*refusal)(refused))
		return
	case n < len(text): // cannot be: a value has no line end
		s.on.resetStream(s.id, h2.ProtocolError)
		return
	}
	x.raw = text
	copy(x.raw[x.head.FieldsAt-len("1.1\r\n"):], "2.0")
	s.serveRequest()
}

// serveRequest is conn.serve for a stream.
func (s *h2Stream) serveRequest() {
	c, x := &s.conn, s.conn.x
	switch {
	case s.heard && x.head.Length > 0:
		s.on.resetStream(s.id, h2.ProtocolError)
		return
	case s.heard || x.head.Length < 0 && s.tunnels():
		x.framing = h1.Body{}
	default: // END_STREAM ends it, or trailers, also where its length is known
		s.length = x.head.Length
		x.framing.StartOpen()
		x.head.Chunked = s.length < 0 // which is as unknown as that of chunks
	}
	if c.server.loop.Special() {
		c.serveInSpecialTimes()
	}
	var why *refusal
	if s.on.server.h2Block.TooLarge {
		why = errH2TooLarge
	} else {
		why = x.refusal()
	}
	switch {
	case why != nil:
		c.answerInstead(why)
	case x.framing.Done():
		c.handlerReturned(x.call())
	default:
		c.serveWithBody(nil)
	}
}

// errH2TooLarge is the answer to a field block that is larger than Limits.FieldBytes allows.
var errH2TooLarge = newRefusal(StatusRequestHeaderFieldsTooLarge, "the fields are too long, or too many")

// tunnels reports whether what follows the head is no body, but bytes of a tunnel.
func (s *h2Stream) tunnels() bool { return s.extended || s.conn.x.head.Method == h1.MethodConnect }

// chunks reports whether a body of unknown length comes in chunks: neither HTTP/1.0 nor HTTP/2
// has those.
func (x *exchange) chunks() bool { return x.head.Minor > 0 && x.stream == nil }

// whole returns the connection of the request: that of its stream, if it has one.
func (x *exchange) whole() *conn {
	if x.stream != nil {
		return x.stream.on.c
	}
	return x.conn
}

// endAfter makes the answer the last one on its connection.
func (c *conn) endAfter() {
	c.closeAfter = true
	if c.x.stream != nil {
		c.x.stream.on.sayLeaving()
	}
}

// sendContinue tells the client to send its body.
func (x *exchange) sendContinue() {
	if x.stream != nil {
		x.stream.sendInterim(StatusContinue, nil)
		return
	}
	x.conn.conn.Write(continueLine)
}
