package http

import "io"

// How the body of a request is received. The handler is started when the head
// is there, as a task, and pauses when it asks for the body: so a handler that
// has its answer without it gives that at once, and "100 Continue" is sent when
// somebody wants what is to come (RFC 9110 section 10.1.1).

var continueLine = []byte("HTTP/1.1 100 Continue\r\n\r\n")

// serveWithBody starts the handler of a request whose body is not yet read.
func (c *conn) serveWithBody() {
	x := c.x
	x.keepHead() // the handler may outlive the loop's bytes
	x.begun = c.server.elapsed()
	c.start(c.server.handler)
	c.goOn()
}

// receive is the state while the handler waits for the body.
func (c *conn) receive() {
	c.enter(inBody)
	c.conn.Resume()
	c.sending = false
	c.conn.SetDeadline(c.server.limits.BodyTimeout)
	if c.x.expects {
		c.x.expects = false
		c.conn.Write(continueLine)
	}
}

// Body returns the body of the request, once all of it is there: the loop goes
// on with others meanwhile. It is the server's, and gone when the handler
// returns. A body above Limits.Body, and one that is broken or too slow, is an
// error that the handler should return as it is.
func (r *Request) Body() ([]byte, error) {
	x := r.x
	r.use("Body")
	if x.head.length > x.conn.server.limits.Body {
		return nil, errBodyTooLarge
	}
	for !x.framing.done() {
		if err := x.askForBody(wholeBody); err != nil {
			return nil, err
		}
	}
	if x.failed != nil {
		return nil, x.failed
	}
	return x.body[x.read:], nil
}

// Read reads the body as it comes, and implements io.Reader. How much there may be
// in all is for the handler to say. The errors are those of Body.
func (r *Request) Read(p []byte) (int, error) {
	x := r.x
	r.use("Read")
	for x.read == len(x.body) {
		switch {
		case x.failed != nil:
			return 0, x.failed
		case x.framing.done():
			return 0, io.EOF
		case len(p) == 0:
			return 0, nil
		}
		x.body, x.read = x.body[:0], 0
		if err := x.askForBody(moreOfBody); err != nil {
			return 0, err
		}
	}
	n := copy(p, x.body[x.read:])
	x.read += n
	return n, nil
}

// askForBody waits for more of the body.
func (x *exchange) askForBody(w want) error {
	switch {
	case x.failed != nil:
		return x.failed
	case x.pause == nil:
		return errNoWait
	case x.expects && x.response.begun:
		return errNotAsked
	case !x.ask(w):
		return errGone
	}
	return nil
}

// readBody takes what there is of a body, for the handler or for nobody. It
// returns how much of p was used.
func (c *conn) readBody(p []byte) (used int) {
	x := c.x
	for used < len(p) && !x.framing.done() {
		data, n, why := x.framing.next(p[used:], &c.server.limits)
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
	switch {
	case c.phase == discarding:
		c.discarded()
	case x.framing.done(), x.awaits == moreOfBody && len(x.body) > 0:
		c.goOn()
	case c.tooSlow():
		c.failBody(errSlowBody)
	default:
		c.conn.SetDeadline(c.server.limits.BodyTimeout)
	}
	return used
}

// keep adds to the body, within the limits for one and for all.
func (x *exchange) keep(data []byte) *refusal {
	s := x.conn.server
	if x.awaits == wholeBody && int64(len(x.body)+len(data)) > s.limits.Body {
		return errBodyTooLarge
	}
	s.held += int64(len(data))
	x.held += int64(len(data))
	if s.held > s.limits.BodiesTotal {
		return errBusy
	}
	x.body = append(x.body, data...)
	return nil
}

// tooSlow reports whether a body drips: a deadline between two pieces alone
// would let it go on for ever.
func (c *conn) tooSlow() bool {
	l := &c.server.limits
	took := c.server.elapsed() - c.x.begun
	return took > l.RateGrace && float64(c.x.got) < took.Seconds()*float64(l.MinRate)
}

// discarded goes on after a body that nobody wants, or gives up on it.
func (c *conn) discarded() {
	x, l := c.x, &c.server.limits
	switch {
	case x.framing.done() && c.last: // because the server wants to end
		c.end()
	case x.framing.done():
		c.rest()
	case x.got > l.Discard || c.server.elapsed()-x.begun > l.DiscardTime:
		c.last = true
		c.end()
	default:
		c.sending = false
		c.conn.SetDeadline(l.DiscardIdle)
	}
}

// failBody ends a request whose body will not come, or not as it should: the
// handler learns of it, but the answer is ours, and the last.
func (c *conn) failBody(why *refusal) {
	x := c.x
	x.failed = why
	switch {
	case c.phase == discarding:
		c.last = true
		c.end() // it has its answer
	case x.hasBegun():
		c.conn.Abort(errBegun)
	default:
		c.takeOver()
		c.refuse(why)
	}
}

// unread reports whether the peer is sending more of a body than we want to
// read for the sake of the connection, so that the answer must be the last. A
// peer that was not told to continue may send it or not: that is not to be
// guessed.
func (c *conn) unread() bool {
	x := c.x
	if x.framing.done() {
		return false
	}
	return x.expects || x.head.chunked || x.head.length-x.got > c.server.limits.Discard
}
