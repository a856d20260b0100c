package http

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// TestAStopReachesEachConnectionOfHTTP2 stops a server while its client is where the row says. What
// the client asks is answered, the connection ends by itself, and so does the server, at once.
func TestAStopReachesEachConnectionOfHTTP2(t *testing.T) {
	const pingAck = "\x00\x00\x08\x06\x01\x00\x00\x00\x00stop\x00\x00\x00\x00"
	for _, row := range []struct {
		name       string
		first      string // before the stop
		then       string // behind it
		answers    int
		unfinished int
	}{
		{"it has not spoken", "", h2Begin + h2Fetch(1, "/ok") + pingAck, 1, 0},
		{"it has begun to", h2Begin[:10], h2Begin[10:] + h2Fetch(1, "/ok") + pingAck, 1, 1},
		{"it has said what comes first", h2Begin, h2Fetch(1, "/ok") + pingAck, 1, 0},
		{"it has been answered", h2Begin + h2Fetch(1, "/ok"), pingAck, 1, 0},
		{"a request is on its way", h2Begin + h2Fetch(1, "/ok"), h2Fetch(3, "/ok") + pingAck, 2, 0},
		{"a body comes behind its answer", h2Begin + h2Post(1, "/ok"), pingAck, 1, 0},
		{"a request waits for its body", h2Begin + h2Post(1, "/body"), "\x00\x00\x00\x00\x01\x00\x00\x00\x01" + pingAck, 1, 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			k := sim.New(1)
			config := Config{Handler: h2Site().Serve, EagerAccept: true, Loop: eventloop.Config{CheckOwner: true}}
			var stopped time.Time
			stageH2(t, k, config, func(watch *h2Watch, c *sim.Script, w *sim.Wire) {
				s := watch.server
				c.Send(w, []byte(row.first))
				c.Sleep(100 * time.Millisecond)
				s.Stop()
				stopped = k.Now()
				c.Sleep(20 * time.Millisecond)
				if n, _ := s.Unfinished(); n != row.unfinished {
					t.Errorf("%d requests are unfinished", n)
				}
				c.Send(w, []byte(row.then))
				said, err := c.ReceiveAll(w)
				if n := h2Answers(said); err != nil || n != row.answers {
					t.Errorf("%d answers, %v, in %q", n, err, said)
				}
				w.Close()
			})
			if took := k.Now().Sub(stopped); took > 3*time.Second {
				t.Errorf("the server ends %v behind the stop", took)
			}
		})
	}
}

// TestAClientOfHTTP2ThatAsksNothingIsLeftInOrder as browsers do, which connect in advance: nothing is
// logged of it, but a client that is slow to say what it wants hears that it was.
func TestAClientOfHTTP2ThatAsksNothingIsLeftInOrder(t *testing.T) {
	for _, row := range []struct {
		name, says string
		code       h2.ErrorCode
	}{
		{"it has said what comes first", h2Begin, h2.NoError},
		{"it has said half of that", h2.Preface, h2.EnhanceYourCalm},
		{"it is in the middle of a head", h2Begin + strings.Replace(h2Fetch(1, "/ok"), "\x01\x05", "\x01\x01", 1), h2.EnhanceYourCalm},
	} {
		t.Run(row.name, func(t *testing.T) {
			var log bytes.Buffer
			k := sim.New(1)
			config := Config{Handler: h2Site().Serve, EagerAccept: true, Log: slog.New(slog.NewTextHandler(&log, nil))}
			stageH2(t, k, config, func(watch *h2Watch, c *sim.Script, w *sim.Wire) {
				m := newMouth(k, c, w)
				m.say(row.says)
				begun := k.Now()
				said, err := c.ReceiveAll(w)
				if took := k.Now().Sub(begun).Round(time.Second); err != nil || took != watch.server.limits.HeadTimeout {
					t.Errorf("the connection ends after %v, %v", took, err)
				}
				words := m.frames.words(said)
				if got, want := words[len(words)-1], fmt.Sprintf("GOAWAY %v", row.code); got != want {
					t.Errorf("at the end it hears %q, and not %q", got, want)
				}
				w.Close()
			})
			if log.Len() > 0 {
				t.Errorf("the log has %s", &log)
			}
		})
	}
}

// h2Answers returns how many answers a server has begun.
func h2Answers(said []byte) (n int) {
	for {
		h, ok := h2.ReadFrameHeader(said)
		if !ok || len(said) < h2.HeaderSize+int(h.Length) {
			return n
		}
		if h.Type == h2.FrameHeaders {
			n++
		}
		said = said[h2.HeaderSize+int(h.Length):]
	}
}
