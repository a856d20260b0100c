package middleware

import (
	"time"

	"github.com/bobbin-http/bobbin/http"
)

// Timeout answers 503 when a handler has not begun its answer after d. It does not
// stop the handler: work off the loop runs to its end, and its result is dropped. It
// cannot help against a handler that holds the loop, because its timer needs the
// loop. It goes outside of http.Blocking.
func Timeout(d time.Duration) http.Middleware {
	return func(next http.Handler) http.Handler {
		return func(w *http.Response, r *http.Request) error {
			w.Timeout(d)
			return next(w, r)
		}
	}
}
