package http

import "errors"

// ErrInterrupted is the error of a Read that InterruptRead has ended.
var ErrInterrupted = errors.New("http: reading the body was interrupted: read again to go on")

// InterruptRead has a Read that waits for the body return ErrInterrupted; if none waits, the
// next one that would. Nothing of the body is lost. So a handler made by Blocking that has a
// second goroutine can answer while that one waits for the body, although only one of them
// may use the request and the answer at a time. Any goroutine may call it before the handler
// returns. Limits.BodyTimeout counts anew with each Read.
//
// The error is eventloop.ErrFull or eventloop.ErrStopped: then nothing is interrupted.
func (r *Request) InterruptRead() error {
	x, serial := r.x, r.x.serial
	return x.conn.server.loop.Post(func() {
		x.conn.conn.Guard(func() { x.interrupt(serial) })
	})
}

// interrupt is InterruptRead on the loop.
func (x *exchange) interrupt(serial uint32) {
	t := x.task
	if x.serial != serial || t == nil || t.runs != stateOffLoop {
		return
	}
	t.interrupted.Store(true)
	if x.conn.x == x && x.state == stateAwaitingBody && !t.wholeBody {
		x.conn.resume()
	}
}
