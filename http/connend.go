package http

import (
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http/internal/h1"
)

// The end of a connection: by its peer, a deadline, a stop of the server, or its last
// answer; and the wait for the next request, which ends most of them.

// mustEnd reports whether a limit of the server's makes the next answer the last.
func (c *conn) mustEnd() bool {
	s := c.server
	return int(c.requests)+1 >= s.limits.Requests || s.elapsed()-c.since > s.limits.Age
}

// serveInSpecialTimes is called for a request while the loop is stopping, crowded or
// being read. A proxy may be the reason for a crowd.
func (c *conn) serveInSpecialTimes() {
	s := c.server
	c.conn.CountIn()
	if s.loop.BeingRead() {
		kind := HeadRead
		if c.x.stream != nil {
			kind = StreamHeadRead
		}
		c.record(kind, int64(len(c.x.raw)))
	}
	c.closeAfter = c.closeAfter || s.loop.Stopping()
	if s.loop.Crowded() && !s.warnedOfProxy {
		s.warnOfProxy(c)
	}
}

// awaitRequest waits for the next request. An answer that the peer has not taken comes
// first.
func (c *conn) awaitRequest() {
	full := c.conn.Full()
	if full && c.x != nil {
		c.rememberRequest()
	}
	c.releaseExchange()
	c.enter(betweenRequests)
	if full {
		c.watchSending()
		return
	}
	c.sendTimer = false
	c.conn.SetDeadline(c.server.limits.IdleTimeout)
}

// awaitHead waits for the rest of a head that begins with p. Empty lines begin none.
func (c *conn) awaitHead(p []byte, reader h1.HeadReader) {
	s := c.server
	if c.phase == betweenRequests {
		if h1.EmptyLines(p) {
			return
		}
		c.enter(inHead)
		if c.requests > 0 {
			c.sendTimer = false
			c.conn.SetDeadline(s.limits.HeadTimeout)
		} // the deadline of a new connection holds for its first head
	}
	s.incomplete[c] = reader
}

// takeReader returns the state of a head of which some is here, and forgets it.
func (c *conn) takeReader() (reader h1.HeadReader) {
	if c.phase == inHead {
		reader = c.server.incomplete[c]
		delete(c.server.incomplete, c)
	}
	return reader
}

// awaitLastRequest waits for a moment when the server is stopping: a request may be on
// its way.
func (c *conn) awaitLastRequest() {
	c.sendTimer = false
	c.conn.SetDeadline(c.server.loop.StopGrace(c.server.limits.StopGrace))
}

// enterClosing waits until the socket has taken the last answer. Nearly always it does
// so at once; only when it has not for a second, or the answer is large, the bytes that
// the peer takes are counted.
func (c *conn) enterClosing() {
	c.enter(closing)
	if c.conn.Full() {
		c.watchSending()
		return
	}
	c.sendTimer = false
	c.conn.SetDeadline(min(time.Second, c.server.limits.SendTimeout))
}

// closeAnswered closes the connection after its last answer. A peer that has promised
// to send nothing more, and has kept its promise, gives nothing to linger for.
func (c *conn) closeAnswered() {
	clean := c.peerWillClose && c.x.framing.Done()
	if c.conn.Full() {
		c.rememberRequest()
	}
	c.releaseExchange()
	c.enterClosing()
	if clean {
		c.conn.CloseWithoutLinger()
	} else {
		c.conn.Close()
	}
}

// releaseExchange gives the exchange back, or leaves it to its handler if that is off
// the loop.
func (c *conn) releaseExchange() {
	x := c.x
	c.x = nil
	switch {
	case x == nil:
	case x.isOffLoop():
		x.leave() // onTask gives it back when the handler has ended
	default:
		c.server.giveExchange(x)
	}
}

// OnEOF implements eventloop.Protocol. A request that is cut short is never served (RFC
// 9112 section 8).
func (c *conn) OnEOF(*eventloop.Conn) {
	if c.x != nil && c.x.stream != nil {
		c.bodyEnded()
		return
	}
	switch c.phase {
	case betweenRequests:
		c.enterClosing()
		c.conn.CloseWithoutLinger()
	case inHead:
		c.refuseRest(errEndedInHead)
	case inBody:
		c.failBody(errEndedInBody)
	case discarding:
		c.closeAnswered()
	}
}

