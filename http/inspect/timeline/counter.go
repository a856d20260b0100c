package timeline

import "github.com/bobbin-http/bobbin/eventloop"

// The counters of a loop.
const (
	countConnections = iota
	countOwed
	countEvents
	counterKinds
)

var counterNames = [counterKinds]string{countConnections: "connections", countOwed: "owed bytes", countEvents: "events per wait"}

// counters are those of one loop. A value is an event when it has changed, and the one
// before is old enough.
type counters struct {
	list    [counterKinds]counter
	pending int // how many have a value that is no event yet
}

type counter struct {
	shown   int64 // the latest value that is an event, -1 for none
	shownAt int64
	value   int64
	since   int64
	pending bool
}

func newCounters() (c counters) {
	for i := range c.list {
		c.list[i].shown = -1
	}
	return c
}

// gauge takes a value.
func (t *track) gauge(m meaning, at, value int64) {
	which := countEvents
	switch m {
	case openGauge:
		which = countConnections
	case owedGauge:
		which = countOwed
	default:
		t.turn.arg = value
	}
	c := &t.counters.list[which]
	if which == countEvents && c.pending {
		value = max(value, c.value) // the most since the event before
	}
	if c.pending || value != c.shown {
		if !c.pending {
			c.pending = true
			t.counters.pending++
		}
		c.value, c.since = value, at
	}
	t.counters.flush(t, at)
}

// flush makes events of the values whose time has come.
func (c *counters) flush(t *track, at int64) {
	if c.pending == 0 {
		return
	}
	for i := range c.list {
		one := &c.list[i]
		if !one.pending || one.shown >= 0 && at < one.shownAt+t.b.thin.spacing {
			continue
		}
		one.pending = false
		c.pending--
		if one.value == one.shown {
			continue
		}
		when := one.since
		if one.shown >= 0 {
			when = max(when, one.shownAt+t.b.thin.spacing)
		}
		one.shown, one.shownAt = one.value, when
		t.b.put(event{what: aCounter, at: when, loop: t.loop, kind: eventloop.Kind(i), arg: one.value})
	}
}
