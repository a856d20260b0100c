package http

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
)

// Streaming makes a handler that may wait for its client, and for time to pass: it runs
// on the loop as a coroutine. Its answer is sent while it runs; when the client does not
// take it, Write and Flush wait, and the loop serves other requests. It may read the body
// of its request as it comes, and Pause.
//
// It must wait in no other way: for a file, a lock or a channel there is Blocking.
func Streaming(h Handler) Handler {
	return func(w *Response, r *Request) error {
		return w.x.later(&task{handler: h, runs: stateStreaming})
	}
}

// Blocking makes a handler that may wait for anything: it runs on a goroutine of its own,
// and can do there all that a handler made by Streaming can. Its context ends when the
// client has left. At most atMost of them run at a time, on all loops together; more
// requests are answered by 503 with Retry-After. The last quarter of the places is for
// clients (addresses, see Request.Client) that hold few of them: a client that asks for
// little is served while another one asks for all.
//
// Middleware that belongs to the loop goes around Blocking, not into it: Offload, Later,
// Hold and Events return an error in a handler that runs off the loop.
//
// It panics if atMost is below 1 or there is no h, for then no request could be served.
func Blocking(atMost int, h Handler) Handler {
	switch {
	case atMost < 1:
		panic(fmt.Sprintf("http: Blocking(%d, h) serves no request: give it a number from 1 on", atMost))
	case h == nil:
		panic("http: the handler for Blocking is nil")
	}
	return (&slots{most: int64(atMost)}).handler(h)
}

// handler makes the handler of Blocking.
func (s *slots) handler(h Handler) Handler {
	return func(w *Response, r *Request) error {
		who := r.Client()
		if !s.take(who) {
			return StatusServiceUnavailable
		}
		err := w.x.later(&task{handler: h, runs: stateOffLoop, ended: func() { s.leave(who) }})
		if err != nil {
			s.leave(who)
		}
		return err
	}
}

// slots counts the running requests of a Blocking handler, by client, for all loops. The
// lock is held for a few look-ups, by requests that are about to get a goroutine.
type slots struct {
	most int64

	mu    sync.Mutex
	taken eventloop.Tally
}

// take takes a slot for a client, and reports whether there was one for it.
func (s *slots) take(who eventloop.Client) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.taken.Admits(who, s.most) {
		return false
	}
	s.taken.Add(who, 1)
	return true
}

// leave gives a slot back.
func (s *slots) leave(who eventloop.Client) {
	s.mu.Lock()
	s.taken.Add(who, -1)
	s.mu.Unlock()
}

// pieceSize is the most that Write gathers of an answer before it sends a piece.
const pieceSize = 16 << 10

// ErrStopping is what Pause returns when the server wants to end. A handler that
// returns it has ended its answer as it should.
var ErrStopping = errors.New("http: the server is stopping")

// Flush sends the head, if it is not out yet, and all that was written since. It returns
// when the client has taken so much that there is room for more: not more than
// Limits.HighWater is kept for a slow client. The error is ErrGone if the client has
// left, or tells of a mistake in the answer.
func (w *Response) Flush() error {
	w.use("Flush")
	if err := w.x.mayNot(callFlush); err != nil {
		return err
	}
	switch {
	case w.broken != nil:
		return w.broken
	case w.isWhole():
		return errTwoAnswers
	case w.status < 200 || w.status > 599:
		return fmt.Errorf("http: %d is no status to answer with", int(w.status))
	case w.length >= 0 && w.sent+int64(len(w.bytes)) > w.length && !w.bodiless():
		w.fail(fmt.Errorf("http: the handler declared a length of %d and wrote more", w.length))
		return w.broken
	case !w.x.wait(stateSending):
		return ErrGone
	}
	return nil
}

// Pause waits for d, while the loop serves other requests. It sends nothing: Flush does.
// The error is ErrGone if the connection is lost (a reset, Timeout, a write deadline), and
// ErrStopping, at once, if the server wants to end.
//
// A client that ends its half (FIN) has most likely closed, but may wait for the answer: so
// Pause goes on, while the request's Context ends. A handler that wants to stop for such a
// client looks at Context().Err() after Pause; otherwise Flush fails when a reset has come
// for what was sent.
func (w *Response) Pause(d time.Duration) error {
	w.use("Pause")
	if err := w.x.mayNot(callFlush); err != nil {
		return err
	}
	t := w.x.task
	if t.stopping {
		return ErrStopping
	}
	t.delay = d
	if !w.x.wait(stateSleeping) {
		return ErrGone
	}
	if t.stopping {
		return ErrStopping
	}
	return nil
}

// push sends a piece: all that was written since the piece before. It is the loop's part
// of Flush.
func (w *Response) push() {
	c := w.x.conn
	if !w.x.headSent {
		w.begin()
	}
	if len(w.bytes) == 0 || w.bodiless() {
		w.bytes = w.bytes[:0]
		return
	}
	writePiece(&c.conn, w.bytes, w.chunked)
	w.sent += int64(len(w.bytes))
	w.bytes = w.bytes[:0]
}

// begin sends the head of an answer whose body comes in pieces. The end of the body is
// told by its length, if the handler knows it, or else by the last chunk, or by the end of
// the connection if the client knows no chunks (RFC 9112 section 6.3).
func (w *Response) begin() {
	c := w.x.conn
	w.beforeHead(&w.hooks)
	if t := w.x.task; t != nil {
		w.beforeHead(&t.outer)
	}
	w.chunked = w.length < 0 && w.x.chunks() && !w.silent()
	if w.length < 0 && w.x.head.Minor == 0 || w.x.expects {
		c.closeAfter = true
	}
	w.sendHead(w.chunked)
}

// pieceMistake returns the mistake in an answer in pieces that is to end now, if there is
// one.
func (w *Response) pieceMistake() error {
	if w.broken != nil {
		return w.broken
	}
	if n := w.sent + int64(len(w.bytes)); w.length >= 0 && n != w.length && !w.bodiless() {
		return fmt.Errorf("http: the handler declared a length of %d and wrote %d", w.length, n)
	}
	return nil
}

// endPieces sends the last piece of an answer, and its end.
func (w *Response) endPieces() {
	w.push()
	if s := w.x.stream; s != nil && !w.bodiless() {
		s.trailers = append(s.trailers, w.trailers...)
	}
	if w.chunked && !w.bodiless() {
		c := &w.x.conn.conn
		p := append(c.Reserve(len(w.trailers)+8), "0\r\n"...)
		p = append(p, w.trailers...)
		c.Commit(len(append(p, "\r\n"...)))
	}
	w.afterAnswer(&w.hooks, w.sent)
}

// Timeout answers 503 when d has passed, unless the answer has begun by then. The handler
// cannot be stopped; but Body, Flush and Pause return an error in it, and its context
// ends. Middleware calls Timeout, on the loop's goroutine; inside of Blocking, the answer is
// a 500.
func (w *Response) Timeout(d time.Duration) {
	x, serial := w.x, w.x.serial
	if x.isOffLoop() {
		w.fail(errTimeoutOffLoop)
		return
	}
	if x.timeout != nil {
		x.timeout.Stop()
	}
	x.extras = true
	x.timeout = x.conn.server.loop.After(d, func() {
		if x.serial == serial {
			x.timeout = nil
			c := x.conn
			c.conn.Guard(func() { c.timedOut(x) })
		}
	})
}

// timedOut answers 503 for a handler whose time is over.
func (c *conn) timedOut(x *exchange) {
	if c.x != x || x.headSent || x.state == stateDone || x.state == stateLeaving {
		return
	}
	c.takeOver()
	c.refuse(errSlowHandler)
}