// OnTimeout implements eventloop.Protocol.
func (c *conn) OnTimeout(*eventloop.Conn) {
	isOver := c.phase == betweenRequests && !c.sendTimer && c.server.loop.Stopping()
	if !isOver && c.phase != inHead && c.phase != inBody && c.owed() > 0 {
		c.checkSending()
		return
	}
	switch c.phase {
	case betweenRequests:
		c.requestTimedOut()
	case inHead:
		c.refuseRest(errSlowHead)
	case inBody:
		if c.x.pastReadDeadline() {
			c.failRead()
		} else {
			c.failBody(errSlowBody)
		}
	case answering:
		c.hasTakenAll()
	case discarding:
		c.closeAfter = true
		c.closeAnswered()
	default:
		c.conn.Abort(errStalled)
	}
}

// requestTimedOut closes a connection on which no request has come. It sends nothing: it
// would be taken for an answer. A connection whose answers were still being taken may
// wait for a request from now on.
func (c *conn) requestTimedOut() {
	if !c.sendTimer {
		c.enterClosing()
		c.conn.Close()
		return
	}
	c.closeAccount()
	c.awaitRequest()
	if c.server.loop.Stopping() {
		c.awaitLastRequest()
	}
}

// OnShutdown implements eventloop.Protocol. A request that has begun is still answered,
// and so is one that is on its way: a client that has connected and not yet asked gets a
// moment, and a client that may just have used an idle connection again gets a shorter
// one. Both are closed such that no reset meets a request that comes later.
func (c *conn) OnShutdown(*eventloop.Conn) {
	loop, l := c.server.loop, &c.server.limits
	switch {
	case c.phase == betweenRequests && c.conn.Full():
		c.server.noteUnfinished(c) // the client takes its answers first, and OnDrain goes on
	case c.phase == betweenRequests && c.requests == 0:
		c.conn.SetIdle(true)
		left := c.since + l.HeadTimeout - c.server.elapsed()
		c.conn.SetDeadline(max(1, min(left, loop.StopGrace(l.LingerIdle))))
	case c.phase == betweenRequests:
		c.awaitLastRequest()
	default:
		c.server.noteUnfinished(c)
		c.closeAfter = true
		if h := c.held(); h != nil {
			h.stopping()
		}
		if c.x != nil && c.x.state == stateSleeping {
			c.x.task.stopTimer()
			c.resume() // Pause returns
		}
	}
}

// held returns the answer that is kept open, or nil.
func (c *conn) held() keeper {
	if c.x == nil {
		return nil
	}
	return c.x.held
}

// OnClose implements eventloop.Protocol. It ends all that was begun for the request, and
// calls the hooks that wait for the end of an answer that was cut.
func (c *conn) OnClose(_ *eventloop.Conn, why error) {
	if c.x != nil && c.x.state == stateLeaving {
		return // detached goes on
	}
	c.closed(why)
}

// closed is OnClose for a connection that was not taken by its handler, or could not be.
func (c *conn) closed(why error) {
	if why == eventloop.ErrCut {
		c.server.noteCut(c)
	}
	if c.server.unfinished != nil {
		delete(c.server.unfinished, c)
	}
	if h := c.held(); h != nil {
		h.over()
	}
	if x := c.x; x != nil && x.headSent {
		hooks := &x.response.hooks
		if x.isOffLoop() {
			hooks = &x.task.outer // the others belong to the handler
		}
		x.response.afterAnswer(hooks, x.response.sent)
	}
	c.releaseExchange()
	if len(c.server.slow) > 0 {
		c.closeAccount()
	}
	if len(c.server.localAddrs) > 0 {
		delete(c.server.localAddrs, c)
	}
	if len(c.server.ackedAt) > 0 {
		delete(c.server.ackedAt, c)
	}
	c.takeReader()
	c.forget(why)
}
