package eventloop

// How a loop ends: it accepts what is waiting and closes its listeners, lets
// everybody finish what has begun, and cuts off what has not ended in time.

// Stop has the loop end. What has begun is finished, within Limits.Drain. A
// second call cuts everything off at once. Any goroutine may call it.
func (l *Loop) Stop() {
	l.mail.stops.Add(1)
	_ = l.kernel.Wake() // a loop that has ended needs none
}

// stopUnlessStopped is Stop if nobody has called that.
func (l *Loop) stopUnlessStopped() {
	if l.mail.stops.CompareAndSwap(0, 1) {
		_ = l.kernel.Wake()
	}
}

func (l *Loop) heedStops() {
	switch n := l.mail.stops.Load(); {
	case n > 0 && !l.stopping:
		l.beginStop()
	case n > 1:
		l.cutOff()
	}
}

// beginStop empties the queues of the listeners before it closes them, because
// closing resets whoever waits there.
func (l *Loop) beginStop() {
	l.stopping, l.special = true, true
	for _, ln := range l.listeners {
		if ln.basket != nil {
			ln.basket.close() // what another loop accepts from now on, it keeps
		}
		ln.ready = true
		for i := 0; ln.ready && i < backlogTurns; i++ {
			l.guard(ln.accept)
		}
		ln.Close()
	}
	for _, c := range l.conns {
		if c != nil && c.speaks() && c.protocol != nil {
			l.current = c
			l.guard(func() { l.stopOne(c) })
		}
	}
	l.After(l.limits.Drain, l.cutOff)
}

// stopOne tells one protocol to finish, after it was shown what is in the socket
// already: a request that has come is begun.
func (l *Loop) stopOne(c *Conn) {
	c.readable = true
	l.proceed(c)
	if c.speaks() {
		c.protocol.Stopping(c)
	}
}

// backlogTurns is how many batches empty the longest queue there is.
const backlogTurns = 64

// cutOff ends what has not ended. Those who only linger have had their answer.
func (l *Loop) cutOff() {
	l.gaveUp = true
	for _, c := range l.conns {
		if c == nil || c.state == Dead {
			continue
		}
		if c.state != Lingering {
			l.cut = true
			c.reset = true
		}
		l.bury(c, ErrCut)
	}
}

// over reports whether a loop that wants to end has ended.
func (l *Loop) over() bool {
	return l.stopping && l.open == 0 && len(l.listeners) == 0 && len(l.dying) == 0 && (l.working+l.asides == 0 || l.gaveUp)
}

// shut gives back whatever is left, whichever way Run ends.
func (l *Loop) shut() {
	l.mail.shut()
	for _, ln := range l.listeners {
		ln.Close()
	}
	for _, c := range l.conns {
		if c != nil {
			l.bury(c, ErrCut)
		}
	}
	for len(l.dying)+len(l.deadListeners) > 0 {
		l.reap()
	}
	l.step()
	if err := l.kernel.Shut(); err != nil {
		l.complain("shut", err)
	}
}
