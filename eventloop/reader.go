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

	Histograms // Histogram.Since is for the difference of two frames

	// Of the time since the frame before.
	Longest     time.Duration // the longest callback
	LongestConn uint32        // the number of its connection, 0 for the loop's own
	Late        time.Duration // the longest that a timer or a deadline had to wait for the loop
	LongestTurn time.Duration // the longest turn, without its wait
	MostEvents  int           // the most events that one wait has returned
}

// Histograms are made while the loop is being read or timed, since it was made.
type Histograms struct {
	TurnTimes Histogram // nanoseconds that turns took, without the wait
	Callbacks Histogram // nanoseconds that callbacks took; only while there is a reader
	Lags      Histogram // nanoseconds that a timer or a deadline had to wait for the loop
	Events    Histogram // that one wait has returned
}

// reader is the part of a recorder that only readers need.
type reader struct {
	timers    int         // that need times, and no records; see StartTiming
	prober    *Timer      // while there are some
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

// StartTiming has the loop measure its phases and turns, and a protocol the time that its
// requests take, until stop is called. It is for what collects figures and shows no
// records: it costs a few clock readings a turn, where a reader costs one more for each
// request, and a timer each tenth of a second, for Histograms.Lags. Both must be called on the loop's goroutine.
func (l *Loop) StartTiming() (stop func()) {
	l.owner.check("Loop.StartTiming")
	r := &l.recorder
	if r.timers++; r.timers == 1 {
		l.probe()
	}
	l.noteReading()
	stopped := false
	return func() {
		l.owner.check("the function that Loop.StartTiming returned")
		if stopped {
			return
		}
		stopped = true
		if r.timers--; r.timers == 0 {
			r.prober.Stop()
		}
		l.noteReading()
	}
}

// probe has a timer run each tenth of a second, by which one sees how late timers are.
func (l *Loop) probe() {
	l.recorder.prober = l.After(frameEvery, func() {
		l.LeaveOut()
		l.probe()
	})
}

// addReader begins to record everything.
func (l *Loop) addReader() {
	l.recorder.readers++
	l.noteReading()
}

// removeReader ends that with the last reader.
func (l *Loop) removeReader() {
	l.recorder.readers--
	l.noteReading()
}

// noteReading is called when there is one more, or one less, that needs records or times, or
// that is left out.
func (l *Loop) noteReading() {
	r := &l.recorder
	read, noted, timed := l.reading, l.noted, r.timed
	l.reading = r.readers > 0
	r.timed = l.reading || r.timers > 0
	l.noted = r.timed || len(r.leftOuts) > 0
	if r.timed && !timed || l.reading && !read {
		r.at = l.kernel.Monotonic()
		r.turnAt, r.phaseAt, r.callbackAt = r.at, r.at, r.at
		r.handlerEnded, r.inCallback = false, false
	}
	if l.noted && !noted {
		r.settled, r.turnRecord, r.clients, r.watched, r.skipped = r.next, none, true, false, 0
	}
	if timed && !r.timed {
		r.phaseAt = l.kernel.Monotonic()
		r.flushed()
	}
	l.noteSpecial()
}

// BeingRead reports whether there is a reader. A protocol asks before it makes records
// that only readers need.
func (l *Loop) BeingRead() bool { return l.reading }

// BeingFollowed reports whether one of the readers gets all records, see Follow.
func (l *Loop) BeingFollowed() bool { return l.recorder.following() }

// BeingTimed reports whether something wants the times of requests, see StartTiming.
func (l *Loop) BeingTimed() bool { return l.recorder.timers > 0 }

// BeingNoted reports whether the loop is being read or timed, or a connection is left out:
// whether a protocol should say what becomes of a request.
func (l *Loop) BeingNoted() bool { return l.noted }

// Histograms returns what they are now. It must be called on the loop's goroutine.
func (l *Loop) Histograms() Histograms {
	l.owner.check("Loop.Histograms")
	return l.recorder.Histograms
}

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
		At: r.at, Counters: r.counters, Open: l.conns.open - l.openLeftOut(), Memory: l.output.bytes,
		Histograms: r.Histograms,
		Longest:    r.longest, LongestConn: r.longestConn, Late: r.late, LongestTurn: r.longestTurn, MostEvents: r.mostEvents,
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
