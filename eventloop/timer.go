package eventloop

import "time"

// Timers are the deadlines of a loop: timers for functions, and the wheel for
// connections.
type timers struct {
	heap  indexedHeap[*Timer] // the earliest first
	wheel wheel
}

// next returns the first deadline, bobbin.Forever if there is none.
func (t *timers) next() time.Duration {
	at := t.wheel.next()
	if len(t.heap) > 0 {
		at = min(at, t.heap[0].at)
	}
	return at
}

// due reports whether a deadline may be over.
func (t *timers) due(now *clock) bool {
	return t.wheel.at < now.ticks || len(t.heap) > 0 && t.heap[0].at <= now.now
}

// pop takes out a timer that is due, and returns nil if there is none.
func (t *timers) pop(now time.Duration) *Timer {
	if len(t.heap) == 0 || t.heap[0].at > now {
		return nil
	}
	return t.heap.remove(0)
}

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
	l.owner.check("Loop.After")
	t := &Timer{loop: l, at: l.clock.after(d), run: f}
	l.timers.heap.push(t)
	return t
}

// before and setIndex implement heapItem.
func (t *Timer) before(other *Timer) bool { return t.at < other.at }
func (t *Timer) setIndex(i int)           { t.index = i }

// Stop keeps a timer from running, and reports whether it would have.
func (t *Timer) Stop() bool {
	t.loop.owner.check("Timer.Stop")
	if t.index < 0 {
		return false
	}
	t.loop.timers.heap.remove(t.index)
	return true
}

// runTimer runs one that is due.
func (l *Loop) runTimer(t *Timer) {
	l.checkWatchdog()
	l.recorder.noteLate(l.clock.now - t.at)
	l.shield(t.run)
	l.endCallback(nil)
}

// timerBudget is how many timers run in one turn before sockets have theirs
// again.
const timerBudget = 256

// look decides about a connection whose slot on the wheel has come up.
func (c *Conn) look() {
	l := c.loop
	if c.deadline == 0 {
		return // it was given up since, and is off the wheel now
	}
	if c.deadline <= l.clock.now {
		c.readable, c.writable = true, true // ask again; the call tells the truth
		c.readInput()
		c.flush(c.loop.lists.dirty.take(c))
	}
	switch {
	case c.state == Dead || c.deadline == 0:
		return
	case c.deadline > l.clock.now:
		l.timers.wheel.moved(c)
		return
	}
	l.record(Deadline, c, int64(l.clock.now-c.deadline))
	l.recorder.noteLate(l.clock.now - c.deadline)
	c.deadline = 0
	if c.state == Lingering || c.failure() != nil {
		c.markClosed(nil)
		return
	}
	c.end = ClosedTimeout
	c.protocol.OnTimeout(c)
	if c.canRead() {
		c.end = 0
	}
}
