package http

import (
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http/internal/h1"
)

// A conn is the server's side of one connection. It finds requests in the bytes that
// come, one after the other, and has each answered before it looks at the next (RFC
// 9112 section 9.3.2). Between requests it holds nothing.
type conn struct {
	server *Server
	conn   eventloop.Conn // one object for both halves of a connection
	x      *exchange      // the request that is being served, or nil

	since         time.Duration // of its acceptance, by the clock of Server.elapsed
	requests      int32         // answered
	phase         phase
	closeAfter    bool // the answer that has begun is the last
	peerWillClose bool // the peer has promised to send nothing more
	sendTimer     bool // the deadline is for taking an answer; see slow.go
}

// phase is where a connection is in the life of one request.
type phase uint8

const (
	betweenRequests phase = iota // for the first byte of a request
	inHead                       // some of the head is here
	inBody                       // a handler waits for the body, and some of it is missing
	answering                    // the answer waits for anything but the request's body
	discarding                   // the answer is out, but the body of the request is not all in
	closing                      // the last answer is out
	phases
)

// follows holds what may come after each phase.
var follows = [phases][]phase{
	betweenRequests: {inHead, inBody, answering, discarding, closing},
	inHead:          {betweenRequests, inBody, answering, discarding, closing},
	inBody:          {betweenRequests, answering, discarding, closing},
	answering:       {betweenRequests, inBody, discarding, closing},
	discarding:      {betweenRequests, closing},
	closing:         {},
}

func (p phase) String() string {
	return [phases]string{"between requests", "in head", "in body", "answering", "discarding", "closing"}[p]
}

// enter moves to the next phase. A step that is not in the table is a mistake in this
// package, whatever the peer did.
func (c *conn) enter(p phase) {
	if c.phase == p {
		return
	}
	for _, next := range follows[c.phase] {
		if next == p {
			c.phase = p
			return
		}
	}
	panic("http: internal error: a connection cannot go from " + c.phase.String() + " to " + p.String())
}

// OnData implements eventloop.Protocol. It serves the requests in p, as far as the peer
// takes its answers, and as many as one connection may have in a turn.
func (c *conn) OnData(_ *eventloop.Conn, p []byte) (used int) {
	if c.sendTimer {
		c.countAcked()
	}
	for served := c.requests; used < len(p); {
		n := 0
		switch c.phase {
		case betweenRequests, inHead:
			n = c.readHead(p[used:])
		case inBody, discarding:
			n = c.readBody(p[used:])
		case closing:
			return len(p)
		} // while answering, the next request stays where it is
		if n == 0 {
			break
		}
		used += n
		if c.conn.Full() {
			break
		}
		if int(c.requests-served) >= c.server.limits.Turn {
			c.conn.Again()
			break
		}
	}
	c.showIdle(h1.EmptyLines(p[used:]))
	return used
}

// showIdle tells the loop whether the connection can be closed for another client:
// between two requests it can, and while the peer is slow to send one.
func (c *conn) showIdle(usedAll bool) {
	switch {
	case c.phase == betweenRequests && usedAll:
		c.conn.SetIdle(true)
	case c.phase == inHead || c.phase == inBody:
		c.conn.SetWaiting()
	default:
		c.conn.SetIdle(false)
	}
}

// readHead parses the head of a request at the beginning of p and has it served. It
// returns how much of p was used, 0 while the head is incomplete.
func (c *conn) readHead(p []byte) int {
	s := c.server
	x := s.takeExchange(c)
	reader := c.takeReader()
	n, why := reader.Read(&x.head, p, &s.parsing, &s.fields, c.conn.ID())
	if n == 0 && why == nil {
		s.giveExchange(x)
		c.awaitHead(p, reader)
		return 0
	}
	c.x = x
	if why != nil {
		return c.readOther(p, why)
	}
	x.raw = p[:n]
	c.serve(p[n:])
	return n
}

// serve begins the answer to the request whose head is in c.x. The bytes behind the
// head are its body, or the next request.
func (c *conn) serve(behind []byte) {
	x := c.x
	x.framing.Start(&x.head)
	c.peerWillClose = x.head.Close || x.head.Minor == 0 && !x.head.KeepAlive
	c.closeAfter = c.peerWillClose || c.mustEnd()
	if c.server.loop.Special() {
		c.serveInSpecialTimes()
	}
	if x.framing.Done() && len(behind) > 0 {
		c.peerWillClose = false // it has sent more already
	}
	if why := x.refusal(); why != nil {
		c.answerInstead(why)
		return
	}
	if x.framing.Done() {
		c.handlerReturned(x.call())
		return
	}
	c.serveWithBody(behind)
}
