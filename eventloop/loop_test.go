package eventloop

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/netip"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// script is a protocol made of functions; what is nil does the plainest thing.
type script struct {
	speak    func(c *Conn, p []byte) int
	ended    func(c *Conn)
	due      func(c *Conn)
	stopping func(c *Conn)
	gone     func(c *Conn, why error)
}

func (s *script) OnData(c *Conn, p []byte) int {
	if s.speak != nil {
		return s.speak(c, p)
	}
	return len(p)
}

func (s *script) OnEOF(c *Conn) {
	if s.ended != nil {
		s.ended(c)
	} else {
		c.Close()
	}
}

func (s *script) OnTimeout(c *Conn) {
	if s.due != nil {
		s.due(c)
	} else {
		c.Close()
	}
}

func (s *script) OnShutdown(c *Conn) {
	if s.stopping != nil {
		s.stopping(c)
	} else {
		c.Close()
	}
}

func (s *script) OnClose(c *Conn, why error) {
	if s.gone != nil {
		s.gone(c, why)
	}
}

// a house is a loop over a simulated kernel, that stops when the last client
// has gone.
type house struct {
	*Loop
	t *testing.T
	k *sim.Kernel

	coroutines int // and goroutines that there were before
}

func build(t *testing.T, limits Limits, begin func(*Conn) Protocol) *house {
	k := sim.New(1)
	l, err := New(Config{Kernel: k, Limits: limits, CheckOwner: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.ListenAt(":80", bobbin.ListenOptions{}, begin); err != nil {
		t.Fatal(err)
	}
	k.Every = func() {
		if k.Running() == 0 && !l.Stopping() {
			l.Stop()
		}
	}
	return &house{Loop: l, t: t, k: k, coroutines: runtime.NumGoroutine()}
}

// visit adds a client.
func (h *house) visit(f func(s *sim.Script, w *sim.Wire)) { h.visitFrom("10.0.0.1", f) }

// visitFrom adds a client at an address.
func (h *house) visitFrom(from string, f func(s *sim.Script, w *sim.Wire)) {
	h.k.Go(func(s *sim.Script) {
		w, err := h.k.DialFrom(netip.MustParseAddr(from), 0)
		if err != nil {
			h.t.Error(err)
			return
		}
		f(s, w)
	})
}

// live runs the loop and returns what Run does.
func (h *house) live() error {
	h.t.Helper()
	err := h.Run()
	for _, f := range h.k.Faults() {
		h.t.Error(f)
	}
	if n := h.k.OpenDescriptors(); n != 0 {
		h.t.Errorf("%d descriptors are open", n)
	}
	if h.Memory() != 0 {
		h.t.Errorf("%d bytes of output were not given back", h.Memory())
	}
	if n := len(h.closings.lingering) + len(h.clients.named); n != 0 {
		h.t.Errorf("%d notes about connections that are over are left", n)
	}
	if len(h.pools.chunks) != h.pools.made {
		h.t.Errorf("%d of %d chunks of memory were not given back", h.pools.made-len(h.pools.chunks), h.pools.made)
	}
	return err
}

func TestEveryArrowBetweenStatesCanBeWalked(t *testing.T) {
	walked := make(map[[2]State]bool)
	note := func(h *house) {
		records, _, _ := h.ReadSince(0, nil)
		for _, r := range records {
			if r.Kind == StateChange {
				walked[[2]State{State(r.Arg >> 8), State(r.Arg & 0xff)}] = true
			}
		}
	}
	talk := func(say string, end func(c *Conn)) {
		h := build(t, Limits{}, func(*Conn) Protocol {
			return &script{speak: func(c *Conn, p []byte) int {
				if string(p) == "end" {
					c.Write([]byte("bye"))
					end(c)
				}
				return len(p)
			}}
		})
		h.visit(func(s *sim.Script, w *sim.Wire) {
			for _, word := range strings.Fields(say) {
				s.Send(w, []byte(word))
				s.Sleep(time.Second)
			}
			s.ReceiveAll(w)
			w.Close()
		})
		h.live()
		note(h)
	}
	for _, say := range []string{"end", "wait end"} { // in the first turn, and later
		talk(say, (*Conn).Close)
		talk(say, (*Conn).CloseWithoutLinger)
		talk(say, func(c *Conn) { c.Abort(nil) })
		talk(say, func(c *Conn) { c.CloseWrite(); c.Close() })
		talk(say, func(c *Conn) { c.CloseWrite(); c.Abort(nil) })
	}
	for from, list := range Follows {
		for _, to := range list {
			if !walked[[2]State{State(from), to}] {
				t.Errorf("no connection went from %v to %v", State(from), to)
			}
		}
	}
}

func TestAStepThatIsNotInTheTablePanics(t *testing.T) {
	defer func() {
		if r := recover(); r == nil || !strings.Contains(fmt.Sprint(r), "from dead to open") {
			t.Errorf("recovered %v", r)
		}
	}()
	c := &Conn{loop: &Loop{}, state: Dead}
	c.become(Open)
}

func TestConversations(t *testing.T) {
	rows := []struct {
		name   string
		limits Limits
		begin  func(log *[]string) Protocol
		client func(s *sim.Script, w *sim.Wire)
		want   []string
	}{
		{
			"what Speak leaves over is shown again with more behind it", Limits{},
			func(log *[]string) Protocol {
				return &script{speak: func(c *Conn, p []byte) int {
					*log = append(*log, string(p))
					return min(2, len(p))
				}}
			},
			func(s *sim.Script, w *sim.Wire) {
				s.Send(w, []byte("abc"))
				s.Sleep(time.Second)
				s.Send(w, []byte("d"))
				s.Sleep(time.Second)
				w.Close()
			},
			[]string{"abc", "cd"},
		},
		{
			"Again has Speak called although nothing more has come", Limits{},
			func(log *[]string) Protocol {
				return &script{speak: func(c *Conn, p []byte) int {
					*log = append(*log, string(p))
					if len(p) > 1 {
						c.Again()
					}
					return 1
				}}
			},
			func(s *sim.Script, w *sim.Wire) {
				s.Send(w, []byte("abc"))
				w.CloseWrite()
				s.ReceiveAll(w)
			},
			[]string{"abc", "bc", "c"},
		},
		{
			"a paused protocol hears nothing, and everything when it resumes", Limits{},
			func(log *[]string) Protocol {
				first := true
				return &script{
					speak: func(c *Conn, p []byte) int {
						*log = append(*log, string(p))
						if first {
							first = false
							c.Pause()
							c.Loop().After(5*time.Second, func() {
								*log = append(*log, "resume")
								c.Resume()
							})
						}
						return len(p)
					},
					ended: func(c *Conn) {
						*log = append(*log, "ended")
						c.Close()
					},
				}
			},
			func(s *sim.Script, w *sim.Wire) {
				s.Send(w, []byte("a"))
				s.Sleep(time.Second)
				s.Send(w, []byte("b"))
				s.Sleep(time.Second)
				s.Send(w, []byte("c"))
				w.CloseWrite()
				s.ReceiveAll(w)
			},
			[]string{"a", "resume", "bc", "ended"},
		},
		{
			"a reset is heard of even while paused", Limits{},
			func(log *[]string) Protocol {
				return &script{
					speak: func(c *Conn, p []byte) int {
						c.Pause()
						return len(p)
					},
					gone: func(c *Conn, why error) {
						*log = append(*log, fmt.Sprint(why))
					},
				}
			},
			func(s *sim.Script, w *sim.Wire) {
				s.Send(w, []byte("a"))
				s.Sleep(time.Second)
				w.Reset()
			},
			[]string{"sim: connection reset by peer"},
		},
		{
			"a deadline passes late by a tenth of a second at most, and never early", Limits{},
			func(log *[]string) Protocol {
				var set time.Time
				return &script{
					speak: func(c *Conn, p []byte) int {
						set = c.Loop().WallTime()
						c.SetDeadline(3 * time.Second)
						return len(p)
					},
					due: func(c *Conn) {
						late := c.Loop().WallTime().Sub(set) - 3*time.Second
						if late < 0 || late > tick+time.Millisecond {
							*log = append(*log, "late by "+late.String())
						}
						*log = append(*log, "due")
						c.Close()
					},
				}
			},
			func(s *sim.Script, w *sim.Wire) {
				s.Send(w, []byte("a"))
				s.Sleep(time.Second)
				s.Send(w, []byte("b")) // moves it
				s.ReceiveAll(w)
			},
			[]string{"due"},
		},
		{
			"a deadline that comes nearer is kept", Limits{},
			func(log *[]string) Protocol {
				return &script{
					speak: func(c *Conn, p []byte) int {
						c.SetDeadline(time.Hour)
						c.SetDeadline(time.Second)
						return len(p)
					},
					due: func(c *Conn) {
						*log = append(*log, "due")
						c.Close()
					},
				}
			},
			func(s *sim.Script, w *sim.Wire) {
				s.Send(w, []byte("a"))
				s.ReceiveAll(w)
			},
			[]string{"due"},
		},
		{
			"a deadline that comes nearer by a little is kept", Limits{},
			func(log *[]string) Protocol {
				var set time.Time
				return &script{
					speak: func(c *Conn, p []byte) int {
						set = c.Loop().WallTime()
						c.SetDeadline(time.Second + tick)
						c.SetDeadline(time.Second)
						return len(p)
					},
					due: func(c *Conn) {
						if late := c.Loop().WallTime().Sub(set) - time.Second; late < 0 || late > tick+time.Millisecond {
							*log = append(*log, "late by "+late.String())
						}
						*log = append(*log, "due")
						c.Close()
					},
				}
			},
			func(s *sim.Script, w *sim.Wire) {
				s.Send(w, []byte("a"))
				s.ReceiveAll(w)
			},
			[]string{"due"},
		},
		{
			"a deadline that is taken back does not pass", Limits{},
			func(log *[]string) Protocol {
				return &script{
					speak: func(c *Conn, p []byte) int {
						c.SetDeadline(time.Second)
						c.SetDeadline(0)
						return len(p)
					},
					due: func(c *Conn) { *log = append(*log, "due") },
				}
			},
			func(s *sim.Script, w *sim.Wire) {
				s.Send(w, []byte("a"))
				s.Sleep(time.Minute)
				w.Close()
			},
			nil,
		},
		{
			"a panic of a protocol costs its connection", Limits{},
			func(log *[]string) Protocol {
				return &script{
					speak: func(c *Conn, p []byte) int { panic("oh") },
					gone: func(c *Conn, why error) {
						*log = append(*log, fmt.Sprint(why))
					},
				}
			},
			func(s *sim.Script, w *sim.Wire) {
				s.Send(w, []byte("a"))
				if _, err := s.ReceiveAll(w); err == nil {
					panic("the end was a proper one")
				}
			},
			[]string{"eventloop: panic: oh"},
		},
		{
			"a peer that sends more than its protocol can use is cut off", Limits{Input: 1000, ReadBudget: 500},
			func(log *[]string) Protocol {
				return &script{
					speak: func(c *Conn, p []byte) int { return 0 },
					gone: func(c *Conn, why error) {
						*log = append(*log, fmt.Sprint(why == ErrInputFull))
					},
				}
			},
			func(s *sim.Script, w *sim.Wire) {
				for s.Send(w, make([]byte, 300)) == nil {
					s.Sleep(time.Second)
				}
			},
			[]string{"true"},
		},
		{
			"a file that ends early ends in a reset, never in padding", Limits{},
			func(log *[]string) Protocol {
				return &script{
					speak: func(c *Conn, p []byte) int {
						c.SendFile(&text{strings.NewReader("short"), log}, 0, 100)
						return len(p)
					},
					gone: func(c *Conn, why error) {
						*log = append(*log, fmt.Sprint(why == io.ErrUnexpectedEOF))
					},
				}
			},
			func(s *sim.Script, w *sim.Wire) {
				s.Send(w, []byte("a"))
				if _, err := s.ReceiveAll(w); err == nil {
					panic("the end was a proper one")
				}
			},
			[]string{"true", "released"},
		},
		{
			"a file that changes under way is not sent to its end", Limits{WriteBudget: 10},
			func(log *[]string) Protocol {
				return &script{speak: func(c *Conn, p []byte) int {
					c.SendFile(&fickle{text{strings.NewReader(thirty), log}, 1, 0}, 0, int64(len(thirty)))
					return len(p)
				}}
			},
			func(s *sim.Script, w *sim.Wire) {
				s.Send(w, []byte("a"))
				if _, err := s.ReceiveAll(w); err == nil {
					panic("the end was a proper one")
				}
			},
			[]string{"released"},
		},
		{
			"a file that changes with its last bytes ends in a reset", Limits{WriteBudget: 10},
			func(log *[]string) Protocol {
				return &script{speak: func(c *Conn, p []byte) int {
					c.SendFile(&fickle{text{strings.NewReader(thirty), log}, int64(len(thirty)), 0}, 0, int64(len(thirty)))
					return len(p)
				}}
			},
			func(s *sim.Script, w *sim.Wire) {
				s.Send(w, []byte("a"))
				if _, err := s.ReceiveAll(w); err == nil {
					panic("the end was a proper one")
				}
			},
			[]string{"all of it was read", "released"},
		},
		{
			"saying nothing is saying nothing", Limits{},
			func(log *[]string) Protocol {
				return &script{speak: func(c *Conn, p []byte) int {
					c.Write(nil)
					c.Reserve(10)
					c.Commit(0)
					c.Write(p)
					c.Write(nil)
					c.Close()
					return len(p)
				}}
			},
			func(s *sim.Script, w *sim.Wire) {
				s.Send(w, []byte("a"))
				if p, err := s.ReceiveAll(w); string(p) != "a" || err != nil {
					panic(fmt.Sprintf("heard %q, %v", p, err))
				}
			},
			nil,
		},
		{
			"nothing is sent after Close, and lent files come back", Limits{},
			func(log *[]string) Protocol {
				return &script{speak: func(c *Conn, p []byte) int {
					c.Write([]byte("last"))
					c.Close()
					c.Write([]byte("late"))
					c.WriteNoCopy([]byte("late"))
					c.SendFile(&text{strings.NewReader("late"), log}, 0, 4)
					return len(p)
				}}
			},
			func(s *sim.Script, w *sim.Wire) {
				s.Send(w, []byte("a"))
				if p, err := s.ReceiveAll(w); string(p) != "last" || err != nil {
					panic(fmt.Sprintf("heard %q, %v", p, err))
				}
			},
			[]string{"released"},
		},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			var log []string
			h := build(t, row.limits, func(*Conn) Protocol { return row.begin(&log) })
			h.visit(row.client)
			if err := h.live(); err != nil {
				t.Error(err)
			}
			if !slices.Equal(log, row.want) {
				t.Errorf("got  %q\nwant %q", log, row.want)
			}
		})
	}
}

