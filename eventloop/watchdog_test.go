package eventloop

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// A ledger is a log that keeps what it is told.
type ledger struct {
	mu      sync.Mutex
	entries []entry
}

// An entry is a line of it, its attributes as text.
type entry map[string]string

func (g *ledger) Enabled(context.Context, slog.Level) bool { return true }
func (g *ledger) WithAttrs([]slog.Attr) slog.Handler       { return g }
func (g *ledger) WithGroup(string) slog.Handler            { return g }
func (g *ledger) Handle(_ context.Context, r slog.Record) error {
	e := entry{"what": r.Level.String() + " " + r.Message}
	r.Attrs(func(a slog.Attr) bool {
		e[a.Key] = a.Value.String()
		return true
	})
	g.mu.Lock()
	defer g.mu.Unlock()
	g.entries = append(g.entries, e)
	return nil
}

func (g *ledger) read() []entry {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Clone(g.entries)
}

// A suspect holds its loop until the watchdog has caught it. The watchdog's looks
// are taken by hand, as many as are needed while a callback holds the loop, and none
// else: so it does not matter how fast anything is.
type suspect struct {
	*ledger
	dog   *watchdog
	begun chan struct{}
	looks int // to take; until it is caught if 0

	mu   sync.Mutex
	cond sync.Cond
	held bool
	line int // in which it waits
}

// suspectOn makes a suspect for a loop that the caller's goroutine will run.
func suspectOn(t *testing.T, l *Loop) *suspect {
	s := &suspect{ledger: &ledger{}, dog: &l.dog, begun: make(chan struct{}, 1)}
	s.cond.L = &s.mu
	l.report.log = slog.New(s.ledger)
	l.dog.log, l.dog.loop, l.dog.rouse = l.report.log, goroutine(), make(chan struct{}, 1)
	go s.observe()
	t.Cleanup(func() { close(s.begun) })
	return s
}

// observe is the watchdog's goroutine here.
func (s *suspect) observe() {
	for range s.begun {
		s.mu.Lock() // it waits, or is busy
		for taken := 0; taken < s.looks || s.looks == 0 && s.dog.state.Load() != caught; taken++ {
			s.dog.look()
		}
		s.held = false
		s.cond.Signal()
		s.mu.Unlock()
	}
}

// wait holds the loop by doing nothing.
func (s *suspect) wait() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held = true
	s.begun <- struct{}{}
	_, _, s.line, _ = runtime.Caller(0)
	for s.held { // in the line below
		s.cond.Wait()
	}
}

// compute holds it by doing much.
func (s *suspect) compute() {
	s.begun <- struct{}{}
	for s.dog.state.Load() != caught {
	}
}

