package middleware

import (
	"bytes"
	"io"
	"sync/atomic"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// AccessLog writes a line for each request when it is answered. Common and Combined are
// what Apache httpd writes for "%h %l %u %t \"%r\" %>s %b" and the longer one, so
// that everything that reads such logs reads these. A request whose client left
// before there was an answer has "-" as its status. What is asked of the server
// itself, below "/-/", is not logged.
//
// Lines are gathered, and written a quarter of a second later by a goroutine of the
// log's own, an eventloop.LogWriter: a slow disk, or a pipe that is not read, holds
// neither the loop nor its end. If it is so slow that a mebibyte has gathered, lines
// are dropped, and a line says how many were.
//
// As http.Config.Middleware, it has a line for every answer; around a handler, it has
// none for requests that are refused before a handler is asked. The request line is as
// it was sent, of a refused request as much as came.
//
// An AccessLog goes around everything else, and belongs to one loop. Those of
// several loops share a file through one LogWriter, which is Out for all of them.
type AccessLog struct {
	// Out is written to by a LogWriter that the first line makes and Close ends,
	// unless it is a LogWriter: that is used as it is, and ended by its owner.
	Out    io.Writer
	Format LogFormat

	// User returns who has made a request, "" if that is not known;
	// BasicAuth.User does. Nobody is known if it is nil.
	User func(r *http.Request) string

	// OnError, if set, is told that lines begin to be lost, because Out fails or does
	// not take them. It is called on a goroutine of its own.
	OnError func(err error)

	// Owned by the loop's goroutine.
	loop *eventloop.Loop
	to   *eventloop.LogWriter
	line []byte // the last one
	free []*logEntry

	last atomic.Int64 // when the last line was made, in nanoseconds since 1970
}

// logDelay is for how long lines are gathered, and logEnd how long Close waits for
// them to be written.
const (
	logDelay = 250 * time.Millisecond
	logEnd   = time.Second
)

// reserved is where the server answers for itself: health checks and metrics
// would flood the log.
var reserved = []byte("/-/")

// Wrap is the http.Middleware.
func (l *AccessLog) Wrap(next http.Handler) http.Handler {
	return func(w *http.Response, r *http.Request) error {
		if !isReserved(r) {
			l.follow(w, r)
		}
		return next(w, r)
	}
}

// isReserved reports whether a path lies below reserved, and not only begins so, as
// "/-/../secret" does.
func isReserved(r *http.Request) bool {
	if !bytes.HasPrefix(r.PathBytes(), reserved) {
		return false
	}
	path, err := r.CleanPathBytes(nil)
	return err == nil && bytes.HasPrefix(path, reserved)
}

// A logEntry is a request that is under way. It is used again, so that a line costs
// no memory.
type logEntry struct {
	log     *AccessLog
	request *http.Request
	begun   time.Time
	status  http.Status // 0 while there is no answer
	size    int64

	onAnswer func(http.Status, int64)
	onEnd    func()
}

// entriesKept is how many are kept to be used again.
const entriesKept = 256

// follow has a request logged when it is answered.
func (l *AccessLog) follow(w *http.Response, r *http.Request) {
	v := l.take(r)
	w.OnAnswer(v.onAnswer)
	w.OnEnd(v.onEnd)
}

func (l *AccessLog) take(r *http.Request) *logEntry {
	if l.loop == nil {
		l.open(r.Conn().Loop())
	}
	var v *logEntry
	if n := len(l.free); n > 0 {
		v = l.free[n-1]
		l.free = l.free[:n-1]
	} else {
		v = &logEntry{log: l}
		v.onAnswer, v.onEnd = v.answered, v.over
	}
	v.request, v.begun, v.status, v.size = r, r.Time(), 0, 0
	return v
}

// answered is called while the request is still there to be read; when it is over,
// it may be another's, if somebody else has answered in the handler's place.
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

// open makes ready for the first line.
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
	if l.Format == JSON {
		l.line = l.appendJSON(l.line[:0], v)
	} else {
		l.line = l.appendCommon(l.line[:0], v)
	}
	l.last.Store(l.loop.WallTime().UnixNano())
	l.to.Write(l.line)
}

// Flush has the lines that were gathered written now. It does not wait for that, and
// must be called on the loop.
func (l *AccessLog) Flush() {
	if l.to != nil {
		l.to.Flush()
	}
}

// Close waits until the lines are written, for a second at most, and says how many
// were lost. It is called when the loop has ended. A LogWriter that was given is left
// to its owner.
func (l *AccessLog) Close() error {
	if l.to == nil || l.to == l.Out {
		return nil
	}
	return l.to.Close(logEnd)
}
