package http

import (
	"context"
	"errors"
)

// The context of a request ends when the request is over, and before when its client has
// left: by a reset, or by the end of its half (FIN). Most clients have closed then; some
// wait for the answer nevertheless, and get it from a handler that does not ask the context.

// Context returns a context that ends with the request, or before if the client has left or
// the handler was given up (Timeout). A client that has ended its half (FIN) counts as one
// that has left. It has the values that keys have at this moment. It is for work off the
// loop; a handler on the loop cannot wait for it, but may look at its Err.
//
// A handler that stops because of it returns its error, or one that wraps it: there is no
// answer then, no line in the log, and the connection is reset.
func (r *Request) Context() context.Context {
	r.use("Context")
	x := r.x
	if x.cancel == nil {
		ctx, cancel := context.WithCancel(context.Background())
		x.context, x.cancel = &ownContext{ctx}, cancel
		x.extras = true
		if x.left {
			cancel()
		}
	}
	v := r.values.Load()
	from := v.outer()
	if from == nil {
		from = x.context
	}
	from = r.withConnValues(from)
	if v == nil || v.context != nil {
		return from
	}
	return &valueContext{from, v}
}

// SetContext sets the context that Context returns, and the values with it. It must be one
// made from the request's own, so that it ends with the request; another one, or nil, makes
// the answer a 500. Package std calls it for handlers behind middleware of net/http.
func (r *Request) SetContext(ctx context.Context) {
	r.use("SetContext")
	if !r.x.owns(ctx) {
		r.x.response.fail(errForeignContext)
		return
	}
	r.x.extras = true
	r.values.Store(&value{context: ctx})
}

// errForeignContext is the error of a SetContext that would let work outlive its request.
var errForeignContext = errors.New("http: SetContext takes a context that was made from the request's Context, so that it ends with the request")

// An ownContext is one that Context has made for a request. Those that are made from it know
// it by ownKey.
type ownContext struct{ context.Context }

type ownKey struct{}

// Value implements context.Context.
func (c *ownContext) Value(key any) any {
	if key == (ownKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// owns reports whether a context was made from the one that the request has, and ends with
// it.
func (x *exchange) owns(ctx context.Context) bool {
	if ctx == nil || ctx.Done() == nil {
		return false
	}
	from := x.context
	if outer := x.request.values.Load().outer(); outer != nil {
		from = outer
	}
	own := ctx.Value(ownKey{})
	return own != nil && from != nil && from.Value(ownKey{}) == own
}

// endContext ends the context of a handler that is given up, and then the handler by stop.
// An ErrorHandler that is called after that has a context of its own.
func (x *exchange) endContext(stop func()) {
	left := x.left
	x.left = true
	if x.cancel != nil {
		x.cancel()
	}
	stop()
	x.left, x.context, x.cancel = left, nil, nil
}

// gaveUp reports whether a handler's error says no more than that it has stopped because
// its client has left. There is no answer for such a client, and nothing to tell an
// operator.
func (x *exchange) gaveUp(err error) bool {
	return x.left && errors.Is(err, context.Canceled)
}
