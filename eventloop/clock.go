package eventloop

import (
	"time"

	"github.com/bobbin-http/bobbin"
)

// A clock has the time of this turn. The kernel's monotonic clock is read once a turn, and
// all that happens in a turn happens at that time. The time of day is read only in a turn
// in which something asks for it.
type clock struct {
	kernel bobbin.Kernel
	start  time.Time     // when the kernel's monotonic clock was 0
	now    time.Duration // of this turn, by that clock
	ticks  int64         // the same, in ticks

	wall   time.Time     // the time of day when it was read last
	wallAt time.Duration // in the turn of this time; -1 if it was not
}

// init has the loop be made now.
func (t *clock) init(k bobbin.Kernel) {
	t.kernel, t.wallAt = k, -1
	t.start = k.Now().Add(-k.Monotonic())
	t.set()
}

// set begins a turn.
func (t *clock) set() {
	t.now = t.kernel.Monotonic()
	t.ticks = int64(t.now / tick)
}

// tickNow returns the tick of this turn and 1, which is never 0: as Conn keeps a time.
func (t *clock) tickNow() int32 { return int32(t.ticks) + 1 }

// after returns when d will have passed. A time beyond farthest is as good as
// never, and a sum that wrapped would be long ago.
func (t *clock) after(d time.Duration) time.Duration { return t.now + min(d, farthest) }

const farthest = 100 * 365 * 24 * time.Hour

// WallTime returns the time of day of this turn: the clock is read when that is first asked
// for. It must be called on the loop's goroutine.
func (l *Loop) WallTime() time.Time {
	t := &l.clock
	if t.wallAt != t.now {
		t.wall, t.wallAt = t.kernel.Now(), t.now
	}
	return t.wall
}

// Uptime returns how long before this turn the loop's kernel was opened. For what is kept
// for each connection it takes a third of the memory of a time.Time.
func (l *Loop) Uptime() time.Duration { return l.clock.now }

// ReadClock returns what Uptime would be if the turn had begun at this moment, for what takes a
// part of a turn. It reads the clock each time. It must be called on the loop's goroutine.
func (l *Loop) ReadClock() time.Duration { return l.clock.kernel.Monotonic() }

// WallTimeAt returns the time at which Uptime was d.
func (l *Loop) WallTimeAt(d time.Duration) time.Time { return l.clock.start.Add(d) }
