package http

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// What a stop does to clients at every stage of their visit: none loses a request that
// could be served, none is reset after it has connected, and none keeps the server
// for long.

func TestStopping(t *testing.T) {
	answer := func(c *sim.Script, w *sim.Wire) {
		var text []byte
		for err := error(nil); err == nil && !bytes.HasSuffix(text, []byte("hello")); {
			text, err = c.Receive(w, text, 1000)
		}
	}
	const ask = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	rows := []struct {
		name   string
		before func(c *sim.Script, w *sim.Wire) // the stop
		after  func(c *sim.Script, w *sim.Wire)
		heard  string // pieces that come one behind the other
		most   time.Duration
		err    error
	}{
		{"a client that has connected and not asked is answered when it asks", nil,
			func(c *sim.Script, w *sim.Wire) { c.Sleep(1500 * time.Millisecond); c.Send(w, []byte(ask)) },
			"200 OK Connection: close hello", 3 * time.Second, nil},
		{"a client that has connected and does not ask is let go without a word", nil, nil, "", 4 * time.Second, nil},
		{"a client that has connected and asks too late is not reset", nil,
			func(c *sim.Script, w *sim.Wire) { c.Sleep(3500 * time.Millisecond); c.Send(w, []byte(ask)) },
			"", 5 * time.Second, nil},
		{"a client that has been answered is let go after a moment",
			func(c *sim.Script, w *sim.Wire) { c.Send(w, []byte(ask)) }, nil,
			"200 OK hello", time.Second, nil},
		{"a request on its way on an idle connection is answered",
			func(c *sim.Script, w *sim.Wire) { c.Send(w, []byte(ask)); answer(c, w) },
			func(c *sim.Script, w *sim.Wire) { c.Sleep(250 * time.Millisecond); c.Send(w, []byte(ask)) },
			"200 OK Connection: close hello", 2 * time.Second, nil},
		{"a request that comes after the end of an idle connection is not reset",
			func(c *sim.Script, w *sim.Wire) { c.Send(w, []byte(ask)); answer(c, w) },
			func(c *sim.Script, w *sim.Wire) { c.Sleep(time.Second); c.Send(w, []byte(ask)) },
			"", 3 * time.Second, nil},
		{"half a head is waited for",
			func(c *sim.Script, w *sim.Wire) { c.Send(w, []byte(ask[:20])) },
			func(c *sim.Script, w *sim.Wire) { c.Sleep(3 * time.Second); c.Send(w, []byte(ask[20:])) },
			"200 OK Connection: close hello", 5 * time.Second, nil},
		{"a body that is on its way is waited for",
			func(c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe"))
			},
			func(c *sim.Script, w *sim.Wire) { c.Sleep(3 * time.Second); c.Send(w, []byte("llo")) },
			"200 OK Connection: close hello", 5 * time.Second, nil},
		{"a body that no handler wants is not waited for longer than usual",
			func(c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe"))
			},
			func(c *sim.Script, w *sim.Wire) { c.Sleep(time.Second); c.Send(w, []byte("llo")) },
			"200 OK hello", 3 * time.Second, nil},
		{"a download goes on to its end, and the request behind it is answered",
			func(c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte("GET /large HTTP/1.1\r\nHost: a\r\n\r\n"))
				c.Sleep(time.Millisecond)
				c.Send(w, []byte(ask))
			},
			func(c *sim.Script, w *sim.Wire) { c.Sleep(4 * time.Second) },
			"200 OK xxx 200 OK Connection: close hello", 6 * time.Second, nil},
		{"a download goes on to its end, and nothing keeps the server after it",
			func(c *sim.Script, w *sim.Wire) { c.Send(w, []byte("GET /large HTTP/1.1\r\nHost: a\r\n\r\n")) },
			func(c *sim.Script, w *sim.Wire) { c.Sleep(4 * time.Second) },
			"200 OK xxx", 6 * time.Second, nil},
		{"a download that is not taken is cut off when the time is over",
			func(c *sim.Script, w *sim.Wire) { c.Send(w, []byte("GET /large HTTP/1.1\r\nHost: a\r\n\r\n")) },
			func(c *sim.Script, w *sim.Wire) { c.Sleep(time.Minute) },
			"", 11 * time.Second, eventloop.ErrCut},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			k := sim.New(1)
			k.Defers = true
			s, err := NewServer(Config{Handler: site, Loop: eventloop.Config{Kernel: k, CheckOwner: true}})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Listen(":80"); err != nil {
				t.Fatal(err)
			}
			var stopped time.Time
			k.Go(func(c *sim.Script) {
				w, err := k.Dial()
				if err != nil {
					t.Fatal(err)
				}
				if row.before != nil {
					row.before(c, w)
					c.Sleep(time.Millisecond)
				}
				stopped = k.Now()
				s.Stop()
				if row.after != nil {
					row.after(c, w)
				}
				text, err := c.ReceiveAll(w)
				if (err != nil) != (row.err != nil) {
					t.Errorf("the client meets %v", err)
				}
				for want := range strings.FieldsFuncSeq(row.heard, func(r rune) bool { return r == ' ' }) {
					i := bytes.Index(text, []byte(want))
					if i < 0 {
						t.Fatalf("%q is not in %.300q", want, text)
					}
					text = text[i+len(want):]
				}
				if row.heard == "" && len(text) > 0 {
					t.Errorf("the client hears %.300q", text)
				}
				w.Close()
			})
			if err := s.Run(); !errors.Is(err, row.err) || row.err == nil && err != nil {
				t.Errorf("it ended with %v", err)
			}
			if took := k.Now().Sub(stopped); took > row.most {
				t.Errorf("it took %v to stop", took)
			}
			if !k.Outlive(time.Hour) {
				t.Error("the client waits for ever")
			}
			if n, requests := s.Cut(); row.err != nil && (n != 1 || len(requests) != 1 || requests[0] != "GET /large") || row.err == nil && n != 0 {
				t.Errorf("%d are said to be cut off: %q", n, requests)
			}
			for _, f := range k.Faults() {
				t.Error(f)
			}
		})
	}
}

