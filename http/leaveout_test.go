package http

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// A visitor opens a connection, and sends one text after the other, a second apart.
type visitor []string

// figuresOf returns what a server counts while clients visit it, each for some seconds,
// one after the other.
func figuresOf(t *testing.T, watch func(*eventloop.Loop), visitors []visitor) (eventloop.Counters, []eventloop.Record, eventloop.Gauges) {
	t.Helper()
	k := sim.New(1)
	var site Router
	site.Handle("/", hello)
	site.Handle("/waiting", Streaming(func(w *Response, r *Request) error {
		w.Pause(100 * time.Millisecond)
		return w.Text("hello")
	}))
	site.Handle("/metrics", func(w *Response, r *Request) error {
		r.LeaveOut()
		r.LeaveOut() // once more changes nothing
		return w.Text("metrics")
	})
	site.Handle("/stream", func(w *Response, r *Request) error {
		r.LeaveOut()
		h, err := w.Hold()
		if err != nil {
			return err
		}
		n, loop := 0, r.Loop()
		var send func()
		send = func() {
			loop.LeaveOut()
			if n++; h.Live() && n < 5 {
				fmt.Fprint(h, "frame")
				loop.After(100*time.Millisecond, send)
				loop.Post(loop.LeaveOut)
			} else if h.Live() {
				h.Done()
			}
		}
		loop.After(100*time.Millisecond, send)
		return nil
	})
	s, err := NewServer(Config{Handler: site.Serve, Loop: eventloop.Config{Kernel: k, CheckOwner: true}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Listen(":80"); err != nil {
		t.Fatal(err)
	}
	watch(s.Loop())
	var counters eventloop.Counters
	var records []eventloop.Record
	var gauges eventloop.Gauges
	k.Go(func(c *sim.Script) {
		for _, v := range visitors {
			w, err := k.Dial()
			if err != nil {
				t.Error(err)
				return
			}
			for _, text := range v {
				c.Send(w, []byte(text))
				c.Sleep(time.Second)
			}
			w.Close()
			c.Sleep(time.Second)
		}
		s.Loop().Post(func() {
			s.Loop().LeaveOut()
			counters, gauges = s.Loop().Counters(), s.Loop().Gauges()
			records, _, _ = s.Loop().ReadSince(0, nil)
			s.Stop()
		})
	})
	if err := s.Run(); err != nil {
		t.Error(err)
	}
	return counters, records, gauges
}

// TestWhatIsLeftOutChangesNoFigure compares what is counted with some that watch the server
// with what is counted without them.
func TestWhatIsLeftOutChangesNoFigure(t *testing.T) {
	const end = " HTTP/1.1\r\nHost: a\r\n\r\n"
	const get, metrics, stream = "GET /" + end, "GET /metrics" + end, "GET /stream" + end
	client := visitor{get, get, "GET /nothing" + end}
	for _, row := range []struct {
		name    string
		with    []visitor
		without []visitor
		approx  bool // bytes and turns are not the same: requests of both kinds share them
	}{
		{"a client's request while a stream is open", []visitor{{stream}, client}, []visitor{client}, false},
		{"a connection for each", []visitor{client, {metrics}, {metrics}, client, {metrics}}, []visitor{client, client}, false},
		{"nothing but those", []visitor{{metrics}, {metrics}}, nil, false},
		{"one that is kept", []visitor{{metrics, metrics, metrics}, client}, []visitor{client}, false},
		{"several at once on one", []visitor{{metrics + metrics + metrics}, client}, []visitor{client}, false},
		{"a head that comes in pieces", []visitor{{"GET /met", "rics HTTP/1.1\r\n", "Host: a\r\n\r\n"}, client}, []visitor{client}, true},
		{"a stream", []visitor{client, {stream}, client}, []visitor{client, client}, false},
		{"a stream that its client leaves", []visitor{client, {stream}}, []visitor{client}, false},
		{"behind a client's request, on its connection", []visitor{{get, metrics}}, []visitor{{get}}, false},
		{"and several times", []visitor{{get, metrics, metrics}, client}, []visitor{{get}, client}, false},
		{"before a client's request, on its connection", []visitor{{metrics, get}}, []visitor{{get}}, true},
		{"before one that takes its time", []visitor{{metrics, "GET /waiting" + end}}, []visitor{{"GET /waiting" + end}}, true},
		{"before, between and behind", []visitor{{metrics, get, metrics, stream, get, metrics}}, []visitor{{get, get}}, true},
		{"before one that is refused", []visitor{{metrics, "BREW / HTTP/1.1\r\n\r\n"}}, []visitor{{"BREW / HTTP/1.1\r\n\r\n"}}, true},
		{"in one packet with a client's, behind it", []visitor{{get + metrics}}, []visitor{{get}}, true},
		{"in one packet with a client's, before it", []visitor{{metrics + get}}, []visitor{{get}}, true},
	} {
		for i, watch := range []func(*eventloop.Loop){read, timed, unwatched} {
			how := []string{"read", "timed", "unwatched"}[i]
			got, records, gauges := figuresOf(t, watch, row.with)
			want, _, _ := figuresOf(t, watch, row.without)
			for kind := range eventloop.Kind(len(got)) {
				switch {
				case kind >= eventloop.WaitEnded && kind <= eventloop.LeftOut:
					continue // times
				case kind == eventloop.Turn && how == "unwatched":
					continue // the turn in which the first is left out counts
				case row.approx && (kind < Done2xx && kind != eventloop.Accepted && !(kind >= eventloop.ClosedDone && kind <= eventloop.LeftLoop)):
					continue
				}
				a, b := got[kind], want[kind]
				if kind == eventloop.Accepted || kind >= eventloop.ClosedDone && kind <= eventloop.LeftLoop {
					a.Sum, b.Sum = 0, 0 // of descriptors
				}
				if a != b {
					t.Errorf("%s, %s: %d of kind %d with a sum of %d, not %d with %d", row.name, how, a.N, kind, a.Sum, b.N, b.Sum)
				}
			}
			if gauges.LeftOut != 0 || gauges.Open != 0 {
				t.Errorf("%s: %d are open, and %d left out", row.name, gauges.Open, gauges.LeftOut)
			}
			for _, r := range records {
				if r.Kind == HandlerEnded && r.Arg > 2 && row.name != "in one packet with a client's, before it" {
					t.Errorf("%s: a record shows the handler of route %d", row.name, r.Arg)
				}
			}
		}
	}
}

// TestNoCounterGoesBack has one that watches be accepted before another one looks, and tell
// only then that it is to be left out.
func TestNoCounterGoesBack(t *testing.T) {
	k := sim.New(1)
	var accepted []uint64
	s, err := NewServer(Config{
		EagerAccept: true,
		Handler: func(w *Response, r *Request) error {
			if r.Path() == "/metrics" {
				r.LeaveOut()
				accepted = append(accepted, r.Loop().Counters()[eventloop.Accepted].N)
				ids := map[uint32]bool{}
				for _, c := range r.Loop().Connections(nil) {
					if ids[c.ID] {
						t.Errorf("two connections have the number %d", c.ID)
					}
					ids[c.ID] = true
				}
			}
			return w.Text("hello")
		},
		Loop: eventloop.Config{Kernel: k, CheckOwner: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Listen(":80"); err != nil {
		t.Fatal(err)
	}
	ask := func(path string) []byte { return []byte("GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n") }
	k.Go(func(c *sim.Script) {
		late, _ := k.Dial()
		c.Sleep(time.Second)
		early, _ := k.Dial()
		for range 2 {
			c.Send(early, ask("/metrics"))
			c.Sleep(time.Second)
			c.Send(late, ask("/metrics"))
			c.Sleep(time.Second)
		}
		for range 3 {
			client, _ := k.Dial()
			c.Send(client, ask("/"))
			c.Sleep(time.Second)
			client.Close()
			c.Send(late, ask("/metrics"))
			c.Sleep(time.Second)
		}
		s.Stop()
	})
	if err := s.Run(); err != nil {
		t.Error(err)
	}
	if want := []uint64{1, 1, 1, 1, 1, 2, 3}; !slices.Equal(accepted, want) {
		t.Errorf("so many are accepted: %d, not %d", accepted, want)
	}
}
