package http

import (
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
)

// A long poll is an answer that is kept open before it has begun, so that it can still
// become any answer: a 204 when nothing has happened, a 404, a redirect.

// A poll is the state of a Held before its head is sent.
type poll struct {
	timer  *eventloop.Timer
	isOver func(w *Response) error
}

// LongPoll keeps the request open without an answer, for d at most. The handler returns
// nil after that, and later, on the loop, Held.Answer makes the answer, or Held.Write sends
// the head, as it stands, and the first piece of a longer one. Until then Held.Response
// sets the status and the fields.
//
// When d has passed, or the server wants to end, the answer is a 204; OnTimeout makes
// another one. A client that has left is noticed then, or when it is written to; the
// request's context ends at once.
func (w *Response) LongPoll(d time.Duration) (*Held, error) {
	w.use("LongPoll")
	if err := w.holdable(); err != nil {
		w.fail(err)
		return nil, err
	}
	h := w.hold()
	h.poll = &poll{isOver: func(*Response) error { return StatusNoContent }}
	h.poll.timer = h.server.loop.After(d, h.timedOut)
	h.stop = h.timedOut
	return h, nil
}

// OnTimeout has the answer made by f when the time of LongPoll is over, and when the server
// wants to end, unless OnStop says otherwise. F is a handler's end: an error becomes the
// answer.
func (h *Held) OnTimeout(f func(w *Response) error) {
	if h.poll != nil {
		h.poll.isOver = f
	}
}

// Response returns the answer, to set its status and fields before the head is sent. It is
// nil after that.
func (h *Held) Response() *Response {
	if !h.Live() || h.x.headSent {
		return nil
	}
	return &h.x.response
}

// Answer ends a long poll with a whole answer, which f makes as a handler does. It is for
// the time after the handler has returned. The error is ErrGone if the client has left or
// has been answered, and another one if the head of the answer is out.
func (h *Held) Answer(f func(w *Response) error) error {
	switch {
	case !h.Live():
		return ErrGone
	case h.poll == nil:
		return errLate
	case h.x.state == stateHolding:
		return errIsHeld
	}
	x, conn, after := h.x, h.x.conn, h.after
	h.endPoll()
	x.held, h.x, h.after = nil, nil, nil
	conn.conn.Guard(func() { x.back(nil, func(w *Response, _ *Request) error { return f(w) }) })
	conn.each(after)
	return nil
}

// timedOut ends a long poll whose time is over.
func (h *Held) timedOut() {
	if h.poll == nil || !h.Live() {
		return
	}
	if h.x.state == stateHolding { // the handler has not returned, however late it is
		h.poll.timer = h.server.loop.After(1, h.timedOut)
		return
	}
	_ = h.Answer(h.poll.isOver) // it is live
}

// endPoll stops the time of a long poll.
func (h *Held) endPoll() {
	if h.poll != nil {
		h.poll.timer.Stop()
		h.poll = nil
	}
}

// open sends the head of an answer that was a long poll. If that has a mistake, the answer
// is the one that the mistake becomes.
func (h *Held) open() error {
	x := h.x
	w := &x.response
	err := w.mistake()
	if err == nil && (w.isWhole() || len(w.bytes) > 0 || w.length >= 0) {
		err = errTwoAnswers
	}
	if err != nil {
		w.fail(err)
		_ = h.Answer(func(*Response) error { return err })
		return err
	}
	h.endPoll()
	h.sendHead()
	if x.state == stateHeld {
		x.conn.watchSending()
	}
	return nil
}