// TestAStopTakesWhatTheKernelHasBegun has clients connect right before the stop, some
// of whom have asked by then, on good days and bad ones.
func TestAStopTakesWhatTheKernelHasBegun(t *testing.T) {
	for seed := range uint64(300) {
		k := sim.NewUnlucky(seed)
		k.Luck.PeerReset, k.Luck.DiedQueued, k.Luck.Suspend = 0, 0, 0 // which lose requests
		k.Defers = true
		s, err := NewServer(Config{Handler: site, Loop: eventloop.Config{Kernel: k}, Limits: Limits{AcceptBatch: 2}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Listen(":80"); err != nil {
			t.Fatal(err)
		}
		served, refused := 0, 0
		const clients = 30
		for range clients {
			at := time.Duration(k.Roll(3000)) * time.Millisecond
			pause := time.Duration(k.Roll(int(1500 * time.Millisecond)))
			k.Go(func(c *sim.Script) {
				c.Sleep(at)
				w, err := k.Dial()
				if err != nil {
					refused++
					return
				}
				if k.Roll(2) == 0 {
					c.Sleep(pause)
				}
				if err := c.Send(w, []byte("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")); err != nil {
					t.Errorf("seed %d: %v", seed, err)
				}
				text, err := c.ReceiveAll(w)
				if err != nil || !bytes.HasSuffix(text, []byte("hello")) {
					t.Errorf("seed %d: %q, %v", seed, text, err)
				}
				served++
			})
		}
		k.Go(func(c *sim.Script) {
			c.Sleep(1500 * time.Millisecond)
			s.Stop()
		})
		if err := s.Run(); err != nil {
			t.Errorf("seed %d: it ended with %v", seed, err)
		}
		if !k.Outlive(time.Hour) || served+refused != clients || served == 0 {
			t.Errorf("seed %d: %d were served, %d refused", seed, served, refused)
		}
	}
}
