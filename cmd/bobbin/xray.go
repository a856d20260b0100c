package main

import (
	"bytes"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/inspect"
)

// The inspector on the site itself: /-/xray and the paths below it.

// newInspector makes the inspector of a site.
func (s *site) newInspector(o *options) *inspect.Inspector {
	return inspect.New(inspect.Config{Hosts: o.hosts, Version: version, Try: s.tries.buttons(), Ready: func() bool { return !s.stopping.Load() }})
}

// xray returns the inspector's handler for one loop of the default site, nil if the site
// is for others than this machine.
func (s *site) xray(o *options, loop int) http.Handler {
	if !o.local() {
		return nil
	}
	show := s.inspector.Handler(loop)
	return func(w *http.Response, r *http.Request) error {
		if err := s.tries.serve(w, r); err != http.StatusNotFound {
			return err
		}
		return show(w, r)
	}
}

// below answers a request for a path below /-/. It returns StatusNotFound for other paths,
// and if the path is not known.
func below(xray http.Handler, w *http.Response, r *http.Request) error {
	if xray == nil || !bytes.HasPrefix(r.PathBytes(), []byte("/-/")) {
		return http.StatusNotFound
	}
	return xray(w, r)
}
