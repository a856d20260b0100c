package http

import (
	"fmt"
	"runtime"
)

// A Request and a Response are used again for others when their request is over.
// Who keeps one and uses it later would see, or answer, somebody else's request.
// Where a loop checks its owner (eventloop.Config.CheckOwner, which tests set and
// httptest does), nothing is used again, and such a use panics with both places.

// end marks an exchange as over.
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
	_, file, line, _ := runtime.Caller(3)
	panic(fmt.Sprintf("http: %s was called at %s:%d for %s: keep its strings, and not the Request or the Response", call, file, line, x.stale))
}
