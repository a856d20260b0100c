package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
)

// The program holds little and makes little garbage: collecting it less often than Go
// does by itself costs a few MiB. Where much is live, because clients do not take
// their answers, four times as much garbage would be hundreds of MiB. So garbage is
// allowed in proportion as long as that is little, and up to an amount beyond.

const (
	leastGarbage = 25       // percent of what is live
	mostGarbage  = 400      // percent of what is live
	garbageSize  = 32 << 20 // bytes, between those two
)

// garbageFor returns how many percent of the live bytes may be garbage.
func garbageFor(live uint64) int {
	return int(min(max(garbageSize*100/max(live, 1), leastGarbage), mostGarbage))
}

// A gcWatch is garbage itself, so that its finalizer runs after each collection.
type gcWatch struct {
	percent int
	live    []metrics.Sample
}

// boundGarbage keeps the garbage within its bounds from now on. A collection finds out
// what is live, and so says when the next one comes.
func boundGarbage() {
	w := &gcWatch{percent: mostGarbage, live: []metrics.Sample{{Name: "/gc/heap/live:bytes"}}}
	debug.SetGCPercent(w.percent)
	runtime.SetFinalizer(w, (*gcWatch).collected)
}

func (w *gcWatch) collected() {
	metrics.Read(w.live)
	if w.live[0].Value.Kind() == metrics.KindUint64 {
		if percent := garbageFor(w.live[0].Value.Uint64()); percent != w.percent {
			w.percent = percent
			debug.SetGCPercent(percent)
		}
	}
	runtime.SetFinalizer(w, (*gcWatch).collected)
}

// A handshake leaves garbage, of which four times as much stands as there is live
// memory, as long as clients do nothing but keep their connections
// open: what it collects every two minutes it keeps for itself. So what a burst of
// handshakes has left is given back to the system when it is over. 5,000 idle
// connections hold 9.7 KiB each then, and 19 before. It is done beside the loop, which
// is held for some tenths of a millisecond.

const (
	lookAtBurst = 10 * time.Second
	burst       = 500 // handshakes, which are worth it
)

// A burstEnd finds out when a burst of handshakes is over.
type burstEnd struct {
	seen  uint64 // how many handshakes there were when it was asked last
	clean uint64 // and when memory was given back last
}

// now reports whether a burst is over, by how many handshakes there were so far: it
// is when there are few beside those that have come before. So where they always
// come, memory is given back every hundred seconds at most.
func (b *burstEnd) now(handshakes uint64) bool {
	lately, all := handshakes-b.seen, handshakes-b.clean
	b.seen = handshakes
	if all < burst || lately > all/10 {
		return false
	}
	b.clean = handshakes
	return true
}

// keepLittle gives memory back after bursts of handshakes, until the result is
// called.
func keepLittle(loop *eventloop.Loop) (stop func()) {
	var end burstEnd
	var timer *eventloop.Timer
	var look func()
	look = func() {
		if end.now(loop.Counters().Handshakes) {
			loop.Offload(debug.FreeOSMemory, func(error) {})
		}
		timer = loop.After(lookAtBurst, look)
	}
	timer = loop.After(lookAtBurst, look)
	return func() { timer.Stop() }
}
