package http

import (
	"sync"

	"github.com/bobbin-http/bobbin/eventloop"
)

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

// Streaming makes a handler that may wait for its client, and for time to pass: it
// runs on the loop as a coroutine. What it writes is sent while it runs; when the
// client does not take it, Write and Flush wait, and the loop goes on with others.
// It may read the body of its request as it comes, and Pause.
//
// It must wait in no other way: for a file, a lock or a channel there is Blocking.
func Streaming(h Handler) Handler {
	return func(w *Response, r *Request) error {
		return w.x.later(&task{handler: h, runs: stateStreaming})
	}
}

// Blocking makes a handler that may wait for whatever it likes: it runs on a
// goroutine of its own, and can do there what one made by Streaming can, besides.
// Its context ends when the client has left. At most so many run at a time, on all
// loops together; more requests are answered by 503 with Retry-After. A client (an
// address, see Request.Client) that holds as many of the last quarter of them as are
// free gets no more: one that asks for little is served while another asks for all.
//
// Middleware that belongs to the loop goes around Blocking, not into it: Offload,
// Hold, Events and the Conn of a Request are not for a handler that runs aside.
func Blocking(atMost int, h Handler) Handler {
	s := &slots{most: int64(atMost)}
	return func(w *Response, r *Request) error {
		who := r.Client()
		if !s.take(who) {
			return StatusServiceUnavailable
		}
		err := w.x.later(&task{handler: h, runs: stateOffLoop, ended: func() { s.leave(who) }})
		if err != nil {
			s.leave(who)
		}
		return err
	}
}

// slots are those of a Blocking handler, by client, for all loops. The lock is held
// for a few look-ups, by requests that are about to get a goroutine.
type slots struct {
	most int64

	mu    sync.Mutex
	taken eventloop.Tally
}

func (s *slots) take(who eventloop.Client) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.taken.Admits(who, s.most) {
		return false
	}
	s.taken.Add(who, 1)
	return true
}

func (s *slots) leave(who eventloop.Client) {
	s.mu.Lock()
	s.taken.Add(who, -1)
	s.mu.Unlock()
}
