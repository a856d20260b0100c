package http

import (
	"bytes"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// TestInterimAnswersHaveAnEnd has a handler that cannot wait send as many as it may, to a
// client that takes them later.
func TestInterimAnswersHaveAnEnd(t *testing.T) {
	field := [2]string{"X-A", strings.Repeat("a", 1000)}
	sent := 0
	h := func(w *Response, r *Request) error {
		for sent < 10_000 {
			if err := w.Interim(StatusEarlyHints, field); err == ErrFull {
				return w.Text("hello")
			} else if err != nil {
				return err
			}
			sent++
		}
		return StatusInternalServerError
	}
	err := stage(t, sim.New(1), Config{Handler: h}, func(s *Server, c *sim.Script, w *sim.Wire) {
		c.Send(w, []byte("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
		all, err := c.ReceiveAll(w)
		w.Close()
		heard := bytes.Count(all, []byte("HTTP/1.1 103 Early Hints\r\n"))
		if err != nil || heard != sent || !bytes.HasSuffix(all, []byte("hello")) {
			t.Errorf("%d interim answers of %d, %d bytes, %v", heard, sent, len(all), err)
		}
		if most := int(2*s.limits.HighWater) / 1000; sent < 2 || sent > most {
			t.Errorf("%d interim answers were sent; more than %d are too many", sent, most)
		}
	})
	if err != nil {
		t.Error(err)
	}
}
