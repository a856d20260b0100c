package eventloop

import "time"

// While there is a reader, a loop records more than it always does: the end of each
// phase and of each callback, and the records of its protocol. All records then have times
// of their own, by stamps that are chained: the end of one callback is the start of
// the next, so the clock is read once for each callback and for each phase that did
// anything. A busy loop fills the ring within milliseconds; so a frame of the counters
// is kept each tenth of a second, for a minute.
//
// Without a reader all of this is one look at a flag in each phase.

const (
	frameEvery = 100 * time.Millisecond
	framesKept = 600
)

// A Frame holds the counters of a loop at a moment, and its state.
type Frame struct {
	At       time.Duration // since the loop was made
	Counters Counters
	Open     int   // connections
	Memory   int64 // bytes of output that are queued, as Loop.Memory counts them

	// Since the first of the present readers began. Histogram.Since is for the difference
	// of two frames.
	TurnTimes Histogram // nanoseconds that turns took, without the wait
	Callbacks Histogram // nanoseconds that callbacks took
	Lags      Histogram // nanoseconds that a timer or a deadline had to wait for the loop
	Events    Histogram // that one wait has returned

	// Of the time since the frame before.
	Longest     time.Duration // the longest callback
	LongestConn uint32        // the number of its connection, 0 for the loop's own
	Late        time.Duration // the longest that a timer or a deadline had to wait for the loop
	LongestTurn time.Duration // the longest turn, without its wait
	MostEvents  int           // the most events that one wait has returned
}

// reader is the part of a recorder that only readers need.
type reader struct {
	readers   int         // of records, the followers among them
	followers []*follower // see Follow; trace.go
	given     []Record    // to a follower, kept for its memory

	watchers int // readers that want frames, too
	timer    *Timer
	frames   *[framesKept]Frame // a ring; nil without watchers
	framed   uint64             // frames since the loop was made
	oldest   uint64             // the first of them in the ring, or before it

	phaseAt      time.Duration // when the phase began
	handlerEnded bool          // the latest stamp is the end of a handler, whose callback goes on
	longest      time.Duration // since the frame before, as in Frame
	longestConn  uint32
	late         time.Duration
	longestTurn  time.Duration
	mostEvents   int

	turnAt    time.Duration // when the turn's work began
	turnTimes Histogram     // as in Frame, and those below
	callbacks Histogram
	lags      Histogram
	events    Histogram
}

// StartReading has the loop record everything, with fine time stamps, and keep
// frames, until stop is called. There may be several readers: when the last of them
// has stopped, the loop records less again. Both must be called on the loop's
// goroutine.
func (l *Loop) StartReading() (stop func()) {
	l.owner.check("Loop.StartReading")
	l.addReader()
	r := &l.recorder
	if r.watchers++; r.watchers == 1 {
		r.frames, r.oldest = new([framesKept]Frame), r.framed
		r.beginFrame()
		l.scheduleFrame()
	}
	stopped := false
	return func() {
		l.owner.check("the function that Loop.StartReading returned")
		if stopped {
			return
		}
		stopped = true
		l.removeReader()
		if r.watchers--; r.watchers == 0 {
			r.timer.Stop()
			r.frames = nil
		}
	}
}

// addReader begins to record everything.
func (l *Loop) addReader() {
	r := &l.recorder
	if r.readers++; r.readers == 1 {
		l.reading, r.handlerEnded = true, false
		r.at = l.sinceStart()
		r.phaseAt, r.turnAt = r.at, r.at
		r.turnTimes, r.callbacks, r.lags, r.events = Histogram{}, Histogram{}, Histogram{}, Histogram{}
		l.noteSpecial()
	}
}

// removeReader ends that with the last reader.
func (l *Loop) removeReader() {
	if l.recorder.readers--; l.recorder.readers == 0 {
		l.reading = false
		l.noteSpecial()
	}
}

// BeingRead reports whether there is a reader. A protocol asks before it makes records
// that only readers need.
func (l *Loop) BeingRead() bool { return l.reading }

// Noteworthy reports whether a protocol that has called a handler should record its end
// or take its stall: whether the loop is BeingRead, or the watchdog has looked since the
// last callback.
func (l *Loop) Noteworthy() bool {
	return l.reading || l.dog.state.Load() != awake
}

// sinceStart reads the clock.
func (l *Loop) sinceStart() time.Duration { return l.kernel.Now().Sub(l.clock.start) }

// stamp reads the clock at the end of a callback, and returns how long it took.
func (l *Loop) stamp(conn uint32) time.Duration {
	r := &l.recorder
	now := l.sinceStart()
	took := now - r.at
	r.at = now
	r.callbacks.Add(int64(took))
	if took > r.longest {
		r.longest, r.longestConn = took, conn
	}
	return took
}

