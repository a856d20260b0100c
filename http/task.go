package http

import (
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
)

// How a handler waits. It runs as a task (eventloop/task.go), names the state in which
// it waits, and pauses; the connection does what that state asks for, and resumes the
// task. So all that a handler does to a socket is done here, on the loop, in one way,
// whichever goroutine the handler runs on. Shared fields belong to the handler
// while it runs, and to the loop while it pauses.

// A task is a handler that may have to wait: one made by Streaming or Blocking, or the
// server's own while a body is outstanding.
type task struct {
	handler Handler
	runs    answerState // stateRunning, stateStreaming or stateOffLoop: where it runs
	ended   func()      // is called when it has ended or will not start; may be nil

	local      netip.AddrPort // of the connection, for a handler off the loop
	connValues *value         // likewise
	run        *eventloop.Task
	outer      hooks // of the middleware around a handler that runs off the loop
	result     error // of the handler, when it has returned

	// The handler's while it runs, and the loop's while it pauses.
	pause     func() bool
	want      answerState // in which it waits
	wholeBody bool        // it waits for all of the body, and not for a piece
	delay     time.Duration
	timer     *eventloop.Timer
	call      func() // is run on the loop, in place of sending a piece
	stopping  bool   // the server wants to end
	taken     *taken // by Hijack

	interrupted atomic.Bool // by InterruptRead, and Read has not returned that yet
}

// isOffLoop reports whether the handler runs on a goroutine of its own.
func (x *exchange) isOffLoop() bool { return x.task != nil && x.task.runs == stateOffLoop }

// streams reports whether the output of the handler is sent while it runs.
func (x *exchange) streams() bool { return x.task != nil && x.task.runs != stateRunning }

// wait pauses the handler in a state, until the loop has done what the state asks for.
// It returns false if the handler was given up. It is called in the task.
func (x *exchange) wait(s answerState) bool {
	x.task.want = s
	return x.task.pause()
}

// later has a handler run as a task when the present one has returned.
func (x *exchange) later(t *task) error {
	if err := x.mayNot(callTask); err != nil {
		x.response.fail(err)
		return err
	}
	if err := x.declaredTooLarge(false); err != nil {
		return err
	}
	x.keepHead()
	x.next = t
	x.enter(stateStarting)
	return nil
}

// dropNext forgets a task that will not start.
func (x *exchange) dropNext() {
	if t := x.next; t != nil {
		x.next = nil
		t.end()
	}
}

// startTask leaves the request to the task that its handler has named.
func (c *conn) startTask() {
	t := c.x.next
	c.x.next = nil
	if t.runs == stateOffLoop {
		t.local, t.connValues = c.x.whole().localAddr(), c.server.connValues[c.x.whole()]
		c.x.request.head() // here, because the loop may read it for its log while the handler runs
	}
	c.start(t)
}

// start runs a task until it waits or ends.
func (c *conn) start(t *task) {
	x := c.x
	x.task = t
	run := func(pause func() bool) {
		t.pause = pause
		t.result = x.guarded(t.handler)
	}
	if t.runs != stateOffLoop {
		t.run = c.server.loop.NewTask(run)
	} else {
		// The hooks of the middleware may be called when the handler is given up.
		t.outer, x.response.hooks = x.response.hooks, hooks{}
		x.request.Context() // both are made here: the handler's goroutine may only read them
		x.request.TLS()
		t.run = c.server.loop.NewTaskOffLoop(run, func(p eventloop.Progress) {
			c.conn.Guard(func() { c.onTask(x, p) })
		})
	}
	if c.server.loop.BeingRead() {
		c.recordHandlerBegin()
	}
	c.resume()
}

// onTask is called on the loop when a task that is off it pauses or ends.
func (c *conn) onTask(x *exchange, p eventloop.Progress) {
	switch {
	case c.x == x:
		c.afterStep(p)
	case p == eventloop.Ended: // its connection has left it behind
		x.endTask()
		x.conn.server.giveExchange(x)
	}
}

// resume has the task go on until it waits for something or has ended.
func (c *conn) resume() {
	c.afterStep(c.step())
}

// step runs the task until it pauses or returns.
func (c *conn) step() eventloop.Progress {
	x := c.x
	x.enter(x.task.runs)
	if x.share.place > 0 {
		c.server.bodies.settle(x, false)
	}
	x.task.stopping = c.server.loop.Stopping()
	p := x.task.run.Resume()
	x.reportStall()
	return p
}

