package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/middleware"
)

// The middleware around everything that is served: the access log, the trusted
// proxies and the rate limit.

// globalOptions are the flags about all requests.
type globalOptions struct {
	log     string
	rate    string
	trusted []string // see proxies.go
	field   string
	headers []string
}

// globalMiddleware is the same, opened. It is closed after the loops have ended.
type globalMiddleware struct {
	security bool                  // see --security
	limit    *middleware.RateLimit // shared by all loops
	refused  uint64                // by the limits before this one
	tries    *tries                // whose requests have no limit
	proxies  *middleware.RealIP

	accessLog
}

// An accessLog is that of --log, for the lines of all loops.
type accessLog struct {
	out      *eventloop.LogWriter // nil without --log
	format   middleware.LogFormat
	file     *logFile // nil for standard output
	reopened *os.File // of file, when this is put into use
	inUse    bool     // out is that of the setup in use
}

// open opens the log and parses the rate and the proxies. Lines go to stdout unless a
// file is named. It takes over the log and the limit in use, if they are to be the same: so
// no line is lost, and no client gets its share twice. Was is nil before one is in use.
func (a *globalMiddleware) open(o *options, was *setup, stdout io.Writer, trouble *slog.Logger) (err error) {
	a.security = o.site.security
	if was != nil {
		a.refused = was.global.refused
	}
	switch {
	case was != nil && was.options.global.rate == o.global.rate:
		a.limit = was.global.limit
	case o.global.rate != "":
		if a.limit, err = middleware.ParseRateLimit(o.global.rate); err != nil {
			return fmt.Errorf("--limit-rate: %w", err)
		}
		a.limit.Shared = o.loops > 1
		a.limit.Wrap(nil) // makes its table here, once, and not on the loops
	}
	if a.proxies, err = o.trust(); err != nil {
		return err
	}
	switch {
	case o.global.log == "" || o.global.log == "off":
	case was != nil && was.options.global.log == o.global.log:
		a.accessLog = was.global.accessLog
		a.inUse = true
		if a.file != nil {
			a.reopened, err = a.file.openAgain()
		}
	default:
		err = a.openLog(o, stdout, trouble)
	}
	if err != nil {
		return fmt.Errorf("--log: %w", err)
	}
	return nil
}

// limited returns how many requests were refused for their rate, also by the limits before.
func (a *globalMiddleware) limited() uint64 {
	if a.limit == nil {
		return a.refused
	}
	return a.refused + a.limit.Refused()
}

// trusts returns what tells proxies from clients, nil if there are no proxies.
func (a *globalMiddleware) trusts() func(netip.Addr) bool {
	if a.proxies == nil {
		return nil
	}
	return a.proxies.Trusts
}

// logDelay is how long lines of the access log are gathered for one write.
const logDelay = 250 * time.Millisecond

func (a *accessLog) openLog(o *options, stdout io.Writer, trouble *slog.Logger) (err error) {
	name, path, toFile := strings.Cut(o.global.log, "=")
	if toFile && path == "" {
		return fmt.Errorf("%q names no file: write %s=FILE", o.global.log, name)
	}
	to := stdout
	if toFile {
		to = nil
	}
	if a.format, err = o.logFormat(name, to); err != nil {
		return err
	}
	if toFile {
		if a.file, err = openLogFile(path, trouble); err != nil {
			return err
		}
		to = a.file
	}
	a.out = eventloop.NewLogWriter(to, eventloop.LogOptions{
		Delay:   logDelay,
		Dropped: func(p []byte, lines int) []byte { return a.format.AppendDropped(p, time.Now(), lines) },
		OnError: func(err error) { trouble.Error("access log", "error", err) },
	})
	return nil
}

// middleware returns the middleware around all answers of one loop, or nil if there
// is none.
func (a *globalMiddleware) middleware(p *perLoop) http.Middleware {
	var list []http.Middleware
	if a.security {
		list = append(list, middleware.Security)
	}
	if p.log != nil {
		list = append(list, p.log.Wrap)
	}
	if a.proxies != nil {
		list = append(list, a.proxies.Wrap)
	}
	if a.limit != nil {
		list = append(list, a.tries.unlimited(a.limit))
	}
	if len(list) == 0 {
		return nil
	}
	return http.Chain(list...)
}

// ofLoop returns the log of one loop, that which is in use there if there is one: so lines of
// requests that have begun go to the log of then. Was is nil if there is none.
func (a *accessLog) ofLoop(p *perLoop, was *middleware.AccessLog) *middleware.AccessLog {
	switch {
	case a.out == nil:
		return nil
	case was != nil:
		return was // which gets its output and its users when p is put into use
	}
	log := &middleware.AccessLog{}
	a.set(log, p)
	return log
}

// set has the log of a loop write here, with the users of what the loop serves.
func (a *accessLog) set(log *middleware.AccessLog, p *perLoop) {
	log.SetOut(a.out, a.format)
	log.User = p.userOf()
}

// succeed closes the log before this one, which no loop writes to any more. It waits for the disk.
func (a *accessLog) succeed(was *accessLog) error {
	switch {
	case a.reopened != nil:
		file := a.reopened
		a.reopened = nil
		return a.file.replace(file)
	case was.out != a.out:
		return was.close(logEnd)
	}
	return nil
}

// discard closes what was opened for a setup that is not put into use.
func (a *accessLog) discard() {
	if a.inUse {
		if a.reopened != nil {
			a.reopened.Close()
		}
		return
	}
	_ = a.close(0) // no line was written
}

// close writes the lines that are left, for at most the given time. It is called
// after the loops have ended.
func (a *accessLog) close(within time.Duration) error {
	var err error
	if a.out != nil {
		err = a.out.Close(within)
	}
	if a.file != nil {
		err = errors.Join(err, a.file.close())
	}
	if err != nil {
		return fmt.Errorf("--log: %w", err)
	}
	return nil
}
