// Bobbin serves a folder, one file, or its own site, over HTTP, from one thread, or
// from some.
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

// version is that of CHANGELOG.md.
const version = "0.1.0"

// Exit codes. A script can tell a typing mistake from a port in use.
const (
	exitOK     = 0 // also when a signal ended it, in order
	exitFailed = 1 // it could not start, or not go on
	exitUsage  = 2
	exitCut    = 3 // some answers were cut off at the end
)

func main() {
	onHangups()
	signal.Ignore(syscall.SIGPIPE) // a reader of our output that goes away is no reason to end
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv, isTerminal(os.Stderr)))
}

// isTerminal reports whether somebody is likely to be reading along.
func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// run is the whole program, as far as a test can watch it.
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
	_ = lines.Close(max(time.Until(until), logEnd/10)) // there is nowhere left to say what was lost
	return code
}

// logEnd is how long the end waits for lines to be written, of all logs together:
// what reads them may hang for ever.
const logEnd = time.Second

// serveAll serves, and writes lines about it, until when those have to be written.
func serveAll(o *options, stdout io.Writer, lines io.Writer, env func(string) string, terminal bool) (code int, until time.Time) {
	what, err := prepare(o, stdout, logTo(lines, *o))
	if err != nil {
		fmt.Fprintf(lines, "bobbin: %v\n", err)
		return exitUsage, time.Now().Add(logEnd)
	}
	err = serve(o, what, lines, env, terminal)
	until = time.Now().Add(logEnd)
	if err := what.close(); err != nil {
		fmt.Fprintf(lines, "bobbin: %v\n", err) // which is no failure of what was served
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

// A site is what is served.
type site struct {
	loops  []*perLoop // one for each loop
	global *globalMiddleware
}

// A perLoop is what one loop serves. Nothing in it is another's.
type perLoop struct {
	handler  http.Handler
	files    *static.Files         // nil for the default site
	reloader *reload.Reloader      // nil unless browsers are refreshed
	users    *middleware.BasicAuth // nil unless passwords are asked for
}

// prepare opens what is to be served. What is wrong with it is a mistake of
// whoever typed.
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
			// Rules are for folders, but a mistake in them is one here, too.
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

// close ends what is open, when the loops have ended.
func (f *site) close() error {
	for _, p := range f.loops {
		if p.files != nil {
			p.files.Close()
		}
	}
	return f.global.close(logEnd)
}

// serve listens, says so, and serves.
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
		defer onSignal(func() { log.Info("SIGHUP: there are no certificates to read again") }, syscall.SIGHUP)()
	}
	defer onSignal(servers.Stop, os.Interrupt, syscall.SIGTERM)()
	if file := what.global.file; file != nil {
		defer onSignal(func() {
			if err := file.reopen(); err != nil {
				log.Error("access log", "error", err)
			}
		}, syscall.SIGUSR1)()
	}
	if !o.quiet {
		banner(stderr, *o, at, terminal)
	}
	if n := bobbin.Descriptors(); n < 1024 {
		fmt.Fprintf(stderr, "bobbin: only %d descriptors are allowed, so at most %d connections: raise it with ulimit -n\n", n, o.loops*first.Limits().Conns)
	}
	return whatWasCut(servers, servers.Run())
}

// onSignal calls f for each of the signals that arrives, until the result is called. It
// does so on a goroutine of its own, as one loop may have ended while others go on.
func onSignal(f func(), signals ...os.Signal) (stop func()) {
	ch := make(chan os.Signal, 8) // room for some, since a signal that finds none is lost
	done := make(chan struct{})
	signal.Notify(ch, signals...)
	go func() {
		for {
			select {
			case <-ch:
				f()
			case <-done:
				return
			}
		}
	}()
	return func() {
		signal.Stop(ch)
		close(done)
	}
}

// A prefixWriter writer says before each line whose it is. It is given one at a time.
type prefixWriter struct {
	name string
	to   io.Writer
}

// Write implements io.Writer.
func (w prefixWriter) Write(p []byte) (int, error) {
	_, err := w.to.Write(append([]byte(w.name), p...))
	return len(p), err
}

// logTo is the log for what an operator should know.
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

// verbose goes around what there is, and writes a line for each answer.
func verbose(around http.Middleware, to io.Writer) http.Middleware {
	lines := func(next http.Handler) http.Handler {
		return func(w *http.Response, r *http.Request) error {
			who, method, path := r.RemoteAddr().Addr(), r.Method(), string(r.PathBytes())
			if r.Refused() != nil {
				method, path = "refused", string(r.LineBytes())
			}
			w.OnAnswer(func(status http.Status, size int64) {
				fmt.Fprintf(to, "%s %s %q %d %d\n", who, method, path, int(status), size)
			})
			return next(w, r)
		}
	}
	if around == nil {
		return lines
	}
	return http.Chain(lines, around)
}

// banner says where to go, once that works. Programs get one line that stays
// as it is.
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
		fmt.Fprintf(w, "  browsers will warn of the certificate; its SHA-256 is\n  %s\n", f)
	}
	if o.local() {
		fmt.Fprintln(w, "  for this machine only; --public opens it to others")
	}
	fmt.Fprintln(w, "  Ctrl-C stops")
}

func poller() string {
	if runtime.GOOS == "linux" {
		return "epoll"
	}
	return "kqueue"
}

// url is what to type into a browser to get to a listener.
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

// explainPath says what is wrong with the folder, and what to do.
func explainPath(path string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("there is no folder or file %s: name one that exists, or none for the default site", path)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%s cannot be read: give yourself the right to, or name another folder", path)
	}
	return err
}

// explainListen says what is wrong with the address, and what to do.
func explainListen(err error) error {
	switch {
	case errors.Is(err, bobbin.ErrInUse):
		return fmt.Errorf("%w: another program listens there, choose another port with --port", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: ports below 1024 are for privileged users, choose another with --port", err)
	}
	return err
}
