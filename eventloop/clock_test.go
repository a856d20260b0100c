package eventloop

import (
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// A watch is a kernel that counts the readings of its clocks.
type watch struct {
	*sim.Kernel
	deadlines, dates int
}

func (k *watch) Monotonic() time.Duration { k.deadlines++; return k.Kernel.Monotonic() }
func (k *watch) Now() time.Time           { k.dates++; return k.Kernel.Now() }

func TestATurnReadsTheClockForDeadlinesOnceAndTheOtherWhenAsked(t *testing.T) {
	for _, row := range []struct {
		name  string
		asks  int // for the time of day, in a turn
		dates int
	}{
		{"the time of day is not read if nothing asks for it", 0, 0},
		{"it is read when something does", 1, 1},
		{"all that happens in a turn happens at one time", 3, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			k := &watch{Kernel: sim.New(1)}
			l := loopWith(t, Config{Kernel: k})
			const turns = 10
			left := turns
			var next func()
			next = func() {
				first := l.WallTimeAt(l.Uptime())
				for range row.asks {
					if now := l.WallTime(); !now.Equal(first) {
						t.Errorf("it is %v, and was %v", now, first)
					}
				}
				if left--; left > 0 {
					l.After(time.Second, next)
				}
			}
			l.After(time.Second, next)
			k.deadlines, k.dates = 0, 0
			for range turns {
				if err := l.turn(); err != nil {
					t.Fatal(err)
				}
			}
			if left != 0 || k.deadlines != turns || k.dates != row.dates*turns {
				t.Errorf("%d of %d turns are left, with %d and %d readings", left, turns, k.deadlines, k.dates)
			}
		})
	}
}
