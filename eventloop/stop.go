package eventloop

// How a loop ends: it accepts what clients have begun and closes its listeners, lets
// every protocol finish what has begun, and cuts off what has not ended in time.

import (
	"errors"
	"sync/atomic"
	"time"
)

// A stopState is how far a loop has come to its end.
type stopState struct {
	ran    atomic.Bool
	asked  bool // functions that were posted before come first
	begun  bool
	gaveUp bool // on all that has not ended
}

// Errors of a loop that is used again.
var (
	errRan   = errors.New("eventloop: Run was called before: a loop runs once, so make another one")
	errEnded = errors.New("eventloop: the loop has ended, or is about to: make another one to listen")
)

// begin makes the caller's goroutine the loop's, or returns an error if the loop ran before.
func (l *Loop) begin() error {
	if !l.stop.ran.CompareAndSwap(false, true) {
		return errRan
	}
	l.owner.take()
	return nil
}

// Stopping reports whether the loop wants to end.
func (l *Loop) Stopping() bool { return l.stop.begun }

// Stop has the loop end. Requests that have begun are finished, within Limits.Drain. A
// second call cuts everything off at once. Any goroutine may call it.
func (l *Loop) Stop() {
	l.mail.stops.Add(1)
	_ = l.kernel.Wake() // a loop that has ended needs none
}

// stopUnlessStopped is Stop, unless that was called before.
func (l *Loop) stopUnlessStopped() {
	if l.mail.stops.CompareAndSwap(0, 1) {
		_ = l.kernel.Wake()
	}
}

func (l *Loop) onStops() {
	n := l.mail.stops.Load()
	if n == 1 && !l.stop.asked && l.mail.waiting.Load() {
		l.stop.asked = true // what was posted before runs before: the stop begins in the next turn
		return
	}
	if n > 0 && !l.stop.begun {
		l.beginStop()
	}
	if n > 1 && !l.stop.gaveUp {
		l.cutOff()
	}
}

// beginStop has the listeners accept what the kernel has begun, and the protocols
// finish.
func (l *Loop) beginStop() {
	l.stop.begun = true
	l.listeners.waiting = false // what has come to sockets of this process alone is served
	l.noteSpecial()
	for _, ln := range l.listeners.all {
		ln.stop()
	}
	for c := range l.conns.all() {
		if c.canRead() && c.protocol != nil {
			l.guard(c, c.stop)
		}
	}
	l.After(l.limits.Drain, l.cutOff)
}

// StopGrace returns how long after Stop a protocol should wait for what may be on its
// way to it: at most so long, and less where Limits.Drain is short.
func (l *Loop) StopGrace(most time.Duration) time.Duration {
	return min(most, l.limits.Drain/2)
}

// deferred is how long after it was begun the kernel accepts a connection that has
// said nothing, for DeferAccept, and some time for the packets.
const deferred = 1200 * time.Millisecond

// stop ends accepting. Closing a listener resets every connection in its queue, and
// those that the kernel has begun and that are not in its queue yet. So where the
// kernel can refuse new ones, the listener goes on for as long as those may take.
// Each loop does so for its own listener, whenever it hears of the stop: a client that
// one of a group refuses comes again, and those that another has begun stay its own.
//
// Where the kernel cannot, the queue is emptied, and once more right before the listener
// is closed.
func (ln *Listener) stop() {
	l := ln.loop
	ln.removeFile()
	switch {
	case ln.closed:
	case ln.handedOver.Load():
		ln.enterDoor()
		ln.Close() // the queue is the other process's
	case ln.acceptQueue != nil:
		ln.acceptQueue.close() // another loop keeps the connections that it accepts from now on
		ln.drain()
		ln.Close()
	case ln.from == nil && l.kernel.Refuse(ln.fd):
		ln.refuses = true
		until := l.clock.now + l.StopGrace(l.limits.StopGrace+deferred)
		var look func()
		look = func() {
			if ln.closed {
				return
			}
			handshaking := l.kernel.Handshaking(ln.fd) // before, for those that end it meanwhile
			ln.drain()
			if ln.ready || handshaking && l.clock.now < until {
				// A connection in the queue for want of a descriptor has until cutOff.
				l.After(tick, look)
				return
			}
			ln.Close()
		}
		ln.drain()
		l.After(l.StopGrace(l.limits.StopGrace), look)
	default:
		ln.drain()
		ln.Close()
	}
}

// drain accepts what there is.
func (ln *Listener) drain() {
	ln.ready = true
	for i := 0; ln.ready && i < backlogTurns; i++ {
		ln.loop.checkWatchdog()
		ln.accept()
		ln.loop.endCallback(nil)
	}
}

// backlogTurns is how many batches empty the longest queue there is.
const backlogTurns = 64

// stop tells one protocol to finish, after it was shown what is in the socket
// already: a request that has come is begun.
func (c *Conn) stop() {
	c.readable = true
	c.readInput()
	if c.canRead() {
		c.protocol.OnShutdown(c)
	}
}

// cutOff closes all connections. A lingering one has had its answer, and an idle one has
// none to come: only others are counted as cut.
func (l *Loop) cutOff() {
	l.stop.gaveUp = true
	for _, ln := range l.listeners.all {
		ln.cutQueue()
		ln.Close()
	}
	for c := range l.conns.all() {
		if c.state == Dead {
			continue
		}
		if c.state != Lingering && (c.idleSince == 0 || c.Buffered() > 0) {
			c.closeMode = closeReset
		}
		c.markClosed(ErrCut)
	}
}

// cutQueue resets what still waits for room, which closing the listener would do
// without a word, and counts it as cut off.
func (ln *Listener) cutQueue() {
	l := ln.loop
	if ln.closed || ln.handedOver.Load() {
		return
	}
	for range l.limits.AcceptBatch * backlogTurns {
		fd, _, err := ln.take()
		if err != nil {
			return // the queue is empty, or there is no descriptor to count by
		}
		l.record(CutInQueue, nil, int64(fd))
		if err := l.kernel.Reset(fd); err != nil {
			l.report.complain("reset", err)
		}
	}
}

// over reports whether a loop that wants to end has ended.
func (l *Loop) over() bool {
	return l.stop.begun && l.conns.open == 0 && len(l.listeners.all) == 0 && !l.closings.any() && (!l.workers.underWay() || l.stop.gaveUp)
}

// shut gives back whatever is left, whichever way Run ends.
func (l *Loop) shut() {
	defer flushLog(l.report.log, time.Second)
	l.stop.gaveUp = true
	l.mail.shut()
	for _, ln := range l.listeners.all {
		ln.Close()
	}
	for c := range l.conns.all() {
		c.markClosed(ErrCut)
	}
	for l.closings.any() || len(l.listeners.closed) > 0 {
		l.reap()
	}
	l.checkWatchdog()
	l.workers.goroutines.stop()
	if err := l.kernel.Shut(); err != nil {
		l.report.complain("shut", err)
	}
}
