package std

import (
	nethttp "net/http"
	"runtime"
	"testing"
)

// TestOneGoroutineReadsAtATime has a goroutine of a handler wait for its turn to read.
// Another one that wants to read must not wait for a turn as well: each would give its own
// up to the other, without end and with nothing read.
func TestOneGoroutineReadsAtATime(t *testing.T) {
	turns := newTurns(nil)
	b := &body{turns: turns, over: true}
	turns.Lock()
	read := make(chan error)
	go func() {
		_, err := b.Read(make([]byte, 1))
		read <- err
	}()
	for turns.waiting.Load() == 0 {
		runtime.Gosched()
	}
	if b.readers.TryLock() {
		t.Error("a second goroutine may wait for its turn to read")
		b.readers.Unlock()
	}
	turns.Unlock()
	if err := <-read; err != nethttp.ErrBodyReadAfterClose {
		t.Error(err)
	}
}
