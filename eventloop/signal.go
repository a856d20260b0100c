package eventloop

import (
	"os"
	"os/signal"
)

// OnSignal runs f on the loop, as posted work, for each of the signals that arrives: a
// signal interrupts no callback. It ends with the loop, or when stop is called. Any
// goroutine may call either.
func (l *Loop) OnSignal(f func(os.Signal), signals ...os.Signal) (stop func()) {
	return onSignal(func(s os.Signal) (more bool) {
		return l.Post(func() { f(s) }) != ErrStopped
	}, signals)
}

// OnSignal calls f for each of the signals that arrives, on a goroutine of its own,
// until stop is called. It is for programs with several loops, one of which may end
// before the others. f must not wait.
func OnSignal(f func(os.Signal), signals ...os.Signal) (stop func()) {
	return onSignal(func(s os.Signal) (more bool) {
		f(s)
		return true
	}, signals)
}

func onSignal(f func(os.Signal) (more bool), signals []os.Signal) (stop func()) {
	ch := make(chan os.Signal, 8) // a signal that finds no room is lost
	done := make(chan struct{})
	signal.Notify(ch, signals...)
	go func() {
		for {
			select {
			case s := <-ch:
				if !f(s) {
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
