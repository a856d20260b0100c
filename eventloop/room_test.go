package eventloop

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// A throng is a house whose clients say by one letter how their connection stands from
// then on: i for idle, w for waiting, b for busy. They hear the letter again.
type throng struct {
	*house
	ended []string // the clients whose connections the loop has ended, in that order
}

func newThrong(t *testing.T, limits Limits, proxies func(netip.Addr) bool) *throng {
	c := &throng{}
	c.house = build(t, limits, func(conn *Conn) Protocol {
		conn.SetWaiting()
		return &script{speak: func(conn *Conn, p []byte) int {
			switch p[len(p)-1] {
			case 'i':
				conn.SetIdle(true)
			case 'w':
				conn.SetWaiting()
			case 'b':
				conn.SetIdle(false)
			case 'c':
				conn.SetClient(client("10.9.9.9"))
				conn.SetIdle(true)
			}
			conn.Write(p)
			return len(p)
		}}
	})
	c.clients.proxies = proxies
	return c
}

// come adds a client at a time that says one letter and stays until a minute is over.
// If its connection ends before, its name is noted; if it is not answered, the name
// with a minus.
func (c *throng) come(name, from string, at time.Duration, letter string) {
	c.visitAt(from, at, func(s *sim.Script, w *sim.Wire) {
		end := c.clock.start.Add(time.Minute)
		s.Send(w, []byte(letter))
		if p, err := s.Receive(w, nil, 10); string(p) != letter || err != nil {
			c.ended = append(c.ended, name+"-")
			return
		}
		for s.Until(w, end) {
			if _, err := s.Receive(w, nil, 10); err != nil {
				c.ended = append(c.ended, name)
				break
			}
		}
		w.Close()
	})
}

// visitAt adds a client at an address and a time.
func (h *house) visitAt(from string, at time.Duration, f func(s *sim.Script, w *sim.Wire)) {
	h.k.Go(func(s *sim.Script) {
		s.Sleep(at)
		w, err := h.k.DialFrom(netip.MustParseAddr(from), 0)
		if err != nil {
			h.t.Error(err)
			return
		}
		f(s, w)
	})
}

func TestWhoMakesRoom(t *testing.T) {
	const (
		a, b, c = "10.0.0.1", "10.0.0.2", "10.0.0.3"
		later   = 5 * time.Second
	)
	type group struct {
		from   string
		n      int
		letter string
	}
	for _, row := range []struct {
		name  string
		limit Limits
		there []group // one connection after the other, 60 milliseconds apart, all within a second
		come  []group // at one moment, later
		ended string
	}{
		{"below three quarters nothing changes", Limits{Conns: 16},
			[]group{{a, 11, "i"}}, []group{{a, 1, "b"}}, ""},
		{"above, a client with over a quarter pays for its own", Limits{Conns: 16},
			[]group{{a, 13, "i"}}, []group{{a, 1, "b"}}, "a0"},
		{"and another client does not", Limits{Conns: 16},
			[]group{{a, 13, "i"}}, []group{{b, 3, "b"}}, ""},
		{"at the limit one newcomer costs one connection, the idlest", Limits{Conns: 16},
			[]group{{a, 16, "i"}}, []group{{b, 1, "b"}}, "a0"},
		{"of the client that holds most, although another's is idler", Limits{Conns: 16},
			[]group{{b, 2, "i"}, {a, 14, "i"}}, []group{{c, 2, "b"}}, "a0 a1"},
		{"those that are idle go before those that wait", Limits{Conns: 16},
			[]group{{a, 8, "w"}, {a, 8, "i"}}, []group{{b, 2, "b"}}, "a8 a9"},
		{"then those that have waited longest", Limits{Conns: 16},
			[]group{{a, 15, "w"}, {a, 1, "i"}}, []group{{b, 3, "b"}}, "a0 a1 a15"},
		{"and busy ones for another client", Limits{Conns: 16},
			[]group{{a, 16, "b"}}, []group{{b, 2, "b"}}, "a0 a1"},
		{"but not for its own: one waits, the others are refused", Limits{Conns: 16},
			[]group{{a, 16, "b"}}, []group{{a, 3, "b"}, {b, 1, "b"}}, "a0 a16- a17- a18-"},
		{"where each holds a few, the idlest of all goes", Limits{Conns: 4},
			[]group{{a, 1, "w"}, {b, 1, "i"}, {a, 2, "i"}}, []group{{c, 1, "b"}}, "b0"},
		{"if none is idle, a client that holds more than twice as many pays", Limits{Conns: 8},
			[]group{{a, 4, "b"}, {b, 4, "b"}}, []group{{c, 1, "b"}}, "a0"},
		{"a client pays for what is beyond its cap", Limits{Conns: 16, PerAddress: 2},
			[]group{{a, 1, "b"}, {a, 1, "i"}}, []group{{a, 1, "b"}, {b, 2, "b"}}, "a1"},
		{"or is refused", Limits{Conns: 16, PerAddress: 2},
			[]group{{a, 2, "b"}}, []group{{a, 2, "b"}, {b, 2, "b"}}, "a2- a3-"},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := newThrong(t, row.limit, nil)
			count := make(map[string]int)
			name := map[string]string{a: "a", b: "b", c: "c"}
			add := func(g group, at time.Duration) {
				h.come(fmt.Sprintf("%s%d", name[g.from], count[g.from]), g.from, at, g.letter)
				count[g.from]++
			}
			at := time.Duration(0)
			for _, g := range row.there {
				for range g.n {
					add(g, at)
					at += 60 * time.Millisecond
				}
			}
			for _, g := range row.come {
				for range g.n {
					add(g, later)
				}
			}
			if err := h.live(); err != nil {
				t.Error(err)
			}
			slices.Sort(h.ended)
			if got := strings.Join(h.ended, " "); got != row.ended {
				t.Errorf("ended: %q, want %q", got, row.ended)
			}
			counters := h.Counters()
			if refused := strings.Count(row.ended, "-"); int(counters[Refused].N) != refused || int(counters.Evicted()) != len(strings.Fields(row.ended))-refused {
				t.Errorf("%d were refused and %d evicted, says the loop", counters[Refused].N, counters.Evicted())
			}
		})
	}
}