func TestWhoeverHoldsTheLoopIsNamed(t *testing.T) {
	rows := []struct {
		name  string
		begin func(l *Loop, s *suspect) *script
		by    string
	}{
		{"a protocol that waits", func(l *Loop, s *suspect) *script {
			return &script{speak: func(c *Conn, p []byte) int {
				s.wait()
				return len(p)
			}}
		}, "wait"},
		{"a protocol that computes", func(l *Loop, s *suspect) *script {
			return &script{speak: func(c *Conn, p []byte) int {
				s.compute()
				return len(p)
			}}
		}, "compute"},
		{"a protocol that is being made", func(l *Loop, s *suspect) *script {
			s.wait()
			return &script{}
		}, "wait"},
		{"one whose deadline is over", func(l *Loop, s *suspect) *script {
			return &script{
				speak: func(c *Conn, p []byte) int {
					c.SetDeadline(time.Second)
					return len(p)
				},
				due: func(c *Conn) {
					s.wait()
					c.Close()
				},
			}
		}, "wait"},
		{"one whose connection is gone", func(l *Loop, s *suspect) *script {
			return &script{gone: func(c *Conn, why error) { s.wait() }}
		}, "wait"},
		{"one that panics after that", func(l *Loop, s *suspect) *script {
			return &script{speak: func(c *Conn, p []byte) int {
				s.wait()
				panic("oh")
			}}
		}, "wait"},
		{"a posted function", func(l *Loop, s *suspect) *script {
			return &script{speak: func(c *Conn, p []byte) int {
				l.Post(s.wait)
				return len(p)
			}}
		}, "wait"},
		{"a timer", func(l *Loop, s *suspect) *script {
			return &script{speak: func(c *Conn, p []byte) int {
				l.After(time.Second, s.compute)
				return len(p)
			}}
		}, "compute"},
		{"a coroutine", func(l *Loop, s *suspect) *script {
			return &script{speak: func(c *Conn, p []byte) int {
				l.NewTask(func(func() bool) { s.wait() }).Resume()
				return len(p)
			}}
		}, "wait"},
		{"a coroutine that goes on while others pause", func(l *Loop, s *suspect) *script {
			return &script{speak: func(c *Conn, p []byte) int {
				one := l.NewTask(func(pause func() bool) { pause() })
				two := l.NewTask(func(pause func() bool) {
					pause()
					s.compute()
				})
				one.Resume()
				two.Resume()
				two.Resume()
				one.Stop()
				return len(p)
			}}
		}, "compute"},
		{"a coroutine of a coroutine", func(l *Loop, s *suspect) *script {
			return &script{speak: func(c *Conn, p []byte) int {
				l.NewTask(func(func() bool) {
					l.NewTask(func(func() bool) { s.wait() }).Resume()
				}).Resume()
				return len(p)
			}}
		}, "wait"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			var s *suspect
			h := build(t, Limits{}, func(c *Conn) Protocol { return row.begin(c.Loop(), s) })
			s = suspectOn(t, h.Loop)
			h.visit(func(c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte("a"))
				c.Sleep(10 * time.Second)
				w.Close()
			})
			h.live()
			told := slices.DeleteFunc(s.read(), func(e entry) bool { return e["what"] == "ERROR panic" })
			if len(told) != 1 || told[0]["what"] != "WARN the loop was held" {
				t.Fatalf("it was told %q", told)
			}
			by := "eventloop.(*suspect)." + row.by
			if row.by == "wait" {
				by = fmt.Sprintf("watchdog_test.go:%d %s", s.line+2, by)
			}
			if got := told[0]["by"]; !strings.HasSuffix(got, by) {
				t.Errorf("it was %q, not %q", by, got)
			}
			if stack := told[0]["stack"]; !strings.Contains(stack, "suspect") || len(stack) > longestStack {
				t.Errorf("the stack is %s", stack)
			}
			noted := 0
			records, _, _ := h.ReadSince(0, nil)
			for _, r := range records {
				if r.Kind == CallbackStalled {
					noted++
				}
			}
			if n := h.Count(CallbackStalled); n != 1 || noted != 1 {
				t.Errorf("%d stalls were counted, %d noted", n, noted)
			}
		})
	}
}

// TestEachOfTwoLoopsHasItsOwnCulprit holds both at once, plainly and in coroutines.
func TestEachOfTwoLoopsHasItsOwnCulprit(t *testing.T) {
	for _, inTask := range []bool{false, true} {
		hold := func(l *Loop, f func()) func() {
			if inTask {
				return func() { l.NewTask(func(func() bool) { f() }).Resume() }
			}
			return f
		}
		begun, enough, over := make(chan struct{}), make(chan struct{}), make(chan error)
		other := loopWith(t, Config{Kernel: sim.New(1)})
		other.Post(hold(other, func() {
			close(begun)
			<-enough
			other.Stop()
		}))
		go func() { over <- other.Run() }()
		<-begun

		l := loopWith(t, Config{Kernel: sim.New(2)})
		s := suspectOn(t, l)
		l.Post(hold(l, s.wait))
		l.Post(l.Stop)
		if err := l.Run(); err != nil {
			t.Error(err)
		}
		close(enough)
		if err := <-over; err != nil {
			t.Error(err)
		}
		if told := s.read(); len(told) != 1 || !strings.HasSuffix(told[0]["by"], "eventloop.(*suspect).wait") {
			t.Errorf("in a task %v: it was told %q", inTask, told)
		}
	}
}

