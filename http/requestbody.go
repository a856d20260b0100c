package http

import (
	"errors"
	"io"
	"time"
)

// The body of a request is received while its handler waits for it. The handler starts
// when the head is here, as a task, and pauses when it needs the body: so a handler that
// needs none answers at once, and "100 Continue" is sent only to a client whose body is
// wanted (RFC 9110 section 10.1.1).

// continueLine tells the client to send its body.
var continueLine = []byte("HTTP/1.1 100 Continue\r\n\r\n")

// serveWithBody starts the handler of a request whose body is not yet read; behind is
// what has come of it. A client that has sent some of it waits for no 100 Continue.
func (c *conn) serveWithBody(behind []byte) {
	x := c.x
	x.expects = x.head.ExpectContinue && len(behind) == 0
	x.keepHead() // the handler may outlive the loop's bytes
	x.pace = bodyPace{}
	x.limitBody(BodyLimits{})
	c.start(&task{handler: c.server.handler, runs: stateRunning})
}

// receive reads from the connection while the handler waits for the body.
func (c *conn) receive() {
	c.enter(inBody)
	c.conn.Resume()
	c.sendTimer = false
	c.x.pace.since = c.server.elapsed()
	c.awaitPiece()
	if c.x.expects {
		c.x.expects = false
		c.x.sendContinue()
	}
}

// Body returns the body of the request when all of it is here: the loop serves other
// requests meanwhile. The bytes are valid until the handler returns. A body that is above
// Limits.Body or its BodyLimits, malformed or too slow is an error, which the handler should return as it
// is.
func (r *Request) Body() ([]byte, error) {
	x := r.x
	r.use("Body")
	if err := x.declaredTooLarge(true); err != nil {
		return nil, err
	}
	for !x.framing.Done() {
		if err := x.awaitBody(true); err != nil {
			return nil, err
		}
	}
	if x.failed != nil {
		return nil, x.failed
	}
	return x.body[x.read:], nil
}

// Read reads the body as it comes, and implements io.Reader. The handler has to bound the
// size of the body, or BodyLimits do. The errors are those of Body.
func (r *Request) Read(p []byte) (int, error) {
	x := r.x
	r.use("Read")
	for x.read == len(x.body) {
		switch {
		case x.failed != nil:
			return 0, x.failed
		case x.framing.Done():
			return 0, io.EOF
		case len(p) == 0:
			return 0, nil
		}
		if err := x.declaredTooLarge(false); err != nil {
			return 0, err
		}
		x.body, x.read = x.body[:0], 0
		if err := x.awaitBody(false); err != nil {
			return 0, err
		}
	}
	n := copy(p, x.body[x.read:])
	x.read += n
	return n, nil
}

// awaitBody waits for the body, all of it or a piece.
func (x *exchange) awaitBody(whole bool) error {
	if x.failed != nil {
		return x.failed
	}
	if err := x.mayNot(callBody); err != nil {
		return err
	}
	if x.expects && x.headSent {
		return errNotAsked
	}
	x.task.wholeBody = whole
	if !x.wait(stateAwaitingBody) {
		return ErrGone
	}
	if !whole && x.task.interrupted.Swap(false) && !x.hasBody() {
		return ErrInterrupted
	}
	return nil
}

// readBody reads the part of a body in p, for the handler or to throw it away. It returns
// the number of bytes of p that it has used.
func (c *conn) readBody(p []byte) (used int) {
	x := c.x
	for used < len(p) && !x.framing.Done() {
		inTrailers := x.framing.InTrailers()
		data, n, malformed := x.framing.Next(p[used:], &c.server.parsing)
		why := (*refusal)(malformed)
		if inTrailers && c.phase == inBody {
			x.trailers, x.extras = append(x.trailers, p[used:used+n]...), true
		}
		used += n
		x.got += int64(n)
		if why == nil && c.phase == inBody {
			why = x.keep(data)
		}
		if why != nil {
			c.failBody(why)
			return len(p)
		}
		if n == 0 {
			break
		}
	}
	if c.phase == discarding {
		c.discarded()
		return used
	}
	x.pace.earn(used, c.server.elapsed(), &x.limits)
	switch {
	case x.framing.Done():
		c.resume()
	case x.tooSlow():
		c.failBody(errSlowBody)
	case x.hasBody():
		c.resume()
	default:
		c.server.bodies.settle(x, true)
		c.awaitPiece()
	}
	return used
}

