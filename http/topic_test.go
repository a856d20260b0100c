package http

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// A newsroom is a site with one Topic, which /events, /held and /tunnel subscribe to.
type newsroom struct {
	topic *Topic
	full  int
}

func (n *newsroom) serve(w *Response, r *Request) error {
	if n.topic == nil {
		n.topic = w.x.conn.server.NewTopic()
	}
	full := func() { n.full++ }
	switch r.Path() {
	case "/events":
		e, err := w.Events()
		if err == nil {
			n.topic.Add(e, full)
		}
		return err
	case "/held":
		h, err := w.Hold()
		if err == nil {
			n.topic.Add(h, nil)
		}
		return err
	case "/tunnel":
		t, err := w.Tunnel("news")
		if err == nil {
			n.topic.Add(t, nil)
		}
		return err
	}
	return w.Text("hello")
}

// subscribe connects n clients and has them ask.
func subscribe(t *testing.T, k *sim.Kernel, c *sim.Script, n int, ask string) (list []*sim.Wire) {
	for range n {
		w, err := k.Dial()
		if err != nil {
			t.Fatal(err)
		}
		c.Send(w, []byte(ask))
		list = append(list, w)
	}
	c.Sleep(time.Second)
	return list
}

// heard returns what has come to a client behind the head.
func heard(c *sim.Script, w *sim.Wire) string {
	var all []byte
	for w.Waiting() > 0 {
		all, _ = c.Receive(w, all, 100_000)
		c.Sleep(10 * time.Millisecond)
	}
	_, body, _ := strings.Cut(string(all), "\r\n\r\n")
	return body
}

// TestATopicSendsEachPieceToEachReceiver has receivers of all kinds that come and go, and
// pieces that are copied and that are not.
func TestATopicSendsEachPieceToEachReceiver(t *testing.T) {
	long := strings.Repeat("long", 200)
	k := sim.New(1)
	n := &newsroom{}
	err := stage(t, k, Config{Handler: n.serve}, func(s *Server, c *sim.Script, w *sim.Wire) {
		asks := []string{
			get("events"), get("held"), "GET /held HTTP/1.0\r\n\r\n",
			"GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: news\r\n\r\n",
		}
		var clients []*sim.Wire
		for _, ask := range asks {
			clients = append(clients, subscribe(t, k, c, 1, ask)...)
		}
		leaves := subscribe(t, k, c, 1, get("held"))[0]
		for i, text := range []string{"a", long, "b"} {
			switch i {
			case 1:
				leaves.Reset()
				c.Sleep(time.Second)
			case 2:
				clients = append(clients, subscribe(t, k, c, 1, get("held"))...)
			}
			s.loop.Post(func() { n.topic.Publish(PreparePiece([]byte(text))) })
			c.Sleep(time.Second)
		}
		s.loop.Post(func() {
			n.topic.Publish(PrepareEvent(Event{ID: "7", Data: "x\ny"}))
			n.topic.Publish(PreparePiece(nil)) // and a chunk of nothing does not end the answer
			n.topic.Publish(PreparePiece([]byte("c")))
		})
		c.Sleep(time.Second)
		const event = "id: 7\ndata: x\ndata: y\n\n"
		chunked := func(pieces ...string) (all string) {
			for _, p := range pieces {
				all += fmt.Sprintf("%x\r\n%s\r\n", len(p), p)
			}
			return all
		}
		all := chunked("a", long, "b", event, "c")
		plain := "a" + long + "b" + event + "c"
		for i, want := range []string{all, all, plain, plain, chunked("b", event, "c")} {
			if got := heard(c, clients[i]); got != want {
				t.Errorf("client %d got %.300q", i, got)
			}
			clients[i].Reset()
		}
		if c.Sleep(time.Second); n.topic.Len() != 0 {
			t.Errorf("%d receivers are left", n.topic.Len())
		}
		w.Close()
	})
	if err != nil {
		t.Error(err)
	}
}

// TestAPieceIsInMemoryOnce has many receivers that take nothing.
func TestAPieceIsInMemoryOnce(t *testing.T) {
	const receivers, size = 300, 16 << 10
	k := sim.New(1)
	k.Buffer = 1000
	n := &newsroom{}
	_ = stage(t, k, Config{Handler: n.serve}, func(s *Server, c *sim.Script, w *sim.Wire) {
		clients := subscribe(t, k, c, receivers, get("events"))
		s.loop.Post(func() { n.topic.Publish(PreparePiece(make([]byte, size))) })
		c.Sleep(time.Second)
		if m := s.loop.Memory(); m < size || m > 2*size {
			t.Errorf("%d bytes are queued in memory for %d receivers", m, receivers)
		}
		for i := range 20 {
			s.loop.Post(func() { n.topic.Publish(PreparePiece(make([]byte, size+i))) })
		}
		c.Sleep(time.Second)
		if per := 2 + (128<<10)/size; n.full != receivers*(21-per+1) && n.full != receivers*(21-per) {
			t.Errorf("%d pieces were not sent, because a client was full", n.full)
		}
		for _, one := range clients {
			one.Reset()
		}
		w.Close()
	})
}

