package eventloop

import (
	"crypto/tls"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// leaver is a protocol that uses the first byte of what comes, answers, and leaves.
func leaver(answer []byte, done func(Detached, error), gone func(error)) *script {
	return &script{
		speak: func(c *Conn, p []byte) int {
			c.Write(answer)
			c.SetDeadline(time.Minute)
			if err := c.Detach(done); err != nil {
				done(Detached{}, err)
				c.Close()
			}
			return 1
		},
		due: func(c *Conn) { c.Abort(nil) },
		gone: func(_ *Conn, why error) {
			if gone != nil {
				gone(why)
			}
		},
		stopping: func(*Conn) {},
	}
}

// reads reads what is there.
func reads(t *testing.T, d Detached) string {
	t.Helper()
	p := make([]byte, 1000)
	n, err := d.Conn.Read(p)
	if err != nil && !errors.Is(err, sim.ErrWouldWait) && err != io.EOF {
		t.Error(err)
	}
	return string(d.Rest) + string(p[:n])
}

// leftLoop returns how many connections are counted that leave a loop, or have left it.
func leftLoop(h *house) int {
	h.closings.detached.sweep()
	return int(h.closings.detached.clients.Total())
}

// TestAConnectionLeavesWithAllThatWasRead is the usual case: the loop sends what was
// written, although the peer takes it slowly, and then forgets the connection.
func TestAConnectionLeavesWithAllThatWasRead(t *testing.T) {
	answer := []byte(strings.Repeat("answer", 100))
	var order []string
	var d Detached
	h := build(t, Limits{}, func(*Conn) Protocol {
		return leaver(answer, func(got Detached, err error) {
			order = append(order, "left")
			if d = got; err != nil {
				t.Error(err)
			}
		}, func(why error) {
			order = append(order, "closed")
			if why != nil {
				t.Error(why)
			}
		})
	})
	h.k.Buffer = 100
	h.visit(func(s *sim.Script, w *sim.Wire) {
		s.Send(w, []byte("abc"))
		s.Sleep(time.Second)
		s.Send(w, []byte("def"))
		if d.Conn != nil {
			t.Error("it left before its output was taken")
		}
		got, err := s.Receive(w, nil, 100)
		for err == nil && len(got) < len(answer) {
			got, err = s.Receive(w, got, 100)
		}
		if string(got) != string(answer) || err != nil {
			t.Errorf("the client got %d bytes, %v", len(got), err)
		}
		s.Sleep(time.Second)
		if h.Open() != 0 || leftLoop(h) != 1 {
			t.Errorf("the loop has %d connections, and %d have left it", h.Open(), leftLoop(h))
		}
		if got := reads(t, d); string(d.Rest) != "bc" || got != "bcdef" {
			t.Errorf("the new owner got %q and %q", d.Rest, got)
		}
		d.Conn.Write([]byte("!"))
		d.Conn.Close()
		if p, err := s.ReceiveAll(w); string(p) != "!" || err != nil {
			t.Errorf("from the new owner: %q, %v", p, err)
		}
		if leftLoop(h) != 0 {
			t.Errorf("%d connections have left, and are closed", leftLoop(h))
		}
		w.Close()
	})
	if err := h.live(); err != nil {
		t.Error(err)
	}
	if got := strings.Join(order, ", "); got != "closed, left" {
		t.Errorf("the order of calls was %s", got)
	}
	if h.Count(LeftLoop) != 1 || h.Counters().Closed()+h.Counters().Failed() != 0 {
		t.Errorf("%d left, %d closed, %d failed", h.Count(LeftLoop), h.Counters().Closed(), h.Counters().Failed())
	}
}

// TestAConnectionThatFailsBeforeItLeavesIsReported has each reason.
func TestAConnectionThatFailsBeforeItLeavesIsReported(t *testing.T) {
	rows := []struct {
		name   string
		client func(h *house, s *sim.Script, w *sim.Wire)
		want   string
	}{
		{"the peer resets", func(_ *house, s *sim.Script, w *sim.Wire) {
			s.Sleep(time.Second)
			w.Reset()
		}, "reset by peer"},
		{"the protocol's deadline is over", func(_ *house, s *sim.Script, w *sim.Wire) {
			s.Sleep(2 * time.Minute)
		}, ErrAborted.Error()},
		{"the loop has to end", func(h *house, s *sim.Script, w *sim.Wire) {
			h.Stop()
			s.Sleep(time.Minute)
		}, ErrCut.Error()},
		{"the kernel has no descriptor for it", func(h *house, s *sim.Script, w *sim.Wire) {
			s.Sleep(time.Second)
			h.k.Luck.Exhausted = 1000
			s.Take(w, 300)
			s.Sleep(time.Second)
			h.k.Luck.Exhausted = 0
		}, "out of descriptors"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			var why []error
			h := build(t, Limits{}, func(*Conn) Protocol {
				return leaver(make([]byte, 300), func(d Detached, err error) {
					if why = append(why, err); d.Conn != nil {
						t.Error("there is a connection")
					}
				}, nil)
			})
			h.k.Buffer = 100
			h.visit(func(s *sim.Script, w *sim.Wire) {
				s.Send(w, []byte("abc"))
				row.client(h, s, w)
				w.Close()
			})
			h.live()
			if len(why) != 1 || why[0] == nil || !strings.Contains(why[0].Error(), row.want) {
				t.Errorf("it was told %v", why)
			}
			if n := leftLoop(h); n != 0 {
				t.Errorf("%d are counted", n)
			}
		})
	}
}

