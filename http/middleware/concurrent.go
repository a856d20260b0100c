package middleware

import (
	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// Concurrent lets at most so many requests be under way at a time, and answers
// more of them with 503; the server says there when to come back. A request is
// under way until it is answered or its client has left, wherever its handler
// does its work. A client (an address, see Request.Client) that holds as many of the
// last quarter of them as are free gets no more, so that others are served.
//
// It goes outside of http.Blocking, and belongs to one loop. The handlers that it
// is put around, if there are several, share the number.
func Concurrent(most int) http.Middleware {
	var inside eventloop.Tally
	return func(next http.Handler) http.Handler {
		return func(w *http.Response, r *http.Request) error {
			who := r.Client()
			if !inside.Admits(who, int64(most)) {
				return http.StatusServiceUnavailable
			}
			inside.Add(who, 1)
			w.OnEnd(func() { inside.Add(who, -1) })
			return next(w, r)
		}
	}
}
