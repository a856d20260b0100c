package std

import (
	"errors"
	nethttp "net/http"

	"github.com/bobbin-http/bobbin/http"
)

// Middleware puts middleware of net/http around a handler of bobbin's: one that identifies
// the user, for example. The handler finds its values of the context in Request.Context,
// and those of keys by Get; headers that it has set are in the answer. It may answer by
// itself and not call the handler.
//
// Both run off the loop like a handler of http.Blocking, MaxRequests at a time. The handler
// writes its answer without the middleware, so middleware that replaces the
// ResponseWriter (to compress, to count) is an error, 500: package middleware has some
// that works for all handlers. Of other changes to the request, such as a shorter path, the
// handler sees nothing.
func Middleware(m func(nethttp.Handler) nethttp.Handler) http.Middleware {
	return func(next http.Handler) http.Handler {
		inner := nethttp.HandlerFunc(func(w nethttp.ResponseWriter, q *nethttp.Request) {
			a, ok := w.(*answer)
			r, known := inside.From(q.Context())
			switch {
			case !ok:
				panic(errReplaced)
			case !known:
				panic(errOtherContext)
			}
			a.handOn(next, r, q)
		})
		wrapped := Wrap(m(inner))
		return http.Blocking(MaxRequests, func(w *http.Response, r *http.Request) error {
			inside.Set(r, r)
			return wrapped(w, r)
		})
	}
}

// inside is the request of bobbin's that a request of net/http's was made from.
var inside http.Key[*http.Request]

// Mistakes of middleware.
var (
	errReplaced     = errors.New("std: middleware around a handler of bobbin's has replaced the ResponseWriter: put it around a handler of net/http")
	errOtherContext = errors.New("std: middleware around a handler of bobbin's has replaced the request's context: make it from the one that is there")
)

// handOn has a handler of bobbin's answer.
func (a *answer) handOn(next http.Handler, r *http.Request, q *nethttp.Request) {
	for name, values := range a.fields {
		if ours(name) {
			continue
		}
		a.to.Del(name)
		for _, v := range values {
			a.set(name, v)
		}
	}
	r.SetContext(q.Context())
	a.err = next(a.to, r)
	a.handedOn = true
}
