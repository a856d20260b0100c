package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
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
	trusted []string
}

// globalMiddleware is the same, opened. It is closed after the loops have ended.
type globalMiddleware struct {
	security bool                  // see --security
	limit    *middleware.RateLimit // shared by all loops
	tries    *tries                // whose requests have no limit
	proxies  *middleware.RealIP
	file     *logFile

	out    *eventloop.LogWriter // for the lines of all loops; nil without --log
	format middleware.LogFormat
}

// open opens the log and parses the rate and the proxies. Lines go to stdout unless a
// file is named.
func (a *globalMiddleware) open(o *options, stdout io.Writer, trouble *slog.Logger) (err error) {
	a.security = o.site.security
	if o.global.rate != "" {
		if a.limit, err = middleware.ParseRateLimit(o.global.rate); err != nil {
			return fmt.Errorf("--limit-rate: %w", err)
		}
		a.limit.Shared = o.loops > 1
	}
	if len(o.global.trusted) > 0 {
		prefixes, err := middleware.ParsePrefixes(strings.Join(o.global.trusted, ","))
		if err != nil {
			return fmt.Errorf("--trust: %w", err)
		}
		a.proxies = &middleware.RealIP{Trusted: prefixes, UnixSocket: true}
	}
	if o.global.log != "" && o.global.log != "off" {
		if err := a.openLog(o.global.log, stdout, trouble); err != nil {
			return fmt.Errorf("--log: %w", err)
		}
	}
	return nil
}

// logDelay is how long lines of the access log are gathered for one write.
const logDelay = 250 * time.Millisecond

func (a *globalMiddleware) openLog(text string, stdout io.Writer, trouble *slog.Logger) (err error) {
	name, path, toFile := strings.Cut(text, "=")
	if a.format, err = middleware.ParseLogFormat(name); err != nil {
		return err
	}
	to := stdout
	if toFile && path == "" {
		return fmt.Errorf("%q names no file: write %s=FILE", text, name)
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
	if a.out != nil {
		log := &middleware.AccessLog{Out: a.out, Format: a.format}
		if p.users != nil {
			log.User = p.users.User
		}
		list = append(list, log.Wrap)
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

// close writes the lines that are left, for at most the given time. It is called
// after the loops have ended.
func (a *globalMiddleware) close(within time.Duration) error {
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
