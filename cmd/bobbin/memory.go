package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
)

// The garbage collector's target. The program holds little live memory and makes
// little garbage, so collecting less often than Go's default costs a few MiB. But
// much memory is live when clients do not take their answers, and four times as much
// garbage would be hundreds of MiB. So garbage is allowed in proportion to live
// memory while that is small, and up to a fixed amount beyond.

const (
	leastGarbage = 25       // percent of live memory
	mostGarbage  = 400      // percent of live memory
	garbageSize  = 32 << 20 // bytes, between those two
)

// garbageFor returns the percentage of live memory allowed as garbage (GOGC).
func garbageFor(live uint64) int {
	return int(min(max(garbageSize*100/max(live, 1), leastGarbage), mostGarbage))
}

// A gcWatch is garbage itself, so that its finalizer runs after each collection.
type gcWatch struct {
	percent int
	live    []metrics.Sample
}

// boundGarbage adjusts GOGC after each collection, by the live memory that the
// collection found.
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

// Memory after a burst of TLS handshakes. Their garbage stays while clients only keep
// connections open, because the runtime collects every two minutes then, and keeps
// the freed pages for itself. So after a burst the program gives memory back to the
// system: 5,000 idle connections then hold 9.7 KiB each instead of 19. A worker does
// it, and the loop is held for some tenths of a millisecond.

const (
	lookAtBurst = 10 * time.Second
	burst       = 500 // handshakes that make it worth while
)

// A burstEnd detects the end of a burst of handshakes.
type burstEnd struct {
	seen  uint64 // handshakes at the last call
	clean uint64 // handshakes when memory was last given back
}

// now reports whether a burst has ended, given the number of handshakes so far. The
// last interval must have at most a tenth of the handshakes since memory was last
// given back; so under a steady load that happens every hundred seconds at most.
func (b *burstEnd) now(handshakes uint64) bool {
	lately, all := handshakes-b.seen, handshakes-b.clean
	b.seen = handshakes
	if all < burst || lately > all/10 {
		return false
	}
	b.clean = handshakes
	return true
}

// keepLittle gives memory back after bursts of handshakes, until stop is called.
func keepLittle(loop *eventloop.Loop) (stop func()) {
	var end burstEnd
	var timer *eventloop.Timer
	var look func()
	look = func() {
		if end.now(loop.Count(eventloop.TLSHandshake)) {
			loop.Offload(debug.FreeOSMemory, func(error) {})
		}
		timer = loop.After(lookAtBurst, look)
	}
	timer = loop.After(lookAtBurst, look)
	return func() { timer.Stop() }
}
