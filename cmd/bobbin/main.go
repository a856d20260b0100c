// Bobbin serves a folder, one file, or a built-in site over HTTP, on one event loop
// or on several.
package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/middleware"
	"github.com/bobbin-http/bobbin/http/reload"
	"github.com/bobbin-http/bobbin/http/static"
)

// version is the newest version in CHANGELOG.md.
const version = "0.1.0"

// Exit codes. They let a script tell a usage error from a port in use.
const (
	exitOK     = 0 // also after a signal and a complete shutdown
	exitFailed = 1 // the server could not start, or failed later
	exitUsage  = 2
	exitCut    = 3 // the shutdown cut some answers off
)

func main() {
	catchHangups()
	signal.Ignore(syscall.SIGPIPE) // without this, a closed log pipe would end the program
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv, isTerminal(os.Stderr)))
}

// isTerminal reports whether f is a terminal.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// run is the whole program except for the process's globals, so that tests can call
// it.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer, env func(string) string, terminal bool) int {
	if len(args) > 0 {
		if command := commands[args[0]]; command != nil {
			return command(&terminals{stdin, stdout, stderr, terminal}, args[1:], env)
		}
	}
	o, err := parse(args, env)
	switch {
	case errors.Is(err, errHelp):
		fmt.Fprint(stdout, usage(o))
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "bobbin: %v\n", err)
		return exitUsage
	case o.version:
		fmt.Fprintf(stdout, "bobbin %s (%s/%s, %s)\n", version, runtime.GOOS, runtime.GOARCH, runtime.Version())
		return exitOK
	}
	if env("GOGC") == "" {
		boundGarbage()
	}
	lines := eventloop.NewLogWriter(stderr, eventloop.LogOptions{})
	code, until := serveAll(&o, stdout, lines, env, terminal)
	_ = lines.Close(max(time.Until(until), logEnd/10)) // the log itself is closed, so its last error has no reader
	return code
}

// logEnd is the longest wait at the end for log lines to be written, for all logs
// together, because their reader may hang.
const logEnd = time.Second

// serveAll serves until the end. Until is the time by which the log lines must be
// written.
func serveAll(o *options, stdout io.Writer, lines io.Writer, env func(string) string, terminal bool) (code int, until time.Time) {
	what, err := prepare(o, stdout, logTo(lines, *o))
	if err != nil {
		fmt.Fprintf(lines, "bobbin: %v\n", err)
		return exitUsage, time.Now().Add(logEnd)
	}
	err = serve(o, what, lines, env, terminal)
	until = time.Now().Add(logEnd)
	if err := what.close(); err != nil {
		fmt.Fprintf(lines, "bobbin: %v\n", err) // the exit code stays that of the server
	}
	switch {
	case err == nil:
		return exitOK, until
	case errors.Is(err, eventloop.ErrCut):
		fmt.Fprintf(lines, "bobbin: %v\n", err)
		return exitCut, until
	}
	fmt.Fprintf(lines, "bobbin: %v\n", err)
	return exitFailed, until
}

// A site is everything that the program serves.
type site struct {
	loops  []*perLoop // one for each loop
	global *globalMiddleware
}

// A perLoop is the part of a site that one loop serves. Loops share none of it.
type perLoop struct {
	handler  http.Handler
	files    *static.Files         // nil for the default site
	reloader *reload.Reloader      // nil without --reload
	users    *middleware.BasicAuth // nil without --auth
}

// prepare opens the files, certificates and logs. Its errors are usage errors.
func prepare(o *options, stdout io.Writer, trouble *slog.Logger) (*site, error) {
	f := &site{global: &globalMiddleware{}}
	err := f.open(o, stdout, trouble)
	if err != nil {
		_ = f.close()
		return nil, err
	}
	return f, nil
}

func (f *site) open(o *options, stdout io.Writer, trouble *slog.Logger) error {
	for i := range o.loops {
		p := &perLoop{}
		var err error
		if o.path == "" {
			// Without a folder the rules apply to nothing, but they are checked all
			// the same.
			_, _, err = o.site.rules("")
			p.handler = defaultSite()
		} else {
			var leader *reload.Reloader
			if i > 0 {
				leader = f.loops[0].reloader
			}
			p, err = openSite(o, leader)
		}
		if err != nil {
			return err
		}
		f.loops = append(f.loops, p)
	}
	if o.https.on() {
		if err := o.https.open(o.at, trouble); err != nil {
			return err
		}
		for _, p := range f.loops {
			p.handler = o.https.httpsOnly(p.handler)
		}
	}
	if err := f.global.open(o, stdout, trouble); err != nil {
		return err
	}
	guard := o.guardHosts(f.global)
	for _, p := range f.loops {
		p.handler = guard.wrap(p.handler)
	}
	return nil
}

// close closes everything after the loops have ended.
func (f *site) close() error {
	for _, p := range f.loops {
		if p.files != nil {
			p.files.Close()
		}
	}
	return f.global.close(logEnd)
}

