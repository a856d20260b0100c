package eventloop

import (
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// An error that occurs a thousand times a second is logged once, with the number of
// those that were left out, so that neither the log nor the loop drowns in it.

// complaints remember the latest line of each kind. Any goroutine may ask.
type complaints struct {
	mu   sync.Mutex
	last map[string]*complaint // by kind, of which there are few
}

// A complaint is the time of the latest line of a kind, and how many were left out.
type complaint struct {
	at      time.Duration
	skipped int
}

// complain logs an error of the machine, once a second for each kind.
func (l *Loop) complain(what string, err error) {
	if skipped, ok := l.mayComplain(what, l.now); ok {
		l.log.Warn(what, "error", err, "skipped", skipped)
	}
}

// mayComplain reports whether a line of a kind may be logged, and how many were left
// out since the last one, this one included.
func (l *Loop) mayComplain(what string, now time.Duration) (skipped int, ok bool) {
	c := &l.complaints
	c.mu.Lock()
	defer c.mu.Unlock()
	last := c.last[what]
	if last == nil {
		if c.last == nil {
			c.last = make(map[string]*complaint)
		}
		last = &complaint{at: -time.Hour}
		c.last[what] = last
	}
	if now-last.at < time.Second {
		last.skipped++
		return last.skipped, false
	}
	skipped = last.skipped
	last.at, last.skipped = now, 0
	return skipped, true
}

// LogPanic logs a panic that its caller has recovered, with more about it as pairs
// of log/slog. The stack is there once a second at most; "shortened"
// says of how many panics it was left out since it was last there. Any goroutine may
// call it.
func (l *Loop) LogPanic(what string, value any, more ...any) {
	// The clock, and not the time of the turn: that is the loop's.
	shortened, inFull := l.mayComplain("panic", l.kernel.Now().Sub(l.start))
	more = append(more, "value", fmt.Sprint(value), "shortened", shortened)
	if inFull {
		more = append(more, "stack", string(debug.Stack()))
	}
	l.log.Error(what, more...)
}
