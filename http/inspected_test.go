package http

import (
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// TestAConnectionIsShownWithWhatItDoes has one connection, and looks at it when it has done
// for two seconds what its row says.
func TestAConnectionIsShownWithWhatItDoes(t *testing.T) {
	const get = " HTTP/1.1\r\nHost: a\r\n\r\n"
	var site Router
	site.Handle("/", hello)
	site.Handle("/large", func(w *Response, _ *Request) error { return w.Text(strings.Repeat("x", 1<<20)) })
	site.Handle("/held", func(w *Response, _ *Request) error { _, err := w.Hold(); return err })
	site.Handle("/waiting", Streaming(func(w *Response, _ *Request) error { return w.Pause(time.Minute) }))
	site.Handle("/tunnel", func(w *Response, _ *Request) error {
		tunnel, err := w.Tunnel("echo")
		if err == nil {
			tunnel.OnBytes(echo(tunnel))
		}
		return err
	})
	site.Handle("/body", func(w *Response, r *Request) error { _, err := r.Body(); return err })
	for _, row := range []struct {
		name     string
		sends    []string // a second apart
		ends     bool
		activity eventloop.Activity
		requests uint32
		route    string
		owes     bool
		since    time.Duration
		tls      bool
	}{
		{"one that has said nothing is idle, since it was accepted", nil, false, eventloop.Idle, 0, "", false, 0, false},
		{"one that was answered is idle, since then", []string{"GET /" + get, "GET /" + get}, false, eventloop.Idle, 2, "", false, 1, false},
		{"one with part of a head is reading", []string{"GET / HT"}, false, eventloop.Reading, 0, "", false, 0, false},
		{"one with part of a body is reading, for its handler", []string{"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab"}, false, eventloop.Reading, 0, "/body", false, 0, false},
		{"one whose body is thrown away is reading", []string{"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab"}, false, eventloop.Reading, 1, "/", false, 0, false},
		{"one that is held open is being handled", []string{"GET /" + get, "GET /held" + get}, false, eventloop.Handling, 1, "/held", false, 1, false},
		{"one whose handler waits is being handled", []string{"GET /waiting" + get}, false, eventloop.Handling, 0, "/waiting", false, 0, false},
		{"a tunnel is being handled", []string{"GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n"}, false, eventloop.Handling, 1, "/tunnel", false, 0, false},
		{"one whose peer takes nothing is writing", []string{"GET /large" + get}, false, eventloop.Writing, 1, "", true, 0, false},
		{"one that lingers is closing", []string{"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 5\r\n\r\n"}, false, eventloop.Ending, 1, "", false, 0, false},
		{"one in a handshake of TLS is reading", []string{"\x16\x03\x01\x02\x00\x01\x00"}, false, eventloop.Reading, 0, "", false, 0, true},
	} {
		t.Run(row.name, func(t *testing.T) {
			k := sim.New(1)
			k.Buffer = 64 << 10
			config := Config{
				Handler: site.Serve, EagerAccept: true,
				Limits: Limits{DiscardIdle: time.Minute, LingerIdle: 5 * time.Second, LingerGrace: 9 * time.Second, LingerTotal: 9 * time.Second},
			}
			if row.tls {
				config.TLS = &tls.Config{Certificates: []tls.Certificate{certificate()}}
			}
			got, route := lookAtConn(t, k, config, &site, row.sends, row.since)
			if got.Activity != row.activity || got.Requests != row.requests || route != row.route || got.Owed > 0 != row.owes || got.TLS != row.tls {
				t.Errorf("it is %+v, at %q", got, route)
			}
		})
	}
}

// lookAtConn has a client send texts, a second apart, and returns how its connection looks two seconds
// behind the last one, with its route. It must have been so since a number of seconds.
func lookAtConn(t *testing.T, k *sim.Kernel, config Config, site *Router, sends []string, since time.Duration) (got eventloop.ConnInfo, route string) {
	t.Helper()
	config.Loop.Kernel, config.Loop.CheckOwner = k, true
	s, err := NewServer(config)
	if err != nil {
		t.Fatal(err)
	}
	listen := s.Listen
	if config.TLS != nil {
		listen = s.ListenTLS
	}
	if _, err := listen(":80"); err != nil {
		t.Fatal(err)
	}
	k.Go(func(c *sim.Script) {
		c.Sleep(time.Second)
		w, err := k.Dial()
		if err != nil {
			t.Error(err)
			return
		}
		for _, text := range sends {
			c.Send(w, []byte(text))
			c.Sleep(time.Second)
		}
		c.Sleep(2 * time.Second)
		s.Loop().Post(func() {
			defer s.Stop()
			defer s.Stop()
			list := s.Loop().Connections(nil)
			if len(list) != 1 {
				t.Errorf("there are %d connections", len(list))
				return
			}
			if got = list[0]; got.Route > 0 {
				route = site.Patterns()[got.Route-1]
			}
		})
	})
	_ = s.Run() // it is cut off
	if got.Accepted.Round(time.Second) != time.Second {
		t.Errorf("it was accepted at %v", got.Accepted)
	}
	if is := (got.Since - time.Second).Round(200 * time.Millisecond); is != since*time.Second {
		t.Errorf("it has done so since %v", got.Since)
	}
	return got, route
}

// TestConnectionsAreListedWithoutAllocation lists them into a slice with room.
func TestConnectionsAreListedWithoutAllocation(t *testing.T) {
	k := sim.New(1)
	s, err := NewServer(Config{Handler: hello, EagerAccept: true, Loop: eventloop.Config{Kernel: k, CheckOwner: false}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Listen(":80"); err != nil {
		t.Fatal(err)
	}
	k.Go(func(c *sim.Script) {
		for range 20 {
			if _, err := k.Dial(); err != nil {
				t.Error(err)
			}
		}
		c.Sleep(time.Second)
		s.Loop().Post(func() {
			list := make([]eventloop.ConnInfo, 0, 20)
			if n := testing.AllocsPerRun(10, func() { list = s.Loop().Connections(list[:0]) }); n != 0 || len(list) != 20 {
				t.Errorf("%d connections are listed with %v allocations", len(list), n)
			}
			s.Stop()
			s.Stop()
		})
	})
	_ = s.Run()
}

// TestGaugesTellWhatIsHeld has clients whose connections hold something of each kind.
func TestGaugesTellWhatIsHeld(t *testing.T) {
	const end = " HTTP/1.1\r\nHost: a\r\n\r\n"
	k := sim.New(1)
	k.Buffer = 1 << 10
	var site Router
	site.Handle("/large", func(w *Response, _ *Request) error { return w.Text(strings.Repeat("x", 1<<20)) })
	site.Handle("/blocking", Blocking(1, func(w *Response, _ *Request) error { return w.Pause(time.Minute) }))
	site.Handle("/body", func(w *Response, r *Request) error { _, err := r.Body(); return err })
	site.Handle("/metrics", func(w *Response, r *Request) error { r.LeaveOut(); return w.Text("metrics") })
	s, err := NewServer(Config{
		Handler: site.Serve, TLS: &tls.Config{Certificates: []tls.Certificate{certificate()}}, EagerAccept: true,
		Loop: eventloop.Config{Kernel: k, CheckOwner: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Listen(":80"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.ListenTLS(":443"); err != nil {
		t.Fatal(err)
	}
	k.Go(func(c *sim.Script) {
		for _, text := range []string{"GET /large" + end, "GET /blocking" + end, "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab", "GET /metrics" + end} {
			w, err := k.DialPort(80)
			if err != nil {
				t.Fatal(err)
			}
			c.Send(w, []byte(text))
		}
		w, err := k.DialPort(443)
		if err != nil {
			t.Fatal(err)
		}
		c.Send(w, []byte("\x16\x03\x01\x02\x00\x01\x00"))
		c.Sleep(time.Second)
		s.Loop().Post(func() {
			s.Loop().Post(func() {})
			g, of := s.Loop().Gauges(), s.Gauges()
			if g.Open != 4 || g.LeftOut != 1 || g.Handshakes != 1 || g.HandshakeBytes != 7 || g.Tasks != 1 || g.Posted != 1 ||
				g.Owed < 1<<20-1<<10 || g.Chunks == 0 || g.Backpressure || g.Workers != 0 || g.Jobs != 0 || g.Detached != 0 {
				t.Errorf("the loop holds %+v", g)
			}
			if of.Bodies != 2 || of.Slow != 1 || of.Offloads != 0 || of.Free != 0 {
				t.Errorf("the server holds %+v", of)
			}
			s.Stop()
			s.Stop()
		})
	})
	_ = s.Run()
	if g := s.Loop().Gauges(); g.Open != 0 || g.LeftOut != 0 || g.Handshakes != 0 || g.Owed != 0 {
		t.Errorf("in the end the loop holds %+v", g)
	}
}