// TestABroadcastLeavesRoomForOthers counts what is sent in a turn, and how many turns it
// takes until another client is answered.
func TestABroadcastLeavesRoomForOthers(t *testing.T) {
	const receivers = 700
	for _, row := range []struct{ size, most int }{{1000, topicReceivers}, {64 << 10, topicBytes >> 16}} {
		k := sim.New(1)
		k.Buffer = 100 << 10
		n := &newsroom{}
		_ = stage(t, k, Config{Handler: n.serve}, func(s *Server, c *sim.Script, w *sim.Wire) {
			clients := subscribe(t, k, c, receivers, get("held"))
			done := make(map[uint64]int) // turn to receivers
			for _, m := range n.topic.members {
				m.to = tallied{m.to, func() { done[s.loop.Count(eventloop.Turn)]++ }}
			}
			var published, answered uint64
			s.loop.Post(func() {
				published = s.loop.Count(eventloop.Turn)
				n.topic.Publish(PreparePiece(make([]byte, row.size)))
			})
			c.Send(w, []byte(get("")))
			c.Receive(w, nil, 1000)
			answered = s.loop.Count(eventloop.Turn)
			c.Sleep(time.Second)
			sum := 0
			for turn, sent := range done {
				if sum += sent; sent > row.most {
					t.Errorf("%d were sent in turn %d", sent, turn)
				}
			}
			if sum != receivers {
				t.Errorf("%d were sent", sum)
			}
			if answered > published+3 {
				t.Errorf("another client was answered after %d turns", answered-published)
			}
			for _, one := range clients {
				one.Reset()
			}
			w.Close()
		})
	}
}

// tallied is a Receiver whose pieces are counted.
type tallied struct {
	Receiver
	count func()
}

func (r tallied) SendPiece(p *Piece) error {
	r.count()
	return r.Receiver.SendPiece(p)
}

// TestATopicForgetsReceiversThatAreOver has clients come and go while nothing is
// published.
func TestATopicForgetsReceiversThatAreOver(t *testing.T) {
	k := sim.New(1)
	n := &newsroom{}
	_ = stage(t, k, Config{Handler: n.serve}, func(s *Server, c *sim.Script, w *sim.Wire) {
		for range 500 {
			subscribe(t, k, c, 1, get("held"))[0].Reset()
			c.Sleep(time.Millisecond)
		}
		if len(n.topic.members) > 2*topicReceivers {
			t.Errorf("%d receivers are remembered", len(n.topic.members))
		}
		w.Close()
	})
}

// publishing is a row of limitRows: so many pieces are published at once.
func publishing(pieces int) func(b *bitten) string {
	return func(b *bitten) string {
		var errs []error
		b.loop.Post(func() {
			topic := &Topic{loop: b.loop, limit: b.server.limits.Pieces}
			for range pieces {
				errs = append(errs, topic.Publish(PreparePiece([]byte("a"))))
			}
		})
		b.c.Sleep(time.Second)
		return fmt.Sprint(errs)
	}
}

// BenchmarkBroadcast compares 16 KiB to 100 receivers, prepared and not. What their
// clients take is thrown away.
func BenchmarkBroadcast(b *testing.B) {
	event := Event{Data: strings.Repeat("x", 16<<10)}
	piece := PrepareEvent(event)
	for name, send := range map[string]func(e *Events){
		"Send":      func(e *Events) { e.Send(event) },
		"SendPiece": func(e *Events) { e.SendPiece(piece) },
	} {
		b.Run(name, func(b *testing.B) {
			k := sim.New(1)
			k.Buffer = 1 << 20
			var all []*Events
			h := func(w *Response, r *Request) error {
				e, err := w.Events()
				all = append(all, e)
				return err
			}
			_ = stage(b, k, Config{Handler: h, Limits: Limits{HighWater: 1 << 30, OutputTotal: 1 << 40}}, func(s *Server, c *sim.Script, w *sim.Wire) {
				var wires []*sim.Wire
				for range 100 {
					w, _ := k.Dial()
					c.Send(w, []byte(get("")))
					wires = append(wires, w)
				}
				c.Sleep(time.Second)
				b.ReportAllocs()
				b.ResetTimer()
				for range b.N {
					s.loop.Post(func() {
						for _, e := range all {
							send(e)
						}
					})
					c.Sleep(time.Millisecond)
					b.StopTimer()
					for _, w := range wires {
						c.Take(w, w.Waiting())
					}
					b.StartTimer()
				}
				for _, w := range wires {
					w.Reset()
				}
				w.Close()
			})
		})
	}
}

// TestATopicSaysThatItIsFull compares Full with what Publish returns.
func TestATopicSaysThatItIsFull(t *testing.T) {
	s, err := NewServer(Config{Handler: tunnels, Limits: Limits{Pieces: 3}, Loop: eventloop.Config{Kernel: sim.New(1)}})
	if err != nil {
		t.Fatal(err)
	}
	topic := s.NewTopic()
	for i := range 5 {
		full := topic.Full()
		if err := topic.Publish(PreparePiece([]byte("news"))); full != (err == ErrFull) || full != (i >= 3) {
			t.Errorf("piece %d: full %t, %v", i, full, err)
		}
	}
}
