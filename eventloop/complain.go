package eventloop

import (
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"
)

// A reporter writes the log of a loop. An error that occurs a thousand times a second is
// logged once, with the number of those that were left out, so that neither the log nor
// the loop drowns in it. Any goroutine may use it.
type reporter struct {
	loop *Loop
	log  *slog.Logger

	mu   sync.Mutex
	last map[string]*lastLine // the latest of each kind, of which there are few
}

// A lastLine is the time of the latest line of a kind, and how many were left out since.
type lastLine struct {
	at      time.Duration
	skipped int
}

func (r *reporter) init(l *Loop, log *slog.Logger) {
	if log == nil {
		log = DefaultLog()
	}
	r.loop, r.log = l, log
}

// complain logs an error of the machine, once a second for each kind. It must be called
// on the loop's goroutine.
func (r *reporter) complain(kind string, err error) {
	if skipped, ok := r.allow(kind, r.loop.clock.now); ok {
		r.log.Warn(kind, "error", err, "skipped", skipped)
	}
}

// Warn logs what a peer may cause a thousand times a second: once a second for each message,
// with more about it as pairs of log/slog, and as "skipped" how many lines were left out since
// the last one. It must be called on the loop's goroutine.
func (l *Loop) Warn(message string, more ...any) {
	l.owner.check("Loop.Warn")
	if skipped, ok := l.report.allow(message, l.clock.now); ok {
		l.report.log.Warn(message, append(more, "skipped", skipped)...)
	}
}

// allow reports whether a line of a kind may be logged, and how many were left out since
// the last one, this one included.
func (r *reporter) allow(kind string, now time.Duration) (skipped int, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	last := r.last[kind]
	if last == nil {
		if r.last == nil {
			r.last = make(map[string]*lastLine)
		}
		last = &lastLine{at: -time.Hour}
		r.last[kind] = last
	}
	if now-last.at < time.Second {
		last.skipped++
		return last.skipped, false
	}
	skipped = last.skipped
	last.at, last.skipped = now, 0
	return skipped, true
}

// LogPanic logs a panic that its caller has recovered, with more about it as pairs of
// log/slog. The stack is there once a second at most; "shortened"
// says of how many panics it was left out since it was last there. Without it, "at" has the
// line of code that has panicked. Any goroutine may call it.
func (l *Loop) LogPanic(what string, value any, more ...any) {
	// The clock, and not the time of the turn: that is the loop's.
	shortened, inFull := l.report.allow("panic", l.kernel.Monotonic())
	more = append(more, "value", fmt.Sprint(value), "shortened", shortened)
	if stack := string(debug.Stack()); inFull {
		more = append(more, "stack", stack)
	} else {
		more = append(more, "at", firstUserFrame(stack))
	}
	l.report.log.Error(what, more...)
}
