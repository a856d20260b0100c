package eventloop

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// A generous house answers each byte with answer bytes, over sockets that hold 100.
func generous(t *testing.T, total int64, answer int, lend bool) (h *house, gone map[error]int) {
	gone = make(map[error]int)
	lent := make([]byte, answer)
	h = build(t, Limits{OutputTotal: total, HighWater: 4 * answer}, func(*Conn) Protocol {
		return &script{
			speak: func(c *Conn, p []byte) int {
				for range p {
					if lend {
						c.WriteNoCopy(lent)
					} else {
						c.Write(make([]byte, answer))
					}
				}
				return len(p)
			},
			gone: func(c *Conn, why error) {
				for _, known := range []error{ErrShed, ErrCut} {
					if errors.Is(why, known) {
						gone[known]++
						return
					}
				}
				gone[nil]++
			},
		}
	})
	h.k.Buffer = 100
	return h, gone
}

// hoard adds a client that asks n times and reads nothing for a minute.
func (h *house) hoard(from string, n int) {
	h.visitFrom(from, func(s *sim.Script, w *sim.Wire) {
		s.Send(w, make([]byte, n))
		s.Sleep(time.Minute)
		w.Close()
	})
}

// ask adds a client that asks after a delay, n times one after the other, reads all
// of it, and calls done.
func (h *house) ask(from string, after time.Duration, n, answer int, done func()) {
	h.visitFrom(from, func(s *sim.Script, w *sim.Wire) {
		s.Sleep(after)
		for i := range n {
			s.Send(w, []byte("a"))
			got := 0
			for got < answer {
				p, err := s.Receive(w, nil, 1000)
				if got += len(p); err != nil {
					h.t.Errorf("%s, request %d: %v after %d bytes", from, i, err, got)
					return
				}
			}
		}
		if done != nil {
			done()
		}
		w.Close()
	})
}

func TestBytesThatAreLentToManyCountOnce(t *testing.T) {
	const answer = 10_000
	h, gone := generous(t, 20_000, answer, true)
	most := int64(0)
	every := h.k.Every
	h.k.Every = func() {
		most = max(most, h.Memory())
		every()
	}
	for range 8 {
		h.hoard("10.0.0.9", 1)
	}
	h.ask("10.0.0.1", time.Second, 3, answer, nil)
	if err := h.live(); err != nil {
		t.Error(err)
	}
	if most != answer {
		t.Errorf("%d bytes were counted, not %d", most, answer)
	}
	if gone[ErrShed] != 0 {
		t.Errorf("%d connections were reset although there was room", gone[ErrShed])
	}
}

func TestOutputAboveTheTotal(t *testing.T) {
	const answer = 1000
	for _, row := range []struct {
		name     string
		total    int64
		hoarders map[string]int // address: connections
		each     int            // requests of each
		shed     int
	}{
		{"below three quarters nothing changes", 20_000, map[string]int{"10.0.0.8": 7, "10.0.0.9": 7}, 1, 0},
		{"from there on who owes is not read, and who owes nothing is", 20_000, map[string]int{"10.0.0.9": 17}, 1, 0},
		{"above it the client that owes most pays", 20_000, map[string]int{"10.0.0.8": 4, "10.0.0.9": 20}, 1, 8},
		{"until an eighth is free", 20_000, map[string]int{"10.0.0.9": 21}, 1, 4},
		{"one connection may owe all of it while no other owes", 20_000, map[string]int{"10.0.0.9": 1}, 30, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			h, gone := generous(t, row.total, answer, false)
			for from, n := range row.hoarders {
				for range n {
					h.hoard(from, row.each)
				}
			}
			served := 0
			askers := 5
			if row.each > 1 {
				askers = 0
			}
			for i := range askers {
				h.ask(fmt.Sprintf("10.0.1.%d", i), time.Second, 10, answer, func() { served++ })
			}
			most := int64(0)
			every := h.k.Every
			h.k.Every = func() {
				most = max(most, h.Memory())
				every()
			}
			if err := h.live(); err != nil {
				t.Error(err)
			}
			if served != askers {
				t.Errorf("%d of %d clients that owe nothing were served", served, askers)
			}
			if gone[ErrShed] != row.shed || h.Count(FailedShed) != uint64(row.shed) {
				t.Errorf("%d connections were reset, counted %d, want %d", gone[ErrShed], h.Count(FailedShed), row.shed)
			}
			if row.each == 1 && most > row.total+answer {
				t.Errorf("%d bytes were kept", most)
			}
		})
	}
}

