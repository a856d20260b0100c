package http

import (
	"errors"
	"net/netip"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http/internal/proxyproto"
)

// How a connection begins that a proxy has opened for a client: with a header of the PROXY
// protocol, before TLS and HTTP. Which peers send one is configured and never guessed: a
// client whose bytes look like a header would choose its address by it. So the header of
// such a peer must be there, and that of any other is a request like any other, with 400.

// A proxied is a connection before its header is complete.
type proxied struct {
	c      *conn
	begin  func(*eventloop.Conn) eventloop.Protocol // what is behind the header
	reader proxyproto.Reader
	since  time.Duration // of the acceptance, by the clock of Server.elapsed
	told   bool          // of the end of the loop
}

// accepting returns the accept function of a listener, with or without such headers.
func (s *Server) accepting(listener string, begin func(*eventloop.Conn) eventloop.Protocol) func(*eventloop.Conn) eventloop.Protocol {
	return func(c *eventloop.Conn) eventloop.Protocol {
		if expected := s.proxyProtocol; expected == nil || !expected(listener, c.Peer().Addr()) {
			return begin(c)
		}
		c.SetDeadline(s.limits.HeadTimeout)
		c.SetWaiting()
		return &proxied{c: c.Protocol().(*conn), begin: begin, since: s.elapsed()}
	}
}

var (
	errNoProxyHeader    = newRefusal(StatusBadRequest, "this server takes its client for a proxy that begins with a PROXY header, and none came: have the proxy send it, or ask another address of the server")
	errUnexpectedHeader = newRefusal(StatusBadRequest, "this is a PROXY header, and none is expected of this peer: trust it, or have it send none")
	errCutHeader        = errors.New("the PROXY header has not come as a whole")
)

// OnData implements eventloop.Protocol.
func (p *proxied) OnData(c *eventloop.Conn, b []byte) (used int) {
	h, n, why := p.reader.Read(b)
	switch {
	case why == proxyproto.None:
		p.answer(c, b)
		return len(b)
	case why != nil:
		p.refuse(c, why)
		return len(b)
	case n == 0:
		return 0
	case h.Source.Addr().IsValid() && !c.SetPeer(h.Source):
		return len(b) // there is no room for its client
	}
	c.SetProtocol(p.c) // as if the connection had been accepted now
	next := p.begin(c)
	c.SetProtocol(next)
	if p.told {
		next.OnShutdown(c)
	}
	return n
}

// answer ends a connection that does not begin with a header, with an answer if it begins
// with a request.
func (p *proxied) answer(c *eventloop.Conn, first []byte) {
	peer := c.Peer().Addr()
	p.c.server.loop.Warn("no PROXY header from a peer that is to send one", "peer", peerName(peer))
	answer := p.c.refuseAtOnce(first, errNoProxyHeader)
	if answer == nil {
		c.Abort(proxyproto.None)
		return
	}
	c.Write(answer)
	c.SetDeadline(p.c.server.limits.LingerGrace)
	c.Close()
}

// refuse resets a connection whose header cannot be used. What its client wants is unknown.
func (p *proxied) refuse(c *eventloop.Conn, why error) {
	p.c.server.loop.Warn("a PROXY header is refused", "peer", peerName(c.Peer().Addr()), "error", why)
	c.Abort(why)
}

// peerName returns the address of a peer for a log.
func peerName(a netip.Addr) string {
	if !a.IsValid() {
		return "on a Unix socket"
	}
	return a.String()
}

// OnEOF implements eventloop.Protocol. A peer that has sent nothing has only tried whether the
// server is there.
func (p *proxied) OnEOF(c *eventloop.Conn) {
	if len(c.Rest()) == 0 {
		c.CloseWithoutLinger()
		return
	}
	p.refuse(c, errCutHeader)
}

// OnTimeout implements eventloop.Protocol. A proxy may connect before it has a client.
func (p *proxied) OnTimeout(c *eventloop.Conn) {
	switch {
	case c.State() > eventloop.Open:
		c.Abort(errStalled)
	case len(c.Rest()) == 0:
		c.Close()
	default:
		p.refuse(c, errCutHeader)
	}
}

// OnShutdown implements eventloop.Protocol. A request may come right behind the header, as on a
// connection of which none has come.
func (p *proxied) OnShutdown(c *eventloop.Conn) {
	p.told = true
	if c.State() <= eventloop.Open {
		l := &p.c.server.limits
		c.SetDeadline(min(l.HeadTimeout, p.c.server.loop.StopGrace(l.LingerIdle)))
	}
}

// OnClose implements eventloop.Protocol.
func (p *proxied) OnClose(_ *eventloop.Conn, why error) { p.c.closed(why) }

// Inspect implements eventloop.Inspected.
func (p *proxied) Inspect(info *eventloop.ConnInfo) {
	info.Accepted, info.Activity = p.since, eventloop.Reading
}

var (
	_ eventloop.Protocol  = (*proxied)(nil)
	_ eventloop.Inspected = (*proxied)(nil)
)
