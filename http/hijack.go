package http

import (
	"errors"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http/internal/h1"
)

// Hijack takes the connection off the loop. It returns a connection of package net, which
// the handler closes, and the bytes that were read and not used: those of a body that the
// handler has not read, and of whatever the client has sent behind it. It is for handlers
// made by Streaming, which start a goroutine for the connection, and by Blocking.
//
// Hijack waits until the kernel has all that was written. The server sends nothing more
// for the request, and its other calls return ErrGone; the request's context ends when
// the handler returns. For the hooks of OnAnswer, the answer is a 101, or a 200 to
// CONNECT, unless its head was sent.
//
// The connection is out of the server's reach: no limit, deadline or stop of it holds any
// more, but for Limits.Detached, above which Hijack returns eventloop.ErrDetachedFull. A
// body has to be read to its end before, or not at all. If the client has left, the error
// is ErrGone.
func (w *Response) Hijack() (eventloop.Detached, error) {
	w.use("Hijack")
	x := w.x
	if err := x.mayNot(callFlush); err != nil {
		return eventloop.Detached{}, err
	}
	if x.read < len(x.body) || x.got > 0 && !x.framing.Done() {
		return eventloop.Detached{}, errHalfRead
	}
	if !x.wait(stateLeaving) {
		return eventloop.Detached{}, ErrGone
	}
	return x.task.taken.conn, x.task.taken.err
}

// errHalfRead is the error of Hijack where the place of the next byte in the body would
// be lost.
var errHalfRead = errors.New("http: a part of the body was read: read all of it before Hijack, or nothing")

// taken is the outcome of Hijack.
type taken struct {
	conn eventloop.Detached
	err  error
}

// detach begins to give the connection to the handler. It reports whether the handler
// goes on at once, with an error.
func (c *conn) detach() bool {
	x := c.x
	x.task.local = c.localAddr() // which the handler may want afterwards
	if err := c.conn.Detach(c.detached); err != nil {
		x.task.taken = &taken{err: err}
		return true
	}
	c.suspend()
	c.watchSending()
	return false
}

// detached goes on when the connection has left the loop, or has failed before.
func (c *conn) detached(d eventloop.Detached, err error) {
	x := c.x
	if err != nil {
		c.closed(err)
		return
	}
	t := x.task
	t.taken = &taken{conn: d}
	x.answerTaken()
	c.x = nil
	c.report(ConnHijacked)
	c.closed(nil)
	x.enter(stateDone)
	if t.run.Resume() == eventloop.Ended {
		x.endTask()
		c.server.giveExchange(x)
	} // else onTask gives it back
}

// answerTaken calls the hooks of OnAnswer for a connection that is the handler's now.
func (x *exchange) answerTaken() {
	w, hooks := &x.response, &x.response.hooks
	if x.isOffLoop() {
		hooks = &x.task.outer // the others belong to the handler
	}
	if !x.headSent {
		w.status = StatusSwitchingProtocols
		if x.head.Method == h1.MethodConnect {
			w.status = StatusOK
		}
	}
	w.afterAnswer(hooks, w.sent)
}