func loopWith(t *testing.T, config Config) *Loop {
	t.Helper()
	l, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestWhatWasTakenIsNotLogged(t *testing.T) {
	l := loopWith(t, Config{Kernel: sim.New(1), CheckOwner: true})
	s := suspectOn(t, l)
	l.Post(func() {
		if l.TakeStall() != nil {
			t.Error("there is a stall before a callback held the loop")
		}
		s.wait()
		stall := l.TakeStall()
		if stall == nil || !strings.Contains(stall.By, "wait") || !strings.Contains(stall.Stack, "wait") {
			t.Errorf("taken: %+v", stall)
		}
		if l.TakeStall() != nil {
			t.Error("it can be taken twice")
		}
		l.Stop()
	})
	if err := l.Run(); err != nil {
		t.Error(err)
	}
	if told := s.read(); len(told) != 0 {
		t.Errorf("it was told %q", told)
	}
	if n := l.Count(CallbackStalled); n != 1 {
		t.Errorf("%d stalls were counted", n)
	}
}

func TestStallsAreLoggedOnceASecond(t *testing.T) {
	l := loopWith(t, Config{Kernel: sim.New(1)})
	s := suspectOn(t, l)
	for _, at := range []int{0, 100, 200, 1100, 1200, 5000} {
		l.After(time.Duration(at)*time.Millisecond, s.wait)
	}
	l.After(6*time.Second, l.Stop)
	if err := l.Run(); err != nil {
		t.Error(err)
	}
	var skipped []string
	for _, e := range s.read() {
		skipped = append(skipped, e["skipped"])
	}
	if !slices.Equal(skipped, []string{"0", "2", "1"}) {
		t.Errorf("skipped: %q", skipped)
	}
	if n := l.Count(CallbackStalled); n != 6 {
		t.Errorf("%d stalls were counted", n)
	}
}

// A fast kernel has a clock that a callback can put forward.
type fast struct {
	*sim.Kernel
	ahead time.Duration
}

func (k *fast) Now() time.Time           { return k.Kernel.Now().Add(k.ahead) }
func (k *fast) Monotonic() time.Duration { return k.Kernel.Monotonic() + k.ahead }

func TestAStallIsAsLongAsTheClockSays(t *testing.T) {
	k := &fast{Kernel: sim.New(1)}
	l := loopWith(t, Config{Kernel: k})
	s := suspectOn(t, l)
	for _, f := range []func(){
		func() { k.ahead += 50 * time.Millisecond },
		func() { l.dog.look() }, // whose answer ends what came before
		func() { s.wait(); k.ahead += 700 * time.Millisecond },
		func() { s.wait(); k.ahead += 100 * time.Millisecond },
		func() { s.wait(); k.ahead += 3 * time.Second },
		l.Stop,
	} {
		l.Post(f)
	}
	if err := l.Run(); err != nil {
		t.Error(err)
	}
	var long []string
	for _, e := range s.read() {
		long = append(long, e["for"]+" "+e["skipped"])
	}
	if !slices.Equal(long, []string{"700ms 0", "3s 1"}) {
		t.Errorf("the loop was held for %q", long)
	}
}

func TestWhoNeverReturnsIsToldOfByTheWatchdog(t *testing.T) {
	l := loopWith(t, Config{Kernel: sim.New(1)})
	s := suspectOn(t, l)
	s.looks = 3 * lookAgain
	l.Post(s.wait)
	l.Post(l.Stop)
	if err := l.Run(); err != nil {
		t.Error(err)
	}
	told := s.read()
	if len(told) != 2 || told[0]["what"] != "ERROR the loop is held" || told[1]["what"] != "WARN the loop was held" {
		t.Fatalf("it was told %q", told)
	}
	if by := told[0]["by"]; !strings.HasSuffix(by, "wait") || told[0]["stack"] == "" {
		t.Errorf("it was %q", by)
	}
}

func TestWatchdogAndLoop(t *testing.T) {
	rows := []struct {
		name  string
		steps string
		want  uint32
	}{
		{"a loop that is awake is asked", "look", asked},
		{"it answers by getting on", "look step", awake},
		{"or by asking for its stall", "look take", awake},
		{"or by lying down", "look sleep", asleep},
		{"three looks at a question are none too many", "look look look look", asked},
		{"four are a stall", "look look look look look", caught},
		{"and it stays one", "look look look look look look look", caught},
		{"an answer in between begins anew", "look look look look step look look look look", asked},
		{"so does sleeping", "look look look look sleep wake look look look look", asked},
		{"a loop that sleeps is not asked", "sleep look look look", asleep},
		{"what it was asked before is forgotten", "look look look look sleep look", asleep},
		{"nor is it when it has got up and gone on", "look look look look sleep wake step", awake},
		{"a watchdog that sees nothing but sleep sleeps too", "sleep look look look look", parked},
		{"but not when it has seen something else between", "sleep look look look wake look sleep look look look", asleep},
		{"it is roused by a loop that gets up", "sleep look look look look wake roused look", asked},
		{"each time", "sleep look look look look wake roused sleep look look look look wake roused", awake},
		{"a stack that was taken too late is thrown away", "look look look step catch", awake},
		{"and so is that of a loop that sleeps by then", "look look look sleep catch", asleep},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			l := loopWith(t, Config{Kernel: sim.New(1)})
			d := &l.dog
			d.loop, d.rouse = goroutine(), make(chan struct{}, 1)
			for step := range strings.FieldsSeq(row.steps) {
				switch step {
				case "look":
					d.look()
				case "catch":
					d.catch()
				case "step":
					l.checkWatchdog()
				case "take":
					l.TakeStall()
				case "sleep":
					l.beforePoll()
				case "wake":
					l.afterPoll()
				case "roused":
					<-d.rouse
				}
			}
			if got := d.state.Load(); got != row.want {
				t.Errorf("ends in %d, want %d", got, row.want)
			}
			if l.Count(CallbackStalled) != 0 {
				t.Error("a stall was counted")
			}
		})
	}
}

