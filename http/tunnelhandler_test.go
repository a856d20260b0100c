package http

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// TestATunnelHasThisManyBytes pins what every tunnel takes beside its connection: 96 is a
// size class of the allocator, and the next is 112.
func TestATunnelHasThisManyBytes(t *testing.T) {
	if unsafe.Sizeof(uintptr(0)) != 8 {
		t.Skip("pointers are smaller here")
	}
	if n := unsafe.Sizeof(Tunnel{}); n != 96 {
		t.Errorf("a Tunnel has %d bytes, and had 96", n)
	}
}

// noting is a TunnelHandler that notes what it hears.
type noting struct {
	*Tunnel
	text  string
	times int  // that OnTimeout sets the time anew
	pours bool // writes as much as there is room for, each time
	yield bool // uses two bytes at a time
}

// fill writes until the tunnel is full.
func (d *noting) fill() {
	for !d.Full() {
		d.Write(make([]byte, 50_000))
	}
}

func (d *noting) note(what string) {
	d.text += fmt.Sprintf("%v %s, ", d.server.elapsed().Round(time.Second), what)
}

func (d *noting) OnBytes(p []byte) int {
	if d.yield {
		p = p[:2]
		d.Yield()
		d.server.loop.Post(func() { d.note("others") })
	}
	d.note(string(p))
	return len(p)
}
func (d *noting) OnEOF() { d.note("end"); d.Close() }
func (d *noting) OnDrain() {
	if d.pours {
		d.fill()
	} else {
		d.note("room")
	}
}
func (d *noting) OnStop()  { d.note("stop"); d.Close() }
func (d *noting) OnClose() { d.note("over") }
func (d *noting) OnTimeout() {
	d.note("time")
	if d.times--; d.times > 0 {
		d.SetTimeout(2 * time.Second)
	}
}

// TestATunnelHandlerHearsAll has a tunnel with one handler for all, whose times pass
// beside the looks at its client's progress.
func TestATunnelHandlerHearsAll(t *testing.T) {
	for _, row := range []struct {
		name string
		open func(d *noting)
		play func(s *Server, c *sim.Script, w *sim.Wire)
		want string
	}{
		{"bytes, the end of the client's half, and the end", func(*noting) {}, func(_ *Server, c *sim.Script, w *sim.Wire) {
			c.Send(w, []byte("hello"))
			c.Sleep(time.Second)
			w.CloseWrite()
		}, "0s hello, 1s end, 1s over, "},
		{"no time but those that it sets", func(d *noting) { d.times = 3; d.SetTimeout(time.Second) }, func(s *Server, c *sim.Script, w *sim.Wire) {
			c.Sleep(time.Hour)
			w.CloseWrite()
		}, "1s time, 3s time, 5s time, 1h0m0s end, 1h0m0s over, "},
		{"none that is set back", func(d *noting) { d.SetTimeout(time.Second); d.SetTimeout(0) }, func(s *Server, c *sim.Script, w *sim.Wire) {
			c.Sleep(time.Minute)
			w.CloseWrite()
		}, "1m0s end, 1m0s over, "},
		{"its time while the client takes earlier bytes", func(d *noting) {
			d.times = 4
			d.SetTimeout(time.Second)
			d.server.loop.After(1500*time.Millisecond, func() { d.Write([]byte("late")) })
		}, func(s *Server, c *sim.Script, w *sim.Wire) {
			c.Receive(w, nil, 64<<10)
			c.Sleep(time.Minute)
			w.CloseWrite()
		}, "1s time, 3s time, 5s time, 7s time, 1m2s end, 1m2s over, "},
		{"its time while the client takes nothing, which is reset by its own", func(d *noting) {
			d.times = 100
			d.SetTimeout(9 * time.Second)
			d.fill()
		}, func(s *Server, c *sim.Script, w *sim.Wire) { c.Sleep(time.Minute) }, "9s time, 11s time, 13s time, 15s time, 17s time, 19s time, 21s time, 23s time, 25s time, 25s over, "},
		{"a client to which there is always more to send", func(d *noting) { d.pours = true; d.fill() }, func(s *Server, c *sim.Script, w *sim.Wire) {
			c.Send(w, []byte("enough"))
			for range 20 {
				c.Receive(w, nil, 50_000)
				c.Sleep(time.Second)
			}
			w.Reset()
		}, "0s enough, 20s over, "},
		{"few bytes in a turn, if it wants no more", func(d *noting) { d.yield = true }, func(s *Server, c *sim.Script, w *sim.Wire) {
			c.Send(w, []byte("abcdef"))
			c.Sleep(time.Second)
			w.CloseWrite()
		}, "0s ab, 0s others, 0s cd, 0s others, 0s ef, 0s others, 1s end, 1s over, "},
		{"room when the client has taken enough", (*noting).fill, func(s *Server, c *sim.Script, w *sim.Wire) {
			c.Sleep(time.Second)
			for got := []byte(nil); len(got) < 100_000; {
				got, _ = c.Receive(w, got, 50_000)
			}
			c.Sleep(time.Second)
			w.CloseWrite()
		}, "1s room, 2s end, 2s over, "},
		{"a stop", func(*noting) {}, func(s *Server, c *sim.Script, w *sim.Wire) {
			c.Sleep(time.Second)
			s.Stop()
		}, "1s stop, 1s over, "},
		{"functions that are given before it hear nothing", func(d *noting) {
			d.OnStop()
			d.Tunnel.OnBytes(func([]byte) int { panic("called") })
			d.Tunnel.SetIdleTimeout(time.Second)
			d.Handle(d)
		}, func(s *Server, c *sim.Script, w *sim.Wire) {}, "0s stop, 0s over, "},
	} {
		t.Run(row.name, func(t *testing.T) {
			d := &noting{}
			err := stage(t, sim.New(1), Config{Loop: eventloop.Config{CheckOwner: true}, Handler: func(w *Response, _ *Request) (err error) {
				if d.Tunnel, err = w.Tunnel("echo"); err == nil {
					d.Handle(d)
					row.open(d)
				}
				return err
			}}, func(s *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, fmt.Appendf(nil, switching, "noting"))
				for head := []byte(nil); !strings.HasSuffix(string(head), "\r\n\r\n"); {
					var err error
					if head, err = c.Receive(w, head, 1); err != nil {
						t.Errorf("%q, %v", head, err)
						return
					}
				}
				row.play(s, c, w)
				c.ReceiveAll(w)
				w.Close()
			})
			if err != nil || d.text != row.want {
				t.Errorf("it hears %q, %v", d.text, err)
			}
		})
	}
}

