package http

import (
	"slices"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// The end of a connection of HTTP/2: by an error, a deadline, a stop of the server, or its client.

// failWith ends what an error is about: the stream or the connection. A stream that has not begun
// cannot be reset (RFC 9113 section 6.4).
func (p *h2Conn) failWith(stream uint32, why *h2.Error) {
	if why.Stream && !p.isIdle(stream) {
		p.resetStream(stream, why.Code)
		return
	}
	p.fail(why)
}

// fail ends the connection for an error of the client's: it is told in GOAWAY.
func (p *h2Conn) fail(why *h2.Error) {
	if p.broken {
		return
	}
	p.broken = true
	if why.Code == h2.EnhanceYourCalm && why != errH2Slow {
		p.server.warnOfBurden(p.c, why)
	}
	p.write(h2.AppendGoAway(nil, p.last, why.Code, why.Reason))
	p.endStreams()
	p.end()
}

// end closes the connection behind what was written.
func (p *h2Conn) end() {
	p.stopTimers()
	p.c.closeAccount()
	p.c.enterClosing()
	p.c.conn.Close()
}

// OnEOF implements eventloop.Protocol. What runs has lost its client.
func (p *h2Conn) OnEOF(*eventloop.Conn) {
	p.endStreams()
	p.c.enterClosing()
	p.c.conn.CloseWithoutLinger()
}

// OnPeerClosed implements eventloop.Backpressured.
func (p *h2Conn) OnPeerClosed(*eventloop.Conn) {}

// OnClose implements eventloop.Protocol.
func (p *h2Conn) OnClose(_ *eventloop.Conn, why error) {
	p.stopTimers()
	p.endStreams()
	p.c.closed(why)
}

// stopTimers stops what is to be done later, because the connection ends.
func (p *h2Conn) stopTimers() {
	for _, t := range [...]**eventloop.Timer{&p.closing, &p.sending.timer} {
		if *t != nil {
			(*t).Stop()
			*t = nil
		}
	}
}

// endStreams ends all streams, because the connection ends. The loop knows nothing of those that
// are answered.
func (p *h2Conn) endStreams() {
	p.carried.Over()
	for _, s := range slices.Collect(p.streams.all()) { // which forget changes
		if s.finished {
			s.forget()
		}
	}
}

// OnTimeout implements eventloop.Protocol. The connection has one deadline, of what it waits
// for at present: see watch.
func (p *h2Conn) OnTimeout(c *eventloop.Conn) {
	inBlock := p.block.header.Stream != 0
	switch {
	case p.c.phase == closing:
		p.c.OnTimeout(c)
	case inBlock && p.server.elapsed() >= p.stalledAt.blockBy:
		p.fail(errH2Slow)
	case p.stalledAt.look(p):
	case inBlock || !p.settled:
		p.fail(errH2Slow)
	case p.carried.Streams() == 0:
		p.write(h2.AppendGoAway(nil, p.last, h2.NoError, ""))
		p.end()
	}
}

// watch sets the deadline of the connection: for output that the client does not take, for
// the rest of a field block, and between requests. The deadline from accept holds until the
// first request is complete.
func (p *h2Conn) watch() {
	c := &p.c.conn
	l := &p.server.limits
	if p.busy {
		return
	}
	p.mayEnd()
	p.showIdle()
	if quiet := p.carried.Streams() == 0; quiet && !p.quiet {
		p.quiet, p.quietSince = true, p.server.elapsed()
	}
	switch {
	case p.broken || p.c.phase == closing || !p.served:
	case p.block.header.Stream != 0:
		p.stalledAt.watchBlock(p)
		return
	case c.Buffered() > 0:
		p.stalledAt.begin(p)
	case p.carried.Streams() == 0:
		p.stalledAt.end(p)
		c.SetDeadline(max(1, p.quietSince+l.IdleTimeout-p.server.elapsed()))
	default:
		p.stalledAt.end(p)
		c.SetDeadline(0)
	}
	p.stalledAt.blockBy = 0
}

// showIdle tells the loop whether the connection can be closed for another client.
func (p *h2Conn) showIdle() {
	switch {
	case !p.served || p.block.header.Stream != 0:
		p.c.conn.SetWaiting()
	default:
		p.c.conn.SetIdle(p.carried.Streams() == 0)
	}
	if p.carried.Streams() == 0 {
		p.c.settle()
	}
}

// OnShutdown implements eventloop.Protocol. A client may have begun streams that are on their
// way: so it is told twice, and those that come before its answer to a PING are served (RFC
// 9113 section 6.8).
func (p *h2Conn) OnShutdown(*eventloop.Conn) {
	for one := range p.carried.All() {
		s := one.Of.(*h2Stream)
		if s.dropped {
			continue
		}
		if t := s.conn.tunnel(); t != nil {
			t.stopping()
		} else {
			s.conn.OnShutdown(&s.conn.conn)
		}
	}
	p.sayLeaving()
}

// h2StopPing is the PING behind the first GOAWAY.
var h2StopPing = [8]byte{'s', 't', 'o', 'p'}

// sayLeaving sends the first GOAWAY, and the last one when the client has heard it, or after a
// second.
func (p *h2Conn) sayLeaving() {
	if p.leaving || p.closing != nil || p.broken {
		return
	}
	p.write(h2.AppendPing(h2.AppendGoAway(nil, h2.MaxStream, h2.NoError, ""), h2StopPing))
	p.closing = p.server.loop.After(time.Second, func() { p.c.conn.Guard(p.leave) })
}

// leave sends the last GOAWAY: streams that come later are not begun.
func (p *h2Conn) leave() {
	if p.closing != nil {
		p.closing.Stop()
		p.closing = nil
	}
	if p.leaving || p.broken {
		return
	}
	p.leaving = true
	p.write(h2.AppendGoAway(nil, p.last, h2.NoError, ""))
	p.watch()
}

// mayEnd closes a connection that has said GOAWAY and has no request any more.
func (p *h2Conn) mayEnd() {
	open := p.c.phase != closing && p.c.conn.State() <= eventloop.Open
	if p.leaving && !p.broken && open && p.carried.Streams() == 0 {
		p.end()
	}
}
