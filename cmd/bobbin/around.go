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

// An around is that, made of what was typed. What it holds is closed when the loops
// have ended.
type around struct {
	limit   *middleware.RateLimit // of all loops together
	proxies *middleware.RealIP
	file    *logFile

	out    io.Writer // for lines; nil if none are wanted
	format middleware.LogFormat
	logs   []*middleware.AccessLog // one for each loop: they write whole lines
}

// open opens it. Lines go to stdout unless a file is named.
func (a *around) open(o *options, stdout io.Writer) (err error) {
	if o.every.rate != "" {
		if a.limit, err = middleware.ParseRateLimit(o.every.rate); err != nil {
			return fmt.Errorf("--limit-rate: %w", err)
		}
		a.limit.Shared = o.loops > 1
	}
	if len(o.every.trusted) > 0 {
		prefixes, err := middleware.ParsePrefixes(strings.Join(o.every.trusted, ","))
		if err != nil {
			return fmt.Errorf("--trust: %w", err)
		}
		a.proxies = &middleware.RealIP{Trusted: prefixes, UnixSocket: true}
	}
	if o.every.log != "" && o.every.log != "off" {
		if err := a.openLog(o.every.log, stdout); err != nil {
			return fmt.Errorf("--log: %w", err)
		}
	}
	return nil
}

func (a *around) openLog(text string, stdout io.Writer) (err error) {
	name, path, toFile := strings.Cut(text, "=")
	if a.format, err = middleware.ParseLogFormat(name); err != nil {
		return err
	}
	a.out = stdout
	if toFile {
		file, err := openLogFile(path)
		if err != nil {
			return err
		}
		a.file, a.out = file, file
	}
	return nil
}

// wrap puts it around what one loop serves.
func (a *around) wrap(p *part, trouble *slog.Logger) http.Handler {
	h := p.handler
	if a.limit != nil {
		h = a.limit.Around(h)
	}
	if a.proxies != nil {
		h = a.proxies.Around(h)
	}
	if a.out != nil {
		log := &middleware.AccessLog{Out: a.out, Format: a.format, OnError: func(err error) {
			trouble.Error("access log", "error", err)
		}}
		if p.users != nil {
			log.User = p.users.User
		}
		a.logs = append(a.logs, log)
		h = log.Around(h)
	}
	return h
}

// close writes what is left. The loops have ended.
func (a *around) close() error {
	var err error
	for _, log := range a.logs {
		err = errors.Join(err, log.Close())
	}
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