// awaitPiece sets the deadline for the next piece. The client has none while it may not send one.
func (c *conn) awaitPiece() {
	x := c.x
	d := x.limits.Timeout
	if most := x.timeLimit(); most > 0 {
		d = min(d, max(1, most-x.pace.waited))
	}
	shut := x.stream != nil && x.stream.on.credit.isShut()
	if shut {
		d = 0
	}
	if x.readBy != 0 {
		left := max(1, x.readBy-c.server.elapsed())
		if shut || left < d {
			d = left
		}
	}
	c.conn.SetDeadline(d)
}

// keep adds to the body, within the limits for one and for all.
func (x *exchange) keep(data []byte) *refusal {
	s := x.conn.server
	x.pace.size += int64(len(data))
	if x.grownTooLarge(len(data)) {
		return errBodyTooLarge
	}
	s.bodies.add(x, len(data))
	if !s.bodies.makeRoom(x, s.limits.BodiesTotal) {
		return errBusy
	}
	x.body = append(x.body, data...)
	return nil
}

// bodyPace is how fast a body comes while its handler waits for it. The time in which
// the handler does something else is not the client's.
type bodyPace struct {
	since  time.Duration // the wait began, or a piece came in it
	waited time.Duration // for the body, in all
	credit time.Duration // that its bytes have earned and it has not used
	size   int64         // bytes of the body that have come, without framing
}

// earn counts the time that n bytes have taken. They earn time at MinRate, but not for
// long: a body that came fast at first must not drip ever after.
func (p *bodyPace) earn(n int, now time.Duration, l *BodyLimits) {
	took := now - p.since
	p.since = now
	p.waited += took
	most := max(l.Grace, l.Timeout)
	p.credit = min(p.credit+earned(int64(n), l.MinRate, most)-took, most)
}

// tooSlow reports whether a body drips, which a deadline between two pieces would let
// go on for ever, or takes too long in all. The latter is for bodies that are kept in
// memory, and for routes with such a limit. Another body that is read piece by piece may be
// of any length, holds a piece at a time, and has the rate alone.
func (x *exchange) tooSlow() bool {
	most := x.timeLimit()
	return x.pace.credit < 0 || most > 0 && x.pace.waited >= most
}

// discarded goes on when a part of a body was thrown away: behind the body, or with the
// end of the connection if there is too much of it.
func (c *conn) discarded() {
	x, l := c.x, &c.server.limits
	switch {
	case x.got > l.Discard || c.server.elapsed()-x.discardSince > l.DiscardTime:
		c.closeAfter = true
		c.closeAnswered()
	case x.framing.Done() && c.closeAfter: // the server wants to end
		c.closeAnswered()
	case x.framing.Done():
		c.awaitRequest()
	default:
		c.sendTimer = false
		c.conn.SetDeadline(l.DiscardIdle)
	}
}

// failBody ends a request whose body is malformed, too large or too slow. The handler gets
// an error; the answer is the server's, and the last on the connection.
func (c *conn) failBody(why *refusal) {
	x := c.x
	x.failed = why
	c.server.bodies.release(x) // the handler will not read it
	switch {
	case c.phase == discarding:
		c.closeAfter = true
		c.closeAnswered()
	case x.headSent:
		c.conn.Abort(errBegun)
	default:
		c.takeOver()
		c.refuse(why)
	}
}

// unread reports whether more of the body is to come than the server reads to keep the
// connection: then the answer is the last. A body in chunks may still be short, and the
// connection ends without a word if it is not (discarded). A peer that was not told to
// continue may send its body or not, so the bytes behind the head have no certain meaning.
func (c *conn) unread() bool {
	x := c.x
	if x.framing.Done() {
		return false
	}
	return x.expects || x.failed != nil || x.framing.Left() > c.server.limits.Discard
}

// errNotAsked is the error of reading a body that the client was not told to send.
var errNotAsked = errors.New("http: the peer waits to be told to send its body, and the answer has begun")
