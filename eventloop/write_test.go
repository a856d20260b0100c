package eventloop

import (
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// A pressed protocol is told when there is room again.
type pressed struct {
	script
	drain func(c *Conn)
}

func (p *pressed) OnDrain(c *Conn)    { p.drain(c) }
func (p *pressed) OnPeerClosed(*Conn) {}

// TestAProtocolIsToldWhenThereIsRoomAgain has a client that takes nothing for a second.
func TestAProtocolIsToldWhenThereIsRoomAgain(t *testing.T) {
	const first, second = 2 << 20, 100
	limits := Limits{HighWater: 1000}
	var h *house
	told := 0
	var at time.Duration
	p := &pressed{drain: func(c *Conn) {
		if told++; told > 1 {
			return
		}
		at = h.Uptime()
		if queued := c.Buffered(); c.Full() || queued > 500 {
			t.Errorf("it is told while %d bytes are queued", queued)
		}
		c.Write(make([]byte, second))
		c.Close()
	}}
	p.speak = func(c *Conn, q []byte) int {
		c.Write(make([]byte, first))
		if !c.Full() || !c.ShouldWait() {
			t.Error("there is no back-pressure")
		}
		return len(q)
	}
	h = build(t, limits, func(*Conn) Protocol { return p })
	h.visit(func(s *sim.Script, w *sim.Wire) {
		s.Send(w, []byte("a"))
		s.Sleep(time.Second)
		if told > 0 {
			t.Error("it is told before its client has taken anything")
		}
		got, err := s.ReceiveAll(w)
		if len(got) != first+second || err != nil {
			t.Errorf("the client received %d bytes, %v", len(got), err)
		}
		w.Close()
	})
	h.live()
	if told != 1 || at < time.Second {
		t.Errorf("it is told %d times, at %v", told, at)
	}
}
