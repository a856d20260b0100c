package http

import (
	"errors"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
)

// How a handler waits. It runs as a task (eventloop/task.go), says what it wants,
// and pauses; the connection sees to that, and has it go on. So all that a handler
// does to a socket is done here, on the loop, in one way, whichever goroutine the
// handler runs on: what the two share is the handler's while it runs, and the
// loop's while it pauses.

// A want is what a handler that has paused waits for.
type want uint8

const (
	nothing    want = iota
	wholeBody       // of the request
	moreOfBody      // at least one byte of it, or its end
	room            // what was written is sent, as far as the peer takes it
	aWhile          // wait.delay
)

// wait is the part of an exchange whose handler may have to wait.
type wait struct {
	waited bool // any of this was set
	next   next // is to be started when the handler that runs has returned

	task    *eventloop.Task
	offLoop bool        // it runs on a goroutine of its own
	ended   func()      // is told that it has ended
	pause   func() bool // inside the task
	pieces  bool        // what it writes is sent while it runs
	want    want        // the handler's, while it runs
	delay   time.Duration
	timer   *eventloop.Timer
	outer   hooks // of those around a handler that runs aside

	awaits   want // the loop's: what the paused handler waits for
	stopping bool // the server wants to end
}

// next is a handler that is to run as a task.
type next struct {
	handler Handler
	offLoop bool
	ended   func()
}

var errNoWait = errors.New("http: a handler cannot wait any more when its work is left to others")

// ask has the loop see to what the handler wants, and returns when that is done:
// false if nobody is left to do it for.
func (x *exchange) ask(w want) bool {
	x.want = w
	return x.pause()
}

// later has a handler run when the present one has returned, as a task.
func (x *exchange) later(h Handler, aside bool, ended func()) error {
	if x.next.handler != nil || x.pending || x.pieces {
		x.response.fail(errOffloadedTwice)
		return errOffloadedTwice
	}
	x.keepHead()
	x.waited = true
	x.next = next{h, aside, ended}
	return nil
}

// startTask leaves the request to the handler that the first one has named.
func (c *conn) startTask() {
	x := c.x
	h := x.next.handler
	x.offLoop, x.ended, x.pieces = x.next.offLoop, x.next.ended, true
	x.next = next{}
	c.start(h)
	c.resume()
}

// start makes the task of a handler.
func (c *conn) start(h Handler) {
	x := c.x
	x.waited = true
	run := func(pause func() bool) {
		x.pause = pause
		x.result = x.guarded(h)
	}
	if !x.offLoop {
		x.task = c.server.loop.NewTask(run)
		return
	}
	// Those around it may still be called after it was given up.
	x.outer, x.response.hooks = x.response.hooks, x.outer
	x.request.Context() // while it can be made without a race
	x.request.TLS()     // and this be asked for
	x.task = c.server.loop.NewTaskOffLoop(run, func(p eventloop.Progress) { c.onTask(x, p) })
}

// onTask hears from a handler that runs aside.
func (c *conn) onTask(x *exchange, p eventloop.Progress) {
	switch {
	case c.x == x:
		c.afterStep(p)
	case p == eventloop.Ended: // that the connection has left behind
		x.endTask()
		x.conn.server.giveExchange(x)
	}
}

// resume lets the handler run until it has to wait, or has returned.
func (c *conn) resume() {
	c.afterStep(c.runTask())
}

// runTask runs the handler until it pauses or returns.
func (c *conn) runTask() eventloop.Progress {
	c.x.awaits = nothing
	if c.x.place > 0 {
		c.server.bodies.settle(c.x, false)
	}
	c.x.stopping = c.server.loop.Stopping()
	p := c.x.task.Resume()
	c.x.reportStall()
	return p
}

// afterStep does what follows from how far the handler has come.
func (c *conn) afterStep(p eventloop.Progress) {
	for {
		switch p {
		case eventloop.Running:
			c.suspend()
			return
		case eventloop.Ended:
			c.handlerEnded()
			return
		}
		if !c.fulfil() {
			return
		}
		p = c.runTask()
	}
}