func TestWhetherThereIsAWatchdog(t *testing.T) {
	rows := []struct {
		name   string
		config Config
		want   time.Duration
	}{
		{"the machine's kernel has one", Config{}, 25 * time.Millisecond},
		{"a kernel that was given has none", Config{Kernel: sim.New(1)}, 0},
		{"unless one is asked for", Config{Kernel: sim.New(1), Stall: 8 * time.Millisecond}, 2 * time.Millisecond},
		{"it can be switched off", Config{Stall: -1}, 0},
		{"it never looks more often than each millisecond", Config{Stall: 1}, time.Millisecond},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			if got := row.config.lookEvery(); got != row.want {
				t.Errorf("it looks every %v, want %v", got, row.want)
			}
		})
	}
}

// TestWatchdogLooksByItself runs a real one, over the machine's own kernel, from
// its beginning to its end.
func TestWatchdogLooksByItself(t *testing.T) {
	g := &ledger{}
	l := loopWith(t, Config{Stall: 5 * time.Millisecond, Log: slog.New(g)})
	d := &l.dog
	over := make(chan error)
	go func() { over <- l.Run() }()

	// Nothing happens: it parks, and looks no more.
	until := func(word uint32) {
		for d.state.Load() != word {
			time.Sleep(time.Millisecond)
		}
	}
	until(parked)
	seen := d.seen.Load()
	time.Sleep(20 * d.period) // so that one who did not park would be seen
	if now := d.seen.Load(); now != seen {
		t.Errorf("%d looks at a loop that sleeps", now-seen)
	}

	// Something does: it is there again.
	run := func(f func()) {
		done := make(chan struct{})
		l.Post(func() {
			f()
			close(done)
		})
		<-done
	}
	run(func() { until(caught) })
	until(parked)
	if d.seen.Load() == seen {
		t.Error("it was caught without a look")
	}
	named := func(e entry) bool {
		return strings.Contains(e["by"], "watchdog_test.go:") && strings.Contains(e["stack"], "TestWatchdogLooksByItself")
	}
	if told := g.read(); !slices.ContainsFunc(told, named) {
		t.Errorf("it was told %q", told)
	}

	// Much does, and nothing is lost.
	const posts = 5000
	ran := 0
	for range posts {
		for l.Post(func() { ran++ }) != nil {
			runtime.Gosched()
		}
	}
	run(func() {
		if ran != posts {
			t.Errorf("%d of %d ran", ran, posts)
		}
		l.Stop()
	})
	if err := <-over; err != nil {
		t.Error(err)
	}
	if n := l.Count(CallbackStalled); n == 0 {
		t.Error("no stall was counted")
	}
	p := make([]byte, 1<<20)
	if all := string(p[:runtime.Stack(p, true)]); strings.Contains(all, "(*watchdog).run(") {
		t.Error("it goes on when the loop has ended")
	}
}

// BenchmarkWatchdog is what a turn with one event pays for being watched.
func BenchmarkWatchdog(b *testing.B) {
	l, err := New(Config{Kernel: sim.New(1)})
	if err != nil {
		b.Fatal(err)
	}
	b.Run("turn", func(b *testing.B) {
		for b.Loop() {
			l.afterPoll()
			l.checkWatchdog()
			l.beforePoll()
		}
	})
	l.afterPoll()
	b.Run("step", func(b *testing.B) {
		for b.Loop() {
			l.checkWatchdog()
		}
	})
}
