package http

import "errors"

// An answer is in one state at a time. The table in this file holds what each state
// means, which states may follow it, and what a handler may not do in it; the tables in
// docs/architecture.md are made from it. Beside the state stands exchange.headSent:
// once the head is out, an error can cut the answer, and not replace it.

// answerState is where the answer to one request is.
type answerState uint8

const (
	stateNew answerState = iota
	stateRunning
	stateStreaming
	stateOffLoop
	stateAwaitingBody
	stateSending
	stateSleeping
	stateLeaving
	stateStarting
	statePending
	stateReplying
	stateHolding
	stateHeld
	stateDone
	answerStates
)

// An apiCall is a call that a handler may make in some states only.
type apiCall uint8

const (
	callTask  apiCall = iota // name a handler that is to run as a task
	callLater                // leave the answer to something else on the loop
	callHold                 // keep the answer open
	callBody                 // wait for more of the request's body
	callFlush                // wait for the client, for time to pass, or for the connection
	apiCalls
)

// callNames are the functions that each of them stands for.
var callNames = [apiCalls]string{
	callTask:  "Streaming, Blocking",
	callLater: "Offload, Later",
	callHold:  "Hold, Events, Tunnel",
	callBody:  "Body, Read that must wait",
	callFlush: "Flush, Pause, Hijack",
}

// Why a handler may not do something in the state that its answer is in.
var (
	errLeft         = errors.New("http: the answer is left to Streaming, Blocking, Offload, Later or Hold already")
	errNested       = errors.New("http: a handler made by Streaming or Blocking cannot call another one: choose one of the two")
	errOffLoop      = errors.New("http: a handler made by Blocking runs off the loop: call Offload, Later, Hold, Events and Tunnel outside of it")
	errNotStreaming = errors.New("http: Flush, Pause and Hijack are for handlers made by Streaming or Blocking")
	errCannotWait   = errors.New("http: Body and Read cannot wait any more: read the body before Offload, Later, Hold or Streaming")
	errIsHeld       = errors.New("http: the answer is held: write to what Hold returned")
)

// ErrGone means that the answer is over: the client has left, or Held.Done was
// called.
var ErrGone = errors.New("http: the answer is over")

// The calls that are refused while a task runs that sends its output: on the loop, off it,
// or waiting. A task that waits calls nothing; but a task off the loop goes on in the state
// in which its connection has left it behind.
var (
	refusedStreaming = [apiCalls]error{callTask: errNested}
	refusedOffLoop   = [apiCalls]error{callTask: errNested, callLater: errOffLoop, callHold: errOffLoop}
)

// answerTable describes each state.
var answerTable = [answerStates]struct {
	name    string
	means   string
	next    []answerState
	refuses [apiCalls]error // why a call is an error of the handler's, nil where it is none
}{
	stateNew: {"new", "no handler has been called; the server may answer by itself",
		[]answerState{stateRunning, stateDone}, [apiCalls]error{}},
	stateRunning: {"running", "the handler runs, on the loop",
		[]answerState{stateAwaitingBody, stateStarting, statePending, stateHolding, stateDone},
		[apiCalls]error{callFlush: errNotStreaming}},
	stateStreaming: {"streaming", "a handler made by Streaming runs, as a coroutine on the loop",
		[]answerState{stateAwaitingBody, stateSending, stateSleeping, stateLeaving, statePending, stateHolding, stateDone},
		refusedStreaming},
	stateOffLoop: {"off the loop", "a handler made by Blocking runs, on a goroutine of its own",
		[]answerState{stateAwaitingBody, stateSending, stateSleeping, stateLeaving, stateDone},
		refusedOffLoop},
	stateAwaitingBody: {"awaiting the body", "the handler waits in Body or Read",
		[]answerState{stateRunning, stateStreaming, stateOffLoop, stateDone},
		refusedOffLoop},
	stateSending: {"sending", "the handler waits in Flush, Write or Interim until the client has taken enough",
		[]answerState{stateStreaming, stateOffLoop, stateDone},
		refusedOffLoop},
	stateSleeping: {"sleeping", "the handler waits in Pause",
		[]answerState{stateStreaming, stateOffLoop, stateDone},
		refusedOffLoop},
	stateLeaving: {"leaving", "the handler waits in Hijack for its connection",
		[]answerState{stateStreaming, stateOffLoop, stateDone},
		refusedOffLoop},
	stateStarting: {"starting", "a handler made by Streaming or Blocking starts when the present one returns",
		[]answerState{stateStreaming, stateOffLoop, stateDone},
		[apiCalls]error{errLeft, errLeft, errLeft, errCannotWait, errNotStreaming}},
	statePending: {"pending", "a worker, or something else on the loop, makes the answer later",
		[]answerState{stateReplying, stateDone},
		[apiCalls]error{errLeft, errLeft, errLeft, errCannotWait, errNotStreaming}},
	stateReplying: {"replying", "the reply of Offload or Later runs, on the loop",
		[]answerState{stateStarting, statePending, stateHolding, stateDone},
		[apiCalls]error{callBody: errCannotWait, callFlush: errNotStreaming}},
	stateHolding: {"holding", "Hold was called, and the handler has not returned",
		[]answerState{stateHeld, stateDone},
		[apiCalls]error{errLeft, errLeft, errLeft, errCannotWait, errIsHeld}},
	stateHeld: {"held", "the answer is kept open; its Held sends more of it",
		[]answerState{stateReplying, stateDone},
		[apiCalls]error{errLeft, errLeft, errLeft, errCannotWait, errIsHeld}},
	stateDone: {"done", "the answer is decided, or nothing more is wanted of the handler",
		nil,
		[apiCalls]error{ErrGone, ErrGone, ErrGone, ErrGone, ErrGone}},
}

