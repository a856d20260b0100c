package http

import (
	"errors"
	"strconv"

	"github.com/bobbin-http/bobbin/eventloop"
)

// A Held is an answer that is kept open: its head is out, and more of its body
// is sent whenever there is something to say. It belongs to the loop's goroutine,
// except for Post.
type Held struct {
	x       *exchange
	serial  uint32 // of x, when it was held
	server  *Server
	chunked bool // or else the end of the connection is the end of the body
	empty   bool // HEAD, or a status that has no body
	after   []func()
	stop    func()
}

// ErrFull means that the client has not taken what it was sent before.
// Limits.HighWater says how much that may be.
var ErrFull = errors.New("http: the client does not take what it is sent")

// Hold sends the head of the answer, as it stands, and keeps the answer open. The
// handler returns nil after that. From then on the connection is not read from,
// and a client that takes nothing for Limits.SendTimeout is cut off.
func (w *Response) Hold() (*Held, error) {
	x := w.x
	if err := w.holdable(); err != nil {
		w.fail(err)
		return nil, err
	}
	x.keepHead()
	h := &Held{x: x, serial: x.serial, server: x.conn.server, chunked: x.head.Minor > 0}
	x.held = h
	x.enter(stateHolding)
	w.beforeHead(&w.hooks)
	h.empty = w.bodiless()
	c := x.conn
	if c.unread() || !h.chunked {
		c.closeAfter = true
	}
	w.sendHead(h.chunked && !w.silent())
	return h, nil
}

// holdable returns why an answer cannot be held.
func (w *Response) holdable() error {
	if err := w.x.mayNot(callHold); err != nil {
		return err
	}
	switch {
	case w.x.headSent:
		return errTwoAnswers
	case w.broken != nil:
		return w.broken
	case w.isWhole() || len(w.bytes) > 0 || w.length >= 0:
		return errTwoAnswers
	}
	return w.mistake()
}

// Live reports whether the client is still there, as far as is known.
func (h *Held) Live() bool {
	return h.x != nil && h.x.serial == h.serial && h.x.held == h && h.x.state != stateDone
}

// Full reports whether the client has to take something before more is sent.
func (h *Held) Full() bool { return h.Live() && h.x.conn.conn.Full() }

// Write sends a copy of p. It takes all or nothing.
func (h *Held) Write(p []byte) (int, error) {
	switch {
	case !h.Live():
		return 0, ErrGone
	case h.empty || len(p) == 0:
		return len(p), nil
	case h.Full():
		return 0, ErrFull
	}
	writePiece(h.x.conn.conn, p, h.chunked)
	h.x.response.sent += int64(len(p))
	return len(p), nil
}

// writePiece sends a piece of a body, as a chunk if the body is sent so.
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

// Done ends the answer. What comes next on the connection is served.
func (h *Held) Done() {
	if !h.Live() {
		return
	}
	x := h.x
	c := x.conn
	if h.chunked && !h.empty {
		c.conn.Write(lastChunk)
	}
	running := x.state == stateHolding
	x.enter(stateDone)
	if running {
		return // the rest follows when the handler has returned
	}
	c.endHeld(h)
	c.resumeReading()
}

// endHeld goes on after an answer that was held and is done.
func (c *conn) endHeld(h *Held) {
	h.over()
	c.answered()
}

var lastChunk = []byte("0\r\n\r\n")

// OnClose has f called, on the loop, when the answer is over, whoever ended it:
// exactly once, and at once if it is over already.
func (h *Held) OnClose(f func()) {
	if !h.Live() {
		f()
		return
	}
	h.after = append(h.after, f)
}

// OnStop has f called when the server wants to end. Without it, the answer has
// as long as Limits.Drain to come to its end.
func (h *Held) OnStop(f func()) { h.stop = f }

// Post has f run on the loop. Any goroutine may call it; it does not wait.
func (h *Held) Post(f func()) error { return h.server.loop.Post(f) }

// over lets everybody know, once.
func (h *Held) over() {
	after := h.after
	h.x.response.afterAnswer(&h.x.response.hooks, h.x.response.sent)
	h.x.held = nil
	h.x, h.after = nil, nil
	for _, f := range after {
		f()
	}
}