// afterStep goes on when the task has paused, ended, or runs off the loop.
func (c *conn) afterStep(p eventloop.Progress) {
	for {
		switch p {
		case eventloop.Running:
			c.suspend()
			return
		case eventloop.Ended:
			c.taskEnded()
			return
		}
		if !c.fulfil() {
			return
		}
		p = c.step()
	}
}

// fulfil does the work that the task waits for. It reports whether that is done.
func (c *conn) fulfil() bool {
	x := c.x
	t := x.task
	x.enter(t.want)
	switch x.state {
	case stateAwaitingBody:
		if !t.wholeBody {
			c.server.bodies.release(x) // the piece before was read
		}
		if x.hasBody() || x.failsByDeadline() || t.interrupted.Load() && !t.wholeBody {
			return true
		}
		c.receive()
	case stateSending:
		x.callOrPush()
		if !c.shouldWait() {
			return true
		}
		c.suspend()
	case stateLeaving:
		return c.detach()
	case stateSleeping:
		c.suspend()
		t.timer = c.server.loop.After(t.delay, func() {
			t.timer = nil
			c.conn.Guard(c.resume)
		})
	}
	return false
}

// hasBody reports whether enough of the body is here for the task.
func (x *exchange) hasBody() bool {
	return x.framing.Done() || x.failed != nil || !x.task.wholeBody && len(x.body) > 0
}

// suspend leaves the connection without reading while its answer is made off the loop,
// is made later, is held, or waits for anything but the request.
func (c *conn) suspend() {
	x := c.x
	c.enter(answering)
	if x.share.bytes != x.share.counted {
		c.server.bodies.settle(x, false)
	}
	c.conn.Pause()
	switch {
	case !x.headSent && x.state != stateSending:
		c.sendTimer = false
		c.conn.SetDeadline(0)
	case !c.sendTimer:
		c.watchSending()
	} // the deadline for the output before holds
}

// resumeReading ends the pause that suspend has begun, unless the answer is still to
// come.
func (c *conn) resumeReading() {
	if c.phase == answering || c.phase == inBody {
		return
	}
	c.conn.Resume()
	if c.phase == betweenRequests {
		c.conn.SetIdle(true)
	}
	c.settle()
}

// taskEnded goes on with the outcome of a task.
func (c *conn) taskEnded() {
	x := c.x
	err := x.task.result
	x.endTask()
	c.recordHandlerEnd()
	paused := c.conn.Paused()
	c.handlerReturned(err)
	if paused {
		c.resumeReading()
	}
}

// endTask forgets the task, which has ended.
func (x *exchange) endTask() {
	t := x.task
	x.task = nil
	if t.runs == stateOffLoop {
		x.response.hooks.join(&t.outer)
	}
	t.end()
}

// end calls the function for the end of the task.
func (t *task) end() {
	if t.ended != nil {
		t.ended()
	}
}

// stopTimer ends a Pause.
func (t *task) stopTimer() {
	if t.timer != nil {
		t.timer.Stop()
		t.timer = nil
	}
}

// abandon ends a handler whose answer is not wanted any more. A handler that is off the
// loop cannot be ended: see leave.
func (x *exchange) abandon() {
	x.enter(stateDone)
	if t := x.task; t != nil {
		t.stopTimer()
		x.endContext(t.run.Stop)
		x.endTask()
	}
	x.dropNext()
}

// leave lets a handler that is off the loop come to its end without its connection.
func (x *exchange) leave() {
	if x.stream != nil {
		x.stream.left = true
	}
	x.conn.server.bodies.settle(x, false)
	x.task.stopTimer()
	if x.cancel != nil {
		x.cancel()
	}
	x.task.run.Stop()
}

// OnDrain implements eventloop.Backpressured.
func (c *conn) OnDrain(*eventloop.Conn) {
	if c.phase == betweenRequests && c.server.loop.Stopping() {
		c.awaitLastRequest()
	}
	if c.x != nil && c.x.state == stateSending && !c.shouldWait() {
		c.resume()
	}
}

// shouldWait reports whether a handler has to wait before more is sent. Interim answers on a stream
// are with the connection at once, and not in the queue of the stream.
func (c *conn) shouldWait() bool {
	return c.conn.ShouldWait() || c.x.stream != nil && !c.x.headSent && c.x.whole().conn.Full()
}

// OnPeerClosed implements eventloop.Backpressured. It cancels the request's context. An
// answer that is made nevertheless is sent, because some clients end their half and wait.
func (c *conn) OnPeerClosed(*eventloop.Conn) {
	if c.x == nil {
		return
	}
	c.x.left, c.x.extras = true, true
	if c.x.cancel != nil {
		c.x.cancel()
	}
}

var _ eventloop.Backpressured = (*conn)(nil)
