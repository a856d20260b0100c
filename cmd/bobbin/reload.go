package main

import (
	"cmp"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// SIGHUP reads everything anew that a file says: the configuration file, certificates,
// passwords, rules. A worker reads, checks and builds all of it first. An error changes
// nothing: the log has it, and the old configuration stays in use as a whole. Then each loop
// puts its part into use between two requests, so that a request meets either all old or all
// new. Settings that a process cannot change while it runs are in reloadkept.go.

// A reloading has one reading at a time. It belongs to the goroutine of the first loop.
type reloading struct {
	site    *site
	servers http.Servers
	log     *slog.Logger
	busy    bool // a worker reads, or a loop has not put into use what was read
	again   bool // a signal came meanwhile
}

// reloadOnHangup reloads on SIGHUP, until stop is called.
func (s *site) reloadOnHangup(servers http.Servers, log *slog.Logger) (stop func()) {
	g := &reloading{site: s, servers: servers, log: log}
	return servers[0].Loop().OnSignal(func(os.Signal) {
		if len(s.setup.options.reloadReads()) == 0 {
			log.Info("SIGHUP ignored: there is no file of --config, --auth, --netlify, --tls-cert or --log to read anew")
			return
		}
		g.begin()
	}, syscall.SIGHUP)
}

// reloadReads returns the files and folders that a reload reads, and the log that it opens
// again.
func (o *options) reloadReads() (paths []string) {
	add := func(more ...string) {
		for _, path := range more {
			if path != "" && !slices.Contains(paths, path) {
				paths = append(paths, path)
			}
		}
	}
	add(o.config)
	for _, o := range o.all() {
		add(o.site.auth, o.closed.page())
	}
	add(o.https.certs...)
	add(o.https.keys...)
	for _, o := range o.all() {
		if o.site.netlify && o.path != "" {
			for _, name := range netlifyFiles {
				add(filepath.Join(o.path, name))
			}
		}
	}
	if _, file, toFile := strings.Cut(o.global.log, "="); toFile {
		add(file)
	}
	return paths
}

// A reading is what a worker reads.
type reading struct {
	was     *setup   // in use
	setup   *setup   // to be in use next
	waiting []string // settings that take effect at the next start
	err     error

	late atomic.Bool // nothing waits for it any more
}

// begin has a worker read. What a later signal has read is in use in the end.
func (g *reloading) begin() {
	if g.busy {
		g.again = true
		return
	}
	g.busy, g.again = true, false
	g.site.manager.reloading()
	r := &reading{was: g.site.setup} // a worker that hangs keeps its own
	g.servers[0].Loop().Offload(func() { g.site.read(r) }, func(err error) {
		if err != nil {
			r.late.Store(true)
		} else {
			err = r.err
		}
		if err != nil {
			g.log.Error("SIGHUP: not reloaded, the old configuration stays in use", "error", g.site.setup.options.sandbox.explain(err))
			g.end()
			return
		}
		g.apply(r)
	})
}

// end lets the next reading begin.
func (g *reloading) end() {
	g.busy = false
	g.site.manager.serving(g.site.status)
	if g.again {
		g.begin()
	}
}

// read reads and builds, on a worker.
func (s *site) read(r *reading) {
	running := r.was.options
	if info, err := os.Stat(running.config); err == nil && !info.Mode().IsRegular() {
		r.err = fmt.Errorf("configuration file: %s can be read once only, because it is no file: name a file", running.config) // what is left of it is empty
		return
	}
	next, err := parseSettings(running.args, running.env)
	if err != nil {
		r.err = err
		return
	}
	r.waiting = next.keepFrom(running)
	if r.setup, err = s.build(&next, r.was); err != nil {
		r.err = next.locate(err)
		return
	}
	s.wrapAll(r.setup)
	if r.err = r.setup.runTests(); r.err != nil || r.late.Load() {
		r.setup.discard()
	}
}

// apply has each loop put its part into use.
func (g *reloading) apply(r *reading) {
	s, c, was := g.site, r.setup, r.was
	if c.global.limit != was.global.limit {
		c.global.refused = was.global.limited()
	}
	s.setup = c
	s.inspector.SetHosts(c.options.hosts)
	c.options.level.Set(c.options.logLevel())
	certsChanged := c.certs != nil && c.options.https.store.Replace(c.certs)
	var kept []string // limits, by the first loop
	var left atomic.Int32
	left.Store(int32(len(s.loops)))
	for i, server := range g.servers {
		g.post(i, func() {
			names := s.take(c, i, server)
			if i == 0 {
				kept = names
			}
			if left.Add(-1) == 0 {
				g.post(0, func() { g.over(r, was, kept, certsChanged) })
			}
		})
	}
}

// postAgain is how long a loop that is far behind is left alone.
const postAgain = 100 * time.Millisecond

// post runs f on a loop. A loop that has ended needs nothing any more; nor does a reloading
// that waits for it.
func (g *reloading) post(loop int, f func()) {
	if g.servers[loop].Loop().Post(f) == eventloop.ErrFull {
		time.AfterFunc(postAgain, func() { g.post(loop, f) })
	}
}

// take puts the part of one loop into use, on that loop. It returns the limits that stay as they
// are.
func (s *site) take(c *setup, loop int, server *http.Server) (kept []string) {
	was, p := s.loops[loop], c.loops[loop]
	s.loops[loop] = p
	kept, err := server.SetLimits(c.options.limits)
	if err = cmp.Or(err, server.SetHandler(p.handler, p.middleware)); err != nil {
		s.trouble.Error("SIGHUP: a loop keeps what it had", "loop", loop, "error", err) // both were checked before
	}
	server.Loop().SetProxies(c.global.trusts())
	server.SetProxyProtocol(c.options.expectsHeader(c.global.proxies))
	p.takeUsers()
	if p.log != nil {
		c.global.set(p.log, p)
	}
	p.before = was.counters()
	for _, files := range was.allFiles() {
		files.Forget() // the folder is closed with the last request that asks for a file there
	}
	return kept
}

// over logs what is in use from now on, and has a worker close what is not any more.
func (g *reloading) over(r *reading, was *setup, kept []string, certsChanged bool) {
	c := r.setup
	for _, text := range c.options.warnings {
		g.log.Warn(text)
	}
	for _, name := range kept {
		r.waiting = append(r.waiting, "limit."+name)
	}
	for _, name := range r.waiting {
		g.log.Warn("SIGHUP: " + c.options.changedAt(name) + ": takes effect at the next start")
	}
	g.log.Info("SIGHUP: reloaded", "files", strings.Join(c.options.reloadReads(), ", "), "changed", c.changes(was, r.waiting, certsChanged))
	old := was.global.accessLog
	g.site.logFile.Store(c.global.file)
	g.servers[0].Loop().Offload(func() {
		if err := c.global.succeed(&old); err != nil {
			g.log.Error("access log", "error", err)
		}
		runtime.GC() // with the old configuration goes the folder that it has open
	}, func(error) { g.end() })
}
