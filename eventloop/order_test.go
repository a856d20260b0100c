package eventloop

import (
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// TestWhatOnStallWritesInFlush has OnStall write, in flush, before the first connection is
// written to. In the next turn that one has more to say.
func TestWhatOnStallWritesInFlush(t *testing.T) {
	said, more := strings.Repeat("staged ", 100), strings.Repeat("more ", 200)
	for _, row := range []struct {
		name  string
		takes int // bytes that a socket takes at once
		to    int // the number of the connection
		heard [2]string
	}{
		{"comes behind what is staged", 10_000, 0, [2]string{said + "told " + more, ""}},
		{"comes behind what is staged, although the socket does not take all of it", 100, 0, [2]string{said + "told " + more, ""}},
		{"is kept for the next turn on another connection", 10_000, 1, [2]string{said + more, "told "}},
	} {
		t.Run(row.name, func(t *testing.T) {
			var all []*Conn
			h := build(t, Limits{}, func(c *Conn) Protocol {
				all = append(all, c)
				return &script{}
			})
			h.k.Buffer = row.takes
			s := suspectOn(t, h.Loop)
			h.dog.onStall = func(*Stall) {
				all[row.to].Write([]byte("told "))
				h.Post(func() { all[0].Write([]byte(more)) })
			}
			var heard [2]string
			for i := range heard {
				h.visit(func(c *sim.Script, w *sim.Wire) {
					c.Sleep(time.Duration(1+i) * time.Second)
					if i == 1 {
						h.Post(func() {
							all[0].Write([]byte(said))
							s.wait()
						})
					}
					c.Sleep(3 * time.Second)
					w.CloseWrite()
					p, _ := c.ReceiveAll(w)
					heard[i] = string(p)
				})
			}
			if err := h.live(); err != nil {
				t.Error(err)
			}
			if heard != row.heard {
				t.Errorf("the clients have heard %q", heard)
			}
		})
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
