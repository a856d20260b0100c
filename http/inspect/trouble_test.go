package inspect

import (
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http"
)

// A clock is a simulated kernel on whose time handlers may spend some.
type clock struct {
	*sim.Kernel
	spent time.Duration
}

func (k *clock) Now() time.Time           { return k.Kernel.Now().Add(k.spent) }
func (k *clock) Monotonic() time.Duration { return k.Kernel.Monotonic() + k.spent }

func (k *clock) Wait(events []bobbin.Event, until time.Duration) (int, error) {
	if until != bobbin.Forever {
		until -= k.spent
	}
	return k.Kernel.Wait(events, until)
}

// A play is a server over such a kernel, whose clients are scripts, and its judge.
type play struct {
	t      *testing.T
	kernel *clock
	server *http.Server
	judge  *judge

	levels []string // that were there, one after the other
	words  map[string]string
}

// staged runs a server until the scripts have ended. It is judged ten times a second.
func staged(t *testing.T, limits http.Limits, handler func(p *play) http.Handler, scripts ...func(p *play, c *sim.Script)) *play {
	t.Helper()
	p := &play{t: t, kernel: &clock{Kernel: sim.New(1)}, judge: &judge{stall: 100 * time.Millisecond, routes: []string{"", "GET /slow"}}, words: map[string]string{}}
	s, err := http.NewServer(http.Config{
		Handler: handler(p), Limits: limits, Log: slog.New(slog.DiscardHandler),
		Loop: eventloop.Config{Kernel: p.kernel, CheckOwner: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Listen(":80"); err != nil {
		t.Fatal(err)
	}
	p.server = s
	l := s.Loop()
	source := newSource(0, l, l.WallTimeAt(0), true, 0)
	var look func()
	look = func() {
		source.refresh(l.Uptime())
		p.judge.look(max(l.Uptime(), source.shown.frame.At), []*figures{source.shown})
		if level := p.judge.level; len(p.levels) == 0 || p.levels[len(p.levels)-1] != level {
			p.levels = append(p.levels, level)
			p.words[level] = p.judge.words
		}
		l.After(100*time.Millisecond, look)
	}
	_ = l.Post(look)
	running := len(scripts)
	for _, script := range scripts {
		p.kernel.Go(func(c *sim.Script) {
			script(p, c)
			if running--; running == 0 {
				s.Stop()
			}
		})
	}
	if err := s.Run(); err != nil && err != eventloop.ErrCut {
		t.Error(err)
	}
	return p
}

// dial connects.
func (p *play) dial() *sim.Wire {
	w, err := p.kernel.Dial()
	if err != nil {
		p.t.Error(err)
	}
	return w
}

// asks has a client make a request now and then.
func asks(times int, pause time.Duration) func(p *play, c *sim.Script) {
	return func(p *play, c *sim.Script) {
		c.Sleep(time.Second)
		w := p.dial()
		for range times {
			c.Send(w, []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
			if _, err := c.Receive(w, nil, 1<<10); err != nil {
				p.t.Error(err)
			}
			c.Sleep(pause)
		}
		w.Close()
		c.Sleep(3 * time.Second)
	}
}

// spends is a handler that holds the loop for some time.
func spends(d time.Duration) func(p *play) http.Handler {
	return func(p *play) http.Handler {
		return func(w *http.Response, _ *http.Request) error {
			p.kernel.spent += d
			return w.Text("done")
		}
	}
}

// answers is a handler with a large answer.
func answers(n int) func(*play) http.Handler {
	return func(*play) http.Handler {
		return func(w *http.Response, _ *http.Request) error { return w.Text(strings.Repeat("x", n)) }
	}
}

// takes has a client read some of an answer now and then, for five seconds.
func takes(n int) func(p *play, c *sim.Script) {
	return func(p *play, c *sim.Script) {
		w := p.dial()
		c.Send(w, []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
		for range 50 {
			c.Sleep(100 * time.Millisecond)
			if n > 0 {
				if _, err := c.Take(w, n); err != nil {
					p.t.Error(err)
				}
			}
		}
		w.Close()
		c.Sleep(3 * time.Second)
	}
}

// sends has a client send a request in two parts.
func sends(pause time.Duration) func(p *play, c *sim.Script) {
	return func(p *play, c *sim.Script) {
		w := p.dial()
		c.Send(w, []byte("GET / HTTP/1.1\r\n"))
		c.Sleep(pause)
		c.Send(w, []byte("Host: a\r\n\r\n"))
		c.Receive(w, nil, 1<<10)
		w.Close()
		c.Sleep(3 * time.Second)
	}
}

// stays has some clients stay connected.
func stays(n int) func(p *play, c *sim.Script) {
	return func(p *play, c *sim.Script) {
		var all []*sim.Wire
		for range n {
			w := p.dial()
			c.Send(w, []byte("GET / HTTP/1.1\r\n"))
			all = append(all, w)
		}
		c.Sleep(900 * time.Millisecond)
		for _, w := range all {
			w.Close()
		}
		c.Sleep(4 * time.Second)
	}
}

// TestEachTroubleComesAndGoes has what raises each trouble, and what is near to it and does
// not. The levels are those of the verdict, one after the other.
func TestEachTroubleComesAndGoes(t *testing.T) {
	const ms = time.Millisecond
	for _, row := range []struct {
		name    string
		limits  http.Limits
		handler func(*play) http.Handler
		scripts []func(*play, *sim.Script)
		levels  string
		says    string // when the second level begins; "" for anything
	}{
		{"a handler that sleeps holds the loop", http.Limits{}, spends(200 * ms), []func(*play, *sim.Script){asks(5, 10*ms)},
			"healthy holds healthy", "Handler holds the loop: connection 1 took 200 ms"},
		{"one long hold is enough", http.Limits{}, spends(450 * ms), []func(*play, *sim.Script){asks(1, 0)},
			"healthy holds healthy", "Handler holds the loop: connection 1 took 450 ms"},
		{"one short hold is none", http.Limits{}, spends(200 * ms), []func(*play, *sim.Script){asks(1, 0)}, "healthy", ""},
		{"a handler of 40 ms is none", http.Limits{}, spends(40 * ms), []func(*play, *sim.Script){asks(20, 100*ms)}, "healthy", ""},
		{"a loop that never sleeps is saturated", http.Limits{}, spends(5 * ms), []func(*play, *sim.Script){asks(300, 0)},
			"healthy saturated healthy", "Saturated: 99 % busy, so each request waits for those before it"},
		{"one that sleeps for a third of the time is busy", http.Limits{}, spends(6 * ms), []func(*play, *sim.Script){asks(300, 3*ms)},
			"healthy busy healthy", ""},
		{"several handlers in one turn make timers late", http.Limits{}, spends(45 * ms),
			[]func(*play, *sim.Script){asks(30, 150*ms), asks(30, 150*ms), asks(30, 150*ms)},
			"healthy late healthy", "Timers late: by up to 85 ms"},
		{"one makes none late", http.Limits{}, spends(45 * ms), []func(*play, *sim.Script){asks(30, 150*ms)}, "healthy", ""},
		{"a peer that takes nothing does not read", http.Limits{}, answers(1 << 20), []func(*play, *sim.Script){takes(0)},
			"healthy takes healthy", "Peer does not read: connection 1 has left 983 kB for 1.2 s"},
		{"one that takes little at a time does", http.Limits{}, answers(1 << 20), []func(*play, *sim.Script){takes(4 << 10)}, "healthy", ""},
		{"a part of a request that stays one comes slowly", http.Limits{}, answers(1), []func(*play, *sim.Script){sends(3 * time.Second)},
			"healthy sends healthy", "Peer sends slowly: connection 1 has sent part of a request in 1.2 s"},
		{"one that is complete in time does not", http.Limits{}, answers(1), []func(*play, *sim.Script){sends(800 * ms)}, "healthy", ""},
		{"with all connections open, there is no room", http.Limits{Conns: 4}, answers(1), []func(*play, *sim.Script){stays(4)},
			"healthy descriptors healthy", "Out of descriptors: 4 of 4 connections are open, so newcomers wait or idle ones make room"},
		{"with room for one more, there is", http.Limits{Conns: 4}, answers(1), []func(*play, *sim.Script){stays(3)}, "healthy", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			p := staged(t, row.limits, row.handler, row.scripts...)
			if got := strings.Join(p.levels, " "); got != row.levels {
				t.Errorf("the levels are %s, not %s; said was %q", got, row.levels, p.words)
			}
			if level := strings.Fields(row.levels); row.says != "" && p.words[level[1]] != row.says {
				t.Errorf("it says %q, not %q", p.words[level[1]], row.says)
			}
		})
	}
}

// TestTheKernelsDescriptorsRunOut has a kernel with room for four connections, and clients
// that go on to come: AcceptFailed tells of it.
func TestTheKernelsDescriptorsRunOut(t *testing.T) {
	p := staged(t, http.Limits{}, answers(1), func(p *play, c *sim.Script) {
		p.kernel.Descriptors = 3 + p.kernel.OpenDescriptors() + 4
		for range 20 {
			w := p.dial()
			c.Send(w, []byte("GET / HTTP/1.1\r\n"))
			c.Sleep(50 * time.Millisecond)
		}
	})
	if !slices.Contains(p.levels, "descriptors") {
		t.Errorf("the levels are %s: %q", p.levels, p.words)
	}
}

// looked judges figures of some loops each 100 ms, and returns the levels with their times.
func looked(j *judge, looks int, change func(look int, loops []*figures)) (told string) {
	loops := []*figures{{limits: eventloop.Limits{Conns: 10}}, {loop: 1, limits: eventloop.Limits{Conns: 10}}}
	last := ""
	for look := range looks {
		for _, f := range loops {
			f.frame.At += 100 * time.Millisecond
			f.counters[eventloop.WaitEnded].Sum += int64(100 * time.Millisecond)
		}
		change(look, loops)
		j.look(time.Duration(look)*100*time.Millisecond, loops)
		if now := j.level; now != last {
			told += fmt.Sprintf("%d:%s ", look, now)
			last = now
		}
	}
	return told
}

// TestATroubleComesAfter300MillisecondsAndGoesAfterTwoSeconds counts looks, of 100 ms.
func TestATroubleComesAfter300MillisecondsAndGoesAfterTwoSeconds(t *testing.T) {
	late := func(when func(look int) bool) func(int, []*figures) {
		return func(look int, loops []*figures) {
			loops[1].late = 0
			if when(look) {
				loops[1].late = 60 * time.Millisecond
			}
		}
	}
	for _, row := range []struct {
		name string
		when func(look int) bool
		want string
	}{
		{"three looks in a row raise it, and it stays for 20", func(n int) bool { return n >= 10 && n < 13 }, "0:healthy 12:late 32:healthy "},
		{"two do not", func(n int) bool { return n == 10 || n == 11 }, "0:healthy "},
		{"nor do many that are not in a row", func(n int) bool { return n%4 < 2 }, "0:healthy "},
		{"one look without it is no break", func(n int) bool { return n >= 10 && n < 30 && n%2 == 0 }, "0:healthy 12:late 48:healthy "},
		{"once it is there, one look in fifteen keeps it", func(n int) bool { return n >= 10 && (n < 13 || n%15 == 0) }, "0:healthy 12:late "},
	} {
		t.Run(row.name, func(t *testing.T) {
			j := &judge{stall: 100 * time.Millisecond}
			if got := looked(j, 60, late(row.when)); got != row.want {
				t.Errorf("it tells %s, not %s", got, row.want)
			}
		})
	}
}

// TestOneHoldInOneFrameIsFoundOnce has looks for which the loop has made no frame, and the
// latest one has a long callback.
func TestOneHoldInOneFrameIsFoundOnce(t *testing.T) {
	j := &judge{stall: 100 * time.Millisecond}
	got := looked(j, 40, func(look int, loops []*figures) {
		if loops[1].longest = 0; look >= 10 && look < 15 {
			loops[1].longest = 200 * time.Millisecond
			loops[1].frame.At = 1100 * time.Millisecond
		}
	})
	if got != "0:healthy " {
		t.Errorf("it tells %s", got)
	}
}

// TestALoopThatIsHeldAlreadyIsFoundAtOnce has a first look at two loops, one of which has not
// answered for a second.
func TestALoopThatIsHeldAlreadyIsFoundAtOnce(t *testing.T) {
	j := &judge{stall: 100 * time.Millisecond}
	if got := looked(j, 40, func(look int, loops []*figures) {
		if loops[1].silent = 0; look < 10 {
			loops[1].silent = time.Second + time.Duration(look)*100*time.Millisecond
		}
	}); got != "0:holds 29:healthy " {
		t.Errorf("it tells %s", got)
	}
}

// TestTheVerdictOfSeveralLoops has figures of two.
func TestTheVerdictOfSeveralLoops(t *testing.T) {
	for _, row := range []struct {
		name, words string
		change      func(look int, loops []*figures)
	}{
		{"the busiest one counts", "Healthy: the busiest of 2 loops is 25 % busy, longest callback 0.2 ms", func(_ int, loops []*figures) {
			loops[1].counters[eventloop.WaitEnded].Sum -= int64(25 * time.Millisecond)
			loops[1].counters[eventloop.FlushEnded].Sum += int64(25 * time.Millisecond)
			loops[0].longest = 210 * time.Microsecond
		}},
		{"one that does not answer is named", "Handler holds the loop: on loop 1 no turn for 2.0 s", func(look int, loops []*figures) {
			loops[1].silent = time.Duration(look) * 100 * time.Millisecond
		}},
		{"a route is named where it is known", "Handler holds the loop: on loop 1 GET /slow on connection 7 took 300 ms", func(_ int, loops []*figures) {
			loops[1].longest, loops[1].longestConn, loops[1].longestRoute = 300*time.Millisecond, 7, 1
		}},
		{"a callback of the loop's own is no handler's", "Handler holds the loop: on loop 0 a timer or a posted function took 300 ms", func(_ int, loops []*figures) {
			loops[0].longest = 300 * time.Millisecond
		}},
		{"the gravest trouble comes first", "Handler holds the loop: on loop 0 a timer or a posted function took 300 ms", func(_ int, loops []*figures) {
			loops[0].longest, loops[1].late = 300*time.Millisecond, 90*time.Millisecond
		}},
		{"peers are counted", "Peer does not read: on loop 1 connection 3 has left 1.5 MB for 2.0 s, and 1 other", func(_ int, loops []*figures) {
			loops[1].rows = []eventloop.ConnInfo{
				{ID: 3, Activity: eventloop.Writing, Owed: 1_500_000}, {ID: 4, Activity: eventloop.Writing, Owed: 2000},
				{ID: 5, Activity: eventloop.Writing, Owed: 2000, LeftOut: true}, {ID: 6, Activity: eventloop.Handling, Owed: 2000},
			}
		}},
		{"one that watches is not", "Healthy: the busiest of 2 loops is 0 % busy, longest callback 0.0 ms", func(_ int, loops []*figures) {
			loops[1].rows = []eventloop.ConnInfo{{ID: 5, Activity: eventloop.Reading, LeftOut: true}}
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			j := &judge{stall: 100 * time.Millisecond, routes: []string{"", "GET /slow"}}
			looked(j, 21, row.change)
			if j.words != row.words {
				t.Errorf("it says %q, not %q", j.words, row.words)
			}
		})
	}
}

// TestAfterAGapTheJudgeBeginsAnew has looks that are a minute apart, between which a debt
// has not become less.
func TestAfterAGapTheJudgeBeginsAnew(t *testing.T) {
	j := &judge{stall: 100 * time.Millisecond}
	loops := []*figures{{limits: eventloop.Limits{Conns: 10}, rows: []eventloop.ConnInfo{{ID: 1, Activity: eventloop.Writing, Owed: 1}}}}
	for minute := range 3 {
		if j.look(time.Duration(minute)*time.Minute, loops); j.level != "healthy" || len(j.debts) != 1 {
			t.Errorf("look %d: %s, %d debts", minute, j.words, len(j.debts))
		}
	}
	loops[0].rows = nil
	if j.look(2*time.Minute+time.Second, loops); len(j.debts) != 0 {
		t.Error("a debt of a connection that is gone is kept")
	}
}

func TestSizesAndTimesAreShort(t *testing.T) {
	for want, got := range map[string]string{
		"0.0 ms": took(0), "0.2 ms": took(210 * time.Microsecond), "9.9 ms": took(9900 * time.Microsecond), "12 ms": took(12 * time.Millisecond),
		"999 ms": took(999 * time.Millisecond), "1.5 s": took(1500 * time.Millisecond), "75 s": took(75 * time.Second),
		"999 bytes": size(999), "1 kB": size(1000), "1.5 kB": size(1500), "999 kB": size(999_400), "1 MB": size(999_600), "16 MB": size(16_000_000), "9.2 EB": size(1<<63 - 1),
	} {
		if got != want {
			t.Errorf("%s, not %s", got, want)
		}
	}
}