// String returns the name of the state.
func (s answerState) String() string { return answerTable[s].name }

// nextStates is the column "next" of answerTable as bits, for enter. A state may follow
// itself. There are 16 so that no index can be out of range.
var nextStates = func() (bits [16]uint16) {
	for s, row := range answerTable {
		bits[s] = 1 << s
		for _, next := range row.next {
			bits[s] |= 1 << next
		}
	}
	return bits
}()

// noArrow is called for a step that is not in the table: a mistake in this package,
// whatever the handler or the peer did. A test that empties nextStates sees every step.
var noArrow = func(from, to answerState) {
	panic("http: internal error: an answer cannot go from " + from.String() + " to " + to.String())
}

// enter moves the answer to its next state. Only the loop's goroutine may call it, and
// not while a handler runs off the loop.
func (x *exchange) enter(s answerState) {
	if nextStates[x.state%16]>>s&1 == 0 {
		noArrow(x.state, s)
	}
	x.state = s
}

// mayNot returns why the handler may not do something now, nil if it may.
func (x *exchange) mayNot(a apiCall) error { return answerTable[x.state].refuses[a] }

// ErrAbort is what a handler returns to break the connection in place of an
// answer. Nothing is logged.
var ErrAbort = errors.New("http: the handler breaks the connection")

// errPanicked is the error of a handler that has panicked.
var errPanicked error = newRefusal(StatusInternalServerError, "")

// errBegun is why a connection is reset whose answer cannot be completed.
var errBegun = errors.New("http: the handler failed in the middle of its answer")

// handlerReturned goes on when a handler, a task or a reply has returned. Each outcome
// is a function: startTask, suspend, endHeld, complete and respond here, abort and cut
// in handlerFailed.
func (c *conn) handlerReturned(err error) {
	if err != nil {
		c.handlerFailed(err)
		return
	}
	x := c.x
	if x.state == stateRunning {
		c.respond(nil)
		return
	}
	switch x.state {
	case stateStarting:
		c.startTask()
	case statePending:
		c.suspend()
	case stateHolding:
		x.response.complainOfHeld()
		x.held.begin()
	case stateDone: // by Held.Done or Tunnel.Close
		x.held.endInHandler()
	default:
		if x.headSent {
			c.complete(nil)
		} else {
			c.respond(nil)
		}
	}
}

// handlerFailed is handlerReturned with an error.
func (c *conn) handlerFailed(err error) {
	x := c.x
	x.dropNext()
	if err == errPanicked {
		c.closeAfter = true
	}
	switch {
	case errors.Is(err, ErrAbort), x.gaveUp(err):
		c.abort(err)
	case x.held != nil && x.headSent:
		c.cut(err)
	case x.held != nil:
		x.held.over()
		c.respond(err)
	case x.headSent:
		c.complete(err)
	default:
		c.respond(err)
	}
}

// respond sends a whole answer: the handler's, or the one that its error becomes.
func (c *conn) respond(err error) {
	x := c.x
	x.enter(stateDone)
	if c.unread() {
		c.closeAfter = true
	}
	x.response.finish(err)
	c.answered()
}

// complete ends an answer that was sent in pieces, or cuts it if there is a mistake in it.
func (c *conn) complete(err error) {
	x := c.x
	if err == nil || errors.Is(err, ErrStopping) {
		err = x.response.pieceMistake()
	}
	if err != nil {
		c.cut(err)
		return
	}
	x.enter(stateDone)
	x.response.endPieces()
	c.closeAfter = c.closeAfter || c.unread()
	c.answered()
}

// cut resets the connection of an answer that has begun and cannot be completed.
func (c *conn) cut(err error) {
	c.x.complain("handler failed, and its answer has begun", err)
	c.abort(errBegun)
}

// abort resets the connection in place of an answer.
func (c *conn) abort(err error) {
	c.x.enter(stateDone)
	c.conn.Abort(err)
}

// answered goes on after an answer: with the next request, the rest of a body that was not
// read, or the end of the connection.
func (c *conn) answered() {
	x := c.x
	c.requests++
	switch loop := c.server.loop; {
	case loop.BeingNoted():
		c.noteDone()
	case x.response.status == StatusOK:
		loop.CountRecord(Done2xx, int64(StatusOK))
	default:
		c.recordDone(x.response.status)
	}
	switch {
	case c.closeAfter:
		c.closeAnswered()
	case x.framing.Done():
		c.awaitRequest()
	default:
		c.enter(discarding)
		c.sendTimer = false
		x.got, x.discardSince = 0, c.server.elapsed()
		c.conn.SetDeadline(c.server.limits.DiscardIdle)
	}
}

// takeOver ends a handler that has not answered, whatever it runs on or waits for, so
// that the server can answer. A handler that is off the loop goes on, until it returns,
// with the exchange that it has; the answer is made with another.
func (c *conn) takeOver() {
	x := c.x
	if x.held != nil {
		x.held.over()
	}
	if !x.isOffLoop() {
		x.abandon()
		x.response.reset()
		return
	}
	fresh := c.server.takeExchange(c)
	fresh.stream, fresh.incoming = x.stream, x.incoming
	fresh.request.client, fresh.request.scheme = x.request.client, x.request.scheme
	fresh.request.values.Store(x.request.values.Load())
	fresh.extras = true
	fresh.keepHead()
	fresh.response.hooks, x.task.outer = x.task.outer, hooks{}
	c.x = fresh
	x.leave()
}

// refuse answers in place of a handler that was taken over, and ends the conversation.
func (c *conn) refuse(why *refusal) {
	c.closeAfter = true
	c.peerWillClose = false // it may be sending, whatever it said
	c.respond(why)
}
