package http

// A Handler answers a request. It runs on the loop, so it must not wait. A
// returned error becomes the answer: a Status as itself, anything else as 500
// and a line in the log. A panic does the same, and ends the connection.
//
// The Request and the Response are the handler's until it returns.
type Handler func(w *Response, r *Request) error

// Middleware makes a handler of a handler: something that happens around it.
type Middleware func(next Handler) Handler

// Chain makes one middleware of several, the first of which is outermost.
func Chain(m ...Middleware) Middleware {
	return func(h Handler) Handler {
		for i := len(m) - 1; i >= 0; i-- {
			h = m[i](h)
		}
		return h
	}
}
