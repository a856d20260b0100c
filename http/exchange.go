package http

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http/internal/h1"
)

// An exchange is one request and its answer. It is taken when a head is
// complete and given back when the answer is out, so that an idle connection
// has none.
type exchange struct {
	conn *conn
	head h1.Head
	raw  []byte // the head; the loop's, or own
	own  []byte // a copy of it, for a request that outlives its turn

	framing  h1.Body
	body     []byte        // as far as it is here, and not yet read piece by piece
	read     int           // how much of body a handler has had
	since    time.Duration // it was taken up, by the clock of Server.elapsed
	asked    time.Duration // the handler began to wait for the body, or a piece came since
	spent    time.Duration // on waiting for the body
	credit   time.Duration // that its bytes have earned
	begun    time.Duration // the body began to be thrown away
	got      int64         // bytes of the body, framing included
	holding                // of the bodies of all
	expects  bool          // the peer waits for 100 Continue
	failed   *refusal      // why there is no body to be had, or no handler to be asked
	stale    string        // why it may not be used any more, where that is checked
	serial   uint32        // counts the uses of x, so that what comes late finds out
	open     *Held         // the answer, if it is kept open
	route    *route        // that a Router has chosen
	running  bool          // the handler is
	panicked bool
	pending  bool // the handler's work is done elsewhere
	wait          // for a handler that may
	result   error

	context context.Context // of the request, once somebody asked
	cancel  context.CancelFunc
	timeout *eventloop.Timer

	request  Request
	response Response
}

// reset prepares x for its next use. Memory is kept.
func (x *exchange) reset() {
	x.conn = nil
	x.raw, x.own = nil, x.own[:0]
	x.serial++
	x.open, x.route = nil, nil
	x.pending, x.panicked = false, false
	x.framing = h1.Body{}
	x.body, x.read = x.body[:0], 0
	x.got, x.expects = 0, false
	x.failed, x.result = nil, nil
	if x.waited {
		x.wait = wait{}
	}
	x.context, x.cancel, x.timeout = nil, nil, nil
	x.request.reset()
	x.response.reset()
	x.response.hooks.reset()
}

// allMethods are those that the server itself does not refuse.
const allMethods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

// refusal returns why a request that was understood is not served, whatever the
// handler is. TRACE shows others what a proxy added, and CONNECT makes a tunnel
// (RFC 9110 sections 9.3.8 and 9.3.6): neither is for an origin server.
func (x *exchange) refusal() *refusal {
	h := &x.head
	switch {
	case h.Method == h1.MethodOther && !x.conn.server.anyMethod:
		return errUnknownMethod
	case h.Method == h1.MethodTrace || h.Method == h1.MethodConnect:
		x.response.Add("Allow", allMethods)
		return errMethodNotServed
	case h.ExpectOther:
		return errExpectation
	case !h.Plain && !h1.Decodable(h.Path.Of(x.raw)):
		return errBadEscape
	}
	return nil
}

// hasBegun reports whether some of the answer is out.
func (x *exchange) hasBegun() bool { return x.open != nil || x.response.begun }

// call runs the handler.
func (x *exchange) call() error {
	err := x.guarded(x.conn.server.handler)
	x.reportStall()
	return err
}

// reportStall names the request whose handler has held the loop for too long, if it has.
func (x *exchange) reportStall() {
	loop := x.conn.server.loop
	if s := loop.TakeStall(); s != nil {
		loop.TellStall(s, "request", x.request.line(), "route", x.request.Pattern())
	}
}

// appendLine appends the method and the path of the request, or the beginning of them
// if they are long.
func (x *exchange) appendLine(p []byte) []byte {
	if len(x.raw) == 0 {
		return append(p, '-') // one that was not understood
	}
	if h := &x.head; h.Method == h1.MethodOther {
		p = append(p, h.MethodName.Of(x.raw)...)
	} else {
		p = append(p, h.Method.String()...)
	}
	p = append(append(p, ' '), x.head.Path.Of(x.raw)...)
	return p[:min(len(p), 200)]
}

// complain logs a failure that is ours, and names the handler by what it was asked.
func (x *exchange) complain(what string, err error) {
	x.conn.server.log.Error(what, "request", x.request.line(), "route", x.request.Pattern(), "error", err)
}

// over lets everybody know who has asked that the request is over.
func (x *exchange) over() {
	if x.waited {
		x.abandon()
	}
	if x.timeout != nil {
		x.timeout.Stop()
	}
	if x.cancel != nil {
		x.cancel()
	}
	if list := x.response.hooks.end; len(list) > 0 {
		x.response.hooks.end = list[:0]
		for _, f := range list {
			f()
		}
		clear(list)
	}
}

// statusOf returns what an error of a handler means to the peer, and logs what
// is ours.
func (x *exchange) statusOf(err error) (Status, string) {
	var refused *refusal
	if errors.As(err, &refused) {
		return Status(refused.Status), refused.Reason
	}
	var status Status
	if errors.As(err, &status) {
		return status, ""
	}
	if errors.Is(err, ErrStopping) {
		return StatusServiceUnavailable, ""
	}
	x.complain("handler failed", err)
	return StatusInternalServerError, ""
}

// keepHead copies the head, for a request that outlives the loop's bytes.
func (x *exchange) keepHead() {
	if len(x.own) == 0 {
		x.own = append(x.own, x.raw...)
		x.raw = x.own
	}
}

// guarded runs a handler or a part of one. A panic costs this request and its
// connection, and is logged.
func (x *exchange) guarded(h Handler) (err error) {
	x.running = true
	defer func() {
		if !x.running {
			return // it has returned
		}
		x.running = false
		if r := recover(); r != nil {
			x.panicked = true
			x.conn.server.loop.LogPanic("panic in a handler", r, "request", x.request.line())
			err = StatusInternalServerError
		}
	}()
	err = h(&x.response, &x.request)
	x.running = false
	return err
}

// A Request and a Response are used again for others when their request is over.
// A handler that keeps one and uses it later would see, or answer, another client's
// request. Where a loop checks its owner (eventloop.Config.CheckOwner, which tests set
// and httptest does), nothing is used again, and such a use panics with both places.

// end marks an exchange as over.
func (x *exchange) end(line string) {
	pcs := make([]uintptr, 8)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	frame, _ := frames.Next()
	x.stale = fmt.Sprintf("the request %q, which was over in %s (%s:%d)", line, frame.Function, frame.File, frame.Line)
}

// use panics if the Response is used after its end.
func (w *Response) use(call string) {
	if w.x.stale != "" {
		w.x.misused("Response." + call)
	}
}

// use panics if the Request is used after its end.
func (r *Request) use(call string) {
	if r.x.stale != "" {
		r.x.misused("Request." + call)
	}
}

func (x *exchange) misused(call string) {
	_, file, line, _ := runtime.Caller(3)
	panic(fmt.Sprintf("http: %s was called at %s:%d for %s: keep its strings, and not the Request or the Response", call, file, line, x.stale))
}