// RecordHandlerBegin records that a handler is about to be called. It does nothing
// without a reader, and for a follower the record has a stamp of its own.
func (c *Conn) RecordHandlerBegin(kind Kind, request uint32, arg int64) {
	if r := &c.loop.recorder; c.loop.reading {
		if r.following() {
			c.loop.stamp(c.id)
		}
		r.put(kind, c.id, request, arg)
	}
}

// RecordHandler records the end of a handler, with a stamp of its own. It does
// nothing without a reader.
func (c *Conn) RecordHandler(kind Kind, request uint32, arg int64) {
	if r := &c.loop.recorder; c.loop.reading {
		c.loop.stamp(c.id)
		r.handlerEnded = true
		r.put(kind, c.id, request, arg)
	}
}

// Stamped returns the latest time stamp, since the loop was made: while there is a reader,
// the end of the latest callback or handler, else the time of the turn.
func (l *Loop) Stamped() time.Duration { return l.recorder.at }

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
	if r.handlerEnded && !r.following() {
		r.handlerEnded = false
		return
	}
	conn := uint32(0)
	if c != nil {
		conn = c.id
	}
	took := l.stamp(conn)
	r.put(Callback, conn, 0, int64(took))
	l.giveEarly()
}

// noteLate keeps the longest that a timer or a deadline was late, for the next frame.
func (r *reader) noteLate(d time.Duration) {
	r.late = max(r.late, d)
	r.lags.Add(int64(d))
}

// endPhase marks the end of a phase in which something was done.
func (l *Loop) endPhase(kind Kind) {
	if l.reading {
		l.stampPhase(kind)
	}
}

// stampWait records the end of the phase that waits, and the turn that begins.
func (l *Loop) stampWait(events int) {
	r := &l.recorder
	took := r.phaseAt - r.turnAt
	r.turnTimes.Add(int64(took))
	r.longestTurn = max(r.longestTurn, took)
	r.events.Add(int64(events))
	r.mostEvents = max(r.mostEvents, events)
	l.stampPhase(WaitEnded)
	r.turnAt = r.at
	l.record(Turn, nil, int64(events))
}

// stampPhase is endPhase while there is a reader. Most phases end with a callback,
// whose stamp will do.
func (l *Loop) stampPhase(kind Kind) {
	r := &l.recorder
	r.handlerEnded = false
	if kind == FlushEnded || kind == ReapEnded {
		r.at = l.sinceStart()
	}
	r.put(kind, 0, 0, int64(r.at-r.phaseAt))
	r.phaseAt = r.at
	if kind == FlushEnded || kind == ReapEnded {
		l.giveRecords() // that is the end of the turn, or nearly
	}
}

// flushStamped is flush while there is a reader, and the end of that phase.
func (l *Loop) flushStamped() {
	l.flushEarly()
	l.stampPhase(FlushEnded)
}

// flushEarly is flush in another phase. For followers it records how long writing to each
// connection took.
func (l *Loop) flushEarly() {
	r := &l.recorder
	if !r.following() {
		l.flush()
		return
	}
	list := l.lists.takeDirty()
	for _, c := range list {
		c.dirty = false
		l.checkWatchdog()
		before := r.next
		c.flush()
		if r.next != before {
			r.put(WriteEnded, c.id, 0, int64(l.stamp(c.id)))
			l.giveEarly()
		}
	}
	l.lists.reuseDirty(list)
	if l.output.scarce {
		l.output.checkScarcity()
	}
}

// scheduleFrame makes the next frame when it is due. A loop that was held makes it
// later, and only one.
func (l *Loop) scheduleFrame() {
	l.recorder.timer = l.After(frameEvery, func() {
		l.makeFrame()
		l.scheduleFrame()
	})
}

func (l *Loop) makeFrame() {
	r := &l.recorder
	f := &r.frames[r.framed%framesKept]
	r.framed++
	*f = Frame{
		At: r.at, Counters: r.counters, Open: l.conns.open, Memory: l.output.bytes,
		TurnTimes: r.turnTimes, Callbacks: r.callbacks, Lags: r.lags, Events: r.events,
		Longest: r.longest, LongestConn: r.longestConn, Late: r.late, LongestTurn: r.longestTurn, MostEvents: r.mostEvents,
	}
	r.beginFrame()
}

// beginFrame forgets the longest and the most that the frame before has.
func (r *reader) beginFrame() {
	r.longest, r.longestConn, r.late, r.longestTurn, r.mostEvents = 0, 0, 0, 0, 0
}

// FramesSince is ReadSince for frames. Without StartReading there are none.
func (l *Loop) FramesSince(sequence uint64, dst []Frame) (frames []Frame, next, lost uint64) {
	l.owner.check("Loop.FramesSince")
	r := &l.recorder
	from := min(sequence, r.framed)
	oldest := max(r.oldest, max(r.framed, framesKept)-framesKept)
	if r.frames == nil {
		oldest = r.framed
	}
	if from < oldest {
		from, lost = oldest, oldest-from
	}
	for ; from < r.framed; from++ {
		dst = append(dst, r.frames[from%framesKept])
	}
	return dst, r.framed, lost
}