// text is a file in memory.
type text struct {
	*strings.Reader
	log *[]string
}

func (f *text) Fd() uintptr { return 0 }
func (f *text) Release()    { *f.log = append(*f.log, "released") }

const thirty = "012345678901234567890123456789"

// fickle is another text as soon as so many bytes of it were read.
type fickle struct {
	text
	until, read int64
}

func (f *fickle) ReadAt(p []byte, at int64) (int, error) {
	n, err := f.text.ReadAt(p, at)
	if f.read = max(f.read, at+int64(n)); f.read == int64(len(thirty)) {
		*f.log = append(*f.log, "all of it was read")
	}
	return n, err
}

func (f *fickle) Next(p Part) ([]byte, error) {
	if !f.Intact() {
		return nil, ErrChanged
	}
	return nil, nil
}
func (f *fickle) Intact() bool  { return f.read < f.until }
func (f *fickle) Place() string { return "" }

func TestAtTheLimitOfConnectionsTheIdlestMakesRoom(t *testing.T) {
	var gone []error
	h := build(t, Limits{Conns: 2}, func(*Conn) Protocol {
		return &script{
			speak: func(c *Conn, p []byte) int {
				c.SetIdle(string(p) == "idle")
				c.Write(p)
				return len(p)
			},
			gone: func(c *Conn, why error) { gone = append(gone, why) },
		}
	})
	stay := func(say string, d time.Duration) {
		h.visit(func(s *sim.Script, w *sim.Wire) {
			s.Send(w, []byte(say))
			s.Receive(w, nil, 10)
			s.Sleep(d)
			w.Close()
		})
	}
	stay("busy", 10*time.Second)
	stay("idle", 10*time.Second)
	h.visit(func(s *sim.Script, w *sim.Wire) {
		s.Send(w, []byte("late"))
		since := h.k.Now()
		if p, err := s.Receive(w, nil, 10); string(p) != "late" {
			t.Errorf("heard %q, %v", p, err)
		}
		if took := h.k.Now().Sub(since); took > 4*time.Second {
			t.Errorf("room was made after %v", took)
		}
		w.Close()
	})
	if err := h.live(); err != nil {
		t.Error(err)
	}
	evicted := 0
	for _, why := range gone {
		if why == ErrEvicted {
			evicted++
		}
	}
	if evicted != 1 || h.Counters().Evicted() != 1 {
		t.Errorf("%d connections were evicted: %v", evicted, gone)
	}
}

