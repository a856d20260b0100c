package middleware

import (
	"time"

	"github.com/bobbin-http/bobbin/http"
)

// Timeout answers with 503 when a handler has not begun its answer after d. The
// handler is not stopped: what it does elsewhere goes on to its end, and nobody
// hears of it. It is of no use for one that holds the loop, because the timer is
// the loop's. It goes outside of http.Blocking.
func Timeout(d time.Duration) http.Middleware {
	return func(next http.Handler) http.Handler {
		return func(w *http.Response, r *http.Request) error {
			w.Timeout(d)
			return next(w, r)
		}
	}
}
