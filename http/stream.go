package http

import (
	"errors"
	"fmt"
	"time"

	"github.com/bobbin-http/bobbin/http/internal/h1"
)

// pieceSize is how much of an answer in pieces is gathered before it is sent.
const pieceSize = 16 << 10

// ErrStopping is what Pause returns when the server wants to end. A handler that
// returns it has ended its answer as it should.
var ErrStopping = errors.New("http: the server is stopping")

// Flush sends what has been written so far, and the head before it. It returns when
// the client has taken so much that there is room for more: not more than
// Limits.HighWater is kept for one that is slow. The error is ErrGone if the client
// has left, or a mistake in what was set and written.
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

// Pause lets d pass, while the loop goes on with others. It sends nothing: Flush
// does. The error is ErrGone if the client has left, and ErrStopping, at once, if
// the server wants to end.
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

// push sends what was written since it was called last. It is the loop's part of
// Flush.
func (w *Response) push() {
	c := w.x.conn
	if !w.x.headSent {
		w.begin()
	}
	if len(w.bytes) == 0 || w.bodiless() {
		w.bytes = w.bytes[:0]
		return
	}
	writePiece(c.conn, w.bytes, w.chunked)
	w.sent += int64(len(w.bytes))
	w.bytes = w.bytes[:0]
}

// begin sends the head of an answer whose body comes in pieces. Its end is told by
// the length, if the handler knows it, or else by the last chunk, or by the end of
// the connection for those who know no chunks (RFC 9112 section 6.3).
func (w *Response) begin() {
	c := w.x.conn
	w.beforeHead(&w.hooks)
	if t := w.x.task; t != nil {
		w.beforeHead(&t.outer)
	}
	w.chunked = w.length < 0 && w.x.head.Minor > 0 && !w.silent()
	if w.length < 0 && w.x.head.Minor == 0 || w.x.expects {
		c.closeAfter = true
	}
	w.sendHead(w.chunked)
}

// pieceMistake returns what is wrong with an answer in pieces that is to end now.
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
	if w.chunked && !w.bodiless() {
		c := w.x.conn.conn
		p := append(c.Reserve(len(w.trailers)+8), "0\r\n"...)
		p = append(p, w.trailers...)
		c.Commit(len(append(p, "\r\n"...)))
	}
	w.afterAnswer(&w.hooks, w.sent)
}

// SetTrailer adds a field behind the body (RFC 9110 section 6.5), where the body
// is sent in chunks: most clients drop it.
func (w *Response) SetTrailer(name, value string) {
	w.use("SetTrailer")
	if !h1.IsToken(name) || !h1.IsFieldValue(value) {
		w.fail(fmt.Errorf("http: %q: %q is no field", name, value))
		return
	}
	w.trailers = append(w.trailers, name...)
	w.trailers = append(w.trailers, ": "...)
	w.trailers = append(w.trailers, value...)
	w.trailers = append(w.trailers, "\r\n"...)
}

// Timeout answers 503 when d has passed, unless the answer has begun by then. The
// handler is not run again, nor can it be stopped; but what it waits for on the
// loop fails, and its context ends. It is called on the loop's goroutine, by
// middleware.
func (w *Response) Timeout(d time.Duration) {
	x, serial := w.x, w.x.serial
	if x.timeout != nil {
		x.timeout.Stop()
	}
	x.timeout = x.conn.server.loop.After(d, func() {
		if x.serial == serial {
			x.timeout = nil
			x.conn.timedOut(x)
		}
	})
}

// timedOut answers 503 for a handler whose time is over.
func (c *conn) timedOut(x *exchange) {
	if c.x != x || x.headSent || x.state == stateDone {
		return
	}
	c.takeOver()
	c.refuse(errSlowHandler)
}
