package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"syscall"
	"time"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// serve listens, prints the banner, and serves until the end.
func (s *site) serve(o *options, stderr io.Writer, env func(string) string, terminal bool) error {
	log := logTo(stderr, *o)
	s.trace = newSelfTrace(o.selfTrace, log)
	servers, err := s.newServers(o, log, stderr, env("BOBBIN_TRACE") == "1")
	if err != nil {
		return err
	}
	o.heir.tell(servers...)
	s.inspector.Show(servers)
	for loop, p := range s.loops {
		if p.reloader != nil {
			if err := p.reloader.Start(servers[loop].Loop(), o.path); err != nil {
				return err
			}
			defer p.reloader.Close()
		}
	}
	at, err := o.listenAll(servers)
	var admin *adminServer
	if err == nil {
		admin, err = s.openAdmin(o, log)
	}
	if err == nil {
		err = o.confine(log, terminal)
	}
	if err == nil {
		err = s.begins(o, servers, admin, at, log, stderr, env)
	}
	if err != nil {
		admin.start() // which ends at once
		admin.end()
		servers.Stop() // closes the sockets that are open, and removes their files
		servers.Stop() // at once
		_ = servers.Run()
		return err
	}
	if o.https.on() {
		defer o.https.keep(servers[0].Loop(), log)()
		for _, server := range servers {
			defer keepLittle(server.Loop())()
		}
	}
	s.tries.aim(o, servers[0].Loop().Limits().Conns)
	defer s.tries.end()
	s.trace.start(servers, s.inspector.Hello())
	defer s.trace.finish()
	defer s.ends(log)
	defer s.handleSignals(o, servers, log, stderr)()
	if !o.quiet {
		banner(stderr, *o, at, terminal)
	}
	if n := bobbin.Descriptors(); n < 1024 {
		fmt.Fprintf(stderr, "bobbin: only %d file descriptors are allowed, so at most %d connections: raise the limit with ulimit -n\n", n, o.loops*servers[0].Loop().Limits().Conns)
	}
	admin.start()
	defer admin.end() // last, so that it tells of the stop until the site has ended
	return explainCut(servers, servers.Run())
}

// newServers makes a server for each loop.
func (s *site) newServers(o *options, log *slog.Logger, stderr io.Writer, trace bool) (_ http.Servers, err error) {
	s.stderr = stderr
	s.wrapAll(s.setup)
	config := http.Config{Limits: o.limits, Log: log, ErrorHandler: errorPages, NoHTTP2: o.noHTTP2()}
	if o.https.on() {
		config.TLS = o.https.config()
		if s.tickets, err = o.https.newTickets(o.heir); err != nil {
			return nil, err
		}
		s.tickets.use(config.TLS)
	}
	return http.NewServers(o.loops, func(loop int) (http.Config, error) {
		c, name := config, ""
		if o.loops > 1 {
			name = fmt.Sprintf("loop %d ", loop)
			c.Log = log.With("loop", loop)
		}
		c.Handler, c.Middleware = s.loops[loop].handler, s.loops[loop].middleware
		c.Loop.Proxies = s.setup.global.trusts()
		c.ProxyProtocol = o.expectsHeader(s.setup.global.proxies)
		if s.trace != nil {
			c.Loop.OnStall = func(*eventloop.Stall) { s.trace.stalled(loop) }
		}
		if trace {
			c.Loop.Trace = prefixWriter{name, stderr}
		}
		return c, nil
	})
}

// around returns the middleware around all answers of one loop, nil if there is none.
func (s *site) around(c *setup, loop int) http.Middleware {
	o, m := c.options, c.global.middleware(c.loops[loop])
	if o.verbose {
		m = verbose(m, s.stderr)
	}
	// The default site alone answers /-/ by itself, after its own paths: its first
	// page pays for nothing.
	if show := s.xray(o, loop); show != nil && (!o.isDefault() || m != nil) {
		m = around(aroundXray(show), m)
	}
	if o.watch.health != "" {
		m = around(s.health(o.watch.health), m)
	}
	return m
}

// handleSignals stops the servers, reloads the configuration and reopens the access log on
// signals, until stop is called.
func (s *site) handleSignals(o *options, servers http.Servers, log *slog.Logger, stderr io.Writer) (stop func()) {
	stops := []func(){
		eventloop.OnSignal(func(os.Signal) { s.stop.signal() }, os.Interrupt, syscall.SIGTERM),
		eventloop.OnSignal(func(os.Signal) { s.upgrader.begin() }, syscall.SIGUSR2),
		eventloop.OnSignal(func(os.Signal) { s.quit(servers) }, syscall.SIGQUIT),
	}
	stops = append(stops, s.reloadOnHangup(servers, log))
	if len(infoSignals) > 0 {
		stops = append(stops, eventloop.OnSignal(func(os.Signal) { tellInfo(servers, stderr) }, infoSignals...))
	}
	if s.logFile.Load() != nil || o.config != "" { // else the signal ends the program
		stops = append(stops, eventloop.OnSignal(func(os.Signal) {
			file := s.logFile.Load()
			if file == nil {
				return
			}
			if err := file.reopen(); err != nil {
				log.Error("access log", "error", err)
			}
		}, syscall.SIGUSR1))
	}
	return func() {
		for _, f := range stops {
			f()
		}
	}
}

// A prefixWriter writes its prefix before each line. Each call of Write has one whole
// line.
type prefixWriter struct {
	name string
	to   io.Writer
}

// Write implements io.Writer.
func (w prefixWriter) Write(p []byte) (int, error) {
	_, err := w.to.Write(append([]byte(w.name), p...))
	return len(p), err
}

// logTo returns the logger of the server.
func logTo(w io.Writer, o options) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: o.level}))
}

// logLevel returns the lowest level that is logged.
func (o *options) logLevel() slog.Level {
	switch {
	case o.quiet:
		return slog.LevelError
	case o.verbose:
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// verbose wraps the middleware, and writes a line for each answer: time, client, method,
// path, status, size of the body, and how long it took until the answer was on its way.
func verbose(m http.Middleware, to io.Writer) http.Middleware {
	lines := func(next http.Handler) http.Handler {
		return func(w *http.Response, r *http.Request) error {
			begun := time.Now()
			client, method, path := "unix", r.Method(), string(r.PathBytes())
			if peer := r.RemoteAddr(); peer.IsValid() {
				client = peer.Addr().String()
			}
			if r.Refused() != nil {
				method, path = "refused", string(r.LineBytes())
			}
			w.OnAnswer(func(status http.Status, size int64) {
				fmt.Fprintf(to, "%s %s %s %q %d %d %s\n", begun.Format("2006-01-02T15:04:05.000Z07:00"), client, method, path, int(status), size, tookText(time.Since(begun)))
			})
			return next(w, r)
		}
	}
	return around(lines, m)
}

// around returns two middlewares as one. The inner one may be nil.
func around(outer, inner http.Middleware) http.Middleware {
	if inner == nil {
		return outer
	}
	return http.Chain(outer, inner)
}

// tookText returns a duration with three digits.
func tookText(d time.Duration) string {
	for unit := time.Duration(1); unit < d; unit *= 10 {
		if d < 1000*unit {
			return d.Round(unit).String()
		}
	}
	return d.String()
}
