package http

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// TestAPanicInACallbackCostsOneConnection has one in each kind of function that a handler
// gives to the server. It is logged, that client's connection is reset unless its answer
// is out, and others are served.
func TestAPanicInACallbackCostsOneConnection(t *testing.T) {
	ill := func() { panic("ill") }
	badly := func(w *Response) { w.OnAnswer(func(Status, int64) { panic("ill") }) }
	held := func(does func(h *Held)) Handler {
		return func(w *Response, r *Request) error {
			h, err := w.Hold()
			if err == nil {
				does(h)
			}
			return err
		}
	}
	for _, row := range []struct {
		name  string
		h     Handler
		reset bool
	}{
		{"Held.Post", held(func(h *Held) { h.Post(ill) }), true},
		{"Held.OnClose", held(func(h *Held) { h.OnClose(ill); h.Post(h.Done) }), true},
		{"Held.OnStop", held(func(h *Held) { h.OnStop(ill); h.Post(h.server.Stop) }), true},
		{"a timer of the loop", func(w *Response, r *Request) error {
			r.Loop().After(time.Millisecond, ill)
			return w.Text("hello")
		}, false},
		{"OnEnd", func(w *Response, r *Request) error {
			w.OnEnd(ill) // the next one is called nevertheless
			return w.Text("hello")
		}, true},
		{"OnHead", func(w *Response, r *Request) error {
			w.OnHead(func(*Response) { panic("ill") })
			return w.Text("hello")
		}, true},
		{"OnAnswer", func(w *Response, r *Request) error { badly(w); return w.Text("hello") }, true},
		{"OnAnswer after Offload", func(w *Response, r *Request) error {
			badly(w)
			return Offload(w, work, (*Response).Text)
		}, true},
		{"OnAnswer after Later", func(w *Response, r *Request) error {
			badly(w)
			p, err := Later(w)
			r.Loop().Post(func() { p.Answer(func(w *Response) error { return w.Text("hello") }) })
			return err
		}, true},
		{"OnAnswer after Pause", func(w *Response, r *Request) error {
			badly(w)
			return Streaming(func(w *Response, r *Request) error { return w.Pause(time.Second) })(w, r)
		}, true},
		{"OnAnswer around Blocking", func(w *Response, r *Request) error {
			badly(w)
			return Blocking(1, func(w *Response, r *Request) error { return w.Text("hello") })(w, r)
		}, true},
		{"OnAnswer after a Timeout", func(w *Response, r *Request) error {
			badly(w)
			w.Timeout(time.Second)
			_, err := Later(w)
			return err
		}, true},
		{"OnTimeout of a long poll", func(w *Response, r *Request) error {
			h, err := w.LongPoll(time.Second)
			h.OnTimeout(func(w *Response) error { badly(w); return nil })
			return err
		}, true},
		{"OnDrain and OnClose of a tunnel", func(w *Response, r *Request) error {
			tunnel, err := w.Tunnel("t")
			tunnel.OnClose(ill)
			tunnel.Post(tunnel.Close)
			return err
		}, true},
		{"a topic's function for a receiver that is full", func(w *Response, r *Request) error {
			h, err := w.Hold()
			topic := w.x.conn.server.NewTopic()
			topic.Add(h, ill)
			for range 20 {
				topic.Publish(PreparePiece(make([]byte, 20_000)))
			}
			r.Loop().After(time.Second, h.Done)
			return err
		}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			var log bytes.Buffer
			k := sim.New(1)
			over, ended := 0, 0
			h := func(w *Response, r *Request) error {
				if r.Path() == "/other" {
					return w.Text("other")
				}
				over++
				err := row.h(w, r)
				w.OnEnd(func() { ended++ })
				return err
			}
			_ = stage(t, k, Config{Handler: h, Log: slog.New(slog.NewTextHandler(&log, nil))}, func(s *Server, c *sim.Script, w *sim.Wire) {
				other, err := k.Dial()
				if err != nil {
					t.Fatal(err)
				}
				c.Send(w, []byte("GET /ill HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: t\r\n\r\n"))
				c.Sleep(3 * time.Second)
				c.Send(other, []byte(strings.Replace(get("other"), "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1)))
				text, err := c.ReceiveAll(other)
				if !strings.HasSuffix(string(text), "other") && !s.loop.Stopping() || err != nil {
					t.Errorf("another client got %q, %v", text, err)
				}
				if row.reset != w.Broken() {
					t.Errorf("the client's connection is reset: %v", w.Broken())
				}
				w.Reset()
				other.Close()
			})
			if n := strings.Count(log.String(), "value=ill"); n < 1 || over != ended {
				t.Errorf("%d panics, and %d of %d requests have ended: %s", n, ended, over, log.String())
			}
		})
	}
}
