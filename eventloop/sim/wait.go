package sim

import (
	"time"

	"github.com/bobbin-http/bobbin"
)

// patience is how many waits in a row may pass without an event before that is a fault
// of the loop.
const patience = 2000

// Wait implements bobbin.Kernel. Time passes here: clients act, edges become events, and
// when nothing is ready the clock jumps to the next thing that is due.
func (k *Kernel) Wait(events []bobbin.Event, until time.Duration) (int, error) {
	if k.Every != nil {
		k.Every()
	}
	before, running := k.trace, len(k.scripts)
	k.now = k.now.Add(time.Duration(1 + k.Roll(50_000))) // a turn takes some microseconds
	if k.strikes(k.Luck.Suspend) {
		k.sleepUntil(k.now.Add(time.Duration(30+k.Roll(300)) * time.Second))
	}
	k.runScripts()
	k.runWorks()
	k.endDeferrals()
	n := k.collect(events)
	early := k.strikes(k.Luck.EarlyWake)
	for n == 0 && !k.woken.Load() && !early && until > bobbin.NoWait {
		if running > 0 && len(k.scripts) == 0 {
			break // the last client has gone: Every may stop the loop
		}
		if len(k.late) > 0 {
			n = k.collect(events)
			continue
		}
		next, ok := k.nextMove()
		if until != bobbin.Forever && (!ok || next.Sub(opened) > until) {
			next, ok = opened.Add(until), true
		}
		if !ok {
			return 0, ErrStuck
		}
		if next.After(k.now) {
			k.now = next
		}
		k.runScripts()
		k.runWorks()
		k.endDeferrals()
		n = k.collect(events)
		if k.Monotonic() >= until {
			break
		}
	}
	k.woken.Store(false)
	k.watchSpin(n, before)
	return n, nil
}

// watchSpin finds a loop that turns without an event.
func (k *Kernel) watchSpin(events int, before uint64) {
	if events > 0 || k.trace != before {
		k.idle = 0
		return
	}
	if k.idle++; k.idle == patience {
		k.fault("%d turns in a row in which nothing happened", patience)
	}
}

// sleepUntil lets the clients go on while the machine of the loop sleeps.
func (k *Kernel) sleepUntil(t time.Time) {
	for {
		next, ok := k.nextMove()
		if !ok || next.After(t) {
			break
		}
		if next.After(k.now) {
			k.now = next
		}
		if !k.runScripts() {
			break // all clients wait for the loop
		}
	}
	k.now = t
}

// An edge is a change at a descriptor that no event has reported yet.
type edge struct {
	of    *object
	ready bobbin.Ready
}

// collect turns pending edges into events, in a random order.
func (k *Kernel) collect(events []bobbin.Event) int {
	var list []edge
	for _, e := range k.late {
		if e.of.fd < len(k.table) && k.table[e.of.fd] == e.of {
			list = append(list, e) // the events of a closed descriptor are dropped
		}
	}
	k.late = k.late[:0]
	for _, o := range k.table {
		if o == nil || !o.watched {
			continue
		}
		ready := o.pending
		if ready != 0 {
			ready |= o.ready() // an event reports the state at its time
		}
		if ready == 0 && k.strikes(k.Luck.Spurious) {
			ready = bobbin.Readable | bobbin.Writable
		}
		if ready == 0 {
			continue
		}
		o.pending = 0
		switch {
		case k.strikes(k.Luck.Delayed):
			k.late = append(k.late, edge{o, ready})
		case ready&bobbin.Readable != 0 && ready&bobbin.Writable != 0 && k.strikes(k.Luck.HalfEvent):
			list = append(list, edge{o, ready &^ bobbin.Writable}, edge{o, ready &^ bobbin.Readable})
		default:
			list = append(list, edge{o, ready})
		}
	}
	k.rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	n := min(len(events), len(list))
	for i, e := range list[:n] {
		events[i] = bobbin.Event{FD: e.of.fd, Ready: e.ready}
	}
	k.late = append(k.late, list[n:]...)
	k.note("wait", n, 0)
	return n
}
