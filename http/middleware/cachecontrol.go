package middleware

import "github.com/bobbin-http/bobbin/http"

// CacheControl sets Cache-Control on successful answers and on 304, unless the
// handler has set it. Errors get none, because they may be over in a moment. It goes
// outside of http.Blocking.
func CacheControl(value string) http.Middleware {
	set := func(w *http.Response) {
		s := w.Status()
		if (s >= 200 && s < 300 || s == http.StatusNotModified) && !w.HasHeader("Cache-Control") {
			w.Add("Cache-Control", value)
		}
	}
	return func(next http.Handler) http.Handler {
		return func(w *http.Response, r *http.Request) error {
			w.OnHead(set)
			return next(w, r)
		}
	}
}
