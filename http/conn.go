package http

import (
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http/internal/h1"
	"github.com/bobbin-http/bobbin/http/internal/negotiate"
	"github.com/bobbin-http/bobbin/http/internal/route"
)

// A conn is our side of one HTTP conversation: it finds requests in the bytes
// that come, one after the other, and has each answered before it looks at the
// next (RFC 9112 section 9.3.2). Between requests it holds nothing.
type conn struct {
	server *Server
	conn   *eventloop.Conn
	x      *exchange // the request that is being served, or nil

	since         time.Duration // it was accepted, by the clock of Server.elapsed
	ackedAt       int64         // position when it was last asked for; see slow.go
	requests      int32         // answered
	reader        h1.HeadReader // of a head that is incomplete
	phase         phase
	closeAfter    bool // the answer that was begun is the last
	peerWillClose bool // the peer has said that it will send nothing more
	sendTimer     bool // the deadline is for taking an answer; see slow.go
}

// phase is where a connection is in the life of one request.
type phase uint8

const (
	waiting    phase = iota // for the first byte of a request
	inHead                  // some of the head is here
	inBody                  // a handler waits for the body, and some of it is missing
	answering               // the handler has left work to others, and answers later
	discarding              // the answer is out, but the body of the request is not all in
	closing                 // the last answer is out
	phases
)

// follows holds what may come after each phase.
var follows = [phases][]phase{
	waiting:    {inHead, inBody, answering, discarding, closing},
	inHead:     {waiting, inBody, answering, discarding, closing},
	inBody:     {waiting, answering, discarding, closing},
	answering:  {waiting, inBody, discarding, closing},
	discarding: {waiting, closing},
	closing:    {},
}

func (p phase) String() string {
	return [phases]string{"waiting", "in head", "in body", "answering", "discarding", "closing"}[p]
}

// enter moves to the next phase. A step that is not in the table is a mistake
// in this package, whatever the peer did.
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

// OnData implements eventloop.Protocol.
func (c *conn) OnData(_ *eventloop.Conn, p []byte) (used int) {
	if c.sendTimer {
		c.countTaken()
	}
	for served := c.requests; used < len(p); {
		n := 0
		switch c.phase {
		case waiting, inHead:
			n = c.readHead(p[used:])
		case inBody, discarding:
			n = c.readBody(p[used:])
		case closing:
			return len(p)
		} // while answering, what comes waits
		if n == 0 {
			break
		}
		used += n
		if c.conn.Full() {
			break // the peer does not take its answers
		}
		if int(c.requests-served) >= c.server.limits.Turn {
			c.conn.Again()
			break
		}
	}
	switch {
	case c.phase == waiting && used == len(p):
		c.conn.SetIdle(true)
	case c.phase == inHead || c.phase == inBody:
		c.conn.SetWaiting()
	default:
		c.conn.SetIdle(false)
	}
	return used
}

// readHead looks for a request at the beginning of p and has it served. It
// returns how much of p was used, 0 while the head is incomplete.
func (c *conn) readHead(p []byte) int {
	s := c.server
	x := s.takeExchange(c)
	n, why := c.reader.Read(&x.head, p, &s.parsing)
	if n == 0 && why == nil {
		s.giveExchange(x)
		if c.phase == waiting {
			c.enter(inHead)
			if c.requests > 0 {
				c.sendTimer = false
				c.conn.SetDeadline(s.limits.HeadTimeout)
			} // else the one from accept holds
		}
		return 0
	}
	c.reader = h1.HeadReader{}
	c.x = x
	if why != nil {
		c.refuseHead(p, (*refusal)(why))
		return len(p)
	}
	x.raw = p[:n]
	c.serve(p[n:])
	return n
}

