package http

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// TestBodiesAreAccountedOnBadDays has clients of four addresses send bodies of all
// kinds into too little room, and leave as they like. In the end stage finds that
// nothing is counted any more.
func TestBodiesAreAccountedOnBadDays(t *testing.T) {
	paths := []string{"/echo", "/streaming/body", "/streaming/echo", "/blocking/body", "/blocking/echo", "/later-with-body", "/"}
	full := 0
	for seed := range uint64(60) {
		k := sim.NewUnlucky(seed)
		limits := Limits{BodiesTotal: 64 << 10, Body: 32 << 10}
		_ = stage(t, k, Config{Handler: site, Limits: limits}, func(s *Server, _ *sim.Script, w *sim.Wire) {
			w.Close()
			for i := range 24 {
				k.Go(func(c *sim.Script) {
					w, err := k.DialFrom(netip.AddrFrom4([4]byte{10, 0, 1, byte(i % 4)}), 0)
					if err != nil {
						return
					}
					size := k.Roll(24 << 10)
					_ = c.Send(w, fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", paths[k.Roll(len(paths))], size+10, strings.Repeat("x", size)))
					c.Sleep(time.Duration(k.Roll(4000)) * time.Millisecond)
					if s.bodies.held > 64<<10 {
						t.Errorf("%d bytes are held", s.bodies.held)
					}
					switch k.Roll(3) {
					case 0:
						w.Reset()
					case 1:
						_ = c.Send(w, []byte("0123456789"))
						if answer, _ := c.ReceiveAll(w); strings.Contains(string(answer), errBusy.Reason) {
							full++
						}
					}
					w.Close()
				})
			}
		})
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if full == 0 {
		t.Error("no body had to make room")
	}
}

// TestABodyWhoseClientHasLeftIsNotEnded has a client leave whose handler runs aside
// and does not know yet, before another needs the room.
func TestABodyWhoseClientHasLeftIsNotEnded(t *testing.T) {
	k := sim.New(1)
	k.Luck.SlowWork = 1000 // up to a second
	err := stage(t, k, Config{Handler: site, Limits: Limits{BodiesTotal: 1000}}, func(s *Server, c *sim.Script, w *sim.Wire) {
		w.Close()
		met := 0
		for range 20 {
			first, _ := k.Dial()
			_ = c.Send(first, fmt.Appendf(nil, "POST /blocking/body HTTP/1.1\r\nHost: a\r\nContent-Length: 800\r\n\r\n%0700d", 0))
			c.Sleep(2 * time.Second)
			first.Reset()
			c.Sleep(time.Microsecond)
			second, _ := k.DialFrom(netip.AddrFrom4([4]byte{10, 0, 0, 2}), 0)
			_ = c.Send(second, fmt.Appendf(nil, "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 250\r\n\r\n%0250d", 0))
			if s.bodies.held == 700 {
				met++
			}
			if p, err := c.Receive(second, nil, 4096); !strings.HasPrefix(string(p), "HTTP/1.1 200") {
				t.Errorf("there is room for both, and yet: %s, %v", p, err)
			}
			second.Close()
			c.Sleep(5 * time.Second)
		}
		if met == 0 {
			t.Error("each handler knew at once")
		}
	})
	if err != nil {
		t.Error(err)
	}
}
