package eventloop

import (
	"runtime"
	"time"

	"github.com/bobbin-http/bobbin"
)

// sleep asks the kernel for events, and waits for them. While work is being done off
// the loop it asks first without waiting, and if there is none lets that work go on:
// what the work posts then needs no wake-up, and one turn runs much of it. On one core
// that halves what a handler off the loop costs.
func (l *Loop) sleep() (int, error) {
	until := l.wakeTime()
	if l.workers.underWay() && until > bobbin.NoWait {
		if n, err := l.kernel.Wait(l.ready.events, bobbin.NoWait); n > 0 || err != nil {
			return n, err
		}
		runtime.Gosched()
		if until = l.wakeTime(); until <= bobbin.NoWait {
			return 0, nil
		}
	}
	return l.kernel.Wait(l.ready.events, until)
}

// wakeTime returns until when the loop may sleep: not at all while something is left
// to do, else until the next deadline.
func (l *Loop) wakeTime() time.Duration {
	if l.lists.any() || l.carriersReady() || l.closings.any() || l.listeners.any() || l.handshakes.oldest != nil && l.handshakes.mayStep() || l.mail.waiting.Load() || !l.stop.begun && l.mail.stops.Load() > 0 {
		return bobbin.NoWait
	}
	return l.timers.next()
}
