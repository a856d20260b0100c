package middleware

import (
	"fmt"
	"time"

	"github.com/bobbin-http/bobbin/http"
)

// Timeout answers 503 when a handler has not begun its answer after d. It does not
// stop the handler: work off the loop runs to its end, and its result is dropped. It
// cannot help against a handler that holds the loop, because its timer needs the
// loop. It goes outside of http.Blocking.
//
// It panics if d is below a millisecond, as Timeout(5) is, which means 5 ns.
func Timeout(d time.Duration) http.Middleware {
	if d < time.Millisecond {
		panic(fmt.Sprintf("middleware: Timeout(%d) is %v, in which no handler answers: write Timeout(%d * time.Second)", int64(d), d, max(int64(d), 1)))
	}
	return func(next http.Handler) http.Handler {
		return func(w *http.Response, r *http.Request) error {
			if err := offLoop(r, "Timeout"); err != nil {
				return err
			}
			w.Timeout(d)
			return next(w, r)
		}
	}
}
