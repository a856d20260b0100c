package eventloop

import (
	"bytes"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// TestATurnThatOnlyWatchesIsNone posts functions, some of which are left out.
func TestATurnThatOnlyWatchesIsNone(t *testing.T) {
	for _, row := range []struct {
		name           string
		post           func(l *Loop)
		turns, ran     uint64
		callbacks      uint64
		takesTimeOfOwn bool
	}{
		{"a function that is not left out", func(l *Loop) {}, 1, 1, 1, false},
		{"one that is", func(l *Loop) { l.LeaveOut() }, 0, 0, 0, true},
		{"one that is, and posts one that is not", func(l *Loop) { l.LeaveOut(); l.Post(func() {}) }, 1, 1, 1, true},
		{"one that is, and one that is not, in one turn", func(l *Loop) {
			l.Post(l.LeaveOut)
			l.Post(func() {})
		}, 2, 2, 2, true},
		{"one that panics, and is left out alone", func(l *Loop) {
			l.LeaveOut()
			l.Post(func() {})
			panic("on purpose")
		}, 1, 1, 1, true},
	} {
		var before, after Counters
		followed(t, &bytes.Buffer{}, func(k *clockwork, s *sim.Script, l *Loop) {
			l.Post(func() { l.Follow(func([]Record, uint64) {}) })
			s.Sleep(time.Second)
			l.Post(func() { before = l.Counters() })
			s.Sleep(time.Second)
			l.Post(func() { row.post(l) })
			s.Sleep(time.Second)
			l.Post(func() { after = l.Counters() })
			s.Sleep(time.Second)
		})
		// The function that looks first is counted when it has looked, in a turn that is.
		turns, ran, callbacks := after[Turn].N-before[Turn].N-1, uint64(after[Posted].Sum-before[Posted].Sum)-1, after[Callback].N-before[Callback].N-1
		if turns != row.turns || ran != row.ran || callbacks != row.callbacks {
			t.Errorf("%s: %d turns, %d functions and %d callbacks", row.name, turns, ran, callbacks)
		}
		if took := after[LeftOut].Sum - before[LeftOut].Sum; took > 0 != row.takesTimeOfOwn {
			t.Errorf("%s: what is left out took %d ns", row.name, took)
		}
	}
}
