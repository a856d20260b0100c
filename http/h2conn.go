package http

import (
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http/internal/h1"
	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// HTTP/2 (RFC 9113). A connection speaks it if its client has chosen it in the TLS handshake,
// or begins with its preface. Each stream is a conn of its own, with one request, on an
// eventloop.Stream: so a handler cannot tell, and what an exchange asks of its connection
// (conn.go, task.go, slow.go) is done there. This file has the connection and how its frames are
// read; h2frame.go has those about the connection itself, and h2end.go its end. h2stream.go has
// streams, h2request.go and h2head.go their requests, h2body.go, h2credit.go and h2unread.go the bodies of
// these, h2answer.go answers, h2send.go the order in which they are sent, and h2guard.go the limits that
// keep a client from being a burden.

// An h2Conn is the protocol of a connection that speaks HTTP/2.
type h2Conn struct {
	c       *conn // of the connection, between requests for ever
	server  *Server
	carried eventloop.Carried

	decoder *h2.Decoder // nil until the first HEADERS
	encoder h2.Encoder
	peer    h2.Settings

	streams h2Streams // those that are not over
	last    uint32    // the highest number of a stream that was begun
	gone    h2Gone    // streams that were reset by us, the last ones

	greeted bool             // the client's preface has come
	settled bool             // and its first SETTINGS
	known   bool             // it knows our SETTINGS
	served  bool             // a request has come as a whole
	quiet   bool             // no stream is open, since quietSince
	busy    bool             // OnData or OnRoom runs, which call watch at their end
	broken  bool             // GOAWAY with an error is out, nothing more is read
	places  uint8            // that streams have, a bit each: see takePlace
	leaving bool             // the last GOAWAY is out, no stream is begun
	ignored uint32           // the highest number of a stream that came behind the last GOAWAY
	closing *eventloop.Timer // until the last GOAWAY

	quietSince time.Duration // by the clock of Server.elapsed
	block      h2Block
	credit     h2Credit
	sending    h2Sending
	guard      h2Guard
	stalledAt  h2Stall
}

// An h2Block is a field block of which CONTINUATION is still to come.
type h2Block struct {
	header h2.FrameHeader // of its HEADERS; Stream is 0 if there is none
	p      []byte
	frames int
	why    *h2.Error // the stream is to be reset for
}

// beginH2 has a connection speak HTTP/2. It returns the protocol that goes on with it.
func (c *conn) beginH2() *h2Conn {
	s := c.server
	p := &h2Conn{c: c, server: s, peer: h2.DefaultSettings, encoder: h2.NewEncoder()}
	p.carried.Carry(&c.conn, p)
	s.h2Recent.forget(c.conn.ID())
	p.sending.window = h2.DefaultWindow
	p.credit.window = h2.DefaultWindow
	p.guard.begin(&s.limits)
	c.conn.KeepUnsentShort() // what the socket has taken cannot be overtaken
	p.sayHello()
	if s.loop.Stopping() {
		p.sayLeaving() // the connection was told of the stop when it was none of HTTP/2
	}
	return p
}

// beginsH2 reports whether what is no request of HTTP/1 may be the preface of HTTP/2, with which
// a client begins that knows that it is spoken here (RFC 9113 section 3.3).
func (c *conn) beginsH2(b []byte) bool {
	n := min(len(b), len(h2.Preface))
	return c.requests == 0 && !c.server.noH2 && !c.conn.Secure() && string(b[:n]) == h2.Preface[:n]
}

// switchToH2 has HTTP/2 go on with a connection that begins with its preface, when all of that
// is here. It returns how many bytes it has used: none, because they are shown to it.
func (c *conn) switchToH2(b []byte) int {
	if len(b) < len(h2.Preface) {
		c.awaitHead(b, h1.HeadReader{})
		return 0
	}
	c.enter(betweenRequests)
	p := c.beginH2()
	c.conn.SetProtocol(p)
	if c.server.loop.Stopping() {
		p.OnShutdown(&c.conn) // it has begun behind that
	}
	return 0
}

// sayHello sends our SETTINGS, which come first (RFC 9113 section 3.4).
func (p *h2Conn) sayHello() {
	l := &p.server.limits
	settings := []h2.Setting{
		{ID: h2.SettingMaxConcurrentStreams, Value: uint32(l.Streams)},
		{ID: h2.SettingInitialWindowSize, Value: uint32(l.StreamWindow)},
		{ID: h2.SettingMaxHeaderListSize, Value: uint32(p.listSize())},
		{ID: h2.SettingNoRFC7540Priorities, Value: 1},
	}
	if p.server.tunnels {
		settings = append(settings, h2.Setting{ID: h2.SettingEnableConnectProtocol, Value: 1})
	}
	p.write(h2.AppendSettings(nil, settings...))
}

// listSize is how large a decoded field block may be, 32 bytes for each field included.
func (p *h2Conn) listSize() int {
	l := &p.server.limits
	return l.RequestLine + l.FieldBytes + h2.FieldOverhead*(l.FieldCount+h2PseudoFields)
}

// h2PseudoFields is how many pseudo-fields a request may have.
const h2PseudoFields = 5

// write sends a copy of some frames.
func (p *h2Conn) write(frames []byte) {
	p.c.conn.Write(frames)
	p.stalledAt.written += int64(len(frames))
}

// OnData implements eventloop.Protocol. It reads whole frames.
func (p *h2Conn) OnData(_ *eventloop.Conn, b []byte) (used int) {
	p.busy = true
	begun := p.last
	if p.c.conn.Buffered() == 0 {
		p.guard.controls = 0
	}
	for frames := 0; used < len(b); frames++ {
		if p.broken {
			return len(b)
		}
		if !p.greeted {
			n := p.readPreface(b)
			if used += n; n == 0 {
				break
			}
			continue
		}
		if frames >= h2Turn || p.begunSince(begun) >= p.server.limits.Turn {
			p.c.conn.Again()
			break
		}
		if p.guard.controls >= p.server.limits.ControlQueue && p.c.conn.Buffered() > 0 {
			p.guard.held = true // OnRoom goes on
			p.c.conn.Pause()
			p.carried.Wait(0)
			break
		}
		n := p.readFrame(b[used:])
		if used += n; n == 0 {
			break
		}
	}
	if p.credit.due() {
		p.credit.giveConn(p)
	}
	p.busy = false
	p.watch()
	return used
}

// h2Turn is how many frames of one connection are read in a turn.
const h2Turn = 256

// begunSince returns how many streams were begun since one with a number was the last.
func (p *h2Conn) begunSince(last uint32) int { return int(p.last-last) / 2 }

// readPreface reads the client's preface.
func (p *h2Conn) readPreface(b []byte) int {
	const preface = h2.Preface
	n := min(len(b), len(preface))
	switch {
	case string(b[:n]) != preface[:n]:
		p.fail(errH2Preface)
		return len(b)
	case n < len(preface):
		return 0
	}
	p.greeted = true
	return n
}

// readFrame reads the frame at the beginning of b. It returns its size, 0 while it is
// incomplete.
func (p *h2Conn) readFrame(b []byte) int {
	h, ok := h2.ReadFrameHeader(b)
	if !ok {
		return 0
	}
	if why := p.checkFrame(h); why != nil {
		if !why.Stream {
			p.fail(why)
			return len(b)
		}
		if len(b) < h2.HeaderSize+int(h.Length) {
			return 0
		}
		p.failWith(h.Stream, why)
		return h2.HeaderSize + int(h.Length)
	}
	size := h2.HeaderSize + int(h.Length)
	if len(b) < size {
		return 0
	}
	if why := p.takeFrame(h, b[h2.HeaderSize:size]); why != nil {
		p.failWith(h.Stream, why)
	}
	return size
}

// checkFrame checks the header of a frame: by itself, and whether it may come now.
func (p *h2Conn) checkFrame(h h2.FrameHeader) *h2.Error {
	if why := h.Check(h2.MinFrameSize); why != nil {
		return why
	}
	switch {
	case !p.settled && (h.Type != h2.FrameSettings || h.Flags.Has(h2.FlagAck)):
		return errH2FirstFrame
	case p.block.header.Stream != 0 && (h.Type != h2.FrameContinuation || h.Stream != p.block.header.Stream):
		return errH2InBlock
	case p.block.header.Stream == 0 && h.Type == h2.FrameContinuation:
		return errH2NoBlock
	}
	return nil
}

// takeFrame takes one frame with its payload.
func (p *h2Conn) takeFrame(h h2.FrameHeader, payload []byte) *h2.Error {
	switch h.Type {
	case h2.FrameData:
		return p.takeData(h, payload)
	case h2.FrameHeaders:
		return p.takeHeaders(h, payload)
	case h2.FrameContinuation:
		return p.takeContinuation(h, payload)
	case h2.FrameRSTStream:
		return p.takeReset(h, payload)
	case h2.FrameSettings:
		return p.takeSettings(h, payload)
	case h2.FramePing:
		return p.takePing(h, payload)
	case h2.FrameWindowUpdate:
		return p.takeWindowUpdate(h, payload)
	case h2.FramePriority:
		if why := h.CheckPriority(payload); why != nil {
			return why
		}
	case h2.FramePriorityUpdate:
		if why := p.takePriorityUpdate(payload); why != nil {
			return why
		}
	case h2.FrameGoAway: // what runs is finished, and the client closes
	}
	return p.guard.useless(p.server)
}

// OnDrain implements eventloop.Backpressured.
func (p *h2Conn) OnDrain(*eventloop.Conn) {
	p.carried.Mark()
	for one := range p.carried.All() {
		if s := one.Of.(*h2Stream); s.conn.x != nil && !s.conn.x.headSent {
			s.conn.OnDrain(&s.conn.conn) // a handler may wait to send interim answers
		}
	}
}

// About implements eventloop.Informer.
func (p *h2Conn) About() []any { return nil }

var (
	_ eventloop.Backpressured = (*h2Conn)(nil)
	_ eventloop.Informer      = (*h2Conn)(nil)
	_ eventloop.Carrier       = (*h2Conn)(nil)
)
