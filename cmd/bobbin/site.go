package main

import (
	"io"
	"log/slog"
	"sync/atomic"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/inspect"
	"github.com/bobbin-http/bobbin/http/middleware"
	"github.com/bobbin-http/bobbin/http/reload"
	"github.com/bobbin-http/bobbin/http/static"
)

// A site is everything that the program serves.
type site struct {
	loops     []*perLoop // one for each loop
	global    *globalMiddleware
	inspector *inspect.Inspector
	tries     *tries
	trace     *selfTrace // of --trace, or nil

	stopping atomic.Bool // a stop has begun
}

// A perLoop is the part of a site that one loop serves. Loops share none of it.
type perLoop struct {
	handler  http.Handler
	files    *static.Files         // nil for the default site
	reloader *reload.Reloader      // nil without --reload
	users    *middleware.BasicAuth // nil without --auth
	warnings []string              // for the operator, the same on each loop

	liveRules
}

// prepare opens the files, certificates and logs. Its errors are usage errors.
func prepare(o *options, stdout io.Writer, trouble *slog.Logger) (*site, error) {
	s := &site{global: &globalMiddleware{}, tries: newTries()}
	err := s.open(o, stdout, trouble)
	if err != nil {
		_ = s.close()
		return nil, o.locate(err)
	}
	return s, nil
}

func (s *site) open(o *options, stdout io.Writer, trouble *slog.Logger) error {
	s.inspector = s.newInspector(o)
	found := once(trouble) // all loops find the same in the folder
	for i := range o.loops {
		p := &perLoop{}
		var err error
		if o.path == "" {
			// Without a folder the rules apply to nothing, but they are checked all
			// the same.
			_, _, err = o.site.rules("")
			p.handler = defaultSite(s.xray(o, i))
		} else {
			var leader *reload.Reloader
			if i > 0 {
				leader = s.loops[0].reloader
			}
			p, err = openSite(o, leader, found)
		}
		if err != nil {
			return err
		}
		s.loops = append(s.loops, p)
	}
	o.warnings = append(o.warnings, s.loops[0].warnings...)
	if o.https.on() {
		if err := o.https.open(o.at, trouble); err != nil {
			return err
		}
		for _, p := range s.loops {
			p.handler = o.https.httpsOnly(p.handler)
		}
	}
	s.global.tries = s.tries
	if err := s.global.open(o, stdout, trouble); err != nil {
		return err
	}
	guard := o.guardHosts(s.global)
	for _, p := range s.loops {
		p.handler = guard.wrap(p.handler)
	}
	return nil
}

// close closes everything after the loops have ended.
func (s *site) close() error {
	for _, p := range s.loops {
		if p.files != nil {
			p.files.Close()
		}
	}
	return s.global.close(logEnd)
}
