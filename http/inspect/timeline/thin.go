package timeline

import "slices"

// How a timeline keeps within its bound. What is left out is left out whole: connections,
// of which one in N stays; and if few connections make all of the events, requests and
// turns. Slices that took long always stay.

// A thinning decides which events are kept. It only ever keeps fewer.
type thinning struct {
	b           *Builder
	connections uint64 // one in so many of them, of requests and of turns
	requests    uint64
	turns       uint64
	long        int64 // nanoseconds of a turn that is kept in any case, with its phases and what was long in it
	spacing     int64 // nanoseconds between two values of a counter

	ofConnections, ofLoops, ofCounters int // lines of each
	ofLong                             int // of them, those that stay because they took long
	base                               int // lines that are always there
}

// isLong is what a person notices.
const isLong = int64(1e7)

func (t *thinning) init(b *Builder) {
	t.b = b
	t.connections, t.requests, t.turns = 1, 1, 1
	t.long, t.spacing = isLong, 1e6
	t.base = 2 + linesOfProcesses + linesOfTrack*len(b.loops)
	b.bound = max(b.bound, LeastEvents, 4*t.base)
}

// Lines that name a process or a track.
const (
	linesOfProcesses = 4
	linesOfTrack     = 2
)

// weight returns how many lines the file has.
func (t *thinning) weight() int { return t.base + t.ofConnections + t.ofLoops + t.ofCounters }

// has reports whether a connection is among those that stay.
func (t *thinning) has(c *connection) bool { return uint64(c.index)%t.connections == 0 }

// keeps reports whether an event stays.
func (t *thinning) keeps(e *event) bool {
	return e.what == aCounter || t.tooLong(e) || t.chooses(e)
}

// tooLong reports whether an event stays because it took long.
func (t *thinning) tooLong(e *event) bool {
	return e.what >= aTurn && e.what <= aWrite && max(e.dur, e.within) >= t.long
}

// longer returns a time that half of what is too long takes, or more.
func (t *thinning) longer() int64 {
	var list []int64
	for i := range t.b.events {
		if e := &t.b.events[i]; t.tooLong(e) {
			list = append(list, max(e.dur, e.within))
		}
	}
	slices.Sort(list)
	return list[len(list)/2] + 1
}

// chooses reports whether an event is one of so many.
func (t *thinning) chooses(e *event) bool {
	number := uint64(e.turn)
	if number == 0 {
		number = uint64(e.at) >> 10 // it is in no turn
	}
	if e.conn == nil {
		return number%t.turns == 0
	}
	if e.within > 0 && number%t.turns == 0 {
		return true // what was long is a part of its turn
	}
	if e.request != 0 {
		number = uint64(e.request)
	}
	return t.has(e.conn) && (e.what == aConnection || number%t.requests == 0)
}

// dropArrows drops arrows of which a slice is left out: that of their read and that of their write
// may belong to another request, and have its luck. Each event of an arrow is where its slice
// begins.
func (b *Builder) dropArrows() {
	if b.thin.requests == 1 && b.thin.turns == 1 {
		return
	}
	type place struct {
		loop uint16
		what what
		at   int64
	}
	of := map[what]what{flowBegins: aCallback, flowSteps: aHandler, flowEnds: aWrite}
	there := make(map[place]bool)
	for i := range b.events {
		if e := &b.events[i]; e.what >= aCallback && e.what <= aWrite {
			there[place{e.loop, e.what, e.at}] = true
		}
	}
	torn := make(map[uint64]bool)
	for i := range b.events {
		if e := &b.events[i]; e.what >= flowBegins && !there[place{e.loop, of[e.what], e.at}] {
			torn[e.id()] = true
		}
	}
	b.events = slices.DeleteFunc(b.events, func(e event) bool { return e.what >= flowBegins && torn[e.id()] })
}

// count counts an event that is kept.
func (t *thinning) count(e *event) {
	if t.tooLong(e) && !t.chooses(e) {
		t.ofLong++
	}
	switch {
	case e.what == aCounter:
		t.ofCounters++
	case e.what == aConnection:
		t.ofConnections += e.conn.lines()
	case e.conn != nil:
		t.ofConnections++
	default:
		t.ofLoops++
	}
}

// opened counts the event that a connection will be when it ends.
func (t *thinning) opened(c *connection, n int) {
	if t.has(c) {
		t.ofConnections += n * c.lines()
	}
}

// lines returns how many lines a connection has at most without its requests: its slice, and the
// names of the rows of its lane.
func (c *connection) lines() int { return 1 + linesOfTrack*max(c.depth, 1) }

// deepened counts the lines for one more row, if more requests of a connection overlap than before.
func (t *thinning) deepened(c *connection) {
	before := c.lines()
	c.depth = max(c.depth, min(len(c.requests), mostRows))
	if t.has(c) {
		t.ofConnections += c.lines() - before
	}
}

// more has fewer events stay, until there is room for more of them.
func (t *thinning) more() {
	for t.weight() > t.b.bound*3/4 {
		switch many := t.ofConnections > t.b.bound/4; {
		case t.ofLong > t.b.bound/4:
			t.long = t.longer()
		case many && t.connections < t.b.summary.Connections:
			t.connections *= 2
		case many:
			t.requests *= 2
		case t.ofCounters > t.ofLoops/2:
			t.spacing *= 2
		default:
			t.turns *= 2
		}
		t.again()
	}
}

// again looks at all events anew.
func (t *thinning) again() {
	t.ofConnections, t.ofLoops, t.ofCounters, t.ofLong = 0, 0, 0, 0
	for _, c := range t.b.open {
		t.opened(c, 1)
	}
	type series struct {
		loop uint16
		kind uint8
	}
	latest := make(map[series]int64)
	kept := t.b.events[:0]
	for i := range t.b.events {
		e := &t.b.events[i]
		if e.what == aCounter {
			one := series{e.loop, uint8(e.kind)}
			if at, ok := latest[one]; ok && e.at < at+t.spacing {
				continue
			}
			latest[one] = e.at
		}
		if t.keeps(e) {
			kept = append(kept, *e)
			t.count(e)
		}
	}
	clear(t.b.events[len(kept):]) // of pointers
	t.b.events = kept
}
