package eventloop

import "time"

// While there is a reader, records have times of their own. The clock is read at the end of
// each handler or callback and of each phase that did anything, and no end is read twice:
// the end of one callback is the start of the next.

// stamps are those times, and what is made of them.
type stamps struct {
	callbackAt   time.Duration // when the callback that runs began, or the latest phase ended
	phaseAt      time.Duration // when the phase began
	turnAt       time.Duration // when the turn's work began
	handlerEnded bool          // the latest stamp is the end of a handler, whose callback goes on
	turnEvents   int           // that the wait of this turn has returned

	// Since the frame before, as in Frame.
	longest     time.Duration
	longestConn uint32
	late        time.Duration
	longestTurn time.Duration
	mostEvents  int

	Histograms

	timed      bool                  // phases are measured
	afterFlush []func(time.Duration) // see AfterFlush
}

// beginFrame forgets the longest and the most that the frame before has.
func (s *stamps) beginFrame() {
	s.longest, s.longestConn, s.late, s.longestTurn, s.mostEvents = 0, 0, 0, 0, 0
}

// Stamped returns the latest time stamp, since the loop was made: while there is a reader,
// the end of the latest callback or handler, else the time of the turn.
func (l *Loop) Stamped() time.Duration { return l.recorder.at }

// RecordHandlerBegin records that a handler is about to be called. It does nothing
// without a reader, and for a follower the record has a stamp of its own.
func (c *Conn) RecordHandlerBegin(kind Kind, request uint32, arg int64) {
	if r := &c.loop.recorder; c.loop.reading {
		if r.following() {
			r.at = c.loop.kernel.Monotonic()
		}
		r.put(kind, c.id, request, arg)
	}
}

// RecordHandler records the end of a handler, with a stamp of its own. It does
// nothing without a reader.
func (c *Conn) RecordHandler(kind Kind, request uint32, arg int64) {
	if r := &c.loop.recorder; c.loop.reading {
		r.at, r.handlerEnded = c.loop.kernel.Monotonic(), true
		r.put(kind, c.id, request, arg)
	}
}

// endCallback marks the end of a callback, for a connection or, if c is nil, for the
// loop itself.
func (l *Loop) endCallback(c *Conn) {
	if l.reading {
		l.stampCallback(c)
	}
}

// stampCallback is endCallback while there is a reader. When a handler has just ended,
// its stamp is the callback's, except for a follower.
func (l *Loop) stampCallback(c *Conn) {
	r := &l.recorder
	conn := uint32(0)
	if c != nil {
		if c.figures == figuresLeftOut {
			r.inCallback = true
		}
		conn = c.id
	}
	if r.inCallback {
		l.leaveOutCallback()
		return
	}
	r.clients = true
	if r.handlerEnded && !r.following() {
		r.handlerEnded = false
		r.counters[Callback].add(int64(r.callback(conn, r.at)))
		return
	}
	r.handlerEnded = false
	r.at = l.kernel.Monotonic()
	r.put(Callback, conn, 0, int64(r.callback(conn, r.at)))
	l.giveEarly()
}

// endAccept is endCallback for accepting. The connections that were accepted say whether
// clients had a part in the turn.
func (l *Loop) endAccept() {
	if r := &l.recorder; l.reading {
		was := r.clients
		l.stampCallback(nil)
		r.clients = was
	}
}

// callback notes the end of a callback, and returns how long it took.
func (s *stamps) callback(conn uint32, end time.Duration) time.Duration {
	took := end - s.callbackAt
	s.callbackAt = end
	s.Callbacks.Add(int64(took))
	if took > s.longest {
		s.longest, s.longestConn = took, conn
	}
	return took
}

// noteLate keeps the longest that a timer or a deadline was late, for the next frame.
func (s *stamps) noteLate(d time.Duration) {
	if s.timed {
		s.late = max(s.late, d)
		s.Lags.Add(int64(d))
	}
}

// endPhase marks the end of a phase in which something was done.
func (l *Loop) endPhase(kind Kind) {
	if l.noted {
		l.stampPhase(kind)
	}
}

