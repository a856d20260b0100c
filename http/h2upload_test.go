package http

import (
	"io"
	"slices"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// TestWindowsGrowWithARoundTrip has a client upload to a handler that reads all that comes, over a network
// with a round trip of a tenth of a second: what it may send in each is the ceiling of its speed. With windows
// of a sixteenth of the defaults, it may send half of Limits.StreamWindowMost in each after half a second: that
// much comes back at a time.
func TestWindowsGrowWithARoundTrip(t *testing.T) {
	handler := Streaming(func(_ *Response, r *Request) error {
		_, err := io.Copy(io.Discard, r)
		return err
	})
	limits := Limits{StreamWindow: 16 << 10, StreamWindowMost: 256 << 10, ConnWindow: h2.DefaultWindow, ConnWindowMost: 512 << 10}
	k := sim.New(1)
	k.Buffer = 1 << 20
	var trips []int
	if err := stage(t, k, Config{Handler: handler, Limits: limits}, func(s *Server, c *sim.Script, w *sim.Wire) {
		stream, conn := 0, h2.DefaultWindow
		take := func(p []byte) {
			for len(p) > 0 {
				h, _ := h2.ReadFrameHeader(p)
				n, _ := h.ReadWindowUpdate(p[h2.HeaderSize:])
				switch {
				case h.Type != h2.FrameWindowUpdate:
				case h.Stream == 0:
					conn += int(n)
				default:
					stream += int(n)
				}
				p = p[h2.HeaderSize+int(h.Length):]
			}
		}
		c.Send(w, []byte(h2Begin+string(h2.AppendSettingsAck(nil))+h2Post(1, "/")))
		stream += s.limits.StreamWindow
		for range 15 {
			n := min(stream, conn)
			stream, conn = stream-n, conn-n
			c.Send(w, []byte(h2Body(1, n)))
			trips = append(trips, n)
			c.Sleep(100 * time.Millisecond)
			p, _ := c.Receive(w, nil, 1<<16)
			take(p)
		}
		w.Close()
	}); err != nil {
		t.Error(err)
	}
	if least := slices.Min(trips[5:]); least < limits.StreamWindowMost/2 {
		t.Errorf("it may send %d bytes a round trip", trips)
	}
}