// serve listens, prints the banner, and serves until the end.
func serve(o *options, what *site, stderr io.Writer, env func(string) string, terminal bool) error {
	log := logTo(stderr, *o)
	config := http.Config{Limits: o.limits, Log: log}
	if o.https.on() {
		config.TLS = o.https.config()
	}
	servers, err := http.NewServers(o.loops, func(loop int) (http.Config, error) {
		c, name := config, ""
		if o.loops > 1 {
			name = fmt.Sprintf("loop %d ", loop)
			c.Log = log.With("loop", loop)
		}
		c.Handler = what.loops[loop].handler
		c.Middleware = what.global.middleware(what.loops[loop])
		if o.verbose {
			c.Middleware = verbose(c.Middleware, stderr)
		}
		if what.global.proxies != nil {
			c.Loop.Proxies = what.global.proxies.Trusts
		}
		if env("BOBBIN_TRACE") == "1" {
			c.Loop.Trace = prefixWriter{name, stderr}
		}
		return c, nil
	})
	if err != nil {
		return err
	}
	for loop, p := range what.loops {
		if p.reloader != nil {
			if err := p.reloader.Start(servers[loop].Loop(), o.path); err != nil {
				return err
			}
			defer p.reloader.Close()
		}
	}
	at, err := o.listenAll(servers)
	if err != nil {
		return err
	}
	first := servers[0].Loop()
	if o.https.on() {
		defer o.https.keep(first, log)()
		for _, server := range servers {
			defer keepLittle(server.Loop())()
		}
	}
	if o.https.store == nil {
		defer eventloop.OnSignal(func(os.Signal) { log.Info("SIGHUP ignored: no certificate files to reload") }, syscall.SIGHUP)()
	}
	defer eventloop.OnSignal(func(os.Signal) { servers.Stop() }, os.Interrupt, syscall.SIGTERM)()
	if file := what.global.file; file != nil {
		defer eventloop.OnSignal(func(os.Signal) {
			if err := file.reopen(); err != nil {
				log.Error("access log", "error", err)
			}
		}, syscall.SIGUSR1)()
	}
	if !o.quiet {
		banner(stderr, *o, at, terminal)
	}
	if n := bobbin.Descriptors(); n < 1024 {
		fmt.Fprintf(stderr, "bobbin: only %d file descriptors are allowed, so at most %d connections: raise the limit with ulimit -n\n", n, o.loops*first.Limits().Conns)
	}
	return explainCut(servers, servers.Run())
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
	level := slog.LevelInfo
	switch {
	case o.quiet:
		level = slog.LevelError
	case o.verbose:
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}

// verbose wraps the middleware, and writes a line for each answer.
func verbose(m http.Middleware, to io.Writer) http.Middleware {
	lines := func(next http.Handler) http.Handler {
		return func(w *http.Response, r *http.Request) error {
			client, method, path := r.RemoteAddr().Addr(), r.Method(), string(r.PathBytes())
			if r.Refused() != nil {
				method, path = "refused", string(r.LineBytes())
			}
			w.OnAnswer(func(status http.Status, size int64) {
				fmt.Fprintf(to, "%s %s %q %d %d\n", client, method, path, int(status), size)
			})
			return next(w, r)
		}
	}
	if m == nil {
		return lines
	}
	return http.Chain(lines, m)
}

// banner prints the addresses once they are open. The one-line form, for programs, is
// stable.
func banner(w io.Writer, o options, at []string, terminal bool) {
	root := o.path
	if root == "" {
		root = "(default site)"
	}
	if !terminal {
		more := ""
		if f := o.https.fingerprint(); f != "" {
			more = " fingerprint=" + f
		}
		if o.loops > 1 {
			more += fmt.Sprintf(" loops=%d", o.loops)
		}
		fmt.Fprintf(w, "bobbin %s listening %s root=%q poller=%s pid=%d%s\n", version, strings.Join(at, ","), root, poller(), os.Getpid(), more)
		return
	}
	fmt.Fprintf(w, "bobbin %s serves %s\n", version, root)
	for _, u := range at {
		fmt.Fprintf(w, "  %s\n", u)
	}
	if f := o.https.fingerprint(); f != "" {
		fmt.Fprintf(w, "  self-signed certificate, browsers will warn; its SHA-256 is\n  %s\n", f)
	}
	if o.local() {
		fmt.Fprintln(w, "  on this machine only; --public opens it to the network")
	}
	fmt.Fprintln(w, "  Ctrl-C stops")
}

func poller() string {
	if runtime.GOOS == "linux" {
		return "epoll"
	}
	return "kqueue"
}

// url returns the URL of a listener, for a browser.
func url(scheme, asked string, bound bobbin.Address) string {
	if bound.Path != "" {
		return bound.String()
	}
	host := bound.IP.Addr().String()
	switch {
	case strings.HasPrefix(asked, "localhost:"), bound.IP.Addr().IsUnspecified():
		host = "localhost"
	case bound.IP.Addr().Is6():
		host = "[" + host + "]"
	}
	return fmt.Sprintf("%s://%s:%d/", scheme, host, bound.IP.Port())
}

// explainPath turns an error about the folder into one that says what to do.
func explainPath(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: no such folder or file: name one that exists, or none for the default site", path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s: permission denied: allow bobbin to read it, or name another folder", path)
	}
	return err
}

// explainListen turns an error about an address into one that says what to do.
func explainListen(err error) error {
	switch {
	case errors.Is(err, bobbin.ErrInUse):
		return fmt.Errorf("%w: another program listens there; choose another port with --port", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: ports below 1024 are privileged; choose another with --port", err)
	}
	return err
}
