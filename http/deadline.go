package http

import (
	"context"
	"errors"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
)

// The deadlines of one request, beside those of Limits, which hold for all: what
// http.ResponseController sets for net/http.

// handlerDeadlines are those that a handler has set for its own request.
type handlerDeadlines struct {
	readBy     time.Duration    // for the body, by the clock of Server.elapsed; 0 for none
	writeTimer *eventloop.Timer // for the answer
}

// dropDeadlines is called when the request is over. An answer that the client has not taken
// keeps its deadline.
func (x *exchange) dropDeadlines() {
	switch {
	case x.writeTimer == nil:
	case x.stream != nil:
		x.stream.writeTimer = x.writeTimer
	case x.conn.conn.Unsent() == 0:
		x.writeTimer.Stop()
	}
	x.handlerDeadlines = handlerDeadlines{}
}

// SetReadDeadline ends the reading of the body when d has passed: from then on Body and Read
// return an error, 408 for errors.As, and context.DeadlineExceeded for errors.Is.
// The handler may answer as it likes; the answer is the last on the connection. A new
// deadline replaces the one before, and 0 removes it. The deadlines and the rate of Limits
// hold besides.
//
// The error is ErrGone, or that of Flush in a place where a handler cannot wait.
func (r *Request) SetReadDeadline(d time.Duration) error {
	r.use("SetReadDeadline")
	x := r.x
	return x.onLoop(func() error {
		x.readBy, x.extras = 0, true
		if d != 0 {
			x.readBy = max(x.conn.server.elapsed()+min(d, longest), 1)
		}
		return nil
	})
}

// errReadDeadline is the error of reading a body after the handler's deadline.
var errReadDeadline = newRefusal(StatusRequestTimeout, "the body took too long")

// Is lets errors.Is find context.DeadlineExceeded.
func (r *refusal) Is(target error) bool {
	return r == errReadDeadline && target == context.DeadlineExceeded
}

// pastReadDeadline reports whether the handler's deadline for the body is over.
func (x *exchange) pastReadDeadline() bool {
	return x.readBy != 0 && x.conn.server.elapsed() >= x.readBy
}

// failsByDeadline is called before a handler waits for the body. If its deadline is over,
// waiting fails at once.
func (x *exchange) failsByDeadline() bool {
	if !x.pastReadDeadline() {
		return false
	}
	x.failed = errReadDeadline
	return true
}

// failRead ends the waiting for a body at the handler's deadline. The handler goes on.
func (c *conn) failRead() {
	c.x.failed = errReadDeadline
	c.server.bodies.release(c.x)
	c.resume()
}

// SetWriteDeadline resets the connection when d has passed, unless the client has the whole
// answer by then: Write, Flush and Pause return ErrGone, and the context of the request
// ends. The client has what its kernel has acknowledged, where the server's tells
// (Linux), and otherwise what the server's kernel has taken. A new deadline replaces the
// one before, and 0 removes it. Limits.SendTimeout holds besides.
//
// The error is ErrGone, or that of Flush in a place where a handler cannot wait.
func (w *Response) SetWriteDeadline(d time.Duration) error {
	w.use("SetWriteDeadline")
	x := w.x
	return x.onLoop(func() error {
		if x.writeTimer != nil {
			x.writeTimer.Stop()
			x.writeTimer = nil
		}
		if d != 0 {
			x.extras = true
			c, serial, answered := x.conn, x.serial, x.conn.requests
			x.writeTimer = c.server.loop.After(max(min(d, longest), 0), func() { c.writeTimedOut(x, serial, answered) })
		}
		return nil
	})
}

// errWriteDeadline is why a connection is reset at the handler's deadline.
var errWriteDeadline = errors.New("http: the client has not taken the answer by the deadline of its handler")

// writeTimedOut resets the connection if the answer is not complete, or is the last and the
// client has not taken all of it. Answered is the number of the answers before it.
func (c *conn) writeTimedOut(x *exchange, serial uint32, answered int32) {
	switch {
	case c.x == x && x.serial == serial:
		x.writeTimer = nil
		if x.state != stateLeaving {
			c.conn.Abort(errWriteDeadline)
		}
	case c.requests == answered+1 && c.conn.Unsent() > 0:
		c.conn.Abort(errWriteDeadline)
	}
}
