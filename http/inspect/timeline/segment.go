package timeline

import (
	"slices"

	"github.com/bobbin-http/bobbin/eventloop"
)

// The segments of a turn: what ends each, and the slice that it becomes.

// number returns that of the turn, 0 between two.
func (t *track) number() uint32 {
	if !t.inTurn {
		return 0
	}
	return t.turn.turn
}

// begun returns when the segment under way began.
func (t *track) begun(at int64) int64 {
	if t.inTurn {
		return t.from
	}
	return at
}

// setLabel names the segment under way. What came first in it names it.
func (t *track) setLabel(label eventloop.Kind) {
	if t.label == labelNone {
		t.label = label
	}
	if t.first == labelNone {
		t.first = label
	}
}

// segment ends the segment under way. It is a slice if it has a name or took time.
func (t *track) segment(at int64, conn *connection, request uint32) {
	if t.label != labelNone || at > t.from {
		if conn == nil && len(t.readers) == 1 {
			conn = t.readers[0]
		}
		if t.label == labelNone {
			t.label = t.first
		}
		t.slice(event{what: aCallback, at: t.from, dur: at - t.from, conn: conn, request: request, kind: t.label, arg: t.in})
	}
	t.next(at)
}

// next begins a segment.
func (t *track) next(at int64) {
	t.from, t.label, t.in, t.readers = at, labelNone, 0, t.readers[:0]
}

// drop ends a segment without a slice, so that no arrow can begin in it.
func (t *track) drop(at int64) {
	for _, c := range t.readers {
		c.seen = false
		c.arrows = slices.DeleteFunc(c.arrows, func(a arrow) bool { return a.read == t.from })
	}
	t.next(at)
}

// slice adds a slice to the turn.
func (t *track) slice(e event) {
	if t.inTurn {
		e.loop, e.turn = t.loop, t.turn.turn
		t.pending = append(t.pending, e)
	}
}

// beginHandler ends the segment that has read the request. The requests of a pipeline
// come one behind the other, and are parsed at the end of the one before.
func (t *track) beginHandler(at int64, c *connection, request uint32) {
	c.handled(t.b, request, at)
	if h := &t.handler; h.conn == c && h.ended >= 0 {
		h.ended = at
	}
	t.closeHandler()
	t.segment(at, c, request)
	t.handler = handler{conn: c, request: request, began: at, ended: -1}
}

// endHandler is for one that began in this callback, or long before if it has waited.
func (t *track) endHandler(at int64, c *connection, request, route uint32) {
	h := &t.handler
	if h.conn != c || h.request != request || h.ended >= 0 {
		t.closeHandler()
		*h = handler{conn: c, request: request, began: t.begun(at)}
	}
	h.ended, h.route = at, route
	c.routed(request, route, at)
	t.drop(at)
}

// closeHandler adds the slice of the handler, from its beginning to its end.
func (t *track) closeHandler() {
	h := t.handler
	if h.conn == nil {
		return
	}
	t.handler = handler{}
	if h.ended < 0 || !t.inTurn {
		h.conn.unhandled(h.request) // it goes on, in this callback or another
		return
	}
	t.slice(event{what: aHandler, at: h.began, dur: h.ended - h.began, conn: h.conn, request: h.request, route: h.route, status: h.status})
	t.from = max(t.from, h.ended)
}

// endCallback ends what the callback has done: a handler goes on until the callback ends,
// because it ends by making the answer.
func (t *track) endCallback(at int64, id uint32) {
	var conn *connection
	if id != 0 {
		conn = t.b.connection(t.loop, id, at)
	}
	if h := &t.handler; h.conn != nil && (h.conn == conn || h.ended < 0) {
		h.ended = at
		t.closeHandler()
		t.drop(at)
	} else {
		t.closeHandler()
		t.segment(at, conn, 0)
	}
	t.first = labelNone
}

// endWrite adds the slice of a write, and ends the arrows that lead to it.
func (t *track) endWrite(at int64, c *connection, took int64) {
	t.closeHandler()
	begun := max(at-min(max(took, 0), at), t.begun(at))
	t.drop(at)
	t.slice(event{what: aWrite, at: begun, dur: at - begun, conn: c, request: c.only(), arg: c.unwritten})
	c.unwritten = 0
	waiting := c.arrows[:0]
	for _, a := range c.arrows {
		if c.waits(a.request) {
			waiting = append(waiting, a)
		} else {
			t.arrow(c, a, begun)
		}
	}
	c.arrows = waiting
	c.flushed(t.b, at)
}

// arrow notes the events of an arrow that ends in a write of this turn.
func (t *track) arrow(c *connection, a arrow, at int64) {
	if !t.inTurn {
		return
	}
	e := event{what: flowBegins, at: a.read, loop: t.loop, turn: t.turn.turn, conn: c, request: a.request}
	t.arrows = append(t.arrows, e)
	if a.handler >= 0 {
		e.what, e.at = flowSteps, a.handler
		t.arrows = append(t.arrows, e)
	}
	e.what, e.at = flowEnds, at
	t.arrows = append(t.arrows, e)
}
