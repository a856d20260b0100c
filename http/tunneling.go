package http

import (
	"fmt"

	"github.com/bobbin-http/bobbin/eventloop"
)

// Tunneling is the protocol that the loop calls for a Tunnel, in place of HTTP.
type tunneling Tunnel

// begin implements keeper: the tunnel goes on with the connection. Its exchange is given
// back, because a tunnel lives for hours, unless something waits for the end of the request.
func (t *Tunnel) begin() {
	c := t.conn
	x := c.x
	t.is = tunnelOpen
	c.enter(answering)
	c.requests++
	c.conn.Record(Done2xx, uint32(c.requests), int64(x.response.status))
	t.began = t.server.tunnelRequest(x)
	if x.isAwaited() {
		x.keepHead()
		x.enter(stateHeld)
	} else {
		x.held = nil
		x.enter(stateDone)
		c.releaseExchange()
	}
	if t.handler == nil {
		t.funcs()
	}
	c.conn.SetProtocol((*tunneling)(t))
	c.report(ConnTunnel)
	t.listen()
	t.watchSending()
	t.server.loop.After(1, func() { // when OnData, in which this is called, has returned
		if t.Live() {
			c.conn.SetIdle(true)
		}
	})
	if t.server.loop.Stopping() {
		t.stopping()
	}
}

// isAwaited reports whether something waits for the end of a request whose handler has
// returned: a hook, a context or a deadline.
func (x *exchange) isAwaited() bool {
	hooks := &x.response.hooks
	return len(hooks.answer)+len(hooks.end) > 0 || x.cancel != nil || x.writeTimer != nil
}

// tunnelRequest returns what is kept of a request.
func (s *Server) tunnelRequest(x *exchange) *tunnelRequest {
	p, r := x.appendLine(s.lineText[:0]), s.lastTunnel
	s.lineText = p
	if r == nil || r.route != x.route || r.line != string(p) {
		r = &tunnelRequest{x.route, string(p)}
		s.lastTunnel = r
	}
	return r
}

// endInHandler implements keeper.
func (t *Tunnel) endInHandler() { t.end() }

// stopping implements keeper.
func (t *Tunnel) stopping() {
	if t.Live() && t.handler != nil {
		t.handler.OnStop()
	}
}

// shut has nothing more go either way.
func (t *Tunnel) shut() {
	t.is = tunnelClosed
	if x := t.conn.x; x != nil {
		x.enter(stateDone)
	}
}

// end closes the connection of a tunnel that is shut.
func (t *Tunnel) end() {
	c := t.conn
	t.over()
	c.enter(answering) // from whatever a handler has closed it in
	c.enterClosing()
	c.conn.Close()
}

// over implements keeper.
func (t *Tunnel) over() {
	if t.is == tunnelOver {
		return
	}
	t.is = tunnelOver
	c := t.conn
	if x := c.x; x != nil {
		x.response.complainOfHeld()
		if x.headSent {
			x.response.afterAnswer(&x.response.hooks, x.response.sent)
		}
		x.held = nil
	}
	if t.handler != nil {
		c.conn.Guard(t.handler.OnClose)
	}
	if after := t.after; after != nil {
		t.after = nil
		c.each(*after)
	}
}

// listen has the connection read from while the program wants it. Before the handler has
// returned, and while OnBytes is being called, that is decided later.
func (t *Tunnel) listen() {
	switch {
	case t.is != tunnelOpen || t.showing:
	case t.reads():
		t.conn.conn.Resume()
	default:
		t.conn.conn.Pause()
	}
}

// OnData implements eventloop.Protocol.
func (p *tunneling) OnData(_ *eventloop.Conn, b []byte) (used int) {
	t := (*Tunnel)(p)
	t.showing, t.yields = true, false
	for used < len(b) && t.Live() && !t.paused && !t.Full() && !t.yields {
		n := t.handler.OnBytes(b[used:])
		if n < 0 || n > len(b)-used {
			panic(fmt.Sprintf("http: the function of OnBytes says that it has used %d of %d bytes", n, len(b)-used))
		}
		if used += n; n == 0 {
			break
		}
	}
	t.showing = false
	if !t.Live() {
		return len(b)
	}
	if t.yields {
		t.conn.conn.Again()
	}
	t.listen()
	t.moved()
	return used
}

// OnEOF implements eventloop.Protocol.
func (p *tunneling) OnEOF(*eventloop.Conn) {
	t := (*Tunnel)(p)
	if !t.Live() {
		return
	}
	t.heard = true
	if t.handler.OnEOF(); t.ended {
		t.Close() // there is nothing left to say or to hear
	}
}

// OnTimeout implements eventloop.Protocol. The one deadline is the nearer one of two: for
// the next look at a client that has something to take, and the handler's.
func (p *tunneling) OnTimeout(conn *eventloop.Conn) {
	t := (*Tunnel)(p)
	c := t.conn
	if c.phase == closing {
		c.OnTimeout(conn)
		return
	}
	now := t.server.elapsed()
	if c.sendTimer && t.lookAt <= now {
		t.look()
	}
	if t.Live() && t.due != 0 && t.due <= now {
		t.due = 0
		t.handler.OnTimeout()
	}
	if t.Live() {
		t.setDeadline()
	}
}

// look looks at the progress of a client, until it has taken all.
func (t *Tunnel) look() {
	c := t.conn
	if c.owed() == 0 {
		c.sendTimer = false
		c.closeAccount()
		return
	}
	c.checkSending()
	t.lookAt = t.server.elapsed() + t.server.limits.lookEvery()
}

// watchSending begins to look at the client's progress.
func (t *Tunnel) watchSending() {
	t.conn.watchSending()
	t.lookAt = t.server.elapsed() + t.server.limits.lookEvery()
	t.setDeadline()
}

// setDeadline sets the one deadline of the connection.
func (t *Tunnel) setDeadline() {
	c := t.conn
	at := t.due
	if c.sendTimer && (at == 0 || t.lookAt < at) {
		at = t.lookAt
	}
	if at == 0 {
		c.conn.SetDeadline(0)
		return
	}
	c.conn.SetDeadline(max(1, at-t.server.elapsed()))
}

// OnShutdown implements eventloop.Protocol.
func (p *tunneling) OnShutdown(*eventloop.Conn) { (*Tunnel)(p).stopping() }

// OnDrain implements eventloop.Backpressured.
func (p *tunneling) OnDrain(*eventloop.Conn) {
	if t := (*Tunnel)(p); t.Live() && !t.Full() {
		t.handler.OnDrain()
	}
}

// OnPeerClosed implements eventloop.Backpressured. OnEOF follows when the tunnel is read
// from again.
func (p *tunneling) OnPeerClosed(conn *eventloop.Conn) { p.conn.OnPeerClosed(conn) }

// OnClose implements eventloop.Protocol.
func (p *tunneling) OnClose(_ *eventloop.Conn, why error) {
	(*Tunnel)(p).over()
	p.conn.closed(why)
}

var _ eventloop.Backpressured = (*tunneling)(nil)
