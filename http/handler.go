// Package http is the language of the house: it knows the meaning of bytes. It serves
// HTTP/1.1 and HTTP/1.0 by RFC 9110 and RFC 9112, on the event loop below it, and refuses
// a request that is ambiguous.
//
// Hello world, all of it:
//
//	func main() { log.Fatal(http.ListenAndServe(":8080", hello)) }
//
//	func hello(w *http.Response, r *http.Request) error { return w.Text("hello, world\n") }
//
// A [Handler] runs on the loop, so it must not wait. The one thing it may wait for is
// the body of its request, in [Request.Body]: the loop serves other requests meanwhile.
// [Streaming], [Blocking], [Offload] and [Response.Hold] are for handlers that wait.
package http

// A Handler answers a request. It runs on the loop, so it must not wait. A
// returned error becomes the answer: a Status as itself, anything else as 500
// and a line in the log. A panic does the same, and ends the connection.
//
// The Request and the Response are the handler's until it returns.
type Handler func(w *Response, r *Request) error

// Middleware makes a handler that does something around another one.
type Middleware func(next Handler) Handler

// Chain makes one middleware of several. The first is outermost.
func Chain(m ...Middleware) Middleware {
	return func(h Handler) Handler {
		for i := len(m) - 1; i >= 0; i-- {
			h = m[i](h)
		}
		return h
	}
}

// An answer may be made later, off the loop or in pieces. Middleware that looked at it
// when the handler returns would miss those, so it registers hooks. All of them are called
// on the loop's goroutine, whichever goroutine the handler runs on.

// hooks are the functions that middleware has registered during one exchange.
type hooks struct {
	head   []func(*Response)
	answer []func(Status, int64)
	end    []func()
}

// reset removes all hooks. Memory is kept.
func (h *hooks) reset() {
	if len(h.head)+len(h.answer)+len(h.end) == 0 {
		return
	}
	clear(h.head)
	clear(h.answer)
	clear(h.end)
	h.head, h.answer, h.end = h.head[:0], h.answer[:0], h.end[:0]
}

// join puts the hooks of the middleware around a handler before its own.
func (h *hooks) join(outer *hooks) {
	h.head = append(outer.head, h.head...)
	h.answer = append(outer.answer, h.answer...)
	h.end = append(outer.end, h.end...)
	*outer = hooks{}
}

// OnHead has f called when the answer is decided, and before its head is made: f may still
// add fields, set the status and, if BodyBytes has it, replace the body. The last function
// that was registered is called first. It is called for the answers that an error becomes,
// too, but not twice.
func (w *Response) OnHead(f func(w *Response)) {
	w.use("OnHead")
	w.hooks.head = append(w.hooks.head, f)
}

// OnAnswer has f called when the answer is on its way, with its status and the size of its
// body: not when the handler returns, because it may answer later, and its error may
// become another answer. An answer in pieces is on its way when it is complete, or cut. If
// there is no answer, because the client has left before, f is not called.
func (w *Response) OnAnswer(f func(status Status, size int64)) {
	w.use("OnAnswer")
	w.hooks.answer = append(w.hooks.answer, f)
}

// OnEnd has f called when the request is over, answered or not: exactly once.
func (w *Response) OnEnd(f func()) {
	w.use("OnEnd")
	w.hooks.end = append(w.hooks.end, f)
	w.x.extras = true
}

// afterAnswer calls the hooks of OnAnswer, once.
func (w *Response) afterAnswer(h *hooks, size int64) {
	if w.bodiless() {
		size = 0
	}
	list := h.answer
	h.answer = list[:0]
	for _, f := range list {
		f(w.status, size)
	}
	clear(list)
}

// beforeHead calls the hooks of OnHead, once. A hook may register another one.
func (w *Response) beforeHead(h *hooks) {
	for len(h.head) > 0 {
		last := len(h.head) - 1
		f := h.head[last]
		h.head[last] = nil
		h.head = h.head[:last]
		f(w)
	}
}

// BodyBytes returns the body, if all of it is in memory and nothing of it was sent. It must
// not be changed.
func (w *Response) BodyBytes() ([]byte, bool) {
	switch {
	case w.x.headSent || w.x.streams() || w.x.held != nil || w.file != nil:
		return nil, false
	case w.shared != nil:
		return w.shared.Body(), true
	case w.lent != nil:
		return w.lent, true
	case w.text != "":
		return []byte(w.text), true
	}
	return w.bytes, true
}

// SetBody answers with another body than the one that BodyBytes returned. It must not be
// changed any more.
func (w *Response) SetBody(body []byte) {
	if p := w.shared; p != nil {
		w.shared = nil
		w.AddPrepared(p)
	}
	w.text, w.shared, w.lent, w.bytes = "", nil, nil, w.bytes[:0]
	w.length = -1
	if len(body) > 0 {
		w.lent = body
	}
}