func TestOutOfDescriptorsTheListenerPausesAndResumes(t *testing.T) {
	h := build(t, Limits{}, func(*Conn) Protocol {
		return &script{speak: func(c *Conn, p []byte) int {
			c.Write(p)
			return len(p)
		}}
	})
	h.k.Descriptors = 6 // 0 to 2, the listener, and two more
	served := 0
	for range 10 {
		h.visit(func(s *sim.Script, w *sim.Wire) {
			s.Send(w, []byte("hello"))
			if p, _ := s.Receive(w, nil, 10); string(p) == "hello" {
				served++
			}
			s.Sleep(3 * time.Second)
			w.Close()
		})
	}
	if err := h.live(); err != nil {
		t.Error(err)
	}
	if served != 10 {
		t.Errorf("%d of 10 were served", served)
	}
	if turns := h.Count(Turn); turns > 300 {
		t.Errorf("it took %d turns: a loop that waits for descriptors must sleep", turns)
	}
}

func TestStopFinishesWhatHasBegunAndASecondOneCuts(t *testing.T) {
	for _, second := range []bool{false, true} {
		h := build(t, Limits{}, func(*Conn) Protocol {
			return &script{
				speak: func(c *Conn, p []byte) int {
					c.Loop().Stop()
					if second {
						c.Loop().After(time.Second, c.Loop().Stop)
					}
					c.Loop().After(3*time.Second, func() {
						c.Write([]byte("answer"))
						c.Close()
					})
					return len(p)
				},
				stopping: func(c *Conn) {},
			}
		})
		h.visit(func(s *sim.Script, w *sim.Wire) {
			s.Send(w, []byte("a"))
			p, err := s.ReceiveAll(w)
			if !second && (string(p) != "answer" || err != nil) {
				t.Errorf("heard %q, %v", p, err)
			}
			if second && err == nil {
				t.Errorf("heard %q and a proper end, and was to be cut off", p)
			}
			w.Close()
		})
		err := h.live()
		if second && err != ErrCut || !second && err != nil {
			t.Errorf("second %v: Run returned %v", second, err)
		}
	}
}

