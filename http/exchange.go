package http

import (
	"errors"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
)

// An exchange is one request and its answer. It is taken when a head is
// complete and given back when the answer is out, so that an idle connection
// has none.
type exchange struct {
	conn *conn
	head head
	raw  []byte // the head; the loop's, or own
	own  []byte // a copy of it, for a request that outlives its turn

	framing body
	body    []byte // as far as it is here
	begun   time.Time
	got     int64 // bytes of the body, framing included
	held    int64 // bytes counted against Limits.BodiesTotal
	expects bool  // the peer waits for 100 Continue
	failed  *refusal
	serial  uint32          // counts the uses of x, so that what comes late finds out
	open    *Held           // the answer, if it is kept open
	running bool            // the handler is
	away    bool            // the handler's work is done elsewhere
	task    *eventloop.Task // the handler, if it may have to wait
	pause   func() bool     // inside the task
	result  error

	request  Request
	response Response
}

// reset prepares x for its next use. Memory is kept.
func (x *exchange) reset() {
	x.conn = nil
	x.raw, x.own = nil, x.own[:0]
	x.serial++
	x.open = nil
	x.away = false
	x.framing = body{}
	x.body = x.body[:0]
	x.got, x.held, x.expects = 0, 0, false
	x.failed, x.task, x.pause, x.result = nil, nil, nil, nil
	x.request.reset()
	x.response.reset()
	clear(x.response.after)
	x.response.after = x.response.after[:0]
}

// allMethods are those that the server itself does not refuse.
const allMethods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"

// refusal returns why a request that was understood is not served, whatever the
// handler is. TRACE shows others what a proxy added, and CONNECT makes a tunnel
// (RFC 9110 sections 9.3.8 and 9.3.6): neither is for an origin server.
func (x *exchange) refusal() *refusal {
	h := &x.head
	switch {
	case h.method == methodOther:
		return errUnknownMethod
	case h.method == methodTrace || h.method == methodConnect:
		x.response.Set("Allow", allMethods)
		return errMethodNotServed
	case h.expectOther:
		return errExpectation
	case !decodable(h.path.of(x.raw)):
		return errBadEscape
	}
	return nil
}

// call runs the handler.
func (x *exchange) call() error {
	return x.guarded(func() error { return x.conn.server.handler(&x.response, &x.request) })
}

// statusOf returns what an error of a handler means to the peer, and logs what
// is ours.
func (x *exchange) statusOf(err error) (Status, string) {
	var refused *refusal
	if errors.As(err, &refused) {
		return refused.status, refused.reason
	}
	var status Status
	if errors.As(err, &status) {
		return status, ""
	}
	x.conn.server.log.Error("handler failed", "request", x.request.line(), "error", err)
	return StatusInternalServerError, ""
}