// TestScarcityHasTwoEdges: a connection that owes is read from again when it owes
// nothing, and as ever when half of the total is free.
func TestScarcityHasTwoEdges(t *testing.T) {
	const answer, total = 1000, 20_000
	h, _ := generous(t, total, answer, false)
	var began, ended int64
	every, was := h.k.Every, false
	h.k.Every = func() {
		switch {
		case h.output.scarce && !was:
			began = h.Memory()
		case !h.output.scarce && was:
			ended = h.Memory()
		}
		was = h.output.scarce
		every()
	}
	for i := range 17 {
		h.visitFrom("10.0.0.9", func(s *sim.Script, w *sim.Wire) {
			s.Send(w, []byte("a"))
			s.Sleep(time.Duration(1+i) * time.Second)
			got := 0
			for got < answer {
				p, err := s.Receive(w, nil, 1000)
				if got += len(p); err != nil {
					t.Error(err)
					break
				}
			}
			w.Close()
		})
	}
	if err := h.live(); err != nil {
		t.Error(err)
	}
	if began <= total/4*3 || began > total {
		t.Errorf("it began with %d bytes", began)
	}
	if ended > total/2 || ended < total/2-answer {
		t.Errorf("it ended with %d bytes", ended)
	}
}

// TestTheConnectionThatOwesMostGoesFirst has one client owe more on each connection
// than on the one before.
func TestTheConnectionThatOwesMostGoesFirst(t *testing.T) {
	const answer, total = 1000, 20_000
	h, _ := generous(t, total, answer, false)
	reset := make(map[int]bool)
	for i := 1; i <= 7; i++ {
		h.visitFrom("10.0.0.9", func(s *sim.Script, w *sim.Wire) {
			s.Sleep(time.Duration(i) * time.Second)
			s.Send(w, make([]byte, i))
			s.Sleep(time.Minute)
			reset[i] = w.Broken()
			w.Close()
		})
	}
	if err := h.live(); err != nil {
		t.Error(err)
	}
	for i := 1; i <= 7; i++ {
		if want := i >= 6; reset[i] != want { // 21,000 bytes with the sixth, 22,000 with the seventh
			t.Errorf("that which owes %d answers was reset: %v", i, reset[i])
		}
	}
}

// TestTheLogSaysWhoDoesNotTakeAnswers has connections reset for some seconds: a line a
// second at most says so, with the client that owes most, and how many lines it spared.
func TestTheLogSaysWhoDoesNotTakeAnswers(t *testing.T) {
	const answer, total = 1000, 20_000
	h, _ := generous(t, total, answer, false)
	var log bytes.Buffer
	h.report.log = slog.New(slog.NewTextHandler(&log, nil))
	for i := range 100 { // in five seconds
		h.visitAt("10.0.0.9", time.Duration(i)*50*time.Millisecond, func(s *sim.Script, w *sim.Wire) {
			s.Send(w, []byte("a"))
			s.Sleep(time.Minute)
			w.Close()
		})
	}
	if err := h.live(); err != nil {
		t.Error(err)
	}
	held, reset := strings.Count(log.String(), "is not read from"), strings.Count(log.String(), "were reset")
	if held < 1 || reset < 2 || reset > 5 || !strings.Contains(log.String(), "client=10.0.0.9") {
		t.Errorf("%d lines say that connections are held back, %d that some were reset:\n%s", held, reset, &log)
	}
}

// TestTheLogSaysWhoTakesAllConnections is the same for connections.
func TestTheLogSaysWhoTakesAllConnections(t *testing.T) {
	h := newThrong(t, Limits{Conns: 16}, nil)
	var log bytes.Buffer
	h.report.log = slog.New(slog.NewTextHandler(&log, nil))
	for i := range 40 {
		h.come(fmt.Sprint(i), "10.0.0.9", time.Duration(i)*50*time.Millisecond, "b")
	}
	for i := range 3 {
		h.come(fmt.Sprint("other", i), "10.0.0.1", 5*time.Second, "b")
	}
	if err := h.live(); err != nil {
		t.Error(err)
	}
	refused, closed := strings.Count(log.String(), "are refused"), strings.Count(log.String(), "to make room")
	if refused < 1 || refused > 3 || closed != 1 || !strings.Contains(log.String(), "client=10.0.0.9") {
		t.Errorf("%d lines say that connections are refused, %d that some were closed:\n%s", refused, closed, &log)
	}
}
