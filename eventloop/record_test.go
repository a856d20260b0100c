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
