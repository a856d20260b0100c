package eventloop

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// Each row has one connection, the last of a few that are open, say something. All of them
// hear what was written to them, whole and in order, however it was staged.
func TestWhatIsStagedArrives(t *testing.T) {
	long := func(c byte, n int) []byte { return bytes.Repeat([]byte{c}, n) }
	for _, row := range []struct {
		name   string
		limits Limits
		conns  int
		buffer int // of each socket; the usual if 0
		speak  func(all []*Conn)
		heard  []string // by each client
		writes int      // calls that were made for them; not looked at if 0, and neither are queues
		queues int      // of connections' own, that were needed for them
	}{
		{"many answers of one connection are one write", Limits{}, 1, 0, func(all []*Conn) {
			for range 16 {
				all[0].Write([]byte("hello "))
			}
		}, []string{strings.Repeat("hello ", 16)}, 1, 0},
		{"an answer each needs no queue", Limits{}, 200, 0, func(all []*Conn) {
			for _, c := range all[:100] {
				c.Write([]byte("hello"))
			}
		}, slices.Repeat([]string{"hello"}, 100), 100, 0},
		{"answers of two connections in turn do not mix", Limits{}, 2, 0, func(all []*Conn) {
			for i := range 4 {
				all[i&1].Write(fmt.Append(nil, i))
			}
		}, []string{"02", "13"}, 2, 1},
		{"room that is reserved for two at once is not the same", Limits{}, 2, 0, func(all []*Conn) {
			a := append(all[0].Reserve(10), "first"...)
			b := append(all[1].Reserve(10), "second"...)
			all[1].Commit(len(b))
			all[0].Commit(len(a))
		}, []string{"first", "second"}, 2, 1},
		{"room that is reserved and not used is nothing", Limits{}, 2, 0, func(all []*Conn) {
			all[0].Reserve(100)
			all[1].Write([]byte("second"))
		}, []string{"", "second"}, 1, 1},
		{"room that is reserved twice is used once", Limits{}, 1, 0, func(all []*Conn) {
			all[0].Reserve(10)
			all[0].Commit(copy(all[0].Reserve(10)[:10], "one"))
		}, []string{"one"}, 1, 1},
		{"room that is reserved in a queue and not used is nothing", Limits{}, 1, 0, func(all []*Conn) {
			all[0].Reserve(2 * arenaSize)
		}, []string{""}, 0, 0},
		{"a commit of nothing is nothing", Limits{}, 1, 0, func(all []*Conn) {
			all[0].Reserve(10)
			all[0].Commit(0)
		}, []string{""}, 0, 0},
		{"what the arena has no room for goes into queues", Limits{}, 4, 1 << 20, func(all []*Conn) {
			for i, c := range all {
				c.Write(long(byte('a'+i), 30_000))
				c.Write(long(byte('A'+i), 30_000))
			}
		}, []string{
			string(append(long('a', 30_000), long('A', 30_000)...)), string(append(long('b', 30_000), long('B', 30_000)...)),
			string(append(long('c', 30_000), long('C', 30_000)...)), string(append(long('d', 30_000), long('D', 30_000)...)),
		}, 0, 0},
		{"what a socket does not take goes on later", Limits{}, 2, 100, func(all []*Conn) {
			all[0].Write(long('a', 1000))
			all[1].Write(long('b', 50))
		}, []string{string(long('a', 1000)), string(long('b', 50))}, 0, 0},
		{"what the budget of a turn has no room for goes on later", Limits{WriteBudget: 100}, 1, 0, func(all []*Conn) {
			all[0].Write(long('a', 1000))
		}, []string{string(long('a', 1000))}, 10, 1},
		{"what is lent comes behind what is staged", Limits{}, 2, 0, func(all []*Conn) {
			all[0].Write([]byte("head "))
			all[1].Write([]byte("other"))
			all[0].WriteNoCopy([]byte("body "))
			all[0].Write([]byte("tail"))
		}, []string{"head body tail", "other"}, 2, 2},
		{"a file comes behind what is staged", Limits{}, 1, 0, func(all []*Conn) {
			all[0].Write([]byte("head "))
			all[0].SendFile(&text{strings.NewReader("file "), new([]string)}, 0, 5)
			all[0].Write([]byte("tail"))
		}, []string{"head file tail"}, 0, 0},
		{"the end of a connection comes behind what is staged", Limits{}, 2, 0, func(all []*Conn) {
			for _, c := range all {
				c.Write([]byte("bye"))
			}
			all[0].Close()
			all[1].CloseWrite()
		}, []string{"bye", "bye"}, 2, 0},
		{"what was staged for a connection that is aborted is lost", Limits{}, 3, 0, func(all []*Conn) {
			for _, c := range all {
				c.Write([]byte("bye"))
			}
			all[1].Abort(nil)
		}, []string{"bye", "", "bye"}, 2, 0},
		{"nothing is staged for a connection that is over", Limits{}, 2, 0, func(all []*Conn) {
			all[0].Close()
			all[0].Write([]byte("late"))
			all[1].Write([]byte("here"))
		}, []string{"", "here"}, 1, 0},
		{"three hundred connections have something at once", Limits{}, 300, 0, func(all []*Conn) {
			for round := range 2 {
				for i, c := range all {
					c.Write(fmt.Append(nil, round, i))
				}
			}
		}, func() (heard []string) {
			for i := range 300 {
				heard = append(heard, fmt.Sprint("0 ", i, "1 ", i))
			}
			return heard
		}(), 300, chunksKept},
		{"what is owed counts before it is sent", Limits{HighWater: 100}, 2, 0, func(all []*Conn) {
			all[0].Write(long('a', 60))
			if n := all[0].Buffered(); n != 60 || all[0].Full() || all[0].loop.Memory() != 60 {
				t.Errorf("%d bytes are owed and %d in memory, full %v", n, all[0].loop.Memory(), all[0].Full())
			}
			all[0].Write(long('a', 60))
			if !all[0].Full() || all[1].Full() || all[1].Buffered() != 0 {
				t.Errorf("full are %v and %v, with a high-water mark of 100", all[0].Full(), all[1].Full())
			}
		}, []string{string(long('a', 120)), ""}, 1, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			var all []*Conn
			h := build(t, row.limits, func(c *Conn) Protocol {
				all = append(all, c)
				return &script{speak: func(_ *Conn, p []byte) int { return len(p) }}
			})
			if row.buffer > 0 {
				h.k.Buffer = row.buffer
			}
			heard := make([]string, row.conns)
			for i := range row.conns {
				h.k.Go(func(s *sim.Script) {
					s.Sleep(time.Duration(i) * time.Millisecond)
					w, err := h.k.Dial()
					if err != nil {
						t.Error(err)
						return
					}
					if i == row.conns-1 {
						s.Sleep(time.Second)
						h.Post(func() { row.speak(all) })
					}
					s.Sleep(3 * time.Second)
					w.CloseWrite()
					got, _ := s.ReceiveAll(w)
					heard[i] = string(got)
					w.Close()
				})
			}
			if err := h.live(); err != nil {
				t.Error(err)
			}
			for i, want := range row.heard {
				if heard[i] != want {
					t.Errorf("client %d has heard %.60q (%d bytes), not %.60q (%d)", i, heard[i], len(heard[i]), want, len(want))
				}
			}
			if n := writesOf(h); row.writes != 0 && (n != row.writes || h.pools.made != row.queues) {
				t.Errorf("%d writes were made and %d queues, not %d and %d", n, h.pools.made, row.writes, row.queues)
			}
		})
	}
}

