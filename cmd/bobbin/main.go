// Bobbin serves a folder, one file, or its own site, over HTTP, from one thread.
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
	"runtime/debug"
	"strings"
	"syscall"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
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
		// The program holds little and makes little garbage: collecting it
		// less often costs a few MiB.
		debug.SetGCPercent(400)
	}
	handler, every, done, err := prepare(&o, stdout, logTo(stderr, o))
	if err != nil {
		fmt.Fprintf(stderr, "bobbin: %v\n", err)
		return exitUsage
	}
	err = serve(&o, handler, every, stderr, env, terminal)
	if failed := done(); err == nil {
		err = failed
	}
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, eventloop.ErrCut):
		fmt.Fprintln(stderr, "bobbin: some answers were cut off")
		return exitCut
	}
	fmt.Fprintf(stderr, "bobbin: %v\n", err)
	return exitFailed
}

// prepare opens what is to be served. What is wrong with it is a mistake of
// whoever typed.
func prepare(o *options, stdout io.Writer, trouble *slog.Logger) (handler http.Handler, every *around, done func() error, err error) {
	end := func() {}
	if o.path == "" {
		// Rules are for folders, but a mistake in them is one here, too.
		_, _, err = o.site.rules("")
		handler = site()
	} else {
		var files *static.Files
		if handler, files, err = openSite(o); err == nil {
			end = func() { files.Close() }
		}
	}
	if err == nil && o.https.on() {
		err = o.https.open(o.at, trouble)
		handler = o.https.httpsOnly(handler)
	}
	if err == nil {
		every, err = o.around(stdout, trouble)
	}
	if err != nil {
		end()
		return nil, nil, nil, err
	}
	return every.wrap(handler), every, func() error {
		end()
		return every.close()
	}, nil
}

// serve listens, says so, and serves.
func serve(o *options, handler http.Handler, every *around, stderr io.Writer, env func(string) string, terminal bool) error {
	if o.verbose {
		handler = logged(handler, stderr)
	}
	config := http.Config{Handler: handler, Limits: o.limits, Log: logTo(stderr, *o)}
	if o.https.on() {
		config.TLS, config.TLSWaits = o.https.config()
		if config.TLSWaits {
			leaveACore(&config.Limits, runtime.GOMAXPROCS(0))
		}
	}
	if env("BOBBIN_TRACE") == "1" {
		config.Loop.Trace = stderr
	}
	server, err := http.NewServer(config)
	if err != nil {
		return err
	}
	if o.site.reloader != nil {
		if err := o.site.reloader.Start(server.Loop(), o.path); err != nil {
			return err
		}
		defer o.site.reloader.Close()
	}
	at, err := o.listenAll(server)
	if err != nil {
		return err
	}
	loop := server.Loop()
	if o.https.on() {
		defer o.https.keep(loop, config.Log)()
		defer keepLittle(loop)()
	}
	defer loop.OnSignal(func(os.Signal) { loop.Stop() }, os.Interrupt, syscall.SIGTERM)()
	if every.file != nil {
		defer loop.OnSignal(func(os.Signal) {
			if err := every.file.reopen(); err != nil {
				config.Log.Error("access log", "error", err)
			}
		}, syscall.SIGUSR1)()
	}
	if !o.quiet {
		banner(stderr, *o, at, terminal)
	}
	if n := bobbin.Descriptors(); n < 1024 {
		fmt.Fprintf(stderr, "bobbin: only %d descriptors are allowed, so at most %d connections: raise it with ulimit -n\n", n, loop.Limits().Conns)
	}
	return server.Run()
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

// logged writes a line for each request.
func logged(next http.Handler, to io.Writer) http.Handler {
	return func(w *http.Response, r *http.Request) error {
		who, method, path := r.RemoteAddr().Addr(), r.Method(), string(r.PathBytes())
		w.OnAnswer(func(status http.Status, size int64) {
			fmt.Fprintf(to, "%s %s %q %d %d\n", who, method, path, int(status), size)
		})
		return next(w, r)
	}
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
