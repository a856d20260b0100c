package http

import (
	"errors"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// named returns a handler and a middleware, each of which writes its name.
func named(name string) (Handler, Middleware) {
	h := func(w *Response, r *Request) error { return w.Text(name) }
	m := func(next Handler) Handler {
		return func(w *Response, r *Request) error {
			w.Add("X-Around", name)
			return next(w, r)
		}
	}
	return h, m
}

// onLoop runs f on the loop of a server, and returns when it has run.
func onLoop(t *testing.T, s *Server, c *sim.Script, f func()) {
	t.Helper()
	ran := false
	if err := s.Loop().Post(func() { f(); ran = true }); err != nil {
		t.Error(err)
		return
	}
	for !ran {
		c.Sleep(time.Millisecond)
	}
}

// TestAnotherHandlerServesTheNextRequest replaces handler and middleware while a request waits
// on one connection, and another connection is idle.
func TestAnotherHandlerServesTheNextRequest(t *testing.T) {
	const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	var held *Held
	_, before := named("before")
	k := sim.New(1)
	waits := func(w *Response, r *Request) error {
		var err error
		held, err = w.Hold()
		return err
	}
	err := stage(t, k, Config{Handler: waits, Middleware: before, Loop: eventloop.Config{CheckOwner: true}}, func(s *Server, c *sim.Script, w *sim.Wire) {
		c.Send(w, []byte(request))
		c.Sleep(time.Second)
		onLoop(t, s, c, func() {
			if err := s.SetHandler(named("after")); err != nil {
				t.Error(err)
			}
			held.Write([]byte("held"))
			held.Done()
		})
		if got, err := c.Receive(w, nil, 4096); !strings.Contains(string(got), "X-Around: before\r\n") || !strings.Contains(string(got), "held") {
			t.Errorf("the request that had begun got %q, %v", got, err)
		}
		for _, row := range []struct{ name, request, want string }{
			{"the next on that connection", request, "after"},
			{"one that is refused", "GET / HTTP/1.1\r\n\r\n", "400"},
		} {
			c.Send(w, []byte(row.request))
			if got, err := c.Receive(w, nil, 4096); !strings.Contains(string(got), "X-Around: after\r\n") || !strings.Contains(string(got), row.want) {
				t.Errorf("%s got %q, %v", row.name, got, err)
			}
		}
		w.Close()
	})
	if err != nil {
		t.Error(err)
	}
}

// TestMiddlewareCanBeTakenAway has a server without it afterwards, and no handler refused.
func TestMiddlewareCanBeTakenAway(t *testing.T) {
	h, m := named("before")
	err := stage(t, sim.New(1), Config{Handler: h, Middleware: m, Loop: eventloop.Config{CheckOwner: true}}, func(s *Server, c *sim.Script, w *sim.Wire) {
		onLoop(t, s, c, func() {
			if err := s.SetHandler(nil, m); err == nil {
				t.Error("a server has no handler")
			}
			if err := s.SetHandler(hello, nil); err != nil {
				t.Error(err)
			}
		})
		c.Send(w, []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
		if got, err := c.Receive(w, nil, 4096); strings.Contains(string(got), "X-Around") || !strings.HasSuffix(string(got), "hello") {
			t.Errorf("got %q, %v", got, err)
		}
		w.Close()
	})
	if err != nil {
		t.Error(err)
	}
}

// TestEveryLimitIsReplacedOrNamed changes each limit alone.
func TestEveryLimitIsReplacedOrNamed(t *testing.T) {
	s, err := NewServer(Config{Handler: hello, Loop: eventloop.Config{Kernel: sim.New(1)}})
	if err != nil {
		t.Fatal(err)
	}
	var named []string
	for f := range reflect.TypeFor[Limits]().Fields() {
		var next Limits
		wanted := reflect.ValueOf(s.limits).FieldByName(f.Name).Int() / 2
		switch f.Name {
		case "PerAddress":
			wanted = 7
		case "StreamWindowMost", "ConnWindowMost", "ConnWindow", "Input":
			wanted *= 4
		}
		reflect.ValueOf(&next).Elem().FieldByName(f.Name).SetInt(wanted)
		kept, err := s.SetLimits(next)
		if err != nil {
			t.Errorf("%s = %d: %v", f.Name, wanted, err)
			continue
		}
		got := reflect.ValueOf(s.limits).FieldByName(f.Name).Int()
		ofLoop := got
		if v := reflect.ValueOf(s.loop.Limits()).FieldByName(f.Name); v.IsValid() {
			ofLoop = v.Int()
		}
		switch {
		case slices.Contains(kept, f.Name):
			named = append(named, f.Name)
			if got == wanted || ofLoop == wanted {
				t.Errorf("%s is said to be kept, and is the new one", f.Name)
			}
		case got != wanted || ofLoop != wanted:
			t.Errorf("%s is %d for the server and %d for its loop, and was set to %d", f.Name, got, ofLoop, wanted)
		}
	}
	slices.Sort(named)
	if want := []string{"AcceptBatch", "ConnWindow", "ConnWindowMost", "Handshakes", "ReadBudget", "StreamWindow", "StreamWindowMost", "Streams"}; !slices.Equal(named, want) {
		t.Errorf("kept are %v, and not %v", named, want)
	}
	if _, err := s.SetLimits(Limits{FieldCount: 1000}); err == nil || s.limits.FieldCount == 1000 {
		t.Error("a limit that cannot work is taken")
	}
	s.Stop()
	if err := s.Run(); err != nil {
		t.Error(err)
	}
}

// TestLimitsHoldFromTheNextHeadOn has a client send the same head before and after, which the
// server has cached.
func TestLimitsHoldFromTheNextHeadOn(t *testing.T) {
	request := []byte("GET / HTTP/1.1\r\nHost: a\r\nX-Long: " + strings.Repeat("x", 500) + "\r\n\r\n")
	err := serve(t, hello, func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
		for range 2 {
			c.Send(w, request)
			if got, err := c.Receive(w, nil, 4096); !strings.HasPrefix(string(got), "HTTP/1.1 200 ") {
				t.Errorf("got %q, %v", got, err)
			}
		}
		onLoop(t, s, c, func() {
			if kept, err := s.SetLimits(Limits{FieldLine: 100}); len(kept) > 0 || err != nil {
				t.Errorf("kept %v, %v", kept, err)
			}
		})
		c.Send(w, request)
		if got, err := c.Receive(w, nil, 4096); !strings.HasPrefix(string(got), "HTTP/1.1 431 ") {
			t.Errorf("got %q, %v", got, err)
		}
		w.Close()
	})
	if err != nil {
		t.Error(err)
	}
}

// TestFewerConnectionsMayBeOpenAfterwards has a client hold four, of which the server is to
// keep two, and takes the census by the proxies of before and of afterwards.
func TestFewerConnectionsMayBeOpenAfterwards(t *testing.T) {
	err := serve(t, hello, func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
		wires := []*sim.Wire{w}
		for range 3 {
			other, err := k.Dial()
			if err != nil {
				t.Fatal(err)
			}
			wires = append(wires, other)
		}
		for _, one := range wires {
			c.Send(one, []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
			c.Receive(one, nil, 4096)
		}
		onLoop(t, s, c, func() {
			if s.Loop().Crowded() {
				t.Error("it is crowded at the default")
			}
			s.SetLimits(Limits{Conns: 4})
			if !s.Loop().Crowded() {
				t.Error("four of four connections are not many")
			}
			known := eventloop.ClientOf(netip.MustParseAddr("10.0.0.1"))
			if who := s.Loop().Connections(nil); len(who) != 4 {
				t.Errorf("%d are open", len(who))
			}
			s.Loop().SetProxies(func(netip.Addr) bool { return true })
			if n, of := s.Loop().Holds(known); n != 0 || of != 4 {
				t.Errorf("a proxy holds %d of %d", n, of)
			}
			if n, _ := s.Loop().Holds(eventloop.Client{}); n != 4 {
				t.Errorf("unknown clients hold %d", n)
			}
			s.Loop().SetProxies(nil)
			s.SetLimits(Limits{})
			if s.Loop().Crowded() {
				t.Error("it is crowded still")
			}
		})
		for _, one := range wires {
			one.Close()
		}
	})
	if err != nil {
		t.Error(err)
	}
}

// TestLimitsForABrokenConfigurationChangeNothing has the error of NewServer.
func TestLimitsForABrokenConfigurationChangeNothing(t *testing.T) {
	_, made := NewServer(Config{Handler: hello, Limits: Limits{Requests: -1}, Loop: eventloop.Config{Kernel: sim.New(1)}})
	s, err := NewServer(Config{Handler: hello, Loop: eventloop.Config{Kernel: sim.New(1)}})
	if err != nil {
		t.Fatal(err)
	}
	before := s.limits
	if _, err := s.SetLimits(Limits{Requests: -1}); err == nil || made == nil || err.Error() != made.Error() || errors.Is(err, made) || s.limits != before {
		t.Errorf("got %v, and NewServer %v", err, made)
	}
	s.Stop()
	if err := s.Run(); err != nil {
		t.Error(err)
	}
}