// writesOf counts the records of bytes that sockets have taken.
func writesOf(h *house) (n int) {
	records, _, _ := h.ReadSince(0, nil)
	for _, r := range records {
		if r.Kind == Wrote {
			n++
		}
	}
	return n
}

// TestADeadlineFindsWhatIsStaged has a connection answered and closed in the turn in which
// its deadline is over: its socket is written to for that, before the end of the turn.
func TestADeadlineFindsWhatIsStaged(t *testing.T) {
	h := build(t, Limits{}, func(*Conn) Protocol {
		return &script{
			speak: func(c *Conn, p []byte) int {
				switch string(p) {
				case "first":
					c.SetDeadline(10 * time.Second)
				case "last":
					c.Write([]byte("bye"))
					c.Close()
				}
				return len(p)
			},
			due: func(*Conn) { t.Error("the deadline is over") },
		}
	})
	heard := ""
	h.visit(func(s *sim.Script, w *sim.Wire) {
		s.Send(w, []byte("first"))
		s.Sleep(time.Second)
		h.k.Luck.Suspend = 1000
		s.Send(w, []byte("and then the machine sleeps for longer than that"))
		s.Sleep(time.Microsecond)
		h.k.Luck.Suspend = 0
		s.Send(w, []byte("last"))
		p, _ := s.ReceiveAll(w)
		heard = string(p)
		w.Close()
	})
	if err := h.live(); err != nil {
		t.Error(err)
	}
	if heard != "bye" {
		t.Errorf("the client has heard %q", heard)
	}
}

