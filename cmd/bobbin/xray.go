package main

import (
	"bytes"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/inspect"
	"github.com/bobbin-http/bobbin/http/static"
)

// The inspector on the site itself: /-/xray and the paths below it.

// newInspector makes the inspector of a site.
func (s *site) newInspector(o *options) *inspect.Inspector {
	return inspect.New(inspect.Config{
		Hosts: o.hosts, Version: version, Try: s.tries.buttons(), Process: processFigures,
		Ready:   func() bool { return !s.stopping.Load() },
		Files:   s.fileFigures,
		Limited: func() uint64 { return s.setup.global.limited() },
	})
}

// fileFigures returns the counters of one loop's files since its start, on that loop.
func (s *site) fileFigures(loop int) inspect.FileCounters {
	c := s.loops[loop].counters()
	return inspect.FileCounters{Hits: c.Hits, Misses: c.Asked, Evictions: c.Evicted, Bytes: c.Bytes}
}

// counters returns those of the files now and before.
func (p *perLoop) counters() static.Counters {
	c := p.before
	c.Bytes = 0
	for _, files := range p.allFiles() {
		now := files.Counters()
		c.Hits += now.Hits
		c.Asked += now.Asked
		c.Evicted += now.Evicted
		c.Bytes += now.Bytes
	}
	return c
}

// xray returns the inspector's handler for one loop, nil if the site does not have it:
// the default site has it if it is for this machine only, and others with --xray. With
// --admin alone the site has what the buttons of the operator's page ask for.
func (s *site) xray(o *options, loop int) http.Handler {
	if !o.watch.xray && (!o.isDefault() || !o.local()) {
		if o.watch.admin == "" {
			return nil
		}
		return s.tries.serve
	}
	show := s.inspector.Handler(loop)
	return func(w *http.Response, r *http.Request) error {
		if err := s.tries.serve(w, r); err != http.StatusNotFound {
			return err
		}
		return show(w, r)
	}
}

// aroundXray puts an inspector around everything else of a site, so that it needs no
// password and no name that --host allows, and is neither limited nor logged.
func aroundXray(xray http.Handler) http.Middleware {
	return func(next http.Handler) http.Handler {
		return func(w *http.Response, r *http.Request) error {
			if r.Refused() == nil {
				if err := below(xray, w, r); err != http.StatusNotFound {
					return err
				}
			}
			return next(w, r)
		}
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
