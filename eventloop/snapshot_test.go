package eventloop

import (
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// TestASnapshotHasAllThatIsKnown takes one of a loop with a connection.
func TestASnapshotHasAllThatIsKnown(t *testing.T) {
	h := build(t, Limits{}, func(*Conn) Protocol {
		return &script{speak: func(c *Conn, p []byte) int {
			c.SetDeadline(time.Minute)
			c.SetIdle(true)
			c.Loop().After(time.Hour, func() {})
			return len(p)
		}}
	})
	var s *Snapshot
	h.visit(func(c *sim.Script, w *sim.Wire) {
		c.Sleep(2 * time.Second)
		c.Send(w, []byte("hello"))
		c.Sleep(time.Second)
		h.Post(func() { h.Post(func() {}); s = h.Snapshot() })
		c.Sleep(time.Second)
		w.Close()
	})
	if err := h.live(); err != nil {
		t.Error(err)
	}
	if s.At.Round(time.Second) != 3*time.Second || s.Wall.Sub(h.clock.start) != s.At || s.Stopping {
		t.Errorf("it is of %v, %v, stopping: %v", s.At, s.Wall, s.Stopping)
	}
	if s.Gauges.Open != 1 || s.Gauges.Timers != 1 || s.Gauges.Posted != 1 || s.Counters[Read].Sum != 5 {
		t.Errorf("it has %+v, and %d bytes read", s.Gauges, s.Counters[Read].Sum)
	}
	if len(s.Connections) != 1 || s.Connections[0].ID != 1 || s.Connections[0].Deadline.Round(time.Second) != 62*time.Second {
		t.Errorf("its connections are %+v", s.Connections)
	}
	if n := len(s.Records); n == 0 || uint64(n)+s.Lost != s.Counters.Sum(Turn+1, kindSpace-1) {
		t.Errorf("it has %d records, and %d are lost, of %d", n, s.Lost, s.Counters.Sum(Turn+1, kindSpace-1))
	}
}

// TestALoopThatDoesNotAnswerHasNoSnapshot holds the first of two loops, and asks both.
func TestALoopThatDoesNotAnswerHasNoSnapshot(t *testing.T) {
	ls := several(t, 3, Limits{}, same)
	release, held := make(chan struct{}), make(chan struct{})
	ls[0].Post(func() {
		close(held)
		<-release
	})
	over := make(chan error)
	go func() { over <- ls[:2].Run() }()
	<-held
	if list := (Loops{ls[0], ls[2]}).Snapshots(time.Millisecond); list[0] != nil || list[1] != nil {
		t.Errorf("a loop that is held has %v, and one that does not run %v", list[0], list[1])
	}
	if list := ls[1:2].Snapshots(time.Minute); list[0] == nil {
		t.Error("a loop that is not held has none")
	}
	close(release)
	if list := ls[:2].Snapshots(time.Minute); list[0] == nil || list[1] == nil {
		t.Errorf("when it is not held, they have %v and %v", list[0], list[1])
	}
	ls.Stop()
	if err := <-over; err != nil {
		t.Error(err)
	}
	if list := ls[:2].Snapshots(time.Minute); list[0] != nil || list[1] != nil {
		t.Errorf("when they have ended, they have %v and %v", list[0], list[1])
	}
	if err := ls[2].Run(); err != nil { // it was stopped, and gives back its kernel
		t.Error(err)
	}
}
