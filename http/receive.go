package http

// How the body of a request is received. The handler is started when the head
// is there, as a task, and pauses when it asks for the body: so a handler that
// has its answer without it gives that at once, and "100 Continue" is sent when
// somebody wants what is to come (RFC 9110 section 10.1.1).

var continueLine = []byte("HTTP/1.1 100 Continue\r\n\r\n")

// serveWithBody starts the handler of a request whose body is not yet read.
func (c *conn) serveWithBody() {
	x := c.x
	x.own = append(x.own, x.raw...)
	x.raw = x.own // the handler may outlive the loop's bytes
	x.begun = c.server.now()
	x.task = c.server.loop.NewTask(func(pause func() bool) {
		x.pause = pause
		x.result = x.call()
	})
	c.goOn()
}

// goOn runs the handler until it returns, or until it wants more of the body
// than is here.
func (c *conn) goOn() {
	x := c.x
	if !x.task.Resume() {
		x.task = nil
		c.answer(x.result)
		return
	}
	c.enter(inBody)
	c.conn.SetDeadline(c.server.limits.BodyTimeout)
	if x.expects {
		x.expects = false
		c.conn.Write(continueLine)
	}
}

// wait is called in the task: it returns when the body is complete.
func (x *exchange) wait() ([]byte, error) {
	limits := &x.conn.server.limits
	if x.head.length > limits.Body {
		return nil, errBodyTooLarge
	}
	for !x.framing.done() && x.failed == nil {
		if x.pause == nil {
			panic("http: internal error: a body is missing, and the handler cannot wait")
		}
		if !x.pause() {
			return nil, errGone
		}
	}
	if x.failed != nil {
		return nil, x.failed
	}
	return x.body, nil
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
	case x.framing.done():
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
	if int64(len(x.body)+len(data)) > s.limits.Body {
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
	took := c.server.now().Sub(c.x.begun)
	return took > l.RateGrace && c.x.got < int64(took.Seconds()*float64(l.MinRate))
}

// discarded goes on after a body that nobody wants, or gives up on it.
func (c *conn) discarded() {
	x, l := c.x, &c.server.limits
	switch {
	case x.framing.done():
		c.rest()
	case x.got > l.Discard || c.server.now().Sub(x.begun) > l.DiscardTime:
		c.last = true
		c.end()
	default:
		c.conn.SetDeadline(l.DiscardIdle)
	}
}

// failBody ends a request whose body will not come, or not as it should: the
// handler learns of it, but the answer is ours, and the last.
func (c *conn) failBody(why *refusal) {
	x := c.x
	x.failed = why
	x.abandon()
	if c.phase == discarding {
		c.last = true
		c.end() // it has its answer
		return
	}
	x.response.reset()
	c.refuse(why)
}

// abandon ends a handler that waits for the body.
func (x *exchange) abandon() {
	if x.task != nil {
		x.task.Stop()
		x.task = nil
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
