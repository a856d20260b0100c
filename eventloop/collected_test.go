package eventloop

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

func TestTheShareOfTheCollectorIsOfAllProcessors(t *testing.T) {
	for _, row := range []struct {
		name       string
		seconds    float64
		within     time.Duration
		processors int
		want       float64
	}{
		{"all of one", 0.1, 100 * time.Millisecond, 1, 1},
		{"of two it is half", 0.1, 100 * time.Millisecond, 2, 0.5},
		{"nothing is none", 0, 100 * time.Millisecond, 2, 0},
		{"more than all is all: a collection had begun before", 1, 100 * time.Millisecond, 2, 1},
		{"no time has no share", 1, 0, 2, 0},
	} {
		if got := share(row.seconds, row.within, row.processors); got != row.want {
			t.Errorf("%s: %v, not %v", row.name, got, row.want)
		}
	}
}

// TestAStallHasTheShareOfTheCollector holds a loop by collecting garbage.
func TestAStallHasTheShareOfTheCollector(t *testing.T) {
	var s *suspect
	h := build(t, Limits{}, func(c *Conn) Protocol {
		return &script{speak: func(c *Conn, p []byte) int {
			c.Loop().dog.period = time.Millisecond // what each look stands for
			s.begun <- struct{}{}
			for s.dog.state.Load() != caught {
				runtime.GC()
			}
			runtime.GC()
			return len(p)
		}}
	})
	s = suspectOn(t, h.Loop)
	var stalls []*Stall
	h.dog.onStall = func(s *Stall) { stalls = append(stalls, s) }
	h.visit(func(c *sim.Script, w *sim.Wire) {
		c.Send(w, []byte("a"))
		c.Sleep(time.Second)
		w.Close()
	})
	if err := h.live(); err != nil {
		t.Error(err)
	}
	if len(stalls) != 1 || stalls[0].GC <= 0 || stalls[0].GC > 1 || len(stalls[0].Records) == 0 {
		t.Fatalf("%d stalls, %+v", len(stalls), stalls)
	}
	if said := s.read()[0]["gc"]; !strings.HasSuffix(said, "%") {
		t.Errorf("it is told as %q", said)
	}
}

func TestAPanicInOnStallIsLogged(t *testing.T) {
	h := build(t, Limits{}, func(*Conn) Protocol { return &script{} })
	s := suspectOn(t, h.Loop)
	h.dog.onStall = func(*Stall) { panic("on purpose") }
	h.visit(func(c *sim.Script, w *sim.Wire) {
		h.Post(s.wait)
		c.Sleep(time.Second)
		w.Close()
	})
	if err := h.live(); err != nil {
		t.Error(err)
	}
	if h.Count(Panicked) != 1 || len(s.read()) != 2 {
		t.Errorf("%d panics are counted, and the log is %v", h.Count(Panicked), s.read())
	}
}
