// Package watchdog finds out what holds the one thread of a step. It has a thread of its
// own, because a loop that is held cannot say so.
package watchdog

import (
	"sync/atomic"
	"time"
)

// A Dog watches one loop.
type Dog struct{ running, culprit atomic.Pointer[string] }

// Begin tells what the loop does from now on, End that it has done it.
func (d *Dog) Begin(what string) { d.running.Store(&what) }

// End ends what was begun.
func (d *Dog) End() { d.running.Store(nil) }

// Culprit is what has held the loop last.
func (d *Dog) Culprit() string {
	if what := d.culprit.Load(); what != nil {
		return *what
	}
	return "nothing"
}

// #region watch

// Watch looks again and again. What is still running when it looks for the second time
// holds the loop.
func (d *Dog) Watch(every time.Duration) {
	var before *string
	for range time.Tick(every) {
		now := d.running.Load()
		if now != nil && now == before {
			d.culprit.Store(now)
		}
		before = now
	}
}

// #endregion