// endRun is endPhase for one that has run n functions, and records how many.
func (l *Loop) endRun(ran, phase Kind, n int) {
	if l.noted {
		n -= l.recorder.skipped
	}
	if n > 0 {
		l.record(ran, nil, int64(n))
	}
	l.endPhase(phase)
}

// stampPhase is endPhase while something is noted. For a reader, most phases end with a
// callback, whose stamp will do.
func (l *Loop) stampPhase(kind Kind) {
	r := &l.recorder
	r.skipped = 0
	if !r.timed {
		return
	}
	isLast := kind == FlushEnded || kind == ReapEnded
	if kind != WaitEnded && (isLast || !l.reading) {
		r.at = l.kernel.Monotonic()
	}
	took := r.at - r.phaseAt
	r.phaseAt = r.at
	if !l.reading {
		r.counters[kind].add(int64(took))
		return
	}
	r.handlerEnded, r.callbackAt = false, r.at
	r.put(kind, 0, 0, int64(took))
	if isLast { // that is the end of the turn, or nearly
		l.settle()
		if r.watched && !r.clients {
			r.hideTurn()
		}
		l.giveRecords()
	}
}

// stampWait records the end of the phase that waits, and the turn that begins.
func (l *Loop) stampWait(events int) {
	l.endTurn()
	l.stampPhase(WaitEnded)
	r := &l.recorder
	r.turnAt, r.turnEvents, r.turnRecord = r.at, events, r.next
	if l.reading {
		r.turnRecord-- // that of the wait
	}
	r.put(Turn, 0, 0, int64(events))
	if len(r.leftOuts) > 0 && !l.reading {
		l.notePeers(events)
	}
}

// endTurn notes what is known of a turn at its end.
func (l *Loop) endTurn() {
	r := &l.recorder
	if len(r.leftOuts) > 0 {
		l.endLeaving()
	} else {
		l.settle()
	}
	onlyWatched := r.watched && !r.clients
	r.watched, r.clients = false, false
	switch {
	case onlyWatched:
		r.hideTurn()
	case r.timed:
		took := r.phaseAt - r.turnAt
		r.TurnTimes.Add(int64(took))
		r.longestTurn = max(r.longestTurn, took)
		r.Events.Add(int64(r.turnEvents))
		r.mostEvents = max(r.mostEvents, r.turnEvents)
	}
}

// AfterFlush has f called once, at the end of this turn's flush, with the time at which it
// ended: that is when the answers of this turn were given to their sockets. It is for a loop
// that is being timed; when that ends first, f is called then. f must not write.
func (l *Loop) AfterFlush(f func(at time.Duration)) {
	l.owner.check("Loop.AfterFlush")
	l.recorder.afterFlush = append(l.recorder.afterFlush, f)
}

// endFlush ends the phase while something is noted.
func (l *Loop) endFlush() {
	l.stampPhase(FlushEnded)
	l.recorder.flushed()
}

// flushed calls what waits for AfterFlush.
func (s *stamps) flushed() {
	for i, f := range s.afterFlush {
		s.afterFlush[i] = nil
		f(s.phaseAt)
	}
	s.afterFlush = s.afterFlush[:0]
}

// flushNoted writes to one connection while something is noted. For followers it records
// how long that took.
func (l *Loop) flushNoted(c *Conn, staged []byte) {
	r := &l.recorder
	if !r.following() && len(r.leftOuts) == 0 {
		c.flush(staged)
		return
	}
	if c.figures == figuresLeftOut {
		if r.timed && !r.following() {
			r.at = l.kernel.Monotonic()
			r.callbackAt = r.at
		}
		c.flush(staged)
		l.leaveOutCallback()
		return
	}
	before := r.next
	c.flush(staged)
	if r.next == before {
		return
	}
	r.clients = true
	if r.following() {
		now := l.kernel.Monotonic()
		took := now - r.at
		r.at, r.callbackAt = now, now
		r.put(WriteEnded, c.id, 0, int64(took))
		l.giveEarly()
	}
}
