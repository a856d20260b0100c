package http

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
)

// Mistakes of handlers that a program would not notice by itself: an answer that is given
// twice, and a Request or a Response that is used after its end. Each names the line of
// the handler, because the line of the server is the same for all.

// errTwoAnswers is the error of a second answer to one request.
var errTwoAnswers = errors.New("http: the handler answered twice")

// answerTwice stores, and returns, the error of a second answer. If the first is not out,
// the client gets a 500; in any case the log has the line.
func (w *Response) answerTwice() error {
	if w.broken == nil {
		w.broken = fmt.Errorf("%w, the second time at %s", errTwoAnswers, eventloop.UserFrame())
	}
	return errTwoAnswers
}

// complainOfHeld logs a mistake in an answer that is held, which goes on.
func (w *Response) complainOfHeld() {
	if w.broken != nil && w.x.headSent {
		w.x.complain("mistake in an answer that is held", w.broken)
		w.broken = nil
	}
}

// noteReplaced logs that a handler has answered and then returned a status, which is the
// answer now: once a second for each handler. A body that was begun before an error is no
// mistake, because it may be the reason.
func (w *Response) noteReplaced(f Failure) {
	x := w.x
	s := x.conn.server
	begun := len(w.bytes) > 0 && f.Status < 400
	if f.Status == StatusInternalServerError || !begun && !w.isWhole() {
		return
	}
	place := s.place
	if x.route != nil {
		place = x.route.Where
	}
	if last, ok := s.replaced[place]; ok && s.elapsed()-last < time.Second {
		return
	}
	if s.replaced == nil {
		s.replaced = make(map[string]time.Duration)
	}
	s.replaced[place] = s.elapsed()
	s.log.Warn("handler answered twice: it returned a status behind its answer, which is not sent",
		"request", x.request.line(), "route", x.request.Pattern(), "handler", place, "status", int(f.Status))
}

// placeOf returns the file and the line of a function.
func placeOf(h Handler) string {
	f := runtime.FuncForPC(reflect.ValueOf(h).Pointer())
	if f == nil {
		return "an unknown place"
	}
	file, line := f.FileLine(f.Entry())
	return fmt.Sprintf("%s:%d", file, line)
}

// A Request and a Response are used again for another request when theirs is over. A
// handler that keeps one and uses it later would see, or answer, another client's
// request. Where a loop checks its owner (eventloop.Config.CheckOwner, which tests and
// httptest set), nothing is used again, and such a use panics with both places.

// end marks the exchange as over.
func (x *exchange) end(line string) {
	pcs := make([]uintptr, 8)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	frame, _ := frames.Next()
	x.stale = fmt.Sprintf("the request %q, which was over in %s (%s:%d)", line, frame.Function, frame.File, frame.Line)
}

// use panics if the Response is used after its end.
func (w *Response) use(call string) {
	if w.x.stale != "" {
		w.x.misused("Response." + call)
	}
}

// use panics if the Request is used after its end.
func (r *Request) use(call string) {
	if r.x.stale != "" {
		r.x.misused("Request." + call)
	}
}

func (x *exchange) misused(call string) {
	panic(fmt.Sprintf("http: %s was called at %s for %s: keep its strings, and not the Request or the Response", call, eventloop.UserFrame(), x.stale))
}