func TestWhatDoesNotEndInTimeIsCut(t *testing.T) {
	h := build(t, Limits{}, func(*Conn) Protocol {
		return &script{stopping: func(*Conn) {}}
	})
	h.visit(func(s *sim.Script, w *sim.Wire) {
		s.Send(w, []byte("a"))
		h.Stop()
		s.Sleep(time.Minute)
	})
	if err := h.live(); err != ErrCut {
		t.Errorf("Run returned %v", err)
	}
}

func TestPost(t *testing.T) {
	k := sim.New(1)
	l, err := New(Config{Kernel: k, Limits: Limits{Posts: 3}, CheckOwner: true})
	if err != nil {
		t.Fatal(err)
	}
	var log []int
	for i := range 3 {
		if err := l.Post(func() {
			log = append(log, i)
			if i == 2 {
				l.Post(l.Stop)
			}
		}); err != nil {
			t.Error(err)
		}
	}
	if err := l.Post(func() {}); err != ErrFull {
		t.Errorf("beyond the limit: %v", err)
	}
	if err := l.Run(); err != nil {
		t.Error(err)
	}
	if !slices.Equal(log, []int{0, 1, 2}) {
		t.Errorf("ran %v", log)
	}
	if err := l.Post(func() {}); err != ErrStopped || !l.Ended() {
		t.Errorf("after the end: %v; it has ended: %v", err, l.Ended())
	}
}

