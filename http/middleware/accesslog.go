package middleware

import (
	"bytes"
	"io"
	"sync/atomic"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// AccessLog writes a line for each answered request. Common and Combined are Apache
// httpd's formats "%h %l %u %t \"%r\" %>s %b" and the longer one with Referer and
// User-Agent, so every program that reads such logs reads these. The status is "-" if
// the client left before there was an answer. Requests below "/-/", for the server
// itself, are not logged.
//
// Lines are buffered, and written a quarter of a second later by the goroutine of an
// eventloop.LogWriter: a slow disk or a pipe without a reader holds neither the loop
// nor its end. When a mebibyte is waiting, further lines are dropped, and a line
// reports their number.
//
// In http.Config.Middleware, the log has a line for every answer; around a handler,
// it lacks the requests that the server refuses by itself. The request line is logged
// as sent; of a refused request, the part that was read.
//
// An AccessLog goes outside of all other middleware and belongs to one loop. Several
// loops share a file through one LogWriter, the Out of each AccessLog.
type AccessLog struct {
	// Out takes the lines. If it is a LogWriter, it is used directly and its owner
	// closes it; otherwise the first line makes a LogWriter for it, and Close closes
	// that.
	Out    io.Writer
	Format LogFormat

	// User returns the user of a request, or "" if unknown; BasicAuth.User is one.
	// With nil, all users are unknown.
	User func(r *http.Request) string

	// OnError, if set, is called when lines begin to be lost, because Out fails or
	// does not take them. It runs on a goroutine of its own.
	OnError func(err error)

	// Owned by the loop's goroutine.
	loop *eventloop.Loop
	to   *eventloop.LogWriter
	line []byte // the latest line
	free []*logEntry

	last atomic.Int64 // time of the latest line, in nanoseconds since 1970
}

// logDelay is how long lines are buffered, logEnd how long Close waits for them to be
// written.
const (
	logDelay = 250 * time.Millisecond
	logEnd   = time.Second
)

// reserved is the path of the server's own pages: health checks and metrics would
// flood the log.
var reserved = []byte("/-/")

// Wrap is the http.Middleware.
func (l *AccessLog) Wrap(next http.Handler) http.Handler {
	return func(w *http.Response, r *http.Request) error {
		if l.loop == nil {
			if err := offLoop(r, "AccessLog"); err != nil {
				return err
			}
		}
		if !isReserved(r) {
			l.follow(w, r)
		}
		return next(w, r)
	}
}

// isReserved reports whether a path lies below reserved once it is cleaned;
// "/-/../secret" does not.
func isReserved(r *http.Request) bool {
	if !bytes.HasPrefix(r.PathBytes(), reserved) {
		return false
	}
	path, err := r.CleanPathBytes(nil)
	return err == nil && bytes.HasPrefix(path, reserved)
}

// A logEntry is the log's part of a running request. It is reused, so a line
// allocates nothing.
type logEntry struct {
	log     *AccessLog
	request *http.Request
	begun   time.Time
	since   time.Duration // the same by Loop.Uptime
	status  http.Status   // 0 before the answer
	size    int64

	onAnswer func(http.Status, int64)
	onEnd    func()
}

// entriesKept is the number of entries kept for reuse.
const entriesKept = 256

// follow registers the hooks that log a request.
func (l *AccessLog) follow(w *http.Response, r *http.Request) {
	v := l.take(r)
	w.OnAnswer(v.onAnswer)
	w.OnEnd(v.onEnd)
}

func (l *AccessLog) take(r *http.Request) *logEntry {
	if l.loop == nil {
		l.open(r.Loop())
	}
	var v *logEntry
	if n := len(l.free); n > 0 {
		v = l.free[n-1]
		l.free = l.free[:n-1]
	} else {
		v = &logEntry{log: l}
		v.onAnswer, v.onEnd = v.answered, v.over
	}
	v.request, v.begun, v.since, v.status, v.size = r, r.Time(), l.loop.Uptime(), 0, 0
	return v
}

// answered logs the request while it can still be read. After its end it may belong
// to another request.
func (v *logEntry) answered(status http.Status, size int64) {
	v.status, v.size = status, size
	v.log.add(v)
	v.request = nil
}

func (v *logEntry) over() {
	l := v.log
	if v.request != nil {
		l.add(v) // there was no answer
		v.request = nil
	}
	if len(l.free) < entriesKept {
		l.free = append(l.free, v)
	}
}

// open makes the LogWriter before the first line.
func (l *AccessLog) open(loop *eventloop.Loop) {
	l.loop = loop
	if to, ok := l.Out.(*eventloop.LogWriter); ok {
		l.to = to
		return
	}
	l.to = eventloop.NewLogWriter(l.Out, eventloop.LogOptions{
		Delay:   logDelay,
		OnError: l.OnError,
		Dropped: func(p []byte, lines int) []byte {
			return l.Format.AppendDropped(p, time.Unix(0, l.last.Load()), lines)
		},
	})
}

// add writes a line.
func (l *AccessLog) add(v *logEntry) {
	switch l.Format {
	case JSON:
		l.line = l.appendJSON(l.line[:0], v)
	case Short, Coloured:
		l.line = l.appendShort(l.line[:0], v)
	default:
		l.line = l.appendCommon(l.line[:0], v)
	}
	l.last.Store(l.loop.WallTime().UnixNano())
	l.to.Write(l.line)
}

// SetOut has all further lines go to another LogWriter, in another format perhaps: those of
// requests that have begun, too. It is for a log whose Out is a LogWriter, which its owner
// closes afterwards. It must be called on the loop's goroutine.
func (l *AccessLog) SetOut(out *eventloop.LogWriter, format LogFormat) {
	l.Out, l.Format = out, format
	if l.loop != nil {
		l.to = out
	}
}

// Flush starts writing the buffered lines now, without waiting. It must be called on
// the loop.
func (l *AccessLog) Flush() {
	if l.to != nil {
		l.to.Flush()
	}
}

// Close waits for the lines to be written, for a second at most, and returns an error
// with the number of lost lines. It is called after the loop has ended. It does not
// close an Out that is a LogWriter.
func (l *AccessLog) Close() error {
	if l.to == nil || l.to == l.Out {
		return nil
	}
	return l.to.Close(logEnd)
}
