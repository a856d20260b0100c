package eventloop

import (
	"slices"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

func TestRecordsAreTheLatestInTheirOrder(t *testing.T) {
	for _, row := range []struct {
		name    string
		written int
		want    int
	}{
		{"none were written", 0, 0},
		{"one is there", 1, 1},
		{"all are there while there is room", ringSize - 1, ringSize - 1},
		{"a ring that is full holds all", ringSize, ringSize},
		{"one more pushes out the first", ringSize + 1, ringSize},
		{"two rounds leave the second", 2 * ringSize, ringSize},
		{"a ring that has gone round is read from its oldest", 2*ringSize + 10, ringSize},
	} {
		l := &Loop{}
		for i := range row.written {
			l.record(Posted, nil, int64(i))
		}
		got, next, lost := l.ReadSince(0, []Record{{Arg: -1}}) // appended behind what is there
		if next != uint64(row.written) || lost != uint64(row.written-row.want) {
			t.Errorf("%s: next is %d, and %d are lost", row.name, next, lost)
		}
		if len(got) != row.want+1 || got[0].Arg != -1 {
			t.Errorf("%s: %d records", row.name, len(got)-1)
			continue
		}
		for i, r := range got[1:] {
			if want := int64(row.written - row.want + i); r.Arg != want {
				t.Errorf("%s: record %d is the one with %d, not %d", row.name, i, r.Arg, want)
				break
			}
		}
	}
}

func TestAStallIsRecorded(t *testing.T) {
	const answer, taken = 10_000, 1000 // bytes: what is said each second, and what the kernel takes
	for _, row := range []struct {
		name    string
		answers int
		takes   bool // three of them, when they are there
		want    []int64
	}{
		{"at the mark there is no stall", 2, false, nil},
		{"above the mark there is one", 3, false, []int64{3*answer - taken}},
		{"one that lasts is recorded once", 4, false, []int64{3*answer - taken}},
		{"one that comes again is recorded again", 6, true, []int64{3*answer - taken, 3*answer - taken}},
	} {
		h := build(t, Limits{HighWater: 2*answer - taken}, func(c *Conn) Protocol {
			said := 0
			var say func()
			say = func() {
				if said == 3 && row.takes && c.Buffered() > 0 {
					c.Loop().After(time.Second, say)
					return
				}
				c.Write(make([]byte, answer))
				if said++; said < row.answers {
					c.Loop().After(time.Second, say)
				}
			}
			return &script{speak: func(c *Conn, p []byte) int {
				say()
				return len(p)
			}}
		})
		h.k.Buffer = taken
		h.visit(func(s *sim.Script, w *sim.Wire) {
			s.Send(w, []byte("a"))
			s.Sleep(3500 * time.Millisecond)
			for got := 0; row.takes && got < 3*answer; {
				p, err := s.Receive(w, nil, taken)
				if got += len(p); err != nil {
					t.Errorf("%s: %v", row.name, err)
					break
				}
			}
			s.Sleep(time.Minute)
			w.Reset()
		})
		if err := h.live(); err != nil {
			t.Error(err)
		}
		var got []int64
		records, _, _ := h.ReadSince(0, nil)
		for _, r := range records {
			if r.Kind == BackpressureOn {
				got = append(got, r.Arg)
			}
		}
		if !slices.Equal(got, row.want) {
			t.Errorf("%s: %d bytes, not %d", row.name, got, row.want)
		}
	}
}

// TestReadSinceSaysWhatIsLost reads a ring in steps.
func TestReadSinceSaysWhatIsLost(t *testing.T) {
	l := &Loop{}
	write := func(n int) {
		for range n {
			l.record(Posted, nil, int64(l.recorder.next))
		}
	}
	next := uint64(0)
	for _, row := range []struct {
		name    string
		written int
		since   func() uint64
		first   int64
		records int
		lost    uint64
	}{
		{"there is nothing yet", 0, func() uint64 { return next }, 0, 0, 0},
		{"all that was written", 10, func() uint64 { return next }, 0, 10, 0},
		{"nothing new", 0, func() uint64 { return next }, 0, 0, 0},
		{"a full ring", ringSize, func() uint64 { return next }, 10, ringSize, 0},
		{"one more than there is room for", ringSize + 1, func() uint64 { return next }, ringSize + 11, ringSize, 1},
		{"a number that is not given out yet", 5, func() uint64 { return next + 1000 }, 0, 0, 0},
		{"from the beginning again", 0, func() uint64 { return 0 }, ringSize + 16, ringSize, ringSize + 16},
	} {
		write(row.written)
		var got []Record
		var lost uint64
		got, next, lost = l.ReadSince(row.since(), nil)
		if len(got) != row.records || lost != row.lost || next != l.recorder.next {
			t.Errorf("%s: %d records, %d lost, next is %d", row.name, len(got), lost, next)
			continue
		}
		for i, r := range got {
			if r.Arg != row.first+int64(i) {
				t.Errorf("%s: record %d is number %d", row.name, i, r.Arg)
				break
			}
		}
	}
}

// TestFramesAreMadeWhileThereIsAReader has two readers one after the other, and one for
// longer than frames are kept.
func TestFramesAreMadeWhileThereIsAReader(t *testing.T) {
	h := build(t, Limits{}, func(*Conn) Protocol { return &script{} })
	h.visit(func(s *sim.Script, w *sim.Wire) {
		onLoop := func(f func()) {
			h.Post(f)
			s.Sleep(10 * time.Millisecond)
		}
		frames := func(since uint64) (list []Frame, next, lost uint64) {
			onLoop(func() { list, next, lost = h.FramesSince(since, nil) })
			return list, next, lost
		}
		if list, next, lost := frames(0); len(list) != 0 || next != 0 || lost != 0 {
			t.Errorf("without a reader there are %d frames, %d are lost, next is %d", len(list), lost, next)
		}
		var stop, stopOther func()
		onLoop(func() { stop, stopOther = h.StartReading(), h.StartReading() })
		s.Send(w, []byte("hello"))
		s.Sleep(time.Second)
		list, next, lost := frames(0)
		if len(list) != 10 || next != 10 || lost != 0 {
			t.Errorf("after a second there are %d frames, %d are lost, next is %d", len(list), lost, next)
		}
		for i, f := range list {
			if i > 0 && (f.At-list[i-1].At < frameEvery || f.At-list[i-1].At > 2*frameEvery) || f.Open != 1 || f.Counters[Accepted].N != 1 {
				t.Errorf("frame %d is %v at %v, of %d connections", i, f.Counters[Accepted], f.At, f.Open)
			}
		}
		if last := list[len(list)-1]; last.Counters[Read].Sum != 5 || last.Counters[Turn].N == 0 {
			t.Errorf("the last has %d bytes", last.Counters[Read].Sum)
		}
		onLoop(stop)
		onLoop(stop) // once more does nothing
		if !h.BeingRead() {
			t.Error("the other reader is not there any more")
		}
		s.Sleep((framesKept + 20) * frameEvery)
		list, next, lost = frames(next)
		if len(list) != framesKept || lost == 0 || next != 10+uint64(len(list))+lost {
			t.Errorf("of a long time there are %d frames, %d are lost, next is %d", len(list), lost, next)
		}
		onLoop(stopOther)
		turns, since := h.Count(Turn), h.recorder.next
		if h.BeingRead() || h.Special() {
			t.Error("there is a reader after the last has stopped")
		}
		s.Sleep(time.Minute)
		if n := h.Count(Turn) - turns; n > 5 {
			t.Errorf("%d turns without a reader", n)
		}
		if n := h.recorder.next - since; n > 5 {
			t.Errorf("%d records without a reader", n)
		}
		if list, now, _ := frames(0); len(list) != 0 || now != next {
			t.Errorf("%d frames are left", len(list))
		}
		onLoop(func() { stop = h.StartReading() })
		s.Sleep(time.Second)
		if list, _, lost := frames(0); len(list) != 10 || lost != next {
			t.Errorf("a later reader has %d frames, and %d are lost", len(list), lost)
		}
		onLoop(stop)
		w.Close()
	})
	if err := h.live(); err != nil {
		t.Error(err)
	}
}
