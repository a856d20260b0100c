package http

import (
	"slices"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// TestAStopKnowsWhatItWaitsFor has clients at several stages, and asks the server before
// the stop, after it, and when one of them has been answered.
func TestAStopKnowsWhatItWaitsFor(t *testing.T) {
	k := sim.New(1)
	s, err := NewServer(Config{Handler: site, Loop: eventloop.Config{Kernel: k, CheckOwner: true}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Listen(":80"); err != nil {
		t.Fatal(err)
	}
	k.Go(func(c *sim.Script) {
		dial := func(text string) *sim.Wire {
			w, err := k.Dial()
			if err != nil {
				t.Fatal(err)
			}
			c.Send(w, []byte(text))
			c.Sleep(time.Millisecond)
			return w
		}
		is := func(when string, want int, lines ...string) {
			t.Helper()
			var n int
			var got []string
			s.Loop().Post(func() { n, got = s.Unfinished() })
			c.Sleep(time.Millisecond)
			if n != want || !slices.Equal(got, lines) {
				t.Errorf("%s it waits for %d requests: %q", when, n, got)
			}
		}
		idle := dial("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
		download := dial("GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
		body := dial("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe")
		is("before the stop", 0)
		s.Stop()
		c.Sleep(time.Millisecond)
		is("after it", 2, "GET /large", "POST /echo")
		c.Send(body, []byte("llo"))
		if _, err := c.ReceiveAll(body); err != nil {
			t.Error(err)
		}
		is("when one has been answered", 1, "GET /large")
		for _, w := range []*sim.Wire{idle, download, body} {
			w.Reset()
		}
	})
	if err := s.Run(); err != nil {
		t.Error(err)
	}
	if n, left := s.Unfinished(); n != 0 || len(s.unfinished) != 0 {
		t.Errorf("%d are left: %q", n, left)
	}
}
