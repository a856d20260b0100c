package websocket

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http"
)

// from is connect for a client at an address.
func (c *client) from(address, path string) *client {
	c.t.Helper()
	w, err := c.kernel.DialFrom(netip.MustParseAddr(address), 0)
	if err != nil {
		c.t.Fatal(err)
	}
	one := &client{t: c.t, kernel: c.kernel, script: c.script, wire: w}
	one.say(strings.Replace(handshake, "GET /", "GET /"+path, 1) + "\r\n")
	for !strings.Contains(string(one.in), "\r\n\r\n") {
		if one.in, err = one.script.Receive(w, one.in, 64<<10); err != nil {
			c.t.Fatal(err)
		}
	}
	_, rest, _ := strings.Cut(string(one.in), "\r\n\r\n")
	one.in = []byte(rest)
	return one
}

// TestMessagesShareTheirMemory has one client send many that do not come to their end, or that
// its handlers wait with, and another one its own, which comes back.
func TestMessagesShareTheirMemory(t *testing.T) {
	const size, total = 600_000, 4 << 20
	for _, row := range []struct {
		name  string
		path  string
		limit int64
		ended int // of ten
	}{
		{"messages that are incomplete", "", total, 5},
		{"messages with which handlers wait", "waits", total, 5},
		{"messages below the limit", "", 64 << 20, 0},
		{"messages below the limit with which handlers wait", "waits", 64 << 20, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			var sessions []*Session
			o := Options{Limits: Limits{MessagesTotal: row.limit}}
			waits := Streaming(o, func(s *Session) error {
				sessions = append(sessions, s)
				for {
					kind, p, err := s.Read()
					for ; err == nil; err = s.Send(kind, p) {
					}
					if err != nil {
						return err
					}
				}
			})
			h := func(w *http.Response, r *http.Request) error {
				if r.Path() == "/waits" {
					return waits(w, r)
				}
				return accepted(o, func(s *Session) {
					sessions = append(sessions, s)
					s.OnMessage(func(kind Kind, p []byte) { s.Send(kind, p) })
				})(w, r)
			}
			stage(t, h, func(_ *http.Server, c *client) {
				other := c.from("192.0.2.2", "")
				other.say(frame(0x01, strings.Repeat("a", 300_000)))
				c.script.Sleep(second)
				var many []*client
				for range 10 {
					one := c.from("192.0.2.1", row.path)
					one.say(frame(0x02, strings.Repeat("x", size)))
					if row.path != "" {
						one.say(frame(0x80, ""))
					}
					many = append(many, one)
					c.script.Sleep(second)
				}
				held := sessions[0].shared.held.Total()
				if held > row.limit {
					t.Errorf("%d bytes are held", held)
				}
				ended := 0
				for _, s := range sessions[1:] {
					if !s.Live() {
						ended++
					}
				}
				if ended != row.ended {
					t.Errorf("%d sessions were ended of those that hold much, and %d bytes are held", ended, held)
				}
				other.say(frame(0x80, "b"))
				other.wants("text " + strings.Repeat("a", 300_000) + "b")
				if row.path == "" && row.ended > 0 && many[0].next() != "close 1013 there are too many messages at once" {
					t.Error("the first was not told why")
				}
				for _, one := range append(many, other) {
					one.wire.Reset()
				}
				c.script.Sleep(second)
				if n := sessions[0].shared; len(n.accounts.all) != 0 || n.held.Total() != 0 {
					t.Errorf("%d messages are counted when there is none, of %d bytes", len(n.accounts.all), n.held.Total())
				}
			})
		})
	}
}

// TestMessagesOfSeeds has clients send messages whole and in parts, leave, break rules and take
// nothing, at random, and holds that nothing is counted when all have left.
func TestMessagesOfSeeds(t *testing.T) {
	for seed := range uint64(10) {
		k := sim.New(seed)
		var sh *shared
		o := Options{Deflate: true, Limits: Limits{MessageSize: 64 << 10, MessagesTotal: 300_000}}
		h := Streaming(o, func(s *Session) error {
			sh = s.shared
			for {
				kind, p, err := s.Read()
				if err != nil {
					return err
				}
				if err := s.Send(kind, p); err != nil {
					return err
				}
			}
		})
		stageKernel(t, k, http.Config{Handler: h}, func(_ *http.Server, c *client) {
			var all []*client
			for range 100 {
				switch n := k.Roll(10); {
				case n < 3 || len(all) == 0:
					all = append(all, c.from(fmt.Sprint("192.0.2.", 1+k.Roll(4)), ""))
				case n == 3:
					i := k.Roll(len(all))
					all[i].wire.Reset()
					all = slices.Delete(all, i, i+1)
				case n == 4:
					all[k.Roll(len(all))].say("\x00")
				case n == 5:
					one := all[k.Roll(len(all))]
					one.in, _ = c.script.Receive(one.wire, one.in, 1<<20)
				default:
					first := []byte{0x01, 0x00, 0x80, 0x81, 0x88, 0xc1}[k.Roll(6)]
					all[k.Roll(len(all))].say(frame(first, strings.Repeat("x", k.Roll(40_000))))
				}
				if sh != nil && sh.held.Total() > o.MessagesTotal {
					t.Errorf("seed %d: %d bytes are held", seed, sh.held.Total())
				}
			}
			for _, one := range all {
				one.wire.Reset()
			}
			c.script.Sleep(second)
			if len(sh.accounts.all) != 0 || sh.held.Total() != 0 {
				t.Errorf("seed %d: %d messages are counted when there is none, of %d bytes", seed, len(sh.accounts.all), sh.held.Total())
			}
		})
	}
}