// fulfil does what the handler has paused for. It reports whether that is done.
func (c *conn) fulfil() bool {
	x := c.x
	x.awaits = x.want
	switch x.want {
	case moreOfBody:
		c.server.bodies.release(x) // it was read
		fallthrough
	case wholeBody:
		if c.hasBody() {
			return true
		}
		c.receive()
	case room:
		x.response.push()
		if !c.conn.ShouldWait() {
			return true
		}
		c.suspend()
	case aWhile:
		c.suspend()
		x.timer = c.server.loop.After(x.delay, func() {
			x.timer = nil
			c.resume()
		})
	}
	return false
}

// hasBody reports whether what the handler wants of the body is here.
func (c *conn) hasBody() bool {
	x := c.x
	return x.framing.Done() || x.failed != nil || x.want == moreOfBody && len(x.body) > 0
}

// suspend is the state while a handler runs aside, or waits for something other
// than its request.
func (c *conn) suspend() {
	c.enter(answering)
	if c.x.held != c.x.counted {
		c.server.bodies.settle(c.x, false)
	}
	c.conn.Pause()
	switch {
	case !c.x.hasBegun():
		c.sendTimer = false
		c.conn.SetDeadline(0)
	case !c.sendTimer:
		c.send()
	} // else the deadline for what was sent before holds
}

// handlerEnded goes on with what a task has answered.
func (c *conn) handlerEnded() {
	x := c.x
	x.endTask()
	if x.panicked {
		c.closeAfter = true
	}
	paused := c.conn.Paused()
	c.answer(x.result)
	if paused && c.phase != answering && c.phase != inBody {
		c.resumeReading()
	}
}

// endTask forgets the task, which has come to its end.
func (x *exchange) endTask() {
	x.task, x.pause, x.pieces, x.awaits = nil, nil, false, nothing
	if x.offLoop {
		x.offLoop = false
		x.response.hooks.join(&x.outer)
	}
	if x.ended != nil {
		x.ended()
		x.ended = nil
	}
}

// takeOver ends a handler that has not answered, whatever it runs on or waits for,
// so that we can. One that runs aside goes on with what it had, until it returns;
// the answer is made with an exchange of its own.
func (c *conn) takeOver() {
	x := c.x
	if x.task == nil || !x.offLoop {
		x.abandon()
		x.pending = false
		x.response.reset()
		return
	}
	fresh := c.server.takeExchange(c)
	fresh.head = x.head
	fresh.raw = x.raw
	fresh.keepHead()
	fresh.framing, fresh.got, fresh.expects = x.framing, x.got, x.expects
	fresh.failed, fresh.route = x.failed, x.route
	fresh.response.hooks, x.outer = x.outer, hooks{}
	c.x = fresh
	x.leave()
}

// abandon ends a handler of which nothing more is wanted.
func (x *exchange) abandon() {
	if x.timer != nil {
		x.timer.Stop()
		x.timer = nil
	}
	if x.task != nil {
		x.task.Stop()
		x.endTask()
	}
	if x.next.ended != nil {
		x.next.ended() // it was never started
	}
	x.next = next{}
}

// leave lets a handler that runs aside come to its end without its connection.
func (x *exchange) leave() {
	x.conn.server.bodies.settle(x, false)
	if x.timer != nil {
		x.timer.Stop()
		x.timer = nil
	}
	if x.cancel != nil {
		x.cancel()
	}
	x.task.Stop()
}

// OnDrain implements eventloop.Backpressured.
func (c *conn) OnDrain(*eventloop.Conn) {
	if c.phase == waiting && c.server.loop.Stopping() {
		c.restAtStop()
	}
	if c.x == nil || c.x.awaits != room {
		return
	}
	if c.conn.ShouldWait() {
		return
	}
	c.resume()
}

// OnPeerClosed implements eventloop.Backpressured. Who has asked to know is told; an answer
// that is made nevertheless is sent, because some clients end their half and wait.
func (c *conn) OnPeerClosed(*eventloop.Conn) {
	if c.x != nil && c.x.cancel != nil {
		c.x.cancel()
	}
}

var _ eventloop.Backpressured = (*conn)(nil)
