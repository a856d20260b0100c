package eventloop

import (
	"container/heap"
	"time"
)

// A Timer runs a function once. Connections have a deadline each (wheel.go),
// which costs them less; a Timer is for everything else.
type Timer struct {
	loop  *Loop
	at    time.Duration // since the loop was made
	run   func()
	index int // in the heap; -1 when it is not there
}

// After runs f on the loop when d has passed, in the phase for timers. It must
// be called on the loop's goroutine.
func (l *Loop) After(d time.Duration, f func()) *Timer {
	l.own("Loop.After")
	t := &Timer{loop: l, at: l.until(d), run: f}
	heap.Push(&l.timers, t)
	return t
}

// Stop keeps a timer from running, and reports whether it would have.
func (t *Timer) Stop() bool {
	t.loop.own("Timer.Stop")
	if t.index < 0 {
		return false
	}
	heap.Remove(&t.loop.timers, t.index)
	return true
}

// timerBudget is how many timers run in one turn before sockets have theirs
// again.
const timerBudget = 256

// look decides about a connection whose slot on the wheel has come up.
func (l *Loop) look(c *Conn) {
	if c.deadline == 0 {
		return // it was given up, and nobody unlinked it
	}
	if c.deadline <= l.now {
		c.readable, c.writable = true, true // ask again; the call tells the truth
		l.proceed(c)
		l.write(c)
	}
	switch {
	case c.state == Dead || c.deadline == 0:
		return
	case c.deadline > l.now:
		l.wheel.moved(c)
		return
	}
	l.record(Deadline, c, int64(l.now-c.deadline))
	l.recorder.noteLate(l.now - c.deadline)
	c.deadline = 0
	if c.state == Lingering || c.failed() {
		l.markClosed(c, nil)
		return
	}
	c.end = ClosedTimeout
	c.protocol.OnTimeout(c)
	if c.speaks() {
		c.end = 0
	}
}

// timerHeap implements heap.Interface, the earliest first.
type timerHeap []*Timer

func (h timerHeap) Len() int { return len(h) }

func (h timerHeap) Less(i, j int) bool { return h[i].at < h[j].at }

func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push implements heap.Interface.
func (h *timerHeap) Push(x any) {
	t := x.(*Timer)
	t.index = len(*h)
	*h = append(*h, t)
}

// Pop implements heap.Interface.
func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	t.index = -1
	return t
}