// serve begins the answer to a request whose head is in c.x.
func (c *conn) serve(behind []byte) {
	x := c.x
	x.framing.Start(&x.head)
	c.peerWillClose = x.head.Close || x.head.Minor == 0 && !x.head.KeepAlive
	c.closeAfter = c.peerWillClose || c.mustEnd()
	if c.server.loop.Special() {
		c.inSpecialTimes()
	}
	if x.framing.Done() && len(behind) > 0 {
		c.peerWillClose = false // it is sending already
	}
	if why := x.refusal(); why != nil {
		c.peerWillClose = false // whoever is refused may not keep to it
		c.answerInstead(why)
		return
	}
	if x.head.Form == h1.AsteriskForm {
		x.response.Add("Allow", route.AllMethods)
		c.answerInstead(errAllOptions)
		return
	}
	if x.framing.Done() {
		c.handlerReturned(x.call())
		return
	}
	x.expects = x.head.ExpectContinue && len(behind) == 0
	c.serveWithBody()
}

// mustEnd reports whether the next answer has to be the last, for reasons of
// ours.
func (c *conn) mustEnd() bool {
	s := c.server
	return int(c.requests)+1 >= s.limits.Requests || s.elapsed()-c.since > s.limits.Age
}

// inSpecialTimes is called for a request while the loop is ending or crowded. If it is
// crowded, that may be because of a proxy.
func (c *conn) inSpecialTimes() {
	s := c.server
	c.closeAfter = c.closeAfter || s.loop.Stopping()
	if s.loop.Crowded() && !s.warnedOfProxy {
		s.tellOfProxy(c)
	}
}

// tellOfProxy logs, once, that a peer is probably a proxy: it holds over half of the
// connections and says for whom it speaks.
func (s *Server) tellOfProxy(c *conn) {
	who := c.conn.Client()
	n, of := s.loop.Holds(who)
	if 2*n <= of || !who.Known() || who != eventloop.ClientOf(c.conn.Peer().Addr()) {
		return
	}
	for _, f := range c.x.head.Fields[:c.x.head.NFields] {
		if name := f.Name.Of(c.x.raw); negotiate.SameFold(name, "x-forwarded-for") || negotiate.SameFold(name, "forwarded") {
			s.warnedOfProxy = true
			s.log.Warn("this client holds most of the connections and sends "+string(name)+
				": if it is a proxy of yours, name it by --trust, or its clients are taken for one",
				"client", who, "holds", n, "of", of)
			return
		}
	}
}

// rest is the state between two requests.
func (c *conn) rest() {
	full := c.conn.Full()
	if full && c.x != nil {
		c.remember()
	}
	c.giveBack()
	c.enter(waiting)
	if full {
		c.send()
		return
	}
	c.sendTimer = false
	c.conn.SetDeadline(c.server.limits.IdleTimeout)
}

// restAtStop is the state between two requests when the server wants to end: one may
// be on its way.
func (c *conn) restAtStop() {
	c.sendTimer = false
	c.conn.SetDeadline(c.server.loop.StopGrace(c.server.limits.StopGrace))
}

// leave is the state in which the last of ours is on its way. Nearly always the
// socket takes it at once; only when it has not for a second, or the answer is large,
// what the peer takes is measured.
func (c *conn) leave() {
	c.enter(closing)
	if c.conn.Full() {
		c.send()
		return
	}
	c.sendTimer = false
	c.conn.SetDeadline(min(time.Second, c.server.limits.SendTimeout))
}

// end closes after the answer. If the peer has promised to send nothing more
// and has kept to it, there is nothing to linger for.
func (c *conn) end() {
	clean := c.peerWillClose && c.x.framing.Done()
	if c.conn.Full() {
		c.remember()
	}
	c.giveBack()
	c.leave()
	if clean {
		c.conn.CloseWithoutLinger()
	} else {
		c.conn.Close()
	}
}

func (c *conn) giveBack() {
	x := c.x
	c.x = nil
	switch {
	case x == nil:
	case x.isOffLoop():
		x.leave() // onTask gives it back
	default:
		c.server.giveExchange(x)
	}
}

// OnEOF implements eventloop.Protocol. A request that is cut short is never
// served (RFC 9112 section 8).
func (c *conn) OnEOF(*eventloop.Conn) {
	switch c.phase {
	case waiting:
		c.leave()
		c.conn.CloseWithoutLinger()
	case inHead:
		c.refuseRest(errEndedInHead)
	case inBody:
		c.failBody(errEndedInBody)
	case discarding:
		c.end()
	}
}

