package http

import (
	"errors"

	"github.com/bobbin-http/bobbin/http/internal/h1"
)

// answer sends what the handler made, or what its error says, and decides what
// comes next.
func (c *conn) answer(err error) {
	x := c.x
	if err == nil && x.next.handler != nil {
		c.startTask()
		return
	}
	if err == nil && x.pending {
		if x.open != nil && x.open.done {
			x.open.finish(c)
		} else {
			c.suspend()
		}
		return
	}
	if err != nil && errors.Is(err, ErrAbort) {
		c.conn.Abort(err)
		return
	}
	if x.open != nil {
		x.complain("handler failed, and its answer has begun", err)
		c.conn.Abort(errBegun)
		return
	}
	if x.waited {
		x.abandon()
	}
	x.pending = false
	if x.response.begun {
		if x.response.complete(err) {
			c.closeAfter = c.closeAfter || c.unread()
			c.answered()
		}
		return
	}
	if x.panicked {
		x.response.reset()
	}
	if c.unread() {
		c.closeAfter = true
	}
	x.response.finish(err)
	c.answered()
}

// answered decides what comes after an answer.
func (c *conn) answered() {
	x := c.x
	c.requests++
	switch {
	case c.closeAfter:
		c.end()
	case x.framing.Done():
		c.rest()
	default:
		c.enter(discarding)
		c.sendTimer = false
		x.begun = c.server.elapsed()
		c.conn.SetDeadline(c.server.limits.DiscardIdle)
	}
}

// refuse answers a request that cannot be served any more, although a handler was
// asked, and ends the conversation.
func (c *conn) refuse(why *refusal) {
	c.closeAfter = true
	c.peerWillClose = false // whatever it said, it may be sending
	c.answer(why)
}

// refuseRest refuses a request whose head will not be complete. If what there is of
// it is wrong, that is the reason: it was not looked at while it trickled in.
func (c *conn) refuseRest(why *refusal) {
	c.x = c.server.takeExchange(c)
	p := c.conn.Rest()
	if found := c.x.head.Parse(p, &c.server.parsing); found != h1.NeedMore {
		why = (*refusal)(found)
	}
	c.refuseHead(p, why)
}