func TestAStrangersCallPanicsWithBothNames(t *testing.T) {
	l, err := New(Config{Kernel: sim.New(1), CheckOwner: true})
	if err != nil {
		t.Fatal(err)
	}
	l.Post(func() {
		caught := make(chan string)
		go func() {
			defer func() { caught <- fmt.Sprint(recover()) }()
			l.After(time.Second, func() {})
		}()
		said := <-caught
		if !strings.Contains(said, "Loop.After") || strings.Count(said, "goroutine ") != 2 {
			t.Errorf("it said %q", said)
		}
		l.Stop()
	})
	if err := l.Run(); err != nil {
		t.Error(err)
	}
}

func TestTimersRunInTheirOrderAndStop(t *testing.T) {
	l, err := New(Config{Kernel: sim.New(1)})
	if err != nil {
		t.Fatal(err)
	}
	var log []string
	add := func(d time.Duration, name string) *Timer {
		return l.After(d, func() { log = append(log, name) })
	}
	add(3*time.Second, "third")
	add(time.Second, "first")
	never := add(2*time.Second, "never")
	add(2*time.Second, "second")
	l.After(4*time.Second, l.Stop)
	if !never.Stop() || never.Stop() {
		t.Error("a timer stops once")
	}
	if err := l.Run(); err != nil {
		t.Error(err)
	}
	if !slices.Equal(log, []string{"first", "second", "third"}) {
		t.Errorf("ran %v", log)
	}
}