// OnTimeout implements eventloop.Protocol.
func (c *conn) OnTimeout(*eventloop.Conn) {
	switch {
	case c.phase == waiting && !c.sendTimer && c.server.loop.Stopping():
		c.leave()
		c.conn.Close()
	case c.phase != inHead && c.phase != inBody && c.owed() > 0:
		// An answer is on its way. As long as the peer takes some of it, it
		// has time.
		if !c.sendTimer {
			c.send()
		} else if !c.keepsUp() {
			c.conn.Abort(errStalled)
		}
	case c.phase == waiting && c.sendTimer:
		c.closeAccount()
		if c.rest(); c.server.loop.Stopping() { // it has taken all of it, and may idle now
			c.restAtStop()
		}
	case c.phase == waiting:
		c.leave() // without a word: it would be taken for an answer
		c.conn.Close()
	case c.phase == inHead:
		c.refuseRest(errSlowHead)
	case c.phase == inBody:
		c.failBody(errSlowBody)
	case c.phase == discarding:
		c.closeAfter = true
		c.end()
	case c.phase == answering:
		c.hasTakenAll()
	default:
		c.conn.Abort(errStalled)
	}
}

// OnShutdown implements eventloop.Protocol. A request that has begun is still
// answered, and so is one that is on its way: a client that has connected and not yet
// asked gets a moment, and one that may just have used an idle connection again gets a
// shorter one. Both are closed such that no reset meets what comes later.
func (c *conn) OnShutdown(*eventloop.Conn) {
	loop, l := c.server.loop, &c.server.limits
	switch {
	case c.phase == waiting && c.conn.Full():
		// It takes its answers first, and OnDrain goes on.
	case c.phase == waiting && c.requests == 0:
		c.conn.SetIdle(true) // until it asks
		left := c.since + l.HeadTimeout - c.server.elapsed()
		c.conn.SetDeadline(max(1, min(left, loop.StopGrace(l.LingerIdle))))
	case c.phase == waiting:
		c.restAtStop()
	default:
		c.closeAfter = true
		if h := c.held(); h != nil && h.stop != nil {
			h.stop()
		}
		if c.x != nil && c.x.state == stateSleeping {
			c.x.task.stopTimer()
			c.resume() // Pause returns
		}
	}
}

// held returns the answer that is kept open, or nil.
func (c *conn) held() *Held {
	if c.x == nil {
		return nil
	}
	return c.x.held
}

// noteCut notes whose answer was cut off because the server had to end.
func (c *conn) noteCut() {
	s := c.server
	if len(s.cut) == cutMax {
		return
	}
	a := s.slow[c]
	switch {
	case c.x != nil:
		s.cut = append(s.cut, string(c.x.appendLine(nil)))
	case a != nil && len(a.line) > 0:
		s.cut = append(s.cut, string(a.line))
	}
}

// OnClose implements eventloop.Protocol.
func (c *conn) OnClose(_ *eventloop.Conn, why error) {
	if why == eventloop.ErrCut {
		c.noteCut()
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
	c.giveBack()
	if len(c.server.slow) > 0 {
		c.closeAccount()
	}
}

// resumeReading ends the pause that suspend has begun, unless the answer is still to
// come.
func (c *conn) resumeReading() {
	if c.phase == answering || c.phase == inBody {
		return
	}
	c.conn.Resume()
	if c.phase == waiting {
		c.conn.SetIdle(true)
	}
}

// refuseRest refuses a request whose head will not be complete. If what there is of
// the head is wrong, that is the reason: it was not looked at while it trickled in.
func (c *conn) refuseRest(why *refusal) {
	c.x = c.server.takeExchange(c)
	p := c.conn.Rest()
	if found := c.x.head.Parse(p, &c.server.parsing); found != h1.NeedMore {
		why = (*refusal)(found)
	}
	c.refuseHead(p, why)
}
