package middleware

import "github.com/bobbin-http/bobbin/http"

// CacheControl says how long answers may be kept, where their handler has not said
// it: those that succeeded, and 304. An error is not said to be kept, for it may be
// over in a moment. It goes outside of http.Blocking.
func CacheControl(value string) http.Middleware {
	set := func(w *http.Response) {
		s := w.Status()
		if (s >= 200 && s < 300 || s == http.StatusNotModified) && w.Header("Cache-Control") == "" {
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