// TestATimeFurtherThanCanBeCountedDoesNotCome: the sum of now and such a time must
// not wrap.
func TestATimeFurtherThanCanBeCountedDoesNotCome(t *testing.T) {
	const ever = time.Duration(math.MaxInt64)
	asked, due := false, false
	h := build(t, Limits{LingerIdle: ever, LingerGrace: ever, LingerTotal: ever, Drain: ever, Input: math.MaxInt}, func(*Conn) Protocol {
		return &script{
			speak: func(c *Conn, p []byte) int {
				asked = true
				c.SetDeadline(ever)
				c.Loop().After(ever, func() { due = true })
				return 0 // and so p counts against Input
			},
			due: func(*Conn) { due = true },
		}
	})
	h.visit(func(s *sim.Script, w *sim.Wire) {
		if err := s.Send(w, []byte("hello")); err != nil {
			t.Error(err)
		}
		s.Sleep(time.Hour)
		if err := s.Send(w, []byte("still there?")); err != nil {
			t.Error(err)
		}
		s.Sleep(time.Hour)
		w.CloseWrite()
		if _, err := s.ReceiveAll(w); err != nil {
			t.Error(err)
		}
	})
	if err := h.live(); err != nil {
		t.Error(err)
	}
	if !asked || due {
		t.Errorf("asked %v, and the end of time has come: %v", asked, due)
	}
}

func TestABrokenKernelEndsTheLoopWithItsError(t *testing.T) {
	l, err := New(Config{Kernel: sim.New(1)})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Run(); !errors.Is(err, sim.ErrStuck) {
		t.Errorf("Run returned %v", err)
	}
}

func TestWheel(t *testing.T) {
	var w wheel
	if w.next() != bobbin.Forever {
		t.Error("an empty wheel has nothing next")
	}
	// Deadlines all over the wheel and beyond it, taken off in any order that
	// is not early.
	const n = 5000
	left := make(map[*Conn]bool)
	l := &Loop{}
	for i := range n {
		c := &Conn{loop: l, fd: int32(i), slot: -1, deadline: time.Duration(i*i%300_000) * time.Millisecond}
		l.conns.put(c)
		w.moved(c)
		left[c] = true
	}
	for now := time.Duration(0); len(left) > 0; {
		at := w.next()
		if at == bobbin.Forever {
			t.Fatalf("%d are left, and nothing is next", len(left))
		}
		if at < now {
			t.Fatalf("next is %v, and it is %v", at, now)
		}
		now = at
		for {
			c := w.take(now)
			if c == nil {
				break
			}
			if c.deadline > now {
				w.moved(c)
				continue
			}
			if late := now - c.deadline; late > tick {
				t.Errorf("%v is late by %v", c.deadline, late)
			}
			delete(left, c)
		}
	}
}

func TestWheelAfterALongSleep(t *testing.T) {
	var w wheel
	c := &Conn{loop: new(Loop), slot: -1, deadline: time.Second}
	w.moved(c)
	far := &Conn{loop: new(Loop), slot: -1, deadline: 40 * time.Hour}
	w.moved(far)
	seen := 0
	for {
		got := w.take(24 * time.Hour)
		if got == nil {
			break
		}
		if seen++; got.deadline > 24*time.Hour {
			w.moved(got)
		}
		if seen > 24*3600*int(time.Second/tick)/(wheelSlots-1)+2 {
			t.Fatal("it is taken more than once a round")
		}
	}
	if c.slot != -1 || far.slot == -1 {
		t.Error("the near one must be off the wheel, and the far one on it")
	}
}