// TestConnectionsThatLeaveAreBounded has no client leave with more than three quarters, and all
// together with no more than the limit, until an owner closes one.
func TestConnectionsThatLeaveAreBounded(t *testing.T) {
	var left []Detached
	full := 0
	h := build(t, Limits{Detached: 4}, func(*Conn) Protocol {
		return leaver(nil, func(d Detached, err error) {
			switch {
			case err == ErrDetachedFull:
				full++
			case err != nil:
				t.Error(err)
			default:
				left = append(left, d)
			}
		}, nil)
	})
	leave := func(s *sim.Script, from string, wantLeft, wantFull int) {
		t.Helper()
		h.visitFrom(from, func(s *sim.Script, w *sim.Wire) { s.Send(w, []byte("a")) })
		s.Sleep(time.Second)
		if len(left) != wantLeft || full != wantFull {
			t.Errorf("%d have left, and %d were refused", len(left), full)
		}
	}
	h.visit(func(s *sim.Script, w *sim.Wire) {
		leave(s, "10.0.0.1", 1, 0)
		leave(s, "10.0.0.1", 2, 0)
		leave(s, "10.0.0.1", 3, 0)
		leave(s, "10.0.0.1", 3, 1)
		leave(s, "10.0.0.2", 4, 1)
		leave(s, "10.0.0.2", 4, 2)
		left[0].Conn.Close()
		leave(s, "10.0.0.3", 5, 2)
		w.Close()
	})
	h.live()
	if n := leftLoop(h); n != 4 {
		t.Errorf("%d are counted", n)
	}
}

func TestAConnectionThatIsClosingCannotLeave(t *testing.T) {
	var second error
	h := build(t, Limits{}, func(*Conn) Protocol {
		return &script{speak: func(c *Conn, p []byte) int {
			c.Close()
			second = c.Detach(func(Detached, error) { t.Error("it has left") })
			return len(p)
		}}
	})
	h.visit(func(s *sim.Script, w *sim.Wire) {
		s.Send(w, []byte("a"))
		s.ReceiveAll(w)
		w.Close()
	})
	h.live()
	if second != ErrClosing {
		t.Error(second)
	}
}

// TestTLSGoesOnWhereTheConnectionHasGone has the new owner go on with the TLS of the
// loop, with half a record on the wire and plain text that nothing has used.
func TestTLSGoesOnWhereTheConnectionHasGone(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			var d Detached
			h := buildTLS(t, Limits{}, &TLS{Config: serverConfig()}, func(*Conn) Protocol {
				return leaver([]byte("answer"), func(got Detached, err error) {
					if d = got; err != nil {
						t.Error(err)
					}
				}, nil)
			})
			h.call(func(l *line) {
				conn := h.client(l, clientConfig(func(c *tls.Config) { c.MaxVersion = version }))
				conn.Write([]byte("abc"))
				p := make([]byte, 6)
				if _, err := io.ReadFull(conn, p); string(p) != "answer" || err != nil {
					t.Errorf("the client got %q, %v", p, err)
				}
				l.s.Sleep(time.Second)
				own, ok := d.Conn.(*tls.Conn)
				if !ok || string(d.Rest) != "bc" {
					t.Fatalf("a %T, and %q", d.Conn, d.Rest)
				}
				conn.Write([]byte("def"))
				if got := reads(t, d); got != "bcdef" {
					t.Errorf("the owner got %q", got)
				}
				own.Write([]byte("reply"))
				if n, err := conn.Read(p); string(p[:n]) != "reply" || err != nil {
					t.Errorf("the client got %q, %v", p[:n], err)
				}
				if own.RemoteAddr().String() != "10.0.0.1:"+strings.Split(own.RemoteAddr().String(), ":")[1] {
					t.Errorf("the peer's address is %v", own.RemoteAddr())
				}
				own.Close()
				if n, err := conn.Read(p); n != 0 || err != io.EOF {
					t.Errorf("the end: %q, %v", p[:n], err)
				}
				l.Close()
			})
			if err := h.over(); err != nil {
				t.Error(err)
			}
		})
	}
}
