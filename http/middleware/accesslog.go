package middleware

import (
	"bytes"
	"io"
	"strconv"
	"sync"
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
// Lines are gathered, and written on a worker a quarter of a second later: a slow
// disk, or a pipe that nobody reads, does not hold the loop. If it is so slow that
// a mebibyte has gathered, lines are dropped, and a line says how many were.
//
// An AccessLog goes around everything else, and belongs to one loop. Those of
// several loops may write to the same file: what is written at a time is whole
// lines.
type AccessLog struct {
	Out    io.Writer
	Format LogFormat

	// User returns who has made a request, "" if that is not known;
	// BasicAuth.User does. Nobody is known if it is nil.
	User func(r *http.Request) string

	// OnError, if set, is told on the loop that Out has failed. The lines that
	// it was given count as dropped.
	OnError func(err error)

	// Owned by the loop's goroutine.
	loop     *eventloop.Loop
	lines    []byte // gathered
	gathered int    // how many those are
	dropped  int    // since the last line that says so
	armed    bool   // a timer will flush
	away     bool   // a worker writes
	free     []*visit
	work     func() // the methods, made into functions once
	back     func(error)
	due      func()

	mu    sync.Mutex // held while Out is written to
	batch []byte     // handed to the worker, and not yet taken up
	size  int        // how many lines that is
	lost  int        // lines that Out did not take
	torn  bool       // Out has taken a part of a line
	err   error
}

// Lines are written when there are logEnough bytes of them, or logDelay after the
// first. There may be logMost bytes of them, and as many being written.
const (
	logEnough = 32 << 10
	logMost   = 1 << 20
	logDelay  = 250 * time.Millisecond
)

// reserved is where the server answers for itself: health checks and metrics
// would flood the log.
var reserved = []byte("/-/")

// Around is the http.Middleware.
func (l *AccessLog) Around(next http.Handler) http.Handler {
	return func(w *http.Response, r *http.Request) error {
		if !bytes.HasPrefix(r.PathBytes(), reserved) {
			l.follow(w, r)
		}
		return next(w, r)
	}
}

// A visit is a request that is under way. It is used again, so that a line costs
// no memory.
type visit struct {
	log     *AccessLog
	request *http.Request
	begun   time.Time
	status  http.Status // 0 while there is no answer
	size    int64

	onAnswer func(http.Status, int64)
	onEnd    func()
}

// visitsKept is how many are kept to be used again.
const visitsKept = 256

// follow has a request logged when it is answered.
func (l *AccessLog) follow(w *http.Response, r *http.Request) {
	v := l.take(r)
	w.OnAnswer(v.onAnswer)
	w.OnEnd(v.onEnd)
}

func (l *AccessLog) take(r *http.Request) *visit {
	if l.loop == nil {
		l.loop = r.Conn().Loop()
		l.work, l.back, l.due = l.write, l.written, l.tick
	}
	var v *visit
	if n := len(l.free); n > 0 {
		v = l.free[n-1]
		l.free = l.free[:n-1]
	} else {
		v = &visit{log: l}
		v.onAnswer, v.onEnd = v.answered, v.over
	}
	v.request, v.begun, v.status, v.size = r, r.Time(), 0, 0
	return v
}

// answered is called while the request is still there to be read; when it is over,
// it may be another's, if somebody else has answered in the handler's place.
func (v *visit) answered(status http.Status, size int64) {
	v.status, v.size = status, size
	v.log.add(v)
	v.request = nil
}

func (v *visit) over() {
	l := v.log
	if v.request != nil {
		l.add(v) // there was no answer
		v.request = nil
	}
	if len(l.free) < visitsKept {
		l.free = append(l.free, v)
	}
}

// add gathers a line.
func (l *AccessLog) add(v *visit) {
	if len(l.lines) >= logMost {
		l.dropped++
		return
	}
	l.confess()
	if l.Format == JSON {
		l.lines = l.appendJSON(l.lines, v)
	} else {
		l.lines = l.appendCommon(l.lines, v)
	}
	l.gathered++
	if len(l.lines) >= logEnough {
		l.Flush()
	} else {
		l.arm()
	}
}

// confess adds a line about those that were dropped.
func (l *AccessLog) confess() {
	if l.dropped == 0 {
		return
	}
	p := l.lines
	if l.Format == JSON {
		p = l.loop.Now().UTC().AppendFormat(append(p, `{"time":"`...), jsonTime)
		p = append(p, `","log.dropped":`...)
		p = strconv.AppendInt(p, int64(l.dropped), 10)
		p = append(p, "}\n"...)
	} else {
		// In the shape of the others, so that it disturbs nobody who reads them.
		p = l.loop.Now().AppendFormat(append(p, "- - - "...), commonTime)
		p = append(p, ` "`...)
		p = strconv.AppendInt(p, int64(l.dropped), 10)
		p = append(p, ` lines dropped" - -`...)
		if l.Format == Combined {
			p = append(p, ` "-" "-"`...)
		}
		p = append(p, '\n')
	}
	l.lines, l.dropped = p, 0
}

func (l *AccessLog) arm() {
	if !l.armed && !l.away {
		l.armed = true
		l.loop.After(logDelay, l.due)
	}
}

func (l *AccessLog) tick() {
	l.armed = false
	l.Flush()
}

// Flush has what was gathered written now. It does not wait for that, and must be
// called on the loop.
func (l *AccessLog) Flush() {
	if l.away || len(l.lines) == 0 {
		return
	}
	l.away = true
	l.hand()
	l.loop.Offload(l.work, l.back)
}

// hand makes a batch of what was gathered.
func (l *AccessLog) hand() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.batch, l.lines = l.lines, l.batch[:0]
	l.size, l.gathered = l.gathered, 0
}

// write runs on a worker. Until Out has taken a batch, it counts as lost.
func (l *AccessLog) write() {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, size := l.batch, l.size
	l.batch, l.size = p[:0], 0
	if len(p) == 0 {
		return // Close was faster
	}
	l.lost += size
	if l.torn {
		if _, l.err = l.Out.Write([]byte("\n")); l.err != nil {
			return
		}
		l.torn = false
	}
	n, err := l.Out.Write(p)
	if err == nil {
		l.lost -= size
	} else {
		l.err = err
		l.torn = n > 0 && p[n-1] != '\n'
	}
}

// written runs on the loop when a worker has written, or tried to.
func (l *AccessLog) written(panicked error) {
	l.away = false
	err := l.settle()
	if panicked != nil {
		err = panicked
	}
	if err != nil && l.OnError != nil {
		l.OnError(err)
	}
	switch {
	case len(l.lines) >= logEnough:
		l.Flush()
	case len(l.lines) > 0:
		l.arm()
	}
}

// settle takes notice of what was lost.
func (l *AccessLog) settle() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.err
	l.dropped += l.lost
	l.lost, l.err = 0, nil
	return err
}

// Close writes what is left, and waits for that. It is called when the loop has
// ended.
func (l *AccessLog) Close() error {
	if l.loop == nil {
		return nil // there was no request
	}
	l.write() // what no worker has come to
	err := l.settle()
	l.confess()
	l.hand()
	l.write()
	if last := l.settle(); last != nil {
		err = last
	}
	return err
}
