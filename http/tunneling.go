package http

import (
	"fmt"

	"github.com/bobbin-http/bobbin/eventloop"
)

// Tunneling is the protocol that the loop calls for a Tunnel, in place of HTTP.
type tunneling Tunnel

// end closes the connection of a tunnel that is over.
func (t *Tunnel) end() {
	c := t.conn
	t.held.over()
	c.enter(answering) // from whatever a handler has closed it in
	c.enterClosing()
	c.conn.Close()
}

// begin has the tunnel go on with the connection when the handler has returned.
func (t *Tunnel) begin() {
	c := t.conn
	x := c.x
	x.enter(stateHeld)
	c.enter(answering)
	c.requests++
	c.conn.Record(Done2xx, uint32(c.requests), int64(x.response.status))
	c.conn.SetProtocol((*tunneling)(t))
	c.report(ConnTunnel)
	t.listen()
	c.watchSending()
	c.server.loop.After(1, func() { // when OnData, in which this is called, has returned
		if t.Live() {
			c.conn.SetIdle(true)
		}
	})
	if c.server.loop.Stopping() {
		(*tunneling)(t).OnShutdown(&c.conn)
	}
}

// OnData implements eventloop.Protocol.
func (p *tunneling) OnData(_ *eventloop.Conn, b []byte) (used int) {
	t := (*Tunnel)(p)
	t.showing = true
	for used < len(b) && t.Live() && !t.paused && !t.Full() {
		n := t.onBytes(b[used:])
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
	t.listen()
	t.moved()
	return used
}

// OnEOF implements eventloop.Protocol.
func (p *tunneling) OnEOF(*eventloop.Conn) {
	t := (*Tunnel)(p)
	switch {
	case !t.Live():
	case t.onEOF != nil:
		t.heard = true
		if t.onEOF(); t.ended {
			t.Close() // there is nothing left to say or to hear
		}
	default:
		t.Close()
	}
}

// OnTimeout implements eventloop.Protocol. The one deadline is for a client that takes
// nothing, and when it has taken all, for one that is silent.
func (p *tunneling) OnTimeout(conn *eventloop.Conn) {
	t := (*Tunnel)(p)
	c := t.conn
	switch {
	case c.phase == closing:
		c.OnTimeout(conn)
	case c.owed() > 0:
		c.checkSending()
	default:
		c.sendTimer = false
		c.closeAccount()
		t.watchIdle()
	}
}

// watchIdle closes a tunnel that was silent for too long, or sets the deadline for that.
func (t *Tunnel) watchIdle() {
	if t.idle <= 0 {
		t.conn.conn.SetDeadline(0)
		return
	}
	left := t.last + t.idle - t.conn.server.elapsed()
	if left <= 0 {
		t.Close()
		return
	}
	t.conn.conn.SetDeadline(left)
}

// OnShutdown implements eventloop.Protocol.
func (p *tunneling) OnShutdown(*eventloop.Conn) {
	if t := (*Tunnel)(p); t.Live() && t.held.stop != nil {
		t.held.stop()
	}
}

// OnDrain implements eventloop.Backpressured.
func (p *tunneling) OnDrain(*eventloop.Conn) {
	if t := (*Tunnel)(p); t.Live() && t.onDrain != nil && !t.Full() {
		t.onDrain()
	}
}

// OnPeerClosed implements eventloop.Backpressured. OnEOF follows when the tunnel is read
// from again.
func (p *tunneling) OnPeerClosed(conn *eventloop.Conn) { p.conn.OnPeerClosed(conn) }

// OnClose implements eventloop.Protocol.
func (p *tunneling) OnClose(_ *eventloop.Conn, why error) { p.conn.closed(why) }

var _ eventloop.Backpressured = (*tunneling)(nil)

// begin goes on with an answer that is held, when its handler has returned.
func (h *Held) begin() {
	if h.tunnel != nil {
		h.tunnel.begin()
		return
	}
	h.x.enter(stateHeld)
	h.x.conn.suspend()
}

// endInHandler is begin for an answer that has ended by then.
func (h *Held) endInHandler() {
	if h.tunnel != nil {
		h.tunnel.end()
		return
	}
	h.x.conn.endHeld(h)
}