// TestEqualsWaitForRoom has more clients with half a request each than there is room
// for: as none holds more than another, none is cut, and all are served in the end.
func TestEqualsWaitForRoom(t *testing.T) {
	h := newThrong(t, Limits{Conns: 8}, nil)
	served := 0
	for i := range 30 {
		h.visitAt(fmt.Sprintf("10.0.1.%d", i), 0, func(s *sim.Script, w *sim.Wire) {
			s.Send(w, []byte("w"))
			s.Receive(w, nil, 10)
			s.Sleep(3 * time.Second)
			s.Send(w, []byte("b"))
			if p, err := s.Receive(w, nil, 10); string(p) != "b" {
				t.Errorf("client %d heard %q, %v", i, p, err)
				return
			}
			served++
			w.Close()
		})
	}
	if err := h.live(); err != nil {
		t.Error(err)
	}
	if served != 30 {
		t.Errorf("%d of 30 were served", served)
	}
}

// TestOneAddressRenewsHalfRequests: another address is served at once, all the time.
func TestOneAddressRenewsHalfRequests(t *testing.T) {
	h := newThrong(t, Limits{Conns: 20}, nil)
	over := false
	for range 60 {
		h.k.Go(func(s *sim.Script) {
			for !over {
				w, err := h.k.DialFrom(netip.MustParseAddr("10.0.0.9"), 0)
				if err != nil {
					t.Error(err)
					return
				}
				s.Send(w, []byte("w"))
				s.Receive(w, nil, 10)
				s.Receive(w, nil, 10)
				w.Close()
				s.Sleep(10 * time.Millisecond)
			}
		})
	}
	slowest := time.Duration(0)
	h.k.Go(func(s *sim.Script) {
		s.Sleep(time.Second)
		for i := range 200 {
			w, err := h.k.DialFrom(netip.MustParseAddr("10.0.0.1"), 0)
			if err != nil {
				t.Error(err)
				return
			}
			since := h.k.Now()
			s.Send(w, []byte("b"))
			if p, err := s.Receive(w, nil, 10); string(p) != "b" {
				t.Errorf("request %d: %q, %v", i, p, err)
			}
			slowest = max(slowest, h.k.Now().Sub(since))
			w.Close()
			s.Sleep(20 * time.Millisecond)
		}
		over = true
	})
	every := h.k.Every
	h.k.Every = func() {
		if over && h.k.Running() > 0 && !h.Stopping() {
			h.Stop()
		}
		every()
	}
	h.live()
	if slowest > 2*shortestPause { // one of the address's own waits at the door, once a second
		t.Errorf("the slowest answer took %v", slowest)
	}
}

// TestConnectionsOfAProxyAreItsClients: the one that has most of them pays.
func TestConnectionsOfAProxyAreItsClients(t *testing.T) {
	proxy := netip.MustParseAddr("10.0.0.1")
	h := newThrong(t, Limits{Conns: 16}, func(a netip.Addr) bool { return a == proxy })
	for i := range 6 {
		h.come(fmt.Sprintf("p%d", i), "10.0.0.1", 0, "i")
	}
	for i := range 10 {
		h.come(fmt.Sprintf("c%d", i), "10.0.0.1", time.Second, "c")
	}
	h.come("b", "10.0.0.2", 5*time.Second, "b")
	if err := h.live(); err != nil {
		t.Error(err)
	}
	if got := strings.Join(h.ended, " "); got != "c0" {
		t.Errorf("ended: %q", got)
	}
}

// TestTheCensusHasTwoEdges: it is taken above three quarters, and given up at half.
func TestTheCensusHasTwoEdges(t *testing.T) {
	h := newThrong(t, Limits{Conns: 16}, nil)
	var began, ended int
	every, was := h.k.Every, false
	h.k.Every = func() {
		switch {
		case h.Crowded() && !was:
			began = h.Open()
		case !h.Crowded() && was:
			ended = h.Open()
		}
		if n, of := h.Holds(client("10.0.0.1")); h.Crowded() && (n != of || n != h.Open()) {
			t.Errorf("the client holds %d of %d, and %d are open", n, of, h.Open())
		}
		was = h.Crowded()
		every()
	}
	for i := range 14 {
		h.visitAt("10.0.0.1", time.Duration(i)*tick, func(s *sim.Script, w *sim.Wire) {
			s.Send(w, []byte("b"))
			s.Sleep(10 * time.Second)
			w.Close()
		})
	}
	if err := h.live(); err != nil {
		t.Error(err)
	}
	if began != 13 || ended != 8 {
		t.Errorf("it began with %d connections and ended with %d", began, ended)
	}
}
