package http

import (
	"errors"
	"fmt"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http/internal/h1"
	"github.com/bobbin-http/bobbin/http/internal/negotiate"
	"github.com/bobbin-http/bobbin/http/internal/route"
)

// A Tunnel is a connection on which another protocol than HTTP runs. It belongs to the
// loop's goroutine, except for Post.
//
// The limits of an answer hold for it: Limits.HighWater bounds what the client may owe,
// one that takes nothing for Limits.SendTimeout is reset, and Limits.Input bounds what
// OnBytes may leave over. One that has been silent for a second may be closed for another
// client when connections run out, as one that waits for a request. The functions that are
// given to it are called on the loop.
//
// The Request and the Response are over when the handler has returned: what a tunnel needs
// of them is taken before, such as strings, a value or the context.
type Tunnel struct {
	conn    *conn
	server  *Server
	handler TunnelHandler
	after   *[]func() // OnClose; nil if there is none

	sent   int64         // bytes that were written, from an arbitrary beginning: see conn.mark
	since  time.Duration // its request, by the clock of Server.elapsed
	last   time.Duration // a byte went either way
	due    time.Duration // of SetTimeout; 0 for none
	lookAt time.Duration // when the client's progress is looked at, while conn.sendTimer is set
	began  *tunnelRequest

	is      tunnelState
	ended   bool // our half has, or is about to
	heard   bool // the client's half has, and OnEOF knows
	paused  bool // by Pause
	showing bool // OnBytes is being called
	yields  bool // by Yield
}

// A tunnelRequest is what is left of the request that a tunnel has begun with. Most tunnels
// have the same, which is in memory once.
type tunnelRequest struct {
	route *route.Pattern // nil without one
	line  string         // method and path
}

// tunnelState is where a tunnel is in its life.
type tunnelState uint8

const (
	tunnelOpening tunnelState = iota // its handler has not returned
	tunnelOpen
	tunnelClosed // nothing goes either way any more
	tunnelOver   // and OnClose was called
)

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
	c := x.conn
	t := &Tunnel{conn: c, server: c.server, since: x.since, last: c.server.elapsed()}
	x.held = t
	x.enter(stateHolding)
	w.beforeHead(&w.hooks)
	c.closeAfter, w.closes, w.length = false, false, -1 // what ends it is the protocol's
	w.status = StatusOK
	if protocol != "" && x.stream == nil { // an extended CONNECT gets a 200, too (RFC 8441 section 5)
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
	case connects || x.request.Offers(protocol):
		return nil
	}
	w.fields = appendUpgrade(w.fields, protocol)
	return StatusUpgradeRequired.Because("this path is for the protocol " + protocol)
}

// Offers reports whether the client offers to switch to a protocol (RFC 9110 section 7.8; by
// HTTP/2, RFC 8441), as Response.Tunnel asks for it. One that speaks HTTP/1.0 cannot.
func (r *Request) Offers(protocol string) bool {
	r.use("Offers")
	upgrade, listed := false, false
	for name, value := range r.Headers() {
		switch {
		case negotiate.EqualFold(name, "Connection"):
			upgrade = upgrade || negotiate.Lists(value, "upgrade")
		case negotiate.EqualFold(name, "Upgrade"):
			listed = listed || negotiate.Lists(value, protocol)
		}
	}
	return upgrade && listed && r.x.head.Minor > 0
}

// appendUpgrade appends the two fields that name a protocol.
func appendUpgrade(fields []byte, protocol string) []byte {
	return fmt.Appendf(fields, "Connection: Upgrade\r\nUpgrade: %s\r\n", protocol)
}

// Client returns the client that the tunnel is accounted to: see eventloop.Conn.Client.
func (t *Tunnel) Client() eventloop.Client {
	if !t.Live() {
		return eventloop.Client{}
	}
	return t.conn.conn.Client()
}

// Live reports whether the tunnel is open, as far as is known.
func (t *Tunnel) Live() bool { return t.is < tunnelClosed }

// Full reports whether the client has to take more before Write sends more. While it is
// full, nothing is read from the client either. OnDrain is called when it no longer is.
func (t *Tunnel) Full() bool { return t.Live() && t.conn.conn.Full() }

// Buffered returns how many bytes the client's socket has not taken yet. Those that were
// written in this turn of the loop are among them.
func (t *Tunnel) Buffered() int64 {
	if !t.Live() {
		return 0
	}
	return t.conn.conn.Buffered()
}

// Unsent returns how many bytes on the way to the client it has not acknowledged: those in the
// queue and, as far as the kernel tells, those in the kernel; by HTTP/2, with those of other
// streams that are on their way. It asks the kernel each time.
func (t *Tunnel) Unsent() int64 {
	if !t.Live() {
		return 0
	}
	n := t.conn.conn.Unsent()
	if whole := t.conn.conn.Carrier(); whole != &t.conn.conn {
		n += whole.Unsent()
	}
	return n
}

// Write sends a copy of p. It takes all or nothing: the error is ErrFull, or ErrGone.
func (t *Tunnel) Write(p []byte) (int, error) {
	if err := t.writable(); err != nil || len(p) == 0 {
		return 0, err
	}
	t.conn.conn.Write(p)
	t.wrote(len(p))
	return len(p), nil
}

// SendPiece is Write for a piece. It takes all or nothing.
func (t *Tunnel) SendPiece(p *Piece) error {
	text := p.Bytes()
	switch {
	case p.bad != nil:
		return p.bad
	case len(text) < sharedFrom:
		_, err := t.Write(text)
		return err
	}
	if err := t.writable(); err != nil {
		return err
	}
	t.conn.conn.WriteNoCopy(text)
	t.wrote(len(text))
	return nil
}

// writable returns why nothing can be written at present, nil if it can.
func (t *Tunnel) writable() error {
	switch {
	case !t.Live() || t.ended:
		return ErrGone
	case t.conn.conn.Full():
		return ErrFull
	}
	return nil
}

// wrote notes that n bytes were written, and begins to watch whether they are taken.
func (t *Tunnel) wrote(n int) {
	c := t.conn
	t.sent += int64(n)
	if c.x != nil {
		c.x.response.sent += int64(n)
	}
	t.moved()
	if !c.sendTimer && t.is == tunnelOpen {
		t.watchSending()
	}
}

// moved notes that a byte went either way.
func (t *Tunnel) moved() {
	t.last = t.server.elapsed()
	t.conn.conn.SetIdle(true)
}

// OnClose has f called, on the loop, when the tunnel is over, for any reason: exactly
// once, and at once if it is over already.
func (t *Tunnel) OnClose(f func()) {
	switch {
	case !t.Live():
		f()
	case t.after == nil:
		t.after = &[]func(){f}
	default:
		*t.after = append(*t.after, f)
	}
}

// Post runs f on the loop. Any goroutine may call it; it does not wait. A panic in f costs
// the connection.
func (t *Tunnel) Post(f func()) error {
	return t.server.loop.Post(func() {
		if !t.Live() {
			f()
			return
		}
		t.conn.conn.Guard(f)
	})
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
	opening := t.is == tunnelOpening
	t.shut()
	if !opening {
		t.end()
	} // or when the handler has returned
}

// Abort resets the connection: what is queued is lost.
func (t *Tunnel) Abort() {
	if t.Live() {
		t.shut()
		t.conn.conn.Abort(ErrAbort)
	}
}