// TestPlacesFollowTheList marks connections during a walk, which changes their places.
func TestPlacesFollowTheList(t *testing.T) {
	var s stage
	s.init()
	conns := make([]*Conn, 600)
	for i := range conns {
		conns[i] = &Conn{}
		s.mark(conns[i])
	}
	n := s.begin()
	for i := range n {
		if c, _ := s.next(i); i%2 == 0 {
			s.mark(c)
		}
	}
	s.end(n)
	if len(s.spans) != 300 {
		t.Fatalf("%d are on the list, not 300", len(s.spans))
	}
	for i, sp := range s.spans {
		if sp.conn != conns[2*i] || int(sp.conn.place) != min(i+1, noSpan) {
			t.Errorf("the %d-th connection has place %d", i+1, sp.conn.place)
		}
		if conns[2*i+1].place != 0 {
			t.Errorf("a connection that is not on the list has place %d", conns[2*i+1].place)
		}
	}
}

// TestACommitNeedsRoom has a commit of a connection that is not on the list, and of one while
// the list is walked.
func TestACommitNeedsRoom(t *testing.T) {
	for _, flushing := range []bool{false, true} {
		var s stage
		s.init()
		c := &Conn{}
		if flushing {
			for range noSpan {
				s.mark(&Conn{})
			}
			s.mark(c)
			s.begin()
		}
		func() {
			defer func() {
				if r := recover(); r != "eventloop: Commit without a Reserve before it" {
					t.Errorf("flushing %v: %v", flushing, r)
				}
			}()
			s.commit(c, 1)
		}()
	}
}

// TestACommitWithoutRoomCostsItsConnection has a protocol commit what it has not reserved,
// and then another be served.
func TestACommitWithoutRoomCostsItsConnection(t *testing.T) {
	var why error
	h := build(t, Limits{}, func(*Conn) Protocol {
		return &script{
			speak: func(c *Conn, p []byte) int {
				if string(p) == "wrong" {
					c.Commit(3)
				}
				c.Write(p)
				return len(p)
			},
			gone: func(_ *Conn, err error) {
				if err != nil {
					why = err
				}
			},
		}
	})
	heard := ""
	h.visit(func(s *sim.Script, w *sim.Wire) {
		s.Send(w, []byte("wrong"))
		s.ReceiveAll(w)
		w.Close()
		right, _ := h.k.Dial()
		s.Send(right, []byte("right"))
		right.CloseWrite()
		p, _ := s.ReceiveAll(right)
		heard = string(p)
	})
	if err := h.live(); err != nil {
		t.Error(err)
	}
	if heard != "right" || !errors.Is(why, errPanic) {
		t.Errorf("the second client has heard %q, and the first has ended with %v", heard, why)
	}
}
