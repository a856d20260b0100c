package eventloop

import (
	"time"

	"github.com/bobbin-http/bobbin"
)

// A clock has the time of this turn. The kernel's clock is read once a turn, and all
// that happens in a turn happens at that time.
type clock struct {
	start time.Time     // when the loop was made
	wall  time.Time     // of this turn
	now   time.Duration // of this turn, since start
	ticks int64         // the same, in ticks

	since func(time.Time) time.Duration // of the kernel, if it has one
}

// init has the loop be made now.
func (t *clock) init(k bobbin.Kernel) {
	t.start = k.Now()
	t.wall = t.start
	if k, ok := k.(interface{ Since(time.Time) time.Duration }); ok {
		t.since = k.Since
	}
}

// set begins a turn at a time that the kernel's clock has shown.
func (t *clock) set(wall time.Time) {
	t.wall = wall
	t.now = wall.Sub(t.start)
	t.ticks = int64(t.now / tick)
}

// read returns the time since start. Where the kernel can tell it alone, that takes half of
// the time that its clock takes, which is also read for the date.
func (t *clock) read(k bobbin.Kernel) time.Duration {
	if t.since != nil {
		return t.since(t.start)
	}
	return k.Now().Sub(t.start)
}

// tickNow returns the tick of this turn and 1, which is never 0: as Conn keeps a time.
func (t *clock) tickNow() int32 { return int32(t.ticks) + 1 }

// after returns when d will have passed. A time beyond farthest is as good as
// never, and a sum that wrapped would be long ago.
func (t *clock) after(d time.Duration) time.Duration { return t.now + min(d, farthest) }

const farthest = 100 * 365 * 24 * time.Hour

// WallTime returns the time of this turn. The clock is read once a turn.
func (l *Loop) WallTime() time.Time { return l.clock.wall }

// Uptime returns how long before this turn the loop was made. For what is kept for
// each connection it takes a third of the memory of a time.Time.
func (l *Loop) Uptime() time.Duration { return l.clock.now }

// WallTimeAt returns the time at which Uptime was d.
func (l *Loop) WallTimeAt(d time.Duration) time.Time { return l.clock.start.Add(d) }
