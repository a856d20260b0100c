package inspect

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
)

// A source takes the figures of one loop for a station, which may be on another loop.
// There are two sets of figures: one that the station shows, and one that the loop
// fills when it is asked to. It is asked again when it has answered, so of each station
// there is at most one function that waits for a loop that is held.
type source struct {
	loop *eventloop.Loop
	near bool // the station is on the same loop

	// Of the station's goroutine.
	shown   *figures
	known   bool          // the loop has answered
	waiting bool          // for an answer
	heard   time.Duration // when the loop has last answered

	// Of the station's goroutine, and while it waits, until answered is set, of the loop's.
	spare    *figures
	answered atomic.Bool
	answer   func() // takes the figures on the loop

	// Of the loop's goroutine.
	stop       func() // ends reading
	nextRecord uint64
	nextFrame  uint64
	frames     []eventloop.Frame
	latest     latest
}

// newSource makes the source of a loop, which has no figures until it has answered. Base is
// when the first loop was made.
func newSource(number int, loop *eventloop.Loop, base time.Time, near bool, now time.Duration) *source {
	empty := func() *figures {
		return &figures{loop: number, offset: loop.WallTimeAt(0).Sub(base), limits: loop.Limits()}
	}
	s := &source{loop: loop, near: near, shown: empty(), spare: empty(), heard: now}
	s.answer = func() {
		loop.LeaveOut()
		s.take()
		s.answered.Store(true)
	}
	return s
}

// refresh shows what the loop has answered, and asks again.
func (s *source) refresh(now time.Duration) {
	if s.near {
		s.take()
		s.swap(now)
		return
	}
	if s.waiting && s.answered.Load() {
		s.swap(now)
		s.waiting = false
	} else {
		s.repeat(now)
	}
	if !s.waiting {
		s.answered.Store(false)
		s.waiting = s.loop.Post(s.answer) == nil // or the loop has ended, or too much waits for it
	}
}

func (s *source) swap(now time.Duration) {
	s.shown, s.spare = s.spare, s.shown
	s.shown.silent, s.heard, s.known = 0, now, true
}

// repeat shows the figures once more, with no records and the time without an answer.
func (s *source) repeat(now time.Duration) {
	f := s.shown
	f.records, f.lost = f.records[:0], 0
	f.silent = now - s.heard
}

// connections are those of a loop as they will be when its turn ends: an answer that this
// turn's flush has yet to write is not owed.
func connections(l *eventloop.Loop, dst []eventloop.ConnInfo) []eventloop.ConnInfo {
	dst = l.Connections(dst)
	for i := range dst {
		if dst[i].Untried {
			dst[i].Owed = 0
		}
	}
	return dst
}

// take takes the figures, on the loop's goroutine. The first time it begins to read.
func (s *source) take() {
	l, f := s.loop, s.spare
	if s.stop == nil {
		s.stop = l.StartReading()
		_, s.nextRecord, _ = l.ReadSince(math.MaxUint64, nil)
		_, s.nextFrame, _ = l.FramesSince(math.MaxUint64, nil)
	}
	f.counters = l.Counters()
	f.rows = connections(l, f.rows[:0])
	f.records, s.nextRecord, f.lost = l.ReadSince(s.nextRecord, f.records[:0])
	_, next, _ := l.FramesSince(math.MaxUint64, nil)
	s.frames, s.nextFrame, _ = l.FramesSince(max(s.nextFrame, max(next, framesTaken)-framesTaken), s.frames[:0])
	s.latest.add(s.frames)
	f.latest = s.latest
	f.findRoute()
}

// end ends reading. A loop that has too much to do at present is asked again later, by a
// timer of the station's loop; one that has ended reads no more.
func (s *source) end(station *eventloop.Loop) {
	stop := func() {
		s.loop.LeaveOut()
		if s.stop != nil {
			s.stop()
		}
	}
	if s.near {
		stop()
		return
	}
	if s.loop.Post(stop) == eventloop.ErrFull {
		station.After(time.Second, func() { s.end(station) })
	}
}
