package http

import (
	"errors"
	"fmt"
	"time"

	"github.com/bobbin-http/bobbin/http/internal/h1"
)

// pieceSize is how much of an answer in pieces is gathered before it is sent.
const pieceSize = 16 << 10

var errInOnePiece = errors.New("http: a handler that waits has to be made by Streaming or Blocking")

// ErrStopping is what Pause returns when the server wants to end. A handler that
// returns it has ended its answer as it should.
var ErrStopping = errors.New("http: the server is stopping")

// Flush sends what has been written so far, and the head before it. It returns when
// the client has taken so much that there is room for more: not more than
// Limits.HighWater is kept for one that is slow. The error is ErrGone if the client
// has left, or a mistake in what was set and written.
func (w *Response) Flush() error {
	w.use("Flush")
	x := w.x
	switch {
	case !x.pieces:
		return errInOnePiece
	case w.broken != nil:
		return w.broken
	case x.open != nil || w.text != "" || w.shared != nil || w.lent != nil || w.file != nil:
		return errTwoAnswers
	case w.status < 200 || w.status > 599:
		return fmt.Errorf("http: %d is no status to answer with", int(w.status))
	case w.length >= 0 && w.sent+int64(len(w.bytes)) > w.length && !w.bodiless():
		w.fail(fmt.Errorf("http: the handler declared a length of %d and wrote more", w.length))
		return w.broken
	case !x.ask(room):
		return ErrGone
	}
	return nil
}

// Pause lets d pass, while the loop goes on with others. It sends nothing: Flush
// does. The error is ErrGone if the client has left, and ErrStopping, at once, if
// the server wants to end.
func (w *Response) Pause(d time.Duration) error {
	w.use("Pause")
	x := w.x
	if !x.pieces {
		return errInOnePiece
	}
	if x.stopping {
		return ErrStopping
	}
	x.delay = d
	if !x.ask(aWhile) {
		return ErrGone
	}
	if x.stopping {
		return ErrStopping
	}
	return nil
}

// push sends what was written since it was called last. It is the loop's part of
// Flush.
func (w *Response) push() {
	c := w.x.conn
	if !w.begun {
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
	w.beforeHead(&w.x.outer)
	w.begun = true
	w.chunked = w.length < 0 && w.x.head.Minor > 0 && !w.silent()
	if w.length < 0 && w.x.head.Minor == 0 || w.x.expects {
		c.closeAfter = true
	}
	w.sendHead(w.chunked)
}

// complete ends an answer that was sent in pieces, or cuts the connection if it is
// not what it should have been.
func (w *Response) complete(err error) bool {
	c := w.x.conn
	if errors.Is(err, ErrStopping) {
		err = nil
	}
	if err == nil {
		err = w.broken
	}
	if err == nil && w.length >= 0 && w.sent+int64(len(w.bytes)) != w.length && !w.bodiless() {
		err = fmt.Errorf("http: the handler declared a length of %d and wrote %d", w.length, w.sent+int64(len(w.bytes)))
	}
	if err != nil {
		w.x.complain("handler failed, and its answer has begun", err)
		c.conn.Abort(errBegun)
		return false
	}
	w.push()
	if w.chunked && !w.bodiless() {
		p := append(c.conn.Reserve(len(w.trailers)+8), "0\r\n"...)
		p = append(p, w.trailers...)
		c.conn.Commit(len(append(p, "\r\n"...)))
	}
	w.afterAnswer(&w.hooks, w.sent)
	return true
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

func (c *conn) timedOut(x *exchange) {
	if c.x != x || x.hasBegun() || c.phase != answering && c.phase != inBody {
		return
	}
	c.takeOver()
	c.refuse(errSlowHandler)
}