// TestATunnelGivesItsExchangeBack has tunnels of requests of all kinds, and looks for the
// exchange of each while it is open: it is kept where something waits for its end.
func TestATunnelGivesItsExchangeBack(t *testing.T) {
	var user Key[string]
	ended := ""
	for _, row := range []struct {
		name  string
		ask   func(w *Response, r *Request)
		kept  bool
		ended string
	}{
		{"one of which nothing else is wanted", func(*Response, *Request) {}, false, ""},
		{"one with a value", func(_ *Response, r *Request) { user.Set(r, "me") }, false, ""},
		{"one with a time limit for its handler", func(w *Response, _ *Request) { w.Timeout(time.Second) }, false, ""},
		{"one that is logged at its end", func(w *Response, _ *Request) {
			w.OnAnswer(func(s Status, n int64) { ended += fmt.Sprint(int(s), " with ", n) })
		}, true, "101 with 5"},
		{"one with a function for its end", func(w *Response, _ *Request) { w.OnEnd(func() { ended += "end" }) }, true, "end"},
		{"one with a context", func(_ *Response, r *Request) {
			ctx := r.Context()
			w := &ended
			r.Loop().After(10*time.Second, func() { *w += fmt.Sprint(ctx.Err()) })
		}, true, "context canceled"},
		{"one whose answer has a deadline", func(w *Response, _ *Request) { w.SetWriteDeadline(time.Hour) }, true, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			ended = ""
			var free, of int
			err := stage(t, sim.New(1), Config{Handler: func(w *Response, r *Request) error {
				row.ask(w, r)
				return tunnels(w, r)
			}}, func(s *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, fmt.Appendf(nil, switching+"hello", "echo"))
				c.Sleep(3 * time.Second)
				free = len(s.free)
				if ended != "" {
					t.Errorf("its end is told while it is open: %s", ended)
				}
				w.CloseWrite()
				all, err := c.ReceiveAll(w)
				if !strings.HasSuffix(string(all), "\r\n\r\nHELLO") || err != nil {
					t.Errorf("%q, %v", all, err)
				}
				w.Close()
				c.Sleep(20 * time.Second)
				of = len(s.free)
			})
			if err != nil || free == 1 == row.kept || of != 1 || ended != row.ended {
				t.Errorf("%d exchanges are free while it is open, and %d of 1 behind it; its end is told as %q, %v", free, of, ended, err)
			}
		})
	}
}

