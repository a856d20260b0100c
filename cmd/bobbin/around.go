package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/middleware"
)

// What happens around whatever is served: the access log, whose word on the
// client's address is taken, how often one may ask.

// aroundOptions are about all requests.
type aroundOptions struct {
	log     string
	rate    string
	trusted []string
}

// An around is that, made of what was typed. What it holds is closed when the loop
// has ended.
type around struct {
	list []http.Middleware // the innermost first
	log  *middleware.AccessLog
	file *logFile
}

// around makes it. Lines go to stdout unless a file is named.
func (o *options) around(stdout io.Writer, trouble *slog.Logger) (*around, error) {
	a := &around{}
	if o.every.rate != "" {
		limit, err := middleware.ParseRateLimit(o.every.rate)
		if err != nil {
			return nil, fmt.Errorf("--limit-rate: %w", err)
		}
		a.list = append(a.list, limit.Around)
	}
	if len(o.every.trusted) > 0 {
		prefixes, err := middleware.ParsePrefixes(strings.Join(o.every.trusted, ","))
		if err != nil {
			return nil, fmt.Errorf("--trust: %w", err)
		}
		a.list = append(a.list, (&middleware.RealIP{Trusted: prefixes, UnixSocket: true}).Around)
	}
	if o.every.log != "" && o.every.log != "off" {
		if err := a.openLog(o, stdout, trouble); err != nil {
			return nil, fmt.Errorf("--log: %w", err)
		}
		a.list = append(a.list, a.log.Around)
	}
	return a, nil
}

func (a *around) openLog(o *options, stdout io.Writer, trouble *slog.Logger) error {
	name, path, toFile := strings.Cut(o.every.log, "=")
	format, err := middleware.ParseLogFormat(name)
	if err != nil {
		return err
	}
	a.log = &middleware.AccessLog{Out: stdout, Format: format, OnError: func(err error) {
		trouble.Error("access log", "error", err)
	}}
	if o.site.users != nil {
		a.log.User = o.site.users.User
	}
	if toFile {
		if a.file, err = openLogFile(path); err != nil {
			return err
		}
		a.log.Out = a.file
	}
	return nil
}

// wrap puts it around a handler.
func (a *around) wrap(h http.Handler) http.Handler {
	for _, m := range a.list {
		h = m(h)
	}
	return h
}

// close writes what is left. The loop has ended.
func (a *around) close() error {
	if a.log == nil {
		return nil
	}
	err := a.log.Close()
	if a.file != nil {
		err = errors.Join(err, a.file.close())
	}
	if err != nil {
		return fmt.Errorf("--log: %w", err)
	}
	return nil
}

// A logFile is a file that may be renamed while it is written to: Reopen begins
// another under its name. It may be used by several goroutines.
type logFile struct {
	path string
	mu   sync.Mutex
	file *os.File
}

func openLogFile(path string) (*logFile, error) {
	l := &logFile{path: path}
	return l, l.reopen()
}

// reopen opens the file again. The old one is kept if that fails.
func (l *logFile) reopen() error {
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.file
	l.file = f
	if old != nil {
		return old.Close()
	}
	return nil
}

// Write implements io.Writer.
func (l *logFile) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Write(p)
}

func (l *logFile) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file.Close()
}