func TestParseAddress(t *testing.T) {
	rows := []struct {
		name, s string
		want    string // addresses, or a part of the error
	}{
		{"a bare port is every interface", ":80", "[::]:80"},
		{"a star is too", "*:80", "[::]:80"},
		{"localhost is both families", "localhost:80", "127.0.0.1:80 [::1]:80"},
		{"one address is one socket", "192.0.2.1:0", "192.0.2.1:0"},
		{"IPv6 stands in brackets", "[2001:db8::1]:80", "[2001:db8::1]:80"},
		{"and without them it is explained", "2001:db8::1:80", "brackets"},
		{"a bracket that is not closed is none", "[::1:80", "brackets: [::1]:80"},
		{"nor is one that was not opened", "::1]:80", "brackets: [::1]:80"},
		{"two pairs of brackets hold no address", "[[::1]]:80", "not an IP address"},
		{"brackets hold something", "[]:80", "not an IP address"},
		{"and no name", "[localhost]:80", "not an IP address"},
		{"IPv4 stands in no brackets", "[192.0.2.1]:80", "write 192.0.2.1:80"},
		{"nor in half of them", "[192.0.2.1:80", "write 192.0.2.1:80"},
		{"a zone belongs to its address", "[fe80::1%lo]:80", "[fe80::1%lo]:80"},
		{"an address in brackets needs a port, too", "[::1]", "has no port: write [::1]:8080"},
		{"the port follows the bracket", "[::1]80", "has no port"},
		{"with a colon", "[::1]:", "must be a number"},
		{"a path is a Unix socket", "unix:/run/x", "unix:/run/x"},
		{"a port alone is no address", "8080", "write :8080, or localhost:8080"},
		{"a path alone is none", "/run/x", "write unix:/run/x"},
		{"a URL is none", "http://localhost:80/", "write localhost:80"},
		{"a Unix socket needs a path", "unix:", "names no path"},
		{"its file may have a mode", "unix:/run/x?mode=0660", "unix:/run/x"},
		{"but no path is only a mode", "unix:?mode=0660", "names no path"},
		{"a mode is octal", "unix:/run/x?mode=0680", "not an octal number"},
		{"and has permissions only", "unix:/run/x?mode=4755", "up to 0777"},
		{"or more than none", "unix:/run/x?mode=0", "not an octal number"},
		{"there is no other option", "unix:/run/x?user=www", "write unix:/run/x?mode=0660"},
		{"an abstract socket has no file", "unix:@x?mode=0660", "no mode"},
		{"a port is needed", "localhost", "has no port"},
		{"a port may have its name", ":http", "[::]:80"},
		{"that of HTTPS, too", "localhost:https", "127.0.0.1:443 [::1]:443"},
		{"another name is none", "localhost:smtp", "must be a number from 0 to 65535, http or https"},
		{"a port is not that large", "localhost:65536", "must be a number"},
		{"names are not looked up", "example.org:80", "not an IP address"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			list, err := ParseAddress(row.s)
			var got []string
			for _, a := range list {
				got = append(got, a.String())
			}
			if err != nil {
				if !strings.Contains(err.Error(), row.want) {
					t.Errorf("got %v", err)
				}
			} else if s := strings.Join(got, " "); s != row.want {
				t.Errorf("got %s", s)
			}
		})
	}
}

// TestTimersLeaveSocketsTheirTurn has more timers due at once than one turn runs.
func TestTimersLeaveSocketsTheirTurn(t *testing.T) {
	const timers = 3*timerBudget + 10
	ran := 0
	h := build(t, Limits{}, func(c *Conn) Protocol {
		return &script{speak: func(c *Conn, p []byte) int {
			for range timers {
				c.Loop().After(time.Second, func() { ran++ })
			}
			return len(p)
		}}
	})
	h.visit(func(s *sim.Script, w *sim.Wire) {
		s.Send(w, []byte("a"))
		s.Sleep(2 * time.Second)
		w.Close()
	})
	if err := h.live(); err != nil {
		t.Error(err)
	}
	var turns []int64
	records, _, _ := h.ReadSince(0, nil)
	for _, r := range records {
		if r.Kind == Timers {
			turns = append(turns, r.Arg)
		}
	}
	// Behind them, the stop has timers of its own.
	if want := []int64{timerBudget, timerBudget, timerBudget, 10}; ran != timers || !slices.Equal(turns[:min(4, len(turns))], want) {
		t.Errorf("of %d timers %d have run, %d in each turn", timers, ran, turns)
	}
}

