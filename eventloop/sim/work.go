package sim

import (
	"iter"
	"time"
)

// A work is something that runs elsewhere: a coroutine, whose next step is taken
// at a later Wait, when chance says that it is due. So it takes turns with the
// loop in an order that the seed decides, and never runs beside it.
type work struct {
	at     time.Time // of the next step
	next   func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool
	parked bool // it waits to be woken
	woken  bool // it need not wait next time
}

// Work implements bobbin.Kernel.
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

// schedule has a work go on at some later time.
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

// Hang, called by what runs elsewhere, returns when d has passed: a disk that does
// not answer.
func (k *Kernel) Hang(d time.Duration) {
	w := k.running
	w.at = k.now.Add(d)
	k.works = append(k.works, w)
	w.yield(struct{}{})
}

// runWorks takes the next step of what is due.
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
