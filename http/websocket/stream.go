package websocket

import (
	"errors"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// A stream is the handler of Streaming, which runs on the loop as a coroutine.
type stream struct {
	task    *eventloop.Task
	pause   func() bool
	running bool
	paused  bool // the tunnel is, because there is a message and the handler does not read
	wants   want
	have    bool   // a message, for Read
	kind    Kind   // of it
	p       []byte // it, until the next Read
	account account
	err     error // of the handler
}

// A want is what a stream waits for.
type want uint8

const (
	nothing want = iota
	message      // in Read
	room         // in Send
)

// errNoStream is the error of a Read where nothing can wait.
var errNoStream = errors.New("websocket: Read waits, so it is for the handler of Streaming; other handlers have OnMessage")

// Streaming makes a handler that reads and writes by waiting: f runs on the loop as a
// coroutine, and while Read waits for the client, or Send for it to take more, the loop
// serves others. It must wait in no other way. While f does not read, the next message of the
// client has to wait, and what comes behind it.
//
// The session ends when f returns: with CodeNormal, or with CodeInternalError if it returns
// an error and the client is still there. A panic in f costs the connection.
func Streaming(o Options, f func(s *Session) error) http.Handler {
	return func(w *http.Response, r *http.Request) error {
		s, err := Accept(w, r, o)
		if err != nil {
			return err
		}
		st := &stream{}
		st.task = r.Loop().NewTask(func(pause func() bool) {
			st.pause = pause
			st.err = f(s)
		})
		s.stream = st
		st.resume(s)
		return nil
	}
}

// Read waits for the next message. The bytes are valid until the next Read. At the end of
// the session the error is a *CloseError.
func (s *Session) Read() (Kind, []byte, error) {
	st := s.stream
	if st == nil || !st.running {
		return 0, nil, errNoStream
	}
	st.give(s)
	if s.state >= over || !st.wait(message) || !st.have {
		return 0, nil, &CloseError{s.why.Code, s.why.Reason}
	}
	st.have = false
	return st.kind, st.p, nil
}

// waiting calls send again as long as it returns ErrFull, in the handler of Streaming.
func (s *Session) waiting(send func() error) error {
	for {
		err := send()
		if st := s.stream; err != http.ErrFull || st == nil || !st.running {
			return err
		} else if !st.wait(room) {
			return http.ErrGone
		}
	}
}

// wait pauses the handler. It is called in the task.
func (st *stream) wait(w want) bool {
	st.wants = w
	ok := st.pause()
	st.wants = nothing
	return ok
}

// reads reports whether messages are wanted: if there is no stream, they are.
func (st *stream) reads() bool { return st == nil || st.wants == message }

// deliver hands a message to the handler, which waits for it. The handler may wait for
// room with it in its hands, so it gets a copy of one that is not in memory of its own.
func (st *stream) deliver(s *Session, kind Kind, p []byte, own bool) {
	if !own {
		p = append(s.shared.take(), p...)
	}
	st.kind, st.p, st.have = kind, p, true
	if st.resume(s); !st.have && st.p != nil && s.state == open {
		s.shared.count(&st.account, s, cap(st.p)) // the handler waits with it in its hands
	}
}

// give gives the memory of the message back that the handler had.
func (st *stream) give(s *Session) {
	s.shared.count(&st.account, s, 0)
	s.shared.give(st.p)
	st.p = nil
}

// resume runs the handler until it waits or returns.
func (st *stream) resume(s *Session) {
	st.running = true // and for ever, if it panics
	progress := st.task.Resume()
	st.running = false
	if progress == eventloop.Ended {
		st.ended(s)
		return
	}
	if st.paused && st.reads() {
		st.paused = false
		s.Resume()
	}
}

// hold has the client wait until the handler reads: there is a message.
func (st *stream) hold(s *Session) {
	st.paused = true
	s.Pause()
}

// ended closes the session when the handler has returned. What still comes is read, for the
// client's Close frame.
func (st *stream) ended(s *Session) {
	s.stream = nil
	if st.paused {
		s.Resume()
	}
	st.give(s)
	if st.err != nil {
		s.Close(CodeInternalError, "")
	} else {
		s.Close(CodeNormal, "")
	}
}

// gone has a handler that waits learn that the session is over.
func (st *stream) gone(s *Session) {
	s.shared.count(&st.account, s, 0)
	if !st.running && st.wants != nothing {
		st.resume(s)
	}
}
