package http

import (
	"errors"
	"io"

	"github.com/bobbin-http/bobbin/eventloop"
)

// Offload answers later: work runs on a worker, where it may wait for a disk, a database
// or a long calculation, and then reply runs on the loop and makes the answer. A handler
// ends with
//
//	return http.Offload(w, work, reply)
//
// Work must touch neither w nor the Request; strings that the handler took from it
// before may be used. Reply may use both. An error of work becomes the answer, as a
// handler's does. If the client leaves before work has begun, work is skipped; if the
// client leaves later, work runs to its end, and reply is not called: a result that is an
// io.Closer is closed then, on the loop. A client that has ended its half counts as one that
// has left if its work has to wait for a worker.
//
// The connection is not read from until it has its answer. Limits.Workers bounds the
// number of workers; more work waits, and clients take turns. Work that is not done within
// Limits.WorkerTimeout is answered by 503, and so is a request above Limits.Offloads, of
// which the last quarter is for clients that have few.
func Offload[T any](w *Response, work func() (T, error), reply func(w *Response, result T) error) error {
	return OffloadJob(w, eventloop.Job{}, work, reply)
}

// OffloadJob is Offload with a job's Lane, Place, Memory and Over. It sets the other
// fields of job.
func OffloadJob[T any](w *Response, job eventloop.Job, work func() (T, error), reply func(w *Response, result T) error) error {
	s, client := w.x.conn.server, w.x.request.Client()
	if w.x.mayNot(callLater) == nil && !s.offloads.Admits(client, int64(s.limits.Offloads)) {
		return StatusServiceUnavailable
	}
	p, err := Later(w)
	if err != nil {
		return err
	}
	s.offloads.Add(client, 1)
	var result T
	done, used, over := false, false, job.Over
	job.Client = client
	job.Work = func() {
		result, err = work()
		done = true
	}
	queued := false // for want of a worker
	job.Wanted = func() bool { return p.Wanted() && !(queued && p.x.left) }
	job.Reply = func(failed error) {
		if failed != nil {
			p.Fail(failed)
			return
		}
		used = p.Answer(func(w *Response) error {
			if err != nil {
				return err
			}
			return reply(w, result)
		})
	}
	job.Over = func() {
		s.offloads.Add(client, -1)
		if over != nil {
			defer over()
		}
		if c, ok := any(result).(io.Closer); ok && done && err == nil && !used {
			c.Close() // there is no client left to report an error to
		}
	}
	s.loop.OffloadJob(job)
	queued = true
	return nil
}

// A Pending is an answer that something else on the loop makes later. It belongs to the
// loop's goroutine.
type Pending struct {
	x      *exchange
	serial uint32 // of x, when Later was called
}

// Later leaves the answer to a later call of Answer or Fail. A handler calls Later and
// returns nil; Answer or Fail must be called when it has returned. There is no deadline:
// the caller has one. An error is the answer: a handler returns it. Offload, which has a deadline, is built on Later.
func Later(w *Response) (*Pending, error) {
	x := w.x
	if err := x.mayNot(callLater); err != nil {
		w.fail(err)
		return nil, err
	}
	if err := x.declaredTooLarge(false); err != nil {
		return nil, err
	}
	x.enter(statePending)
	x.keepHead()
	return &Pending{x, x.serial}, nil
}

// Wanted reports whether the answer is still to be made: the client has not left, as far
// as is known, and has had no other answer.
func (p *Pending) Wanted() bool { return p.x.serial == p.serial && p.x.state == statePending }

// Answer makes the answer by reply, which is a handler, and reports whether the answer was
// wanted.
func (p *Pending) Answer(reply func(w *Response) error) bool {
	if !p.Wanted() {
		return false
	}
	p.x.conn.conn.Guard(func() { p.x.back(nil, func(w *Response, _ *Request) error { return reply(w) }) })
	return true
}

// Fail answers with an error, as if a handler had returned it. The errors that
// eventloop.Job's Reply gets have answers of their own.
func (p *Pending) Fail(err error) {
	if p.Wanted() {
		p.x.conn.conn.Guard(func() { p.x.back(err, nil) })
	}
}

// back answers when the work is over, with its error or with a reply.
func (x *exchange) back(err error, reply Handler) {
	c := x.conn
	x.enter(stateReplying)
	switch {
	case errors.Is(err, eventloop.ErrPanicked):
		c.closeAfter = true
	case errors.Is(err, eventloop.ErrWorkerTimeout), errors.Is(err, eventloop.ErrSkipped):
		err = errSlowWorker
	case err == nil:
		if c.server.loop.BeingRead() {
			c.recordHandlerBegin()
		}
		err = x.guarded(reply)
		x.noteHandler()
	}
	c.handlerReturned(err)
	c.resumeReading()
}
