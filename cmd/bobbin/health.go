package main

import (
	"github.com/bobbin-http/bobbin/http"
)

// The path of --health, for load balancers and for Kubernetes. It is answered before
// everything else of the site: without a password, a limit of rates, a check of Host or a
// line in the log, because what asks there knows none and asks all day.

// health answers the path, and hands all other requests on.
func (s *site) health(path string) http.Middleware {
	return func(next http.Handler) http.Handler {
		return func(w *http.Response, r *http.Request) error {
			if string(r.PathBytes()) != path || r.Refused() != nil {
				return next(w, r)
			}
			return s.answerHealth(w, r)
		}
	}
}

// answerHealth says whether new requests are welcome: until a stop begins.
func (s *site) answerHealth(w *http.Response, r *http.Request) error {
	if m := r.Method(); m != http.MethodGet && m != http.MethodHead {
		return http.MethodNotAllowed(w, r, "GET, HEAD")
	}
	w.Add("Cache-Control", "no-store")
	if s.stopping.Load() {
		return w.SetStatus(http.StatusServiceUnavailable).Text("stopping\n")
	}
	return w.Text("ready\n")
}
