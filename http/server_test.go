package http

import (
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// serve runs a server over a simulated kernel until its client has gone.
func serve(t *testing.T, h Handler, client func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire)) error {
	t.Helper()
	k := sim.New(1)
	return stage(t, k, Config{Handler: h, Loop: eventloop.Config{CheckOwner: true}}, func(s *Server, c *sim.Script, w *sim.Wire) { client(k, s, c, w) })
}

func hello(w *Response, r *Request) error { return w.Text("hello") }

func TestARequestThatLiesInTheSocketWhenTheServerStopsIsAnswered(t *testing.T) {
	err := serve(t, hello, func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
		c.Send(w, []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
		c.Receive(w, nil, 4096) // it is idle now
		c.Sleep(time.Second)
		k.Luck.Delayed = 1000 // the kernel is late with the news
		c.Send(w, []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
		s.Stop()
		answer, err := c.ReceiveAll(w)
		if !strings.HasSuffix(string(answer), "hello") || err != nil {
			t.Errorf("got %q, %v", answer, err)
		}
		if !strings.Contains(string(answer), "Connection: close\r\n") {
			t.Errorf("the last answer does not say so: %q", answer)
		}
		w.Close()
	})
	if err != nil {
		t.Error(err)
	}
}

func TestAHandlerThatWaitsForItsBodyStillOwnsTheLoop(t *testing.T) {
	called := false
	handler := func(w *Response, r *Request) error {
		if _, err := r.Body(); err != nil {
			return err
		}
		r.Loop().After(0, func() { called = true })
		return w.Text("hello")
	}
	err := serve(t, handler, func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
		c.Send(w, []byte("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na"))
		c.Sleep(time.Second)
		c.Send(w, []byte("b"))
		if answer, err := c.Receive(w, nil, 4096); !strings.HasSuffix(string(answer), "hello") {
			t.Errorf("got %q, %v", answer, err)
		}
		w.Close()
	})
	if err != nil || !called {
		t.Errorf("called %v, %v", called, err)
	}
}

func TestAHandlerThatWaitsIsTakenBackWhenItsClientLeaves(t *testing.T) {
	ended := 0
	handler := func(w *Response, r *Request) error {
		defer func() { ended++ }()
		_, err := r.Body()
		if err == nil {
			t.Error("it got a body that was never sent")
		}
		return err
	}
	for _, leave := range []func(w *sim.Wire){(*sim.Wire).Reset, (*sim.Wire).Close, (*sim.Wire).CloseWrite} {
		err := serve(t, handler, func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
			c.Send(w, []byte("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na"))
			c.Sleep(time.Second)
			leave(w)
			c.Sleep(time.Second)
		})
		if err != nil {
			t.Error(err)
		}
	}
	if ended != 3 {
		t.Errorf("%d of 3 handlers came to their end", ended)
	}
}

func TestTheServersNameCannotSplitAnAnswer(t *testing.T) {
	if _, err := NewServer(Config{Handler: hello, Name: "a\r\nSet-Cookie: b"}); err == nil {
		t.Error("it was taken")
	}
}

func TestOtherMethodsAreServedIfAskedFor(t *testing.T) {
	for _, row := range []struct {
		name    string
		any     bool
		request string
		want    string
	}{
		{"an unknown method is refused", false, "FOO / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "HTTP/1.1 501 "},
		{"unless that is wanted", true, "FOO / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "\r\n\r\nFOO"},
		{"also behind empty lines", true, "\r\n\r\nPROPFIND / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "\r\n\r\nPROPFIND"},
		{"the case of a method counts", true, "get / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "\r\n\r\nget"},
		{"but never TRACE", true, "TRACE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "HTTP/1.1 405 "},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := func(w *Response, r *Request) error { return w.Text(r.Method()) }
			err := stage(t, sim.New(1), Config{Handler: h, AnyMethod: row.any}, func(s *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte(row.request))
				if got, err := c.ReceiveAll(w); err != nil || !strings.Contains(string(got), row.want) {
					t.Errorf("%q, %v", got, err)
				}
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}
