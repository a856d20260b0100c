package main

import (
	"io"
	"log/slog"
	"slices"
	"sync/atomic"

	"github.com/bobbin-http/bobbin/cmd/bobbin/internal/handover"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/certs"
	"github.com/bobbin-http/bobbin/http/inspect"
	"github.com/bobbin-http/bobbin/http/middleware"
	"github.com/bobbin-http/bobbin/http/reload"
	"github.com/bobbin-http/bobbin/http/static"
)

// A site is everything that the program serves: what the settings make, which SIGHUP replaces
// (reload.go), and what stays as long as the program runs.
type site struct {
	// In use. While the loops run, each has its element, and the first has the setup.
	loops []*perLoop
	setup *setup

	inspector *inspect.Inspector
	tries     *tries
	leader    *reload.Reloader // that of the first loop
	trace     *selfTrace       // of --trace, or nil

	stopping atomic.Bool             // a stop has begun
	logFile  atomic.Pointer[logFile] // of the access log in use, or nil

	// Set before the loops run, never changed.
	stop     *stopper
	upgrader *upgrader
	manager  *manager    // of the service; nil if there is none
	status   string      // for the manager, while all is well
	port     portFile    // of --port-file
	tickets  *ticketKeys // nil without HTTPS

	next atomic.Pointer[handover.Next] // the process that follows this one, or nil

	stdout  io.Writer
	stderr  io.Writer    // for lines of --verbose
	trouble *slog.Logger // for errors of the access log, and what files tell of themselves
}

// A setup is what the settings make. It is built as a whole, off the loops, and put into use as a
// whole.
type setup struct {
	options *options
	loops   []*perLoop
	global  *globalMiddleware
	certs   *certs.Store // to replace those in use; nil if these stay
}

// A perLoop is the part of a setup that one loop serves. Loops share none of it.
type perLoop struct {
	handler    http.Handler
	choose     *chooser              // between the parts, nil without any
	middleware http.Middleware       // around all answers; nil if there is none
	files      *static.Files         // nil for the default site
	reloader   *reload.Reloader      // nil without --reload
	users      *middleware.BasicAuth // nil without --auth
	parts      []*perLoop            // of the [[site]] tables, in their order
	log        *middleware.AccessLog // nil without --log
	warnings   []string              // for the operator, the same on each loop

	newUsers *middleware.BasicAuth // of users, when this is put into use
	before   static.Counters       // of the files that this loop has served from before
}

// prepare opens the files, certificates and logs. Its errors are usage errors.
func prepare(o *options, stdout io.Writer, trouble *slog.Logger) (*site, error) {
	s := &site{tries: newTries(), stdout: stdout, stderr: io.Discard, trouble: trouble}
	s.inspector = s.newInspector(o)
	if err := o.sandbox.own(o); err != nil {
		return nil, o.locate(err)
	}
	c, err := s.build(o, nil)
	if err != nil {
		return nil, o.locate(err)
	}
	s.loops, s.setup = slices.Clone(c.loops), c
	s.logFile.Store(c.global.file)
	return s, nil
}

// build makes a setup, which takes over from the one in use what is to outlive it. It changes
// nothing that is in use, and leaves nothing behind after an error. Was is the setup in use, nil for
// the first one.
func (s *site) build(o *options, was *setup) (c *setup, err error) {
	c = &setup{options: o, global: &globalMiddleware{tries: s.tries}}
	defer func() {
		if err != nil {
			c.discard()
			c = nil
		}
	}()
	sources, err := o.site.readSources(o.path)
	if err != nil {
		return c, err
	}
	found := once(s.trouble) // all loops find the same in the folder
	for i := range o.loops {
		p := &perLoop{}
		c.loops = append(c.loops, p)
		switch {
		case o.isDefault():
			// Without a folder the rules apply to nothing, but they are checked all
			// the same.
			p.handler = defaultSite(s.xray(o, i))
		case o.path == "":
			p.handler = noPart
		default:
			if err = s.openSite(p, o, i, was, sources, found); err != nil {
				return c, err
			}
		}
	}
	if err := c.openParts(was, found); err != nil {
		return c, err
	}
	if o.demo {
		for _, p := range c.loops {
			p.handler = aroundDemo(p.handler)
		}
	}
	o.warnings = append(o.warnings, c.loops[0].warnings...)
	closed, err := o.closed.open()
	if err != nil {
		return c, err
	}
	for _, p := range c.loops {
		p.handler = closed(p.handler)
	}
	if o.https.on() {
		if c.certs, err = o.https.open(was, o.at, s.trouble); err != nil {
			return c, err
		}
		for _, p := range c.loops {
			p.handler = o.https.httpsOnly(p.handler)
		}
	}
	if err := c.global.open(o, was, s.stdout, s.trouble); err != nil {
		return c, err
	}
	guard := o.guardHosts(c.global)
	for i, p := range c.loops {
		p.handler = guard.wrap(p.handler)
		var log *middleware.AccessLog
		if was != nil {
			log = was.loops[i].log
		}
		p.log = c.global.ofLoop(p, log)
	}
	return c, nil
}

// wrapAll makes the middleware around all answers of each loop.
func (s *site) wrapAll(c *setup) {
	for i, p := range c.loops {
		p.middleware = s.around(c, i)
	}
}

// openSite opens the folder or the file with its rules, for one loop.
func (s *site) openSite(p *perLoop, o *options, loop int, was *setup, from *sources, trouble *slog.Logger) (err error) {
	switch {
	case was != nil:
		p.users, p.reloader = was.loops[loop].users, was.loops[loop].reloader
	case o.site.reload:
		if p.reloader, err = s.newReloader(loop, trouble); err != nil {
			return err
		}
	}
	return p.open(o, o.all(), from, trouble)
}

// newReloader makes what refreshes browsers for one loop. That of the first loop watches the
// folder for all.
func (s *site) newReloader(loop int, trouble *slog.Logger) (*reload.Reloader, error) {
	forget := func() { s.loops[loop].files.Forget() } // the files have changed
	if loop > 0 {
		return s.leader.Sibling(forget), nil
	}
	r, err := reload.New(forget)
	if err != nil {
		return nil, err
	}
	r.Log = trouble
	s.leader = r
	return r, nil
}

// discard closes what was opened for a setup that is not put into use.
func (c *setup) discard() {
	for _, p := range c.loops {
		for _, files := range p.allFiles() {
			files.Close()
		}
	}
	c.global.discard()
}

// close closes everything after the loops have ended.
func (s *site) close() error {
	for _, p := range s.loops {
		for _, files := range p.allFiles() {
			files.Close()
		}
	}
	return s.setup.global.close(logEnd)
}