// A deaf kernel cannot watch connections.
type deaf struct{ *sim.Kernel }

var errDeaf = errors.New("no memory to watch with")

func (k deaf) Watch(fd int) error {
	if fd > 3 {
		return errDeaf
	}
	return k.Kernel.Watch(fd)
}

// TestAConnectionThatCannotBeWatchedIsReset: nothing would ever be heard on it again.
func TestAConnectionThatCannotBeWatchedIsReset(t *testing.T) {
	k := sim.New(1)
	l, err := New(Config{Kernel: deaf{k}, CheckOwner: true})
	if err != nil {
		t.Fatal(err)
	}
	var gone error
	if _, err := l.ListenAt(":80", bobbin.ListenOptions{}, func(*Conn) Protocol {
		return &script{gone: func(_ *Conn, why error) { gone = why }}
	}); err != nil {
		t.Fatal(err)
	}
	k.Go(func(s *sim.Script) {
		w, err := k.Dial()
		if err != nil {
			t.Error(err)
			return
		}
		s.Sleep(time.Second)
		if !w.Broken() || gone != errDeaf {
			t.Errorf("it is broken: %v; the protocol was told %v", w.Broken(), gone)
		}
		l.Stop()
	})
	if err := l.Run(); err != nil {
		t.Error(err)
	}
	for _, f := range k.Faults() {
		t.Error(f)
	}
}

// A limp kernel fails to accept some times, as for a connection that it does not like.
type limp struct {
	*sim.Kernel
	fails int
}

func (k *limp) Accept(listener int) (int, netip.AddrPort, error) {
	if k.fails > 0 {
		k.fails--
		return -1, netip.AddrPort{}, errors.New("protocol error")
	}
	return k.Kernel.Accept(listener)
}

// TestAnErrorOfAcceptingEndsNoListener: after a rest, it goes on.
func TestAnErrorOfAcceptingEndsNoListener(t *testing.T) {
	k := sim.New(1)
	l, err := New(Config{Kernel: &limp{k, 3}, CheckOwner: true})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.ListenAt(":80", bobbin.ListenOptions{}, func(*Conn) Protocol { return echoing() }); err != nil {
		t.Fatal(err)
	}
	k.Go(func(s *sim.Script) {
		begun := k.Now()
		w, err := k.Dial()
		if err != nil {
			t.Error(err)
			return
		}
		s.Send(w, []byte("hello"))
		if p, err := s.Receive(w, nil, 10); string(p) != "hello" || err != nil {
			t.Errorf("heard %q, %v", p, err)
		}
		if took := k.Now().Sub(begun).Round(time.Second); took != 3*longestPause {
			t.Errorf("it took %v", took)
		}
		w.Close()
		l.Stop()
	})
	if err := l.Run(); err != nil {
		t.Error(err)
	}
	if c := l.Counters(); c[AcceptFailed].N != 3 || c[Turn].N > 30 {
		t.Errorf("%d errors, and %d turns", c[AcceptFailed].N, c[Turn].N)
	}
}

// TestWhatWasTakenWhileTheMachineSleptCounts has the machine sleep beyond a deadline
// while a peer makes room: the protocol hears of the deadline when that was used.
func TestWhatWasTakenWhileTheMachineSleptCounts(t *testing.T) {
	queued := int64(-1)
	h := build(t, Limits{}, func(*Conn) Protocol {
		return &script{
			speak: func(c *Conn, p []byte) int {
				if string(p) == "a" {
					c.Write(make([]byte, 1500))
					c.SetDeadline(10 * time.Second)
				}
				return len(p)
			},
			due: func(c *Conn) {
				queued = c.Buffered()
				c.Close()
			},
		}
	})
	h.k.Buffer = 1000
	h.visit(func(s *sim.Script, w *sim.Wire) {
		s.Send(w, []byte("a"))
		s.Sleep(time.Second)
		h.k.Luck.Suspend = 1000
		s.Send(w, []byte("b")) // behind this
		s.Sleep(time.Second)
		s.Receive(w, nil, 1000) // while the machine sleeps
		h.k.Luck.Suspend = 0
		s.ReceiveAll(w)
		w.Close()
	})
	if err := h.live(); err != nil {
		t.Error(err)
	}
	if queued != 0 {
		t.Errorf("at the deadline %d bytes were queued, as if there was no room", queued)
	}
}
