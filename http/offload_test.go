package http

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// A result is what has to be given back.
type result struct{ given *int }

func (r *result) Close() error {
	*r.given++
	return nil
}

// TestWorkThatHangs talks to a handler that leaves work to a worker whose disk does
// not answer for a minute.
func TestWorkThatHangs(t *testing.T) {
	for _, row := range []struct {
		name    string
		limits  Limits
		talk    func(t *testing.T, k *sim.Kernel, s *sim.Script, w *sim.Wire)
		ran     int // pieces of work
		replied int
		given   int // results that were dropped
	}{
		{"the client hears 503 with Retry-After, and the connection goes on", Limits{}, func(t *testing.T, k *sim.Kernel, s *sim.Script, w *sim.Wire) {
			since := k.Now()
			s.Send(w, []byte("GET /hangs HTTP/1.1\r\nHost: a\r\n\r\nGET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
			p, err := s.ReceiveAll(w)
			if took := k.Now().Sub(since); took < 20*time.Second || took > 21*time.Second {
				t.Errorf("it takes %v", took)
			}
			first, second, _ := strings.Cut(string(p), "HTTP/1.1 200 OK")
			if !strings.HasPrefix(first, "HTTP/1.1 503 ") || !strings.Contains(first, "Retry-After: 1\r\n") || !strings.HasSuffix(second, "hello") || err != nil {
				t.Errorf("%v, %q", err, p)
			}
		}, 1, 1, 1},
		{"work whose client has left is done to its end if it has begun", Limits{}, func(t *testing.T, k *sim.Kernel, s *sim.Script, w *sim.Wire) {
			s.Send(w, []byte("GET /hangs HTTP/1.1\r\nHost: a\r\n\r\n"))
			s.Sleep(time.Second)
			w.Reset()
		}, 1, 0, 1},
		{"it is not begun if there was no worker yet", Limits{Workers: 1}, func(t *testing.T, k *sim.Kernel, s *sim.Script, w *sim.Wire) {
			s.Send(w, []byte("GET /hangs HTTP/1.1\r\nHost: a\r\n\r\n"))
			s.Sleep(time.Second)
			other, err := k.Dial()
			if err != nil {
				t.Fatal(err)
			}
			s.Send(other, []byte("GET /hangs HTTP/1.1\r\nHost: a\r\n\r\n"))
			s.Sleep(time.Second)
			other.Reset()
			s.Sleep(time.Second)
			w.Close()
		}, 1, 0, 1},
		{"who waits for the one worker hears 503 as soon", Limits{Workers: 1}, func(t *testing.T, k *sim.Kernel, s *sim.Script, w *sim.Wire) {
			s.Send(w, []byte("GET /hangs HTTP/1.1\r\nHost: a\r\n\r\n"))
			s.Sleep(time.Second)
			other, err := k.Dial()
			if err != nil {
				t.Fatal(err)
			}
			since := k.Now()
			s.Send(other, []byte("GET /works HTTP/1.0\r\n\r\n"))
			p, err := s.ReceiveAll(other)
			if took := k.Now().Sub(since); !strings.HasPrefix(string(p), "HTTP/1.1 503 ") || err != nil || took > 21*time.Second {
				t.Errorf("%v: %v, %q", took, err, p)
			}
			w.Close()
		}, 1, 0, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			k := sim.New(1)
			ran, replied, given := 0, 0, 0
			work := func() (*result, error) {
				ran++
				k.Hang(time.Minute)
				return &result{&given}, nil
			}
			server, err := NewServer(Config{
				Limits: row.limits, Loop: eventloop.Config{Kernel: k, CheckOwner: true},
				Handler: func(w *Response, r *Request) error {
					switch r.Path() {
					case "/hangs":
						return Offload(w, work, func(w *Response, _ *result) error {
							replied++
							return w.Text("late")
						})
					case "/works":
						return Offload(w, func() (io.Closer, error) { ran++; return nil, nil }, func(w *Response, _ io.Closer) error {
							replied++
							return w.Text("done")
						})
					}
					replied++
					return w.Text("hello")
				},
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := server.Listen(":80"); err != nil {
				t.Fatal(err)
			}
			k.Every = func() {
				if k.Running() == 0 && !server.Loop().Stopping() {
					server.Stop()
				}
			}
			k.Go(func(s *sim.Script) {
				w, err := k.Dial()
				if err != nil {
					t.Fatal(err)
				}
				row.talk(t, k, s, w)
				s.Sleep(5 * time.Minute)
			})
			if err := server.Run(); err != nil {
				t.Errorf("the server ended with: %v", err)
			}
			k.Abandon()
			for _, fault := range k.Faults() {
				t.Error(fault)
			}
			if ran != row.ran || replied != row.replied || given != row.given {
				t.Errorf("%d ran, %d were answered, %d results were given back", ran, replied, given)
			}
		})
	}
}

// TestWorkThatWaitsIsSkippedWhenItsClientHasClosed has two clients wait behind a third, and
// one of them close.
func TestWorkThatWaitsIsSkippedWhenItsClientHasClosed(t *testing.T) {
	k := sim.New(1)
	ran := ""
	h := func(w *Response, r *Request) error {
		path := r.Path()
		return Offload(w, func() (string, error) {
			ran += path
			k.Hang(5 * time.Second)
			return path, nil
		}, (*Response).Text)
	}
	_ = stage(t, k, Config{Handler: h, Limits: Limits{Workers: 1}}, func(s *Server, c *sim.Script, w *sim.Wire) {
		c.Send(w, []byte(get("first")))
		c.Sleep(time.Second)
		closes, stays := subscribe(t, k, c, 1, get("closes"))[0], subscribe(t, k, c, 1, get("stays"))[0]
		closes.Close()
		text, _ := c.Receive(stays, nil, 1000)
		if !strings.HasSuffix(string(text), "/stays") {
			t.Errorf("%q", text)
		}
		w.Reset()
		stays.Reset()
	})
	if ran != "/first/stays" {
		t.Errorf("work was done for %s", ran)
	}
}
