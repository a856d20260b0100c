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
	Open     int   // connections, without those that are left out
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

	stamps
	leaving
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
		r.at = l.sinceStart()
		r.stamps = stamps{turnAt: r.at, phaseAt: r.at, callbackAt: r.at}
		l.noteReading()
	}
}

// removeReader ends that with the last reader.
func (l *Loop) removeReader() {
	if l.recorder.readers--; l.recorder.readers == 0 {
		l.noteReading()
	}
}

// noteReading is called when the first reader has come, the last has gone, or either of a
// connection that is left out.
func (l *Loop) noteReading() {
	r := &l.recorder
	was := l.reading
	l.reading = r.readers > 0 || len(r.leftOuts) > 0
	if l.reading && !was {
		r.settled, r.turnRecord, r.clients, r.watched = r.next, none, true, false
	}
	l.noteSpecial()
}

// BeingRead reports whether there is a reader, or a connection is left out. A protocol asks
// before it makes records that only they need.
func (l *Loop) BeingRead() bool { return l.reading }

// HasReader reports whether there is a reader, so that times are finer than turns.
func (l *Loop) HasReader() bool { return l.recorder.readers > 0 }

// Noteworthy reports whether a protocol that has called a handler should record its end
// or take its stall: whether the loop is BeingRead, or the watchdog has looked since the
// last callback.
func (l *Loop) Noteworthy() bool {
	return l.reading || l.dog.state.Load() != awake
}

// scheduleFrame makes the next frame when it is due. A loop that was held makes it
// later, and only one.
func (l *Loop) scheduleFrame() {
	l.recorder.timer = l.After(frameEvery, func() {
		l.LeaveOut()
		l.makeFrame()
		l.scheduleFrame()
	})
}

func (l *Loop) makeFrame() {
	l.settle()
	r := &l.recorder
	f := &r.frames[r.framed%framesKept]
	r.framed++
	*f = Frame{
		At: r.at, Counters: r.counters, Open: l.conns.open - len(r.leftOuts), Memory: l.output.bytes,
		TurnTimes: r.turnTimes, Callbacks: r.callbacks, Lags: r.lags, Events: r.events,
		Longest: r.longest, LongestConn: r.longestConn, Late: r.late, LongestTurn: r.longestTurn, MostEvents: r.mostEvents,
	}
	r.beginFrame()
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
