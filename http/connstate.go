package http

import (
	"crypto/tls"
	"net/netip"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http/internal/h1"
)

// Config.OnConn reports connections to the program. If it is set, the loop calls a Conn in
// place of the conn: it compares the state before and after each call, and reports a
// change. If it is not set, a request costs nothing more.

// A ConnState is a stage in the life of a connection, for Config.OnConn.
type ConnState uint8

// The states of a connection. It begins as ConnNew and ends as ConnClosed or
// ConnHijacked, of which each connection has exactly one.
const (
	// ConnNew is a connection that was accepted; over TLS, its handshake is done. A
	// connection whose handshake fails is not reported.
	ConnNew ConnState = iota

	// ConnActive is a connection on which a request has begun: its first byte is here.
	// Requests that are here at once are one time of activity.
	ConnActive

	// ConnIdle is a connection that waits for its next request: all others are answered,
	// and their answers are with the kernel but for half of Limits.HighWater.
	ConnIdle

	// ConnTunnel is a connection that Response.Tunnel has taken over. ConnClosed follows.
	ConnTunnel

	// ConnHijacked is a connection that has left the server by Response.Hijack. Nothing
	// follows: how it ends is known to its handler only.
	ConnHijacked

	// ConnClosed is a connection that has ended, for the reason that Conn.Reason returns.
	ConnClosed
	connStates
)

// String returns the name of the state, such as "active".
func (s ConnState) String() string {
	if s >= connStates {
		return "unknown"
	}
	return [connStates]string{"new", "active", "idle", "tunnel", "hijacked", "closed"}[s]
}

// deadConn is the state of a connection that has ended, or has left the loop.
const deadConn = eventloop.Dead

// A Conn is a connection, for Config.OnConn. It is the same for all states of one
// connection, so a program may keep it and compare it; when the connection has ended,
// LocalAddr and the other methods return what they returned before. All of it belongs to the
// loop's goroutine.
type Conn struct {
	c     *conn
	local netip.AddrPort

	state ConnState
	end   eventloop.Kind
	err   error
}

// ID returns the number of the connection on its loop, counted from 1: Request.ConnID.
func (k *Conn) ID() uint32 { return k.c.conn.ID() }

// RemoteAddr returns the address of the other side, which may be that of a proxy; on a
// Unix socket, one that is not valid.
func (k *Conn) RemoteAddr() netip.AddrPort { return k.c.conn.Peer() }

// LocalAddr returns the address at which the connection has reached this machine; on a
// Unix socket, one that is not valid.
func (k *Conn) LocalAddr() netip.AddrPort { return k.local }

// TLS returns the state of TLS, with the client's certificates; nil for plain text. It
// must not be changed.
func (k *Conn) TLS() *tls.ConnectionState { return k.c.conn.TLS() }

// State returns the state that was reported last.
func (k *Conn) State() ConnState { return k.state }

// End returns how the connection has ended, such as eventloop.ClosedByPeer or
// eventloop.FailedEvicted, and the error behind it, if there is one. Both are zero before
// ConnClosed.
func (k *Conn) End() (eventloop.Kind, error) { return k.end, k.err }

// Reason returns in a few words how the connection has ended, such as "closed by the peer";
// "" before ConnClosed.
func (k *Conn) Reason() string {
	if k.state != ConnClosed {
		return ""
	}
	return k.Loop().KindInfo(k.end).Name
}

// Loop returns the event loop of the connection, with its timers and Post.
func (k *Conn) Loop() *eventloop.Loop { return k.c.server.loop }

// Abort ends the connection at once by a reset, with all that is under way on it.
func (k *Conn) Abort() {
	if k.c.conn.State() != deadConn {
		k.c.conn.Abort(nil)
	}
}

// connValues implements Connected.
func (k *Conn) connValues(string) *value { return k.c.server.connValues[k.c] }

// setConnValue implements Connected.
func (k *Conn) setConnValue(key, is any) { k.c.setValue(key, is) }

// watch returns the protocol of a new connection, and reports it to Config.OnConn.
func (s *Server) watch(c *conn) eventloop.Protocol {
	k := &Conn{c: c, local: c.conn.LocalAddr()}
	if s.watched == nil {
		s.watched = make(map[*conn]*Conn)
	}
	s.watched[c] = k
	k.report(ConnNew)
	return (*watching)(k)
}

// report calls the hook of the program. A panic in it costs the connection.
func (k *Conn) report(s ConnState) {
	k.state = s
	k.c.conn.Guard(func() { k.c.server.onConn(k, s) })
}

// settle reports that a connection has become idle, if it has. With more, the next request
// is here.
func (k *Conn) settle(more bool) {
	c := k.c
	if k.state == ConnActive && c.phase == betweenRequests && !more && !c.conn.Full() && c.conn.State() <= eventloop.Open {
		k.report(ConnIdle)
	}
}

// hasMore reports whether there are bytes of the next request. Empty lines are none.
func (c *conn) hasMore(left []byte) bool { return c.phase != inHead && !h1.EmptyLines(left) }

// settle is Conn.settle, if Config.OnConn is set. It is
// called outside of OnData, which knows by itself what is left.
func (c *conn) settle() {
	if k := c.server.watched[c]; k != nil {
		k.settle(c.hasMore(c.conn.Rest()))
	}
}

// report is Conn.report, if Config.OnConn is set.
func (c *conn) report(s ConnState) {
	if k := c.server.watched[c]; k != nil {
		k.report(s)
	}
}

// forget reports the end of a connection, unless it has left, and forgets its values.
func (c *conn) forget(why error) {
	s := c.server
	if k := s.watched[c]; k != nil {
		delete(s.watched, c)
		if k.state != ConnHijacked {
			k.end, k.err = c.conn.EndKind(why), why
			k.report(ConnClosed)
		}
	}
	delete(s.connValues, c)
}

// Watching is a Conn as the loop sees it: the protocol of its connection, around the conn.
type watching Conn

// OnData implements eventloop.Protocol.
func (p *watching) OnData(conn *eventloop.Conn, b []byte) int {
	k := (*Conn)(p)
	if k.c.phase == betweenRequests && k.state != ConnActive && !h1.EmptyLines(b) {
		if k.report(ConnActive); conn.State() == deadConn {
			return len(b) // the hook has ended it
		}
	}
	n := k.c.OnData(conn, b)
	k.settle(k.c.hasMore(b[n:]))
	return n
}

// OnEOF implements eventloop.Protocol.
func (p *watching) OnEOF(conn *eventloop.Conn) { p.c.OnEOF(conn) }

// OnTimeout implements eventloop.Protocol.
func (p *watching) OnTimeout(conn *eventloop.Conn) { p.c.OnTimeout(conn) }

// OnShutdown implements eventloop.Protocol.
func (p *watching) OnShutdown(conn *eventloop.Conn) { p.c.OnShutdown(conn) }

// OnClose implements eventloop.Protocol.
func (p *watching) OnClose(conn *eventloop.Conn, why error) { p.c.OnClose(conn, why) }

// OnDrain implements eventloop.Backpressured.
func (p *watching) OnDrain(conn *eventloop.Conn) {
	p.c.OnDrain(conn)
	p.c.settle()
}

// OnPeerClosed implements eventloop.Backpressured.
func (p *watching) OnPeerClosed(conn *eventloop.Conn) { p.c.OnPeerClosed(conn) }

// About implements eventloop.Informer.
func (p *watching) About() []any { return p.c.About() }

var (
	_ eventloop.Backpressured = (*watching)(nil)
	_ eventloop.Informer      = (*watching)(nil)
)
