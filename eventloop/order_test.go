package eventloop

import (
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// TestAStallThatIsToldInFlushWritesBehindWhatIsStaged has OnStall write, in flush, to the
// connection that is written to next, whose socket takes only a part of what is staged.
func TestAStallThatIsToldInFlushWritesBehindWhatIsStaged(t *testing.T) {
	var all []*Conn
	h := build(t, Limits{}, func(c *Conn) Protocol {
		all = append(all, c)
		return &script{}
	})
	h.k.Buffer = 100
	s := suspectOn(t, h.Loop)
	h.dog.onStall = func(*Stall) { all[0].Write([]byte(" and more")) }
	said := strings.Repeat("staged ", 100)
	heard := ""
	h.visit(func(c *sim.Script, w *sim.Wire) {
		c.Sleep(time.Second)
		h.Post(func() {
			all[0].Write([]byte(said))
			s.wait()
		})
		c.Sleep(time.Second)
		w.CloseWrite()
		p, _ := c.ReceiveAll(w)
		heard = string(p)
	})
	if err := h.live(); err != nil {
		t.Error(err)
	}
	if heard != said+" and more" {
		t.Errorf("the client has heard %q", heard)
	}
}

// TestACommitTakesNoOthersRoom commits, with more connections on the list than a place can
// count, what was not reserved for a connection that is not on it.
func TestACommitTakesNoOthersRoom(t *testing.T) {
	var s stage
	s.init()
	for range 300 {
		s.mark(&Conn{})
	}
	panics := func() (panics bool) {
		defer func() { panics = recover() != nil }()
		s.commit(&Conn{}, 10)
		return false
	}
	if !panics() || len(s.arena) != 0 {
		t.Errorf("it has %d bytes", len(s.arena))
	}
}
