package eventloop

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// asNamed has each client say in a line at which address it is, as a proxy would, and answers
// with what the loop takes it for.
func asNamed(c *Conn, p []byte) int {
	c.SetIdle(true)
	if text, ok := strings.CutPrefix(string(p), "at "); ok && !c.SetPeer(netip.MustParseAddrPort(text)) {
		return len(p)
	}
	c.Write([]byte(c.Peer().String() + " of " + c.Client().String()))
	return len(p)
}

func TestAConnectionIsItsPeers(t *testing.T) {
	for _, row := range []struct {
		name string
		say  []string // one after the other
		want string
	}{
		{"a proxy is nobody's client", []string{"who"}, "10.0.0.7:0 of unknown"},
		{"the peer that it names is", []string{"at 192.0.2.1:5000"}, "192.0.2.1:5000 of 192.0.2.1"},
		{"also with port 0", []string{"at 192.0.2.1:0"}, "192.0.2.1:0 of 192.0.2.1"},
		{"an IPv6 client is its network", []string{"at [2001:db8::1]:5000"}, "[2001:db8::1]:5000 of 2001:db8::/64"},
		{"an IPv4 client in IPv6 form is one of IPv4", []string{"at [::ffff:192.0.2.1]:5000"}, "192.0.2.1:5000 of 192.0.2.1"},
		{"a peer that is a proxy, too, is nobody's", []string{"at 10.0.0.7:5000"}, "10.0.0.7:5000 of unknown"},
		{"the last name counts", []string{"at 192.0.2.1:1", "at 192.0.2.2:2"}, "192.0.2.1:1 of 192.0.2.1 192.0.2.2:2 of 192.0.2.2"},
	} {
		h := build(t, Limits{}, func(*Conn) Protocol { return &script{speak: asNamed} })
		proxy := netip.MustParseAddr("10.0.0.7")
		h.clients.proxies = func(a netip.Addr) bool { return a == proxy }
		var heard []string
		h.visitFrom("10.0.0.7", func(s *sim.Script, w *sim.Wire) {
			for _, say := range row.say {
				s.Send(w, []byte(say))
				p, err := s.Receive(w, nil, 100)
				if err != nil {
					t.Error(err)
				}
				heard = append(heard, string(p))
			}
			w.Close()
		})
		if err := h.live(); err != nil {
			t.Error(err)
		}
		got := strings.Join(heard, " ")
		if strings.HasPrefix(row.want, "10.0.0.7:0 ") { // whatever its port is
			_, after, _ := strings.Cut(got, " ")
			got = "10.0.0.7:0 " + after
		}
		if got != row.want {
			t.Errorf("%s: it is %q, and not %q", row.name, got, row.want)
		}
	}
}

// TestAPeerThatIsNamedPaysForItself: the census and Limits.PerAddress are by the peers that are
// named, and what was counted is given back under the same name.
func TestAPeerThatIsNamedPaysForItself(t *testing.T) {
	h := build(t, Limits{PerAddress: 2}, func(*Conn) Protocol { return &script{speak: asNamed} })
	proxy := netip.MustParseAddr("10.0.0.7")
	h.clients.proxies = func(a netip.Addr) bool { return a == proxy }
	ended := make(map[int]bool)
	const each = 3
	for i := range 2 * each {
		h.visitAt("10.0.0.7", time.Duration(i)*time.Second, func(s *sim.Script, w *sim.Wire) {
			s.Send(w, []byte([]string{"at 192.0.2.1:1", "at 192.0.2.2:1"}[i/each]))
			s.Receive(w, nil, 100)
			if i == 2*each-1 {
				for name, want := range map[string]int64{"192.0.2.1": 2, "192.0.2.2": 2, "10.0.0.7": 0} {
					if n := h.eviction.census.Of(client(name)); n != want {
						t.Errorf("%s holds %d connections, and not %d", name, n, want)
					}
				}
				w.Close()
				return
			}
			for s.Until(w, h.clock.start.Add(time.Minute)) {
				if _, err := s.Receive(w, nil, 10); err != nil {
					ended[i] = true
					break
				}
			}
			w.Close()
		})
	}
	if err := h.live(); err != nil {
		t.Error(err)
	}
	if len(ended) != 2 || !ended[0] || !ended[each] {
		t.Errorf("these have made room: %v, and not the idlest of each client", ended)
	}
	if n := h.eviction.census.Total(); n != 0 {
		t.Errorf("%d connections are counted that are over", n)
	}
}

// TestAPeerHasAnAddress: one without would be taken for a peer on a Unix socket.
func TestAPeerHasAnAddress(t *testing.T) {
	for _, a := range []netip.AddrPort{{}, netip.MustParseAddrPort("[::]:80"), netip.MustParseAddrPort("0.0.0.0:80")} {
		panicked := false
		h := build(t, Limits{}, func(*Conn) Protocol {
			return &script{speak: func(c *Conn, p []byte) int {
				defer func() {
					panicked = recover() != nil
					c.Close()
				}()
				c.SetPeer(a)
				return len(p)
			}}
		})
		h.visit(func(s *sim.Script, w *sim.Wire) {
			s.Send(w, []byte("a"))
			s.ReceiveAll(w)
			w.Close()
		})
		if err := h.live(); err != nil || !panicked {
			t.Errorf("SetPeer(%v) has panicked: %v, %v", a, panicked, err)
		}
	}
}
