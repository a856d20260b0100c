package http

import (
	"errors"
	"fmt"
	"io"
	"runtime/debug"

	"github.com/bobbin-http/bobbin/eventloop"
)

// Offload answers later: work runs on a goroutine of its own, where it may wait
// for a disk, a database or a long calculation, and then reply runs on the loop
// and makes the answer. A handler ends with
//
//	return http.Offload(w, work, reply)
//
// Work must touch neither w nor the Request; strings that were taken from it
// before are its to keep. In reply both may be used. An error of work becomes
// the answer, as a handler's would. If the client leaves meanwhile, work goes on
// to its end, and reply is not called; a result that has to be given back, an
// io.Closer, is closed instead, on the loop.
//
// The connection is not read from until it has its answer. How many goroutines
// there may be is Limits.Workers; more work waits for its turn.
func Offload[T any](w *Response, work func() (T, error), reply func(w *Response, result T) error) error {
	var result T
	var err error
	return w.x.offload(
		func() { result, err = work() },
		func() error {
			if err != nil {
				return err
			}
			return reply(w, result)
		},
		func() {
			if c, ok := any(result).(io.Closer); ok && err == nil {
				c.Close() // nobody is left to hear what it says
			}
		})
}

var (
	errOffloadedTwice = errors.New("http: the handler has offloaded work that is not over")
	errAside          = errors.New("http: a handler that may wait has nothing to offload or to hold")
)

func (x *exchange) offload(work func(), reply func() error, drop func()) error {
	switch {
	case x.aside:
		x.response.fail(errAside)
		return errAside
	case x.away || x.next.handler != nil:
		x.response.fail(errOffloadedTwice)
		return errOffloadedTwice
	}
	x.away = true
	x.keepHead()
	serial := x.serial
	x.conn.server.loop.Offload(work, func(err error) {
		switch {
		case x.serial == serial && x.away:
			x.back(err, reply)
		case err == nil:
			drop()
		}
	})
	return nil
}

// keepHead copies the head, for a request that outlives the loop's bytes.
func (x *exchange) keepHead() {
	if len(x.own) == 0 {
		x.own = append(x.own, x.raw...)
		x.raw = x.own
	}
}

// back goes on when the work is over.
func (x *exchange) back(err error, reply func() error) {
	c := x.conn
	x.away = false
	if errors.Is(err, eventloop.ErrPanicked) {
		c.last = true
	} else {
		err = x.guarded(func(*Response, *Request) error { return reply() })
		x.blame()
		c.last = c.last || x.panicked
	}
	c.answer(err)
	if c.phase != answering && c.phase != inBody { // or it offloads more
		c.goOnReading()
	}
}

// goOnReading ends the pause for an answer that came later.
func (c *conn) goOnReading() {
	c.conn.Resume()
	if c.phase == waiting {
		c.conn.SetIdle(true)
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
			x.conn.server.log.Error("panic in a handler", "request", x.request.line(),
				"value", fmt.Sprint(r), "stack", string(debug.Stack()))
			err = StatusInternalServerError
		}
	}()
	err = h(&x.response, &x.request)
	x.running = false
	return err
}
