package http

import (
	"errors"
	"strconv"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
)

// A Held is an answer that is kept open: its head is out, and Write sends more of its body
// at any time. It belongs to the loop's goroutine, except for Post.
type Held struct {
	x       *exchange
	serial  uint32 // of x, when it was held
	server  *Server
	chunked bool // the body is; if not, it ends with the connection
	empty   bool // HEAD, or a status without a body
	after   []func()
	stop    func()
	poll    *poll // while its head is not sent, see LongPoll
}

// A keeper keeps an answer open: a Held, or a Tunnel.
type keeper interface {
	begin()        // goes on when the handler has returned
	endInHandler() // goes on then with an answer that has ended by then
	stopping()     // says that the server wants to end
	over()         // calls what waits for the end of the answer, once
}

// ErrFull means that the client has not taken enough of its answer. Limits.HighWater
// bounds the bytes that it may owe.
var ErrFull = errors.New("http: the client has not taken enough of its answer")

// Hold sends the head of the answer, as it stands, and keeps the answer open. The handler
// returns nil after that, and cannot wait any more: a body is read before. From then on
// the connection is not read from, and a client that takes nothing for
// Limits.SendTimeout is cut off.
func (w *Response) Hold() (*Held, error) {
	if err := w.holdable(); err != nil {
		w.fail(err)
		return nil, err
	}
	h := w.hold()
	h.sendHead()
	return h, nil
}

// hold keeps the answer open.
func (w *Response) hold() *Held {
	x := w.x
	x.keepHead()
	h := &Held{x: x, serial: x.serial, server: x.conn.server, chunked: x.chunks()}
	x.held = h
	x.enter(stateHolding)
	return h
}

// sendHead sends the head of the answer, as it stands.
func (h *Held) sendHead() {
	w, c := &h.x.response, h.x.conn
	w.beforeHead(&w.hooks)
	h.empty = w.bodiless()
	if c.unread() || !h.chunked {
		c.closeAfter = true // as it is on a stream
	}
	w.sendHead(h.chunked && !w.silent())
}

// holdable returns why the answer cannot be held, nil if it can.
func (w *Response) holdable() error {
	if err := w.x.mayNot(callHold); err != nil {
		return err
	}
	switch {
	case w.x.headSent:
		return w.answerTwice()
	case w.broken != nil:
		return w.broken
	case w.isWhole() || len(w.bytes) > 0 || w.length >= 0:
		return w.answerTwice()
	}
	if err := w.x.declaredTooLarge(false); err != nil {
		return err
	}
	return w.mistake()
}

// Live reports whether the client is still connected, as far as is known.
func (h *Held) Live() bool {
	return h.x != nil && h.x.serial == h.serial && h.x.held == h && h.x.state != stateDone
}

// Full reports whether the client has to take more of its answer before Write sends more.
func (h *Held) Full() bool { return h.Live() && h.x.conn.conn.Full() }

// Write sends a copy of p. It takes all or nothing.
func (h *Held) Write(p []byte) (int, error) {
	if err := h.writable(); err != nil {
		return 0, err
	}
	if h.empty || len(p) == 0 {
		return len(p), nil
	}
	writePiece(&h.x.conn.conn, p, h.chunked)
	h.x.response.sent += int64(len(p))
	return len(p), nil
}

// writable returns why nothing can be written at present, nil if it can. The head is out
// then.
func (h *Held) writable() error {
	if !h.Live() {
		return ErrGone
	}
	if h.poll != nil {
		if err := h.open(); err != nil {
			return err
		}
	}
	if h.Full() && !h.empty {
		return ErrFull
	}
	return nil
}

// writePiece sends a part of a body, as a chunk if the body is chunked.
func writePiece(c *eventloop.Conn, p []byte, chunked bool) {
	b := c.Reserve(len(p) + 20)
	if chunked {
		b = strconv.AppendInt(b, int64(len(p)), 16)
		b = append(b, "\r\n"...)
	}
	b = append(b, p...)
	if chunked {
		b = append(b, "\r\n"...)
	}
	c.Commit(len(b))
}

// Done ends the answer. The next request on the connection is served.
func (h *Held) Done() {
	if !h.Live() {
		return
	}
	x := h.x
	c := x.conn
	if h.poll != nil && h.open() != nil {
		return
	}
	if h.chunked && !h.empty {
		c.conn.Write(lastChunk)
	}
	running := x.state == stateHolding
	x.enter(stateDone)
	if running {
		return // the rest follows after the handler has returned
	}
	c.endHeld(h)
	c.resumeReading()
}

