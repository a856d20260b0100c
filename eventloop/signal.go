package eventloop

import (
	"os"
	"os/signal"
)

// OnSignal has the loop run f for each of the signals that arrives, as posted
// work: a signal interrupts nothing. The result stops that. Any goroutine may
// call either.
func (l *Loop) OnSignal(f func(os.Signal), signals ...os.Signal) (stop func()) {
	// Room for some, since a signal that finds none is lost.
	ch := make(chan os.Signal, 8)
	done := make(chan struct{})
	signal.Notify(ch, signals...)
	go func() {
		for {
			select {
			case s := <-ch:
				if l.Post(func() { f(s) }) == ErrStopped {
					signal.Stop(ch)
					return
				}
			case <-done:
				return
			}
		}
	}()
	return func() {
		signal.Stop(ch)
		close(done)
	}
}
