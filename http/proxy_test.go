package http

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// TestAProxyThatIsNotTrustedIsFoundOut: a peer that holds most of the connections and
// says for whom it speaks is named in the log, once, with what to do.
func TestAProxyThatIsNotTrustedIsFoundOut(t *testing.T) {
	for _, row := range []struct {
		name  string
		conns int    // that the peer opens, of 16 that there may be
		field string // that it sends
		warns int
	}{
		{"a proxy that holds most of many connections is named", 14, "X-Forwarded-For: 192.0.2.1\r\n", 1},
		{"also if it speaks RFC 7239", 14, "Forwarded: for=192.0.2.1\r\n", 1},
		{"a client that sends no such field is none", 14, "", 0},
		{"below three quarters there is no need to know", 10, "X-Forwarded-For: 192.0.2.1\r\n", 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			var log bytes.Buffer
			k := sim.New(1)
			s, err := NewServer(Config{
				Handler: func(w *Response, r *Request) error { return w.Text("hello") },
				Log:     slog.New(slog.NewTextHandler(&log, nil)),
				Limits:  Limits{Conns: 16},
				Loop:    eventloop.Config{Kernel: k},
			})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Listen(":80"); err != nil {
				t.Fatal(err)
			}
			k.Go(func(c *sim.Script) {
				for range row.conns {
					w, err := k.DialFrom(netip.MustParseAddr("10.0.0.7"), 0)
					if err != nil {
						t.Error(err)
						break
					}
					c.Send(w, []byte(fmt.Sprintf("GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", row.field)))
					c.Receive(w, nil, 4096)
				}
				s.Stop()
			})
			s.Run()
			if n := strings.Count(log.String(), "--trust"); n != row.warns || n > 0 && !strings.Contains(log.String(), "10.0.0.7") {
				t.Errorf("it was named %d times, not %d: %s", n, row.warns, &log)
			}
		})
	}
}