// TestARequestIsOverWhenItsTunnelIsOpen has a tunnel use its request, which may be another
// one's by then: a test finds that.
func TestARequestIsOverWhenItsTunnelIsOpen(t *testing.T) {
	k := sim.New(1)
	var log strings.Builder
	config := Config{Loop: eventloop.Config{Kernel: k, CheckOwner: true}, Log: slog.New(slog.NewTextHandler(&log, nil)), Handler: func(w *Response, r *Request) error {
		tunnel, err := w.Tunnel("echo")
		if err == nil {
			path := r.Path()
			tunnel.OnBytes(func(p []byte) int { tunnel.Write([]byte(path)); tunnel.Write([]byte(r.Path())); return len(p) })
		}
		return err
	}}
	err := stage(t, k, config, func(s *Server, c *sim.Script, w *sim.Wire) {
		c.Send(w, fmt.Appendf(nil, switching+"hello", "page"))
		if all, err := c.ReceiveAll(w); err == nil {
			t.Errorf("the request was used: %q", all)
		}
		w.Close()
	})
	if text := log.String(); err != nil || !strings.Contains(text, `for the request \"GET /page\", which was over`) || !strings.Contains(text, `request="GET /page"`) {
		t.Errorf("%v, the log is %s", err, text)
	}
}

// TestATunnelThatIsCutIsNamed has a stop that one does not follow.
func TestATunnelThatIsCutIsNamed(t *testing.T) {
	s, err := NewServer(Config{Handler: tunnels, Limits: Limits{Drain: time.Millisecond}})
	if err != nil {
		t.Fatal(err)
	}
	listeners, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan error)
	go func() { over <- s.Run() }()
	c, err := net.Dial("tcp", listeners[0].Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, switching, "echo?secret")
	if _, err := c.Read(make([]byte, 1)); err != nil && err != io.EOF {
		t.Fatal(err)
	}
	s.Stop()
	if err := <-over; err != nil {
		t.Errorf("the server ends with %v", err) // a tunnel is idle
	}
	if _, lines := s.Cut(); fmt.Sprint(lines) != "[GET /echo]" {
		t.Errorf("these were cut: %q", lines)
	}
}

// TestATunnelOnAStreamGivesItsExchangeBack has one of two kinds by HTTP/2, and a stop.
func TestATunnelOnAStreamGivesItsExchangeBack(t *testing.T) {
	for _, logged := range []bool{false, true} {
		free := 0
		h := func(w *Response, r *Request) error {
			if logged {
				w.OnAnswer(func(Status, int64) {})
			}
			return tunnels(w, r)
		}
		err := stage(t, sim.New(1), Config{Handler: h, Tunnels: true}, func(s *Server, c *sim.Script, w *sim.Wire) {
			var block []byte
			for _, f := range [][2]string{{":method", "CONNECT"}, {":protocol", "echo"}, {":scheme", "http"}, {":path", "/stops"}, {":authority", "a"}} {
				block = h2.AppendField(block, f[0], f[1])
			}
			p := h2.AppendSettings([]byte(h2.Preface))
			p = append(h2.FrameHeader{Length: uint32(len(block)), Type: h2.FrameHeaders, Flags: h2.FlagEndHeaders, Stream: 1}.Append(p), block...)
			c.Send(w, append(h2.FrameHeader{Length: 5, Type: h2.FrameData, Stream: 1}.Append(p), "hello"...))
			c.Sleep(time.Second)
			free = len(s.free)
			s.Stop()
			all, err := c.ReceiveAll(w)
			if !strings.Contains(string(all), "HELLO") || !strings.Contains(string(all), " stop") || err != nil {
				t.Errorf("%q, %v", all, err)
			}
			w.Close()
		})
		if err != nil || free == 1 == logged {
			t.Errorf("logged %t: %d exchanges are free, %v", logged, free, err)
		}
	}
}