// endHeld continues after a held answer has ended.
func (c *conn) endHeld(h *Held) {
	h.over()
	c.answered()
}

var lastChunk = []byte("0\r\n\r\n")

// OnClose has f called, on the loop, when the answer is over, for any reason: exactly
// once, and at once if it is over already.
func (h *Held) OnClose(f func()) {
	if !h.Live() {
		f()
		return
	}
	h.after = append(h.after, f)
}

// begin implements keeper.
func (h *Held) begin() {
	h.x.enter(stateHeld)
	h.x.conn.suspend()
}

// endInHandler implements keeper.
func (h *Held) endInHandler() { h.x.conn.endHeld(h) }

// stopping implements keeper.
func (h *Held) stopping() {
	if h.stop != nil {
		h.stop()
	}
}

// OnStop has f called when the server wants to end. Without it, the answer has Limits.Drain
// to come to its end.
func (h *Held) OnStop(f func()) { h.stop = f }

// Post runs f on the loop. Any goroutine may call it; it does not wait. A panic in f costs
// the connection.
func (h *Held) Post(f func()) error {
	return h.server.loop.Post(func() {
		if h.x == nil {
			f()
			return
		}
		h.x.conn.conn.Guard(f)
	})
}

// over implements keeper.
func (h *Held) over() {
	after, conn := h.after, h.x.conn
	h.x.response.complainOfHeld()
	if h.x.headSent {
		h.x.response.afterAnswer(&h.x.response.hooks, h.x.response.sent)
	}
	h.endPoll()
	h.x.held = nil
	h.x, h.after = nil, nil
	conn.each(after)
}

// Events is an answer that is a stream of server-sent events (HTML standard, section
// 9.2). It belongs to the loop's goroutine.
type Events struct {
	held  *Held
	conn  *eventloop.Conn
	beat  *eventloop.Timer
	yield *eventloop.Timer
	sent  time.Time // the last event or comment
}

// An Event is one server-sent event. An empty ID or Name is left out; Data is always sent,
// because clients drop an event without it.
type Event struct {
	ID   string // one line without NUL; a client that comes back sends it as Last-Event-ID
	Name string // the event's type, one line; a client takes none for "message"
	Data string // any number of lines
}

// heartbeat is the time without an event after which a comment is sent: so no proxy takes
// the connection for dead, and the server learns when it is.
const heartbeat = 15 * time.Second

// Events begins a stream of events. The handler returns nil after that. The stream ends
// when the client leaves, when Close is called, when the server stops, and when
// connections run out and another client needs its place: a client of events comes back by
// itself.
func (w *Response) Events() (*Events, error) {
	w.Add("Content-Type", "text/event-stream").Add("Cache-Control", "no-store")
	h, err := w.Hold()
	if err != nil {
		return nil, err
	}
	e := &Events{held: h, conn: &w.x.conn.conn, sent: h.server.now()}
	e.yield = h.server.loop.After(1, e.mayEnd) // when the handler has returned
	e.arm()
	h.OnClose(func() {
		e.beat.Stop()
		e.yield.Stop()
	})
	h.OnStop(h.Done)
	return e, nil
}

// mayEnd lets the loop close the connection for another client, as it may close one that
// waits for a request.
func (e *Events) mayEnd() {
	if e.held.Live() {
		e.conn.SetIdle(true)
	}
}

// arm sets the timer for the next heartbeat.
func (e *Events) arm() { e.beat = e.held.server.loop.After(heartbeat, e.tick) }

// tick sends a comment, unless an event was sent meanwhile.
func (e *Events) tick() {
	if e.held.server.now().Sub(e.sent) >= heartbeat {
		_ = e.send(":\n\n") // a client that is full needs none
	}
	if e.held.Live() {
		e.arm()
	}
}

// Send sends an event. The error is ErrFull if the client does not take the events before,
// and ErrGone if it has left; another one tells of an ID or a Name that is not one line.
func (e *Events) Send(event Event) error {
	if err := event.check(); err != nil {
		return err
	}
	return e.send(event.text())
}

// send writes to the answer.
func (e *Events) send(text string) error {
	_, err := e.held.Write([]byte(text))
	if err == nil {
		e.sent = e.held.server.now()
	}
	return err
}

// OnClose registers f to be called at the end of the stream, exactly once.
func (e *Events) OnClose(f func()) { e.held.OnClose(f) }

// OnStop has f called when the server wants to end, to send a last event; the stream ends
// when f returns.
func (e *Events) OnStop(f func()) {
	e.held.OnStop(func() {
		defer e.held.Done()
		f()
	})
}

// Close ends the stream.
func (e *Events) Close() { e.held.Done() }
