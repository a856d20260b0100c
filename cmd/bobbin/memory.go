package main

import (
	"runtime/debug"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
)

// A handshake leaves garbage, of which Go lets four times as much stand as there is
// live memory (see run), as long as clients do nothing but keep their connections
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
