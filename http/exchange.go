package http

import (
	"context"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http/internal/h1"
	"github.com/bobbin-http/bobbin/http/internal/route"
)

// An exchange is one request and its answer. It is taken to
// read a head, and given back when that is incomplete or when the answer is out, so that
// an idle connection has none.
type exchange struct {
	conn   *conn
	stream *h2Stream // that conn is of, nil with HTTP/1
	serial uint32    // counts the uses of x, so that a late call can tell
	stale  string    // the end of its last use, where late uses are looked for

	// The request.
	incoming
	own          []byte        // a copy of the head, for a request that outlives its turn
	body         []byte        // as far as it is here, and not yet read piece by piece
	read         int           // how much of body the handler has read
	pace         bodyPace      // at which the body comes
	limits       BodyLimits    // of the body, once it is known that there is one
	discardSince time.Duration // the body began to be thrown away
	share        bodyShare     // of the memory for all bodies

	// The answer. While a handler runs off the loop, the state does not change.
	state    answerState
	headSent bool
	left     bool   // the client has ended its half, while it waits for the answer
	next     *task  // to be started; in stateStarting
	task     *task  // that the handler runs as, nil if it cannot wait
	held     keeper // from Hold or Tunnel to the end of the answer

	context context.Context // of the request, once a handler has asked for it
	cancel  context.CancelFunc
	timeout *eventloop.Timer
	handlerDeadlines
	trailers []byte // behind the body, as they were sent
	extras   bool   // there is one of these, a value, or a hook of the end: see dropExtras

	request  Request
	response Response
}

// incoming is a request as far as it has come: all that an answer needs when the handler
// is given up, see conn.takeOver.
type incoming struct {
	head    h1.Head
	raw     []byte         // the head's bytes: the loop's, or exchange.own
	since   time.Duration  // its head was complete, by the clock of Server.elapsed
	framing h1.Body        // of the rest of the body
	got     int64          // bytes of the body, framing included; of those thrown away, once that has begun
	expects bool           // the peer waits for 100 Continue
	failed  *refusal       // why the body cannot be read, or no handler is called
	instead bool           // the server answers by itself: see Config.Middleware
	others  bool           // with slashes in place of its escaped ones, the path is another pattern's
	route   *route.Pattern // of a Router
}

// reset prepares x for its next use. Memory is kept. The head is not cleared: it is
// filled before it is read.
func (x *exchange) reset() {
	x.conn, x.stream = nil, nil
	x.serial++
	x.raw, x.own = nil, x.own[:0]
	if !x.framing.Done() {
		x.framing = h1.Body{}
	}
	x.got, x.expects = 0, false
	x.failed, x.route = nil, nil
	x.instead, x.others = false, false
	x.body, x.read = x.body[:0], 0
	x.state, x.headSent = stateNew, false
	x.held = nil
	x.request.reset()
	x.response.reset()
	x.response.hooks.reset()
}

// refusal returns the server's own answer to a request that was understood and is not
// for a handler, or nil. TRACE shows others what a proxy added, and CONNECT makes a tunnel
// (RFC 9110 sections 9.3.8 and 9.3.6): neither is for an origin server.
func (x *exchange) refusal() *refusal {
	h := &x.head
	switch {
	case h.Method == h1.MethodOther && !x.conn.server.anyMethod:
		return errUnknownMethod
	case h.Method == h1.MethodTrace || h.Method == h1.MethodConnect && x.conn.server.connect == nil:
		x.response.Add("Allow", route.AllMethods)
		return errMethodNotServed
	case h.ExpectOther:
		return errExpectation
	case !h.Plain && !h1.Decodable(h.Path.Of(x.raw)):
		return (*refusal)(route.BadEscape)
	case h.Form == h1.AsteriskForm:
		x.response.Add("Allow", route.AllMethods)
		return errAllOptions
	}
	return nil
}

// call runs the server's handler.
func (x *exchange) call() error {
	x.enter(stateRunning)
	loop := x.conn.server.loop
	if loop.BeingRead() {
		x.conn.recordHandlerBegin()
	}
	err := x.guarded(x.conn.server.handler)
	if loop.Noteworthy() {
		x.noteHandler()
	}
	return err
}

// noteHandler records the end of a handler, and that it has held the loop for too long.
func (x *exchange) noteHandler() {
	x.conn.recordHandlerEnd()
	x.reportStall()
}

// reportStall logs the request whose handler has held the loop for too long, if it has.
func (x *exchange) reportStall() {
	loop := x.conn.server.loop
	if s := loop.TakeStall(); s != nil {
		s.Request, s.Route = x.request.line(), x.request.Pattern()
		loop.TellStall(s, "request", s.Request, "route", s.Route)
	}
}

// appendLine appends the method and the path of the request, or the beginning of them
// if they are long.
func (x *exchange) appendLine(p []byte) []byte {
	if len(x.raw) == 0 {
		return append(p, '-') // the request line was not understood
	}
	if h := &x.head; h.Method == h1.MethodOther {
		p = append(p, h.MethodName.Of(x.raw)...)
	} else {
		p = append(p, h.Method.String()...)
	}
	p = append(append(p, ' '), x.head.Path.Of(x.raw)...)
	return p[:min(len(p), 200)]
}

// complain logs a failure of the handler's, with the request that it was called for.
func (x *exchange) complain(what string, err error) {
	x.conn.server.log.Error(what, "request", x.request.line(), "route", x.request.Pattern(), "error", err)
}

// over stops all that the request has begun, and calls the hooks of its end.
func (x *exchange) over() {
	if x.state != stateDone && x.state != stateNew {
		x.abandon()
	}
	if x.extras {
		x.dropExtras()
	}
}

// dropExtras stops and forgets what most requests do not have: a context, a time limit,
// deadlines, values, trailers, and hooks of the end, which it calls.
func (x *exchange) dropExtras() {
	if x.timeout != nil {
		x.timeout.Stop()
		x.timeout = nil
	}
	if x.cancel != nil {
		x.cancel()
	}
	if list := x.response.hooks.end; len(list) > 0 {
		x.response.hooks.end = list[:0]
		x.conn.each(list)
		clear(list)
	}
	x.dropDeadlines()
	x.context, x.cancel = nil, nil
	x.trailers = nil
	x.left = false
	x.request.values.Store(nil)
	x.extras = false
}

// keepHead copies the head, so that the request outlives the loop's bytes.
func (x *exchange) keepHead() {
	if len(x.own) == 0 {
		x.own = append(x.own, x.raw...)
		x.raw = x.own
	}
}

// guarded runs a handler or a reply. A panic costs this request and its connection, and
// is logged.
func (x *exchange) guarded(h Handler) (err error) {
	returned := false
	defer func() {
		if returned {
			return
		}
		r := recover()
		if r == nil {
			r = "the handler has ended its goroutine, by runtime.Goexit"
			if x.task != nil {
				x.task.result = errPanicked // nothing is returned
			}
		}
		x.conn.server.loop.LogPanic("panic in a handler", r, x.about()...)
		err = errPanicked
	}()
	err = h(&x.response, &x.request)
	returned = true
	return err
}
