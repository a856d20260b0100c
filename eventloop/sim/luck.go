package sim

import (
	"math/rand/v2"
	"time"
)

// Luck holds the odds of each misfortune: in how many of a thousand occasions it
// strikes. The zero value is a kernel without any.
type Luck struct {
	ShortRead  int // fewer bytes than there are, with a nil error
	LateBytes  int // fewer bytes than there are; the rest "arrives" after the call
	NotNow     int // no bytes, in spite of the event; another event follows
	ShortWrite int // fewer bytes than there is room for, with a nil error
	FullWrite  int // no room, in spite of the event; another event follows
	Spurious   int // an event without reason
	Delayed    int // an event that comes one wait later
	HalfEvent  int // reading and writing come as two events, as in kqueue
	EarlyWake  int // a wait that returns early, without an event (EINTR)
	Suspend    int // the machine sleeps through a wait, for minutes
	Exhausted  int // accept finds no descriptor
	DiedQueued int // a connection is reset while it waits to be accepted
	ColdFile   int // a range of a file is not in memory
	SlowWork   int // work beside the loop takes up to a second
	HungWork   int // work beside the loop waits for a disk that hangs for minutes
	PeerReset  int // a client that is waiting resets its connection instead
}

// draw makes the luck of a seed. Each misfortune is absent half of the time, so runs
// differ in kind and not only in degree.
func draw(r *rand.Rand) Luck {
	var l Luck
	for _, odds := range []struct {
		of   *int
		most int
	}{
		{&l.ShortRead, 500}, {&l.LateBytes, 500}, {&l.NotNow, 300},
		{&l.ShortWrite, 500}, {&l.FullWrite, 300}, {&l.Spurious, 100},
		{&l.Delayed, 300}, {&l.HalfEvent, 1000}, {&l.EarlyWake, 200},
		{&l.Suspend, 5}, {&l.Exhausted, 300}, {&l.DiedQueued, 100},
		{&l.PeerReset, 20}, {&l.ColdFile, 500}, {&l.SlowWork, 500},
	} {
		if r.IntN(2) == 0 {
			*odds.of = 1 + r.IntN(odds.most)
		}
	}
	return l
}

// strikes decides one occasion. It is always false once the kernel is calm.
func (k *Kernel) strikes(odds int) bool {
	return odds > 0 && !k.calm && k.rand.IntN(1000) < odds
}

// Between returns a duration in [least, most).
func (k *Kernel) Between(least, most time.Duration) time.Duration {
	return least + time.Duration(k.rand.Int64N(int64(most-least)))
}

// Roll returns a number in [0, n).
func (k *Kernel) Roll(n int) int { return k.rand.IntN(n) }
