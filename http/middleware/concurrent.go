package middleware

import (
	"fmt"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// Concurrent allows at most so many concurrent requests, and answers 503 with
// Retry-After beyond. A request counts until it is answered or its client has
// disconnected, wherever its handler runs. In the last quarter, a client (see
// Request.Client) is admitted only while it holds less than what is free, so that
// others are served.
//
// It goes outside of http.Blocking, and belongs to one loop. Several handlers that it
// wraps share the number. It panics if that is below 1, for then no request is served.
func Concurrent(most int) http.Middleware {
	if most < 1 {
		panic(fmt.Sprintf("middleware: Concurrent(%d) serves no request: give it a number from 1 on", most))
	}
	var inside eventloop.Tally
	return func(next http.Handler) http.Handler {
		return func(w *http.Response, r *http.Request) error {
			if err := offLoop(r, "Concurrent"); err != nil {
				return err
			}
			client := r.Client()
			if !inside.Admits(client, int64(most)) {
				return http.StatusServiceUnavailable
			}
			inside.Add(client, 1)
			w.OnEnd(func() { inside.Add(client, -1) })
			return next(w, r)
		}
	}
}
