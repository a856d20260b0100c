package main

import (
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"syscall"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/middleware"
)

// SIGHUP reads these files anew: the users of --auth, and _redirects and _headers of --netlify.
// Flags, variables and the configuration file are those of the start. A file with a mistake
// changes nothing: the log has the reason, and the rules or users before stay in use.

// liveRules are the rules about paths of one loop. They can be replaced.
type liveRules struct {
	fields  atomic.Pointer[fieldRules] // workers read it
	missing http.Handler               // the rules for missing files
	forced  http.Handler               // the rules with precedence, then the files
}

// withRules returns the files behind their first rules, or alone if there are none and none
// to come.
func (p *perLoop) withRules(redirects middleware.Redirects, fields *fieldRules, any bool) http.Handler {
	p.setRules(redirects, fields)
	if !any {
		return p.files.Serve
	}
	return p.serveForced
}

// setRules replaces the rules. It is called on the loop, or before the loop runs.
func (p *perLoop) setRules(redirects middleware.Redirects, fields *fieldRules) {
	as := func(w *http.Response, r *http.Request, path string) error { return p.files.ServeAs(w, r, path) }
	p.fields.Store(fields)
	p.missing, p.forced = redirects.Missing(as), p.files.Serve
	if len(redirects) > 0 {
		p.forced = redirects.Forced(p.forced, as)
	}
	p.files.Forget() // entries have the fields of before
}

func (p *perLoop) fieldsOf(path string) [][2]string { return p.fields.Load().of(path) }

func (p *perLoop) serveMissing(w *http.Response, r *http.Request) error { return p.missing(w, r) }

func (p *perLoop) serveForced(w *http.Response, r *http.Request) error { return p.forced(w, r) }

// readUsers reads the file of --auth.
func (s *siteOptions) readUsers() (*middleware.BasicAuth, error) {
	file, err := os.Open(s.auth)
	if err != nil {
		return nil, fmt.Errorf("--auth: %w", err)
	}
	defer file.Close()
	users, err := middleware.ParseUsers(file)
	if err != nil {
		return nil, fmt.Errorf("--auth: %s: %w", s.auth, err)
	}
	return users, nil
}

// A rereading reads the files on a worker. It belongs to the first loop, except for the
// fields that the worker sets.
type rereading struct {
	options *options
	site    *site
	servers http.Servers
	log     *slog.Logger
	busy    bool // a worker reads
	again   bool // a signal came meanwhile

	users     *middleware.BasicAuth // nil without --auth, or with an error
	redirects middleware.Redirects
	fields    *fieldRules // nil without --netlify, or with an error

	usersFailed, rulesFailed error
}

// readAnew reads the files on SIGHUP, until stop is called.
func (s *site) readAnew(o *options, servers http.Servers, log *slog.Logger) (stop func()) {
	g := &rereading{options: o, site: s, servers: servers, log: log}
	return servers[0].Loop().OnSignal(func(os.Signal) { g.begin() }, syscall.SIGHUP)
}

// begin has a worker read the files, one reading at a time: the files are those of the last
// signal in the end.
func (g *rereading) begin() {
	if g.busy {
		g.again = true
		return
	}
	g.busy, g.again = true, false
	g.servers[0].Loop().Offload(g.read, func(err error) {
		g.busy = false
		if err != nil {
			g.log.Error("SIGHUP: the files were not read anew", "error", err)
		} else {
			g.apply()
		}
		if g.again {
			g.begin()
		}
	})
}

// read runs on the worker.
func (g *rereading) read() {
	g.users, g.usersFailed = nil, nil
	g.redirects, g.fields, g.rulesFailed = nil, nil, nil
	s := &g.options.site
	if g.site.loops[0].users != nil {
		g.users, g.usersFailed = s.readUsers()
	}
	if s.netlify && g.options.path != "" {
		g.redirects, g.fields, g.rulesFailed = s.rules(g.options.path)
	}
}

// apply gives each loop what was read.
func (g *rereading) apply() {
	users, redirects, fields := g.users, g.redirects, g.fields
	if err := g.usersFailed; err != nil {
		g.log.Error("SIGHUP: users not reloaded, the old ones stay in use", "error", err)
	}
	if err := g.rulesFailed; err != nil {
		g.log.Error("SIGHUP: redirects and headers not reloaded, the old ones stay in use", "error", err)
	}
	var left atomic.Int32
	left.Store(int32(len(g.site.loops)))
	over := func() {
		if left.Add(-1) == 0 { // all loops have them
			report(g.log, users, fields)
		}
	}
	for i, p := range g.site.loops {
		err := g.servers[i].Loop().Post(func() {
			if users != nil {
				p.users.SetUsers(users)
			}
			if fields != nil {
				p.setRules(redirects, fields)
			}
			over()
		})
		if err != nil { // the loop has ended, or is far behind
			g.log.Error("SIGHUP: a loop keeps the old users and rules", "loop", i, "error", err)
			over()
		}
	}
}

// report logs the rules and users that are in use from now on.
func report(log *slog.Logger, users *middleware.BasicAuth, fields *fieldRules) {
	if fields != nil {
		for _, text := range fields.warnings {
			log.Warn(text)
		}
		log.Info("SIGHUP: redirects and headers reloaded")
	}
	if users != nil {
		log.Info("SIGHUP: users reloaded")
	}
}
