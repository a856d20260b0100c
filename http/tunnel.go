package http

import (
	"errors"
	"fmt"
	"time"

	"github.com/bobbin-http/bobbin/http/internal/h1"
	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// A Tunnel is a connection on which another protocol than HTTP runs: a Held that also
// reads. It belongs to the loop's goroutine, except for Post.
//
// The limits of an answer hold for it: Limits.HighWater bounds what the client may owe,
// one that takes nothing for Limits.SendTimeout is reset, and Limits.Input bounds what
// OnBytes may leave over. One that has been silent for a second may be closed for another
// client when connections run out, as one that waits for a request. The functions that are
// given to it are called on the loop.
type Tunnel struct {
	held    Held
	conn    *conn
	onBytes func(p []byte) (used int)
	onEOF   func()
	onDrain func()

	idle  time.Duration // after so long without a byte it is closed; 0 for never
	last  time.Duration // a byte went either way, by the clock of Server.elapsed
	ended bool          // our half has, or is about to
	heard bool          // the client's half has, and OnEOF knows

	paused  bool // by Pause
	showing bool // OnBytes is being called
}

// Tunnel takes the connection over. It answers 101 to a request that offers to switch to a
// protocol (RFC 9110 section 7.8), with the fields that were added; or, if protocol is
// empty, 200 to CONNECT (RFC 9110 section 9.3.6), for a handler in Config.Connect. After
// that, all that the client sends is for OnBytes. The handler returns nil then.
//
// A request that does not offer the protocol gets the error StatusUpgradeRequired, which
// the handler should return: the answer names the protocol. A body has to be read before.
// Tunnel is refused where Hold is.
func (w *Response) Tunnel(protocol string) (*Tunnel, error) {
	w.use("Tunnel")
	x := w.x
	if err := w.holdable(); err != nil {
		w.fail(err)
		return nil, err
	}
	if err := w.switches(protocol); err != nil {
		return nil, err
	}
	x.keepHead()
	c := x.conn
	t := &Tunnel{conn: c, idle: c.server.limits.TunnelIdle, last: c.server.elapsed()}
	t.held = Held{x: x, serial: x.serial, server: c.server, tunnel: t}
	x.held = &t.held
	x.enter(stateHolding)
	w.beforeHead(&w.hooks)
	c.closeAfter, w.closes, w.length = false, false, -1 // what ends it is the protocol's
	w.status = StatusOK
	if protocol != "" {
		w.status = StatusSwitchingProtocols
		w.fields = appendUpgrade(w.fields, protocol)
	}
	w.sendHead(false)
	return t, nil
}

// Errors of Tunnel, beside those of Hold.
var (
	errNoProtocol = errors.New("http: a tunnel without a protocol is for CONNECT only")
	errBodyFirst  = newRefusal(StatusBadRequest, "a request that becomes a tunnel has no body")
)

// switches returns why the connection cannot switch to a protocol, nil if it can.
func (w *Response) switches(protocol string) error {
	x := w.x
	connects := x.head.Method == h1.MethodConnect
	switch {
	case connects != (protocol == "") || protocol != "" && !h1.IsFieldValue(protocol):
		w.fail(errNoProtocol)
		return errNoProtocol
	case !x.framing.Done():
		return errBodyFirst
	case connects || x.offers(protocol):
		return nil
	}
	w.fields = appendUpgrade(w.fields, protocol)
	return StatusUpgradeRequired.Because("this path is for the protocol " + protocol)
}

// offers reports whether the client offers to switch to a protocol. One that speaks
// HTTP/1.0 cannot.
func (x *exchange) offers(protocol string) bool {
	upgrade, listed := false, false
	for name, value := range x.request.Headers() {
		switch {
		case negotiate.EqualFold(name, "Connection"):
			upgrade = upgrade || negotiate.Lists(value, "upgrade")
		case negotiate.EqualFold(name, "Upgrade"):
			listed = listed || negotiate.Lists(value, protocol)
		}
	}
	return upgrade && listed && x.head.Minor > 0
}

// appendUpgrade appends the two fields that name a protocol.
func appendUpgrade(fields []byte, protocol string) []byte {
	return fmt.Appendf(fields, "Connection: Upgrade\r\nUpgrade: %s\r\n", protocol)
}

// Live reports whether the tunnel is open, as far as is known.
func (t *Tunnel) Live() bool { return t.held.Live() }

// Full reports whether the client has to take more before Write sends more. While it is
// full, nothing is read from the client either. OnDrain is called when it no longer is.
func (t *Tunnel) Full() bool { return t.held.Full() }

// Buffered returns how many bytes the client's socket has not taken yet. Those that were
// written in this turn of the loop are among them.
func (t *Tunnel) Buffered() int64 {
	if !t.Live() {
		return 0
	}
	return t.conn.conn.Buffered()
}

// Write sends a copy of p. It takes all or nothing: the error is ErrFull, or ErrGone.
func (t *Tunnel) Write(p []byte) (int, error) {
	if t.ended {
		return 0, ErrGone
	}
	n, err := t.held.Write(p)
	if n > 0 {
		t.wrote()
	}
	return n, err
}

// wrote notes that something was written, and begins to watch whether it is taken.
func (t *Tunnel) wrote() {
	t.moved()
	if c := t.conn; !c.sendTimer && c.phase == answering {
		c.watchSending()
	}
}

// moved notes that a byte went either way.
func (t *Tunnel) moved() {
	t.last = t.conn.server.elapsed()
	t.conn.conn.SetIdle(true)
}

// OnBytes has f called with the bytes of the client. It returns how many of them it has
// used, and is called again with the others; if it has used none, when more have come. The
// bytes are valid only until f returns, and f may change those that it uses. Nothing is
// read before OnBytes was called.
func (t *Tunnel) OnBytes(f func(p []byte) (used int)) {
	t.onBytes = f
	t.listen()
}

// OnEOF has f called when the client has ended its half, and all its bytes were used.
// Without it, the tunnel is closed then; with it, when our half has ended, too.
func (t *Tunnel) OnEOF(f func()) { t.onEOF = f }

// OnDrain has f called when the tunnel is not Full any more.
func (t *Tunnel) OnDrain(f func()) { t.onDrain = f }

// OnStop has f called when the server wants to end: the tunnel has Limits.Drain to come to
// its end, and is closed then.
func (t *Tunnel) OnStop(f func()) { t.held.stop = f }

// OnClose has f called, on the loop, when the tunnel is over, for any reason: exactly
// once, and at once if it is over already.
func (t *Tunnel) OnClose(f func()) { t.held.OnClose(f) }

// Post runs f on the loop. Any goroutine may call it; it does not wait.
func (t *Tunnel) Post(f func()) error { return t.held.Post(f) }

// SetIdleTimeout closes the tunnel when no byte has gone either way for so long. It is
// Limits.TunnelIdle without it; 0 means that it stays open however long. After something
// was written it is late by up to a quarter of Limits.SendTimeout, in which the client's
// progress is looked at.
func (t *Tunnel) SetIdleTimeout(d time.Duration) {
	t.idle = d
	if t.Live() && t.conn.x.state == stateHeld && !t.conn.sendTimer {
		t.watchIdle()
	}
}

// Pause stops the calls of OnBytes and OnEOF until Resume: the client has to wait.
func (t *Tunnel) Pause() {
	t.paused = true
	t.listen()
}

// Resume ends a Pause. OnBytes is called again with what it has left over, unless it has
// called both itself.
func (t *Tunnel) Resume() {
	t.paused = false
	t.listen()
}

// listen has the connection read from while the program wants it. Before the handler has
// returned, and while OnBytes is being called, that is decided later.
func (t *Tunnel) listen() {
	switch {
	case !t.Live() || t.conn.x.state != stateHeld || t.showing:
	case t.paused || t.onBytes == nil:
		t.conn.conn.Pause()
	default:
		t.conn.conn.Resume()
	}
}

// CloseWrite ends our half, behind what was written: the client reads to the end, and may
// go on sending. If it has ended its half before, the tunnel is closed.
func (t *Tunnel) CloseWrite() {
	if !t.Live() {
		return
	}
	t.ended = true
	if t.heard {
		t.Close()
		return
	}
	t.conn.conn.CloseWrite()
}

// Close ends the tunnel, behind what was written.
func (t *Tunnel) Close() {
	if !t.Live() {
		return
	}
	x := t.conn.x
	running := x.state == stateHolding
	x.enter(stateDone)
	if !running {
		t.end()
	} // or when the handler has returned
}

// Abort resets the connection: what is queued is lost.
func (t *Tunnel) Abort() {
	if t.Live() {
		t.conn.x.enter(stateDone)
		t.conn.conn.Abort(ErrAbort)
	}
}
