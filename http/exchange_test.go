package http

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// TestExchangesKeepLittle looks at what a server keeps for its next requests after
// some large ones.
func TestExchangesKeepLittle(t *testing.T) {
	for _, row := range []struct {
		name    string
		clients int
		body    int // bytes, which are echoed
		kept    int // exchanges
		memory  bool
	}{
		{"the memory of a small body is kept for the next", 1, 10_000, 1, true},
		{"the memory of a large body is not kept", 1, 1 << 20, 1, false},
		{"of many exchanges, 64 are kept", 100, 10_000, exchangesKept, true},
	} {
		var server *Server
		k := sim.New(1)
		err := stage(t, k, Config{Handler: site}, func(s *Server, c *sim.Script, w *sim.Wire) {
			server = s
			w.Close()
			for range row.clients {
				k.Go(func(c *sim.Script) {
					w, err := k.Dial()
					if err != nil {
						t.Error(err)
						return
					}
					head := fmt.Sprintf("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", row.body)
					c.Send(w, []byte(head))
					c.Send(w, make([]byte, row.body-1))
					c.Sleep(time.Second) // all have an exchange now
					c.Send(w, make([]byte, 1))
					if answer, err := c.ReceiveAll(w); err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 200 ")) {
						t.Errorf("%s: got %.100q, %v", row.name, answer, err)
					}
					w.Close()
				})
			}
		})
		if err != nil {
			t.Error(err)
		}
		if len(server.free) != row.kept {
			t.Errorf("%s: %d exchanges are kept", row.name, len(server.free))
		}
		for _, x := range server.free {
			in, out := cap(x.body), cap(x.response.bytes)
			if in > keptBody || out > keptBody || (in > 0) != row.memory || (out > 0) != row.memory {
				t.Errorf("%s: %d bytes of a request and %d of an answer are kept", row.name, in, out)
			}
		}
	}
}

// TestARequestKeepsItsRouteWhenItsHandlerIsGivenUp has an answer in the handler's
// place fail: the log names the route that was chosen.
func TestARequestKeepsItsRouteWhenItsHandlerIsGivenUp(t *testing.T) {
	for _, row := range []struct {
		name string
		wrap func(Handler) Handler
	}{
		{"a handler on the loop", Streaming},
		{"a handler aside", func(h Handler) Handler { return Blocking(1, h) }},
	} {
		slow := row.wrap(func(w *Response, r *Request) error { return w.Pause(time.Minute) })
		var router Router
		router.Handle("GET /slow/{id}", func(w *Response, r *Request) error {
			w.OnHead(func(w *Response) { w.Add("a name that is none", "") })
			w.Timeout(time.Second)
			return slow(w, r)
		})
		var log strings.Builder
		err := stage(t, sim.New(1), Config{Handler: router.Serve, Log: slog.New(slog.NewTextHandler(&log, nil))}, func(s *Server, c *sim.Script, w *sim.Wire) {
			c.Send(w, []byte("GET /slow/1 HTTP/1.1\r\nHost: a\r\n\r\n"))
			if answer, err := c.ReceiveAll(w); err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 500 ")) {
				t.Errorf("%s: got %q, %v", row.name, answer, err)
			}
			w.Close()
		})
		if err != nil {
			t.Error(err)
		}
		if want := `route="GET /slow/{id}"`; !strings.Contains(log.String(), want) {
			t.Errorf("%s: %s is not in the log: %s", row.name, want, log.String())
		}
	}
}
