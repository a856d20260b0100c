package std

import (
	"sync/atomic"

	"github.com/bobbin-http/bobbin/http"
)

// turns has the goroutines of a handler use its request and its answer one after the other,
// as package http wants it. One that waits for the body gives its turn up to those that
// come: so a handler can answer while it waits for more of the body.
type turns struct {
	of      *http.Request
	free    chan struct{} // has an element while no goroutine has its turn; those that wait get it in order
	waiting atomic.Int32  // goroutines that wait for their turn
	reading atomic.Bool   // the one that has its turn may be waiting for the body
}

func newTurns(of *http.Request) *turns {
	t := &turns{of: of, free: make(chan struct{}, 1)}
	t.free <- struct{}{}
	return t
}

// Lock waits for a turn.
func (t *turns) Lock() {
	select {
	case <-t.free:
		return
	default:
	}
	t.waiting.Add(1)
	if t.reading.Load() {
		_ = t.of.InterruptRead() // if the loop has no room for it, the turn comes with the body
	}
	<-t.free
	t.waiting.Add(-1)
}

// Unlock ends a turn.
func (t *turns) Unlock() { t.free <- struct{}{} }

// beginReading notes that the goroutine which has its turn may wait for the body from now
// on, until it sets reading to false. It reports false if others wait for their turn: they
// may have looked before, and interrupt nothing.
func (t *turns) beginReading() bool {
	t.reading.Store(true)
	if t.waiting.Load() > 0 {
		t.reading.Store(false)
		return false
	}
	return true
}
