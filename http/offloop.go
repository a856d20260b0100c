package http

import "errors"

// Middleware that belongs to the loop, and a handler that has left it.

// OffLoop reports whether the caller runs off the loop, in a handler made by Blocking:
// middleware with state of its own belongs to the loop, and refuses to be there.
func (r *Request) OffLoop() bool {
	r.use("OffLoop")
	return r.x.isOffLoop()
}

// Errors of calls that belong to the loop, in a handler that has left it.
var (
	errTimeoutOffLoop = errors.New("http: Response.Timeout needs the loop's timers: put it outside of Blocking")
	errClientOffLoop  = errors.New("http: SetClientAddr changes what the loop counts: put it (RealIP calls it) outside of Blocking")
)
