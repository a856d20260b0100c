package sim

import (
	"iter"
	"time"
)

// A work is a function that runs beside the loop: a coroutine, whose next step is taken
// at a later Wait. The seed decides at which, so the order of a run is in its seed, and
// no two steps run at the same time.
type work struct {
	at     time.Time // of the next step
	next   func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool
	parked bool // it waits for a wake
	woken  bool // the next wait returns at once
}

// Work begins work beside the loop. An eventloop.Loop uses it in place of goroutines.
func (k *Kernel) Work(f func(wait func())) (wake func()) {
	w := &work{}
	w.next, w.stop = iter.Pull(func(yield func(struct{}) bool) {
		w.yield = yield
		f(func() {
			if !w.woken {
				w.parked = true
				k.parked++
				if !yield(struct{}{}) {
					return // the run is over
				}
			}
			w.woken = false
		})
	})
	k.schedule(w)
	return func() {
		w.woken = true
		if w.parked {
			w.parked = false
			k.parked--
			k.schedule(w)
		}
	}
}

// schedule has a work go on at a later time.
func (k *Kernel) schedule(w *work) {
	w.at = k.now.Add(time.Duration(1 + k.Roll(100_000)))
	if k.strikes(k.Luck.SlowWork) {
		w.at = k.now.Add(time.Duration(k.Roll(int(time.Second))))
	}
	if k.strikes(k.Luck.HungWork) {
		w.at = k.now.Add(time.Duration(30+k.Roll(300)) * time.Second)
	}
	k.works = append(k.works, w)
}

// Hang returns when d has passed, for work that waits for a disk. It is called in that
// work.
func (k *Kernel) Hang(d time.Duration) {
	w := k.running
	w.at = k.now.Add(d)
	k.works = append(k.works, w)
	w.yield(struct{}{})
}

// runWorks takes the next step of each work that is due.
func (k *Kernel) runWorks() {
	var due []*work
	left := k.works[:0]
	for _, w := range k.works {
		if w.at.After(k.now) {
			left = append(left, w)
		} else {
			due = append(due, w)
		}
	}
	clear(k.works[len(left):])
	k.works = left
	for _, w := range due {
		k.note("work", 0, 0)
		k.running = w
		w.next()
		k.running = nil
	}
}

// Parked returns how many works wait for a wake that has not come.
func (k *Kernel) Parked() int { return k.parked }
