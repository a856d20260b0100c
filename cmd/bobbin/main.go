// Bobbin serves a folder, one file, or a built-in site over HTTP, on one event loop
// or on several.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
)

// Exit codes. They let a script tell a usage error from a port in use.
const (
	exitOK     = 0 // also after a signal and a complete shutdown
	exitFailed = 1 // the server could not start, or failed later
	exitUsage  = 2
	exitCut    = 3 // the shutdown cut some answers off
)

// The main goroutine, which only waits for the loops, keeps the main thread for itself. Linux
// gives a signal to the main thread first; if that were a worker's, and waited for a disk that
// does not answer, SIGTERM would wait with it.
func init() { runtime.LockOSThread() }

func main() {
	ownProcess = true
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
			tellOfFolder(stderr, args[0])
			return command(&terminals{stdin, stdout, stderr, terminal}, args[1:], env)
		}
	}
	heir, env, err := inherit(env)
	if err != nil {
		fmt.Fprintf(stderr, "bobbin: %v\n", err)
		return exitUsage
	}
	o, err := parseSettings(args, env)
	o.heir = heir
	if err == nil && o.life.open && heir == nil {
		err = checkOpen(terminal, os.Getuid(), o.at[0])
	}
	switch {
	case errors.Is(err, errHelp):
		fmt.Fprint(stdout, usage(o))
		return exitOK
	case err != nil:
		fmt.Fprintf(stderr, "bobbin: %v\n", err)
		return exitUsage
	case o.version:
		fmt.Fprint(stdout, versionLine())
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
	s, err := prepare(o, stdout, logTo(lines, *o))
	if err != nil {
		fmt.Fprintf(lines, "bobbin: %v\n", err)
		return exitUsage, time.Now().Add(logEnd)
	}
	if !o.quiet {
		o.printWarnings(lines)
	}
	err = o.locate(s.serve(o, lines, env, terminal))
	until = time.Now().Add(logEnd)
	if err := s.close(); err != nil {
		fmt.Fprintf(lines, "bobbin: %v\n", err) // the exit code stays that of the server
	}
	switch {
	case err == nil:
	case errors.Is(err, eventloop.ErrCut):
		code = exitCut
	default:
		code = exitFailed
	}
	if err != nil {
		fmt.Fprintf(lines, "bobbin: %v\n", err)
	}
	if next := s.next.Load(); next != nil && os.Getpid() == 1 {
		logTo(lines, *o).Info("this is process 1, and it stays as long as another process serves")
		code = max(stay(code), next.ExitCode())
		until = time.Now().Add(logEnd)
	}
	return code, until
}
