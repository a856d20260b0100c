package middleware

import "github.com/bobbin-http/bobbin/http"

// Concurrent lets at most so many requests be under way at a time, and answers
// more of them with 503; the server says there when to come back. A request is
// under way until it is answered or its client has left, wherever its handler
// does its work.
//
// It goes outside of http.Blocking, and belongs to one loop. The handlers that it
// is put around, if there are several, share the number.
func Concurrent(most int) http.Middleware {
	inside := 0
	leave := func() { inside-- }
	return func(next http.Handler) http.Handler {
		return func(w *http.Response, r *http.Request) error {
			if inside >= most {
				return http.StatusServiceUnavailable
			}
			inside++
			w.OnEnd(leave)
			return next(w, r)
		}
	}
}
