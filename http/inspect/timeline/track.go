package timeline

import "github.com/bobbin-http/bobbin/eventloop"

// A track is a loop. A turn is collected until the next begins, because the label of a
// callback depends on the phase, and a phase is known by its end.
//
// Times of records are chained: all of a turn is divided into segments, and each segment
// belongs to a callback, a handler or a write.
type track struct {
	b    *Builder
	loop uint16
	last int64 // the time of the latest record

	inTurn  bool
	turn    event
	phase   int64   // when the phase under way began
	pending []event // of the turn
	labels  int     // where those of the phase begin in pending
	ran     int64   // functions or timers of the phase

	from    int64 // when the segment under way began
	label   eventloop.Kind
	first   eventloop.Kind // the first label in the callback
	in      int64          // bytes read in the segment
	readers []*connection  // in it
	handler handler
	arrows  []event // that end in this turn, each three or two

	counters counters
}

// farthest is as late as a record may be, 36 years: sums of such times are numbers, too.
const farthest = 1 << 60

// A handler is the one that runs or has just run.
type handler struct {
	conn    *connection // nil for none
	request uint32
	route   uint32
	status  uint16
	began   int64
	ended   int64 // -1 while it runs
}

// add adds a record.
func (t *track) add(r *eventloop.Record) {
	at := max(min(int64(r.At), farthest), t.last) // a track is in order, whatever came
	t.last = at
	if s := &t.b.summary; s.from < 0 || at < s.from {
		s.from = at
	}
	t.b.summary.to = max(t.b.summary.to, at)
	t.counters.flush(t, at)
	m := t.b.meanings[r.Kind]
	switch {
	case m == unseen:
	case m == openGauge || m == owedGauge || m == turnBegan:
		t.gauge(m, at, r.Arg)
	case m >= waitEnded && m <= reapEnded:
		t.endPhase(m, at)
	case m == callbackEnded:
		t.endCallback(at, r.Conn)
	case m == postedRan || m == timersRan:
		t.ran = r.Arg
	case r.Conn == 0:
		t.b.put(event{what: anInstant, at: at, loop: t.loop, turn: t.number(), kind: r.Kind, arg: r.Arg})
	default:
		t.addConnection(m, at, r)
	}
}

// addConnection adds a record of a connection.
func (t *track) addConnection(m meaning, at int64, r *eventloop.Record) {
	c := t.b.connection(t.loop, r.Conn, at)
	switch m {
	case accepted:
		c.anew = true
		t.setLabel(labelAccept)
	case readBytes:
		t.closeHandler()
		t.setLabel(labelRead)
		t.readers = append(t.readers, c)
		c.read(r.Arg, t.begun(at), t.inTurn)
		t.in += r.Arg
	case readPart:
		c.part()
	case headRead, streamHeadRead:
		c.streams = m == streamHeadRead
		c.begins(t.b, r.Request, at)
	case streamReset:
		c.reset(t.b, r.Request, at)
	case handlerBegan:
		t.beginHandler(at, c, r.Request)
	case handlerEnded:
		t.endHandler(at, c, r.Request, uint32(r.Arg))
	case done:
		t.b.summary.Requests++
		c.answered(t.b, r.Request, uint16(r.Arg), at)
		if h := &t.handler; h.conn == c && h.request == r.Request {
			h.status = uint16(r.Arg)
		}
	case wroteBytes:
		c.wrote(r.Arg, at)
	case writeEnded:
		t.endWrite(at, c, r.Arg)
	case closed:
		t.b.end(c, at, r.Kind)
	default:
		switch m {
		case deadline:
			t.setLabel(labelDeadline)
		case handshake:
			t.setLabel(labelHandshake)
		}
		t.b.put(event{what: anInstant, at: at, loop: t.loop, turn: t.number(), conn: c, kind: r.Kind, arg: r.Arg})
	}
}

// endPhase ends a phase, and with that of waiting the turn before.
func (t *track) endPhase(m meaning, at int64) {
	if m == waitEnded {
		t.endTurn()
		t.b.summary.Turns++
		t.inTurn, t.turn = true, event{what: aTurn, at: at, loop: t.loop, turn: uint32(t.b.summary.Turns)}
		t.phase, t.labels, t.ran, t.first = at, 0, 0, labelNone
		t.next(at)
		return
	}
	t.closeHandler()
	if !t.inTurn {
		return
	}
	phase := m - waitEnded
	for i := range t.pending[t.labels:] {
		if e := &t.pending[t.labels+i]; e.what == aCallback && e.kind == labelNone {
			switch m {
			case postedEnded:
				e.kind = labelPosted
			case timersEnded:
				e.kind = labelTimer
			}
		}
	}
	if at > t.phase { // most phases of a turn have nothing to do
		t.slice(event{what: aPhase, at: t.phase, dur: at - t.phase, kind: eventloop.Kind(phase), arg: t.ran})
	}
	t.phase, t.labels, t.ran, t.first = at, len(t.pending), 0, labelNone
	t.turn.dur = at - t.turn.at
	t.drop(at)
}

// endTurn adds the turn that is over.
func (t *track) endTurn() {
	if h := t.handler; h.conn != nil {
		h.conn.unhandled(h.request)
		t.handler = handler{}
	}
	if !t.inTurn {
		return
	}
	t.inTurn = false
	t.drop(t.last)
	end := t.turn.at + t.turn.dur
	t.b.put(t.turn)
	for _, e := range t.pending {
		if e.what == aPhase || e.dur >= isLong {
			e.within = t.turn.dur
		}
		if e.at+e.dur <= end { // the rest is of a phase whose end did not come
			t.b.put(e)
		} else {
			t.loseArrows()
		}
	}
	begins := 0
	for i, e := range t.arrows {
		if e.what != flowEnds {
			continue
		}
		if e.at <= end { // the arrow is there from its beginning to its end, or not
			for _, e := range t.arrows[begins : i+1] {
				t.b.put(e)
			}
		}
		begins = i + 1
	}
	t.pending, t.arrows = t.pending[:0], t.arrows[:0]
}

// lose ends what was under way when records were lost.
func (t *track) lose(block *Block) {
	t.endTurn()
	at := max(t.last, 0)
	if len(block.Records) > 0 {
		at = max(at, int64(block.Records[0].At))
	}
	t.b.summary.Lost += block.Lost
	t.b.lostAt = max(t.b.lostAt, at)
	t.b.put(event{what: aLoss, at: at, loop: t.loop, turn: uint32(t.b.summary.Turns), arg: int64(block.Lost)})
	t.loseArrows()
}

// loseArrows gives up the arrows that have begun.
func (t *track) loseArrows() {
	for _, c := range t.b.open {
		if c.loop == t.loop {
			c.arrows, c.partAt, c.seen = c.arrows[:0], -1, false
			c.doubt()
		}
	}
}
