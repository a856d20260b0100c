package eventloop

import (
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// filtering is a kernel that may not be able to refuse connections, like those of the
// BSDs, and that notes for how many listeners it was asked to.
type filtering struct {
	*sim.Kernel
	can   bool
	asked int
	looks func() // before it looks for handshakes
}

func (k *filtering) Handshaking(fd int) bool {
	if k.looks != nil {
		k.looks()
	}
	return k.Kernel.Handshaking(fd)
}

func (k *filtering) Refuse(fd int) bool {
	k.asked++
	return k.can && k.Kernel.Refuse(fd)
}

// TestListenersAtAStop has clients connect right before a stop, after it, and while it
// goes on.
func TestListenersAtAStop(t *testing.T) {
	rows := []struct {
		name       string
		can        bool
		handedOver bool
		served     int // of those that have connected before
	}{
		{"where the kernel can refuse, what has connected is served and nothing comes after it", true, false, 4},
		{"where it cannot, what has asked is served", false, false, 2},
		{"a listener that was handed over is not made to refuse any", true, true, 2},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			k := sim.New(1)
			k.Defers = true
			kernel := &filtering{Kernel: k, can: row.can}
			l, err := New(Config{Kernel: kernel, CheckOwner: true})
			if err != nil {
				t.Fatal(err)
			}
			served := 0
			list, err := l.ListenAt(":80", bobbin.ListenOptions{DeferAccept: true}, func(*Conn) Protocol {
				return &script{
					speak:    func(c *Conn, p []byte) int { served++; c.Write(p); c.Close(); return len(p) },
					stopping: func(c *Conn) { c.SetDeadline(5 * time.Second) },
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			if row.handedOver {
				list[0].HandOver()
			}
			var stopped time.Time
			k.Go(func(s *sim.Script) {
				s.Sleep(time.Second)
				var wires []*sim.Wire
				for i := range 4 {
					w, err := k.Dial()
					if err != nil {
						t.Fatal(err)
					}
					if i < 2 { // the others have connected, and not said anything
						w.Send([]byte("hello"))
					}
					wires = append(wires, w)
				}
				stopped = k.Now()
				l.Stop()
				s.Sleep(time.Millisecond)
				if _, err := k.Dial(); err == nil {
					t.Error("one has connected after the stop")
				}
				s.Sleep(1100 * time.Millisecond)
				for i, w := range wires {
					if i >= 2 {
						w.Send([]byte("hello"))
					}
					text, err := s.ReceiveAll(w)
					if whole := err == nil && string(text) == "hello"; whole != (i < row.served) {
						t.Errorf("client %d: %q, %v", i, text, err)
					}
					w.Close()
				}
			})
			if err := l.Run(); err != nil {
				t.Error(err)
			}
			took := k.Now().Sub(stopped)
			if !k.Outlive(time.Hour) {
				t.Error("the client waits for ever")
			}
			if served != row.served {
				t.Errorf("%d were served, not %d", served, row.served)
			}
			if took > 2*time.Second {
				t.Errorf("it took %v", took)
			}
			if row.handedOver != (kernel.asked == 0) {
				t.Errorf("the kernel was asked to refuse for %d listeners", kernel.asked)
			}
			for _, f := range k.Faults() {
				t.Error(f)
			}
		})
	}
}

// TestAHandshakeThatEndsAtTheLastMomentIsServed has a client complete its handshake
// when the loop looks whether any is under way.
func TestAHandshakeThatEndsAtTheLastMomentIsServed(t *testing.T) {
	k := sim.New(1)
	k.Defers = true
	kernel := &filtering{Kernel: k, can: true}
	l, err := New(Config{Kernel: kernel})
	if err != nil {
		t.Fatal(err)
	}
	begin := func(*Conn) Protocol {
		return &script{speak: func(c *Conn, p []byte) int { c.Write(p); c.Close(); return len(p) }}
	}
	if _, err := l.ListenAt(":80", bobbin.ListenOptions{DeferAccept: true}, begin); err != nil {
		t.Fatal(err)
	}
	served := false
	k.Go(func(s *sim.Script) {
		w, err := k.Dial()
		if err != nil {
			t.Fatal(err)
		}
		kernel.looks = func() {
			w.Send([]byte("hello"))
			kernel.looks = nil
		}
		l.Stop()
		text, err := s.ReceiveAll(w)
		served = err == nil && string(text) == "hello"
		w.Close()
	})
	if err := l.Run(); err != nil {
		t.Error(err)
	}
	if !served {
		t.Error("it is not served")
	}
}

// TestASecondStopDoesNotWait closes listeners at once.
func TestASecondStopDoesNotWait(t *testing.T) {
	k := sim.New(1)
	l, err := New(Config{Kernel: k})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.ListenAt(":80", bobbin.ListenOptions{}, func(*Conn) Protocol { return &script{} }); err != nil {
		t.Fatal(err)
	}
	begun := k.Now()
	l.Stop()
	l.Stop()
	if err := l.Run(); err != nil {
		t.Error(err)
	}
	if took := k.Now().Sub(begun); took > 10*time.Millisecond {
		t.Errorf("it took %v", took)
	}
}

// TestWhatWaitsForRoomAtAStopIsCountedAsCut has a connection that keeps the only place
// until the loop gives up: the client behind it is cut off, too.
func TestWhatWaitsForRoomAtAStopIsCountedAsCut(t *testing.T) {
	h := build(t, Limits{Conns: 1, Drain: 3 * time.Second}, func(*Conn) Protocol {
		return &script{speak: func(c *Conn, p []byte) int { return len(p) }, stopping: func(*Conn) {}}
	})
	for i := range 3 {
		h.visitAt(fmt.Sprintf("10.0.0.%d", i), time.Duration(i)*time.Second, func(s *sim.Script, w *sim.Wire) {
			s.Send(w, []byte("a"))
			if _, err := s.Receive(w, nil, 1); err == nil || err == io.EOF {
				t.Errorf("client %d heard %v", i, err)
			}
			w.Close()
		})
	}
	h.k.Go(func(s *sim.Script) {
		s.Sleep(4 * time.Second)
		h.Stop()
	})
	if err := h.live(); err != ErrCut {
		t.Errorf("it ended with %v", err)
	}
	if n := h.Counters().Cut(); n != 3 {
		t.Errorf("%d connections were counted as cut off, of three", n)
	}
}
