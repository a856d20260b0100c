package eventloop

import (
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"
)

// A callback that sleeps, waits for a lock or computes for long holds the loop, and
// with it all other connections. Nothing fails then: everything is slow, without a
// sign of the reason. So a watchdog, on a goroutine of its own, finds such a callback
// while it runs, and takes its stack.
//
// The two share one word. At each look the watchdog asks, and the loop answers before
// each callback and before it sleeps. To find that there is no question costs the loop
// one load. A question that stays open for four looks means that one callback has held
// the loop for Config.Stall. Many callbacks that take as long together are a busy
// server, and no stall.
//
// The watchdog counts looks, and not the time between them: a process that was
// stopped, or a machine that slept or had no core for us, makes one look late, and is
// no stall.

// A Stall is a callback that held the loop for longer than Config.Stall.
type Stall struct {
	For   time.Duration // how long, or up to a quarter of Config.Stall more
	By    string        // its place, such as "main.go:12 main.slow"; empty if unknown
	Stack string        // of its goroutine, while it ran

	// GC is the part of the machine, of all processors that Go may use, that collecting
	// garbage took meanwhile, from 0 to 1: of collections that have ended, because Go does
	// not tell of others.
	GC float64

	// Request and Route are those of the handler, if the protocol knows them.
	Request string // such as "GET /a"
	Route   string // the pattern

	// Records are the latest that the loop made until it got on, the oldest first.
	// The loop adds them itself when it is back: the watchdog never reads them.
	Records []Record

	collected float64 // seconds until shortly after the callback began, see collected
}

// defaultStall is the delay that people begin to notice.
const defaultStall = 100 * time.Millisecond

const (
	stallRecords = 16 // how many records a report has

	looks     = 4          // at an open question make a stall
	lookAgain = 50 * looks // and the watchdog logs it by itself: the loop may never come back
	sleepLook = 4          // at a sleeping loop, and the watchdog sleeps, too

	// All goroutines stand still while stacks are taken: 2 ms for a thousand of
	// them, in memory that is bounded. With more than so many, taking stacks
	// would be worse than the stall, and a stall is reported without its stack.
	mostGoroutines = 5000
	mostStacks     = 1 << 20
)

// The states of the word between loop and watchdog. The loop moves from any of them to
// awake or asleep, and the watchdog as the comments say.
const (
	awake  uint32 = iota
	asked         // from awake: the loop has not begun a callback since
	caught        // from asked: for too long; report has the stack
	asleep        // the loop waits for the kernel
	parked        // from asleep: the watchdog waits for the loop
)

// A watchdog watches one loop.
type watchdog struct {
	state atomic.Uint32
	seen  atomic.Uint64 // looks taken

	// Set before it runs, never changed.
	period time.Duration // between two looks; 0 for no watchdog
	log    *slog.Logger
	loop   string // the name of the loop's goroutine
	rouse  chan struct{}
	tell   func() // called when it has caught something; may be nil

	onStall func(*Stall) // see Config; called on the loop

	// Owned by the watchdog's goroutine.
	open      int     // looks at the question that is not answered
	idle      int     // looks at a loop that sleeps
	collected float64 // at the first of those at a question

	// Written by the watchdog while the word is asked, read by the loop when it was
	// caught. Between the loop's answer and its reading the watchdog may have asked
	// once more, and caught it at that, if the loop had no core for so long.
	report atomic.Pointer[Stall]

	// Owned by the loop's goroutine.
	answered time.Duration // when the loop last answered, by its kernel's clock
}

// lookEvery returns how long the watchdog waits between two looks, 0 if there is to
// be none. A kernel that was given may have a clock of its own, of which a
// watchdog knows nothing.
func (c *Config) lookEvery() time.Duration {
	stall := c.Stall
	if stall == 0 && c.Kernel == nil {
		stall = defaultStall
	}
	if stall <= 0 {
		return 0
	}
	return max(stall/looks, time.Millisecond)
}

// watch sets the watchdog on the caller's goroutine, until the result is called.
func (d *watchdog) watch(log *slog.Logger) (end func()) {
	if d.period == 0 {
		return func() {}
	}
	d.log = log
	d.loop = goroutine()
	d.rouse = make(chan struct{}, 1)
	over, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		d.run(over)
	}()
	return func() {
		close(over)
		<-ended
	}
}

// run looks until it is over.
func (d *watchdog) run(over <-chan struct{}) {
	timer := time.NewTimer(d.period)
	defer timer.Stop()
	for {
		if d.look() {
			select {
			case <-d.rouse:
				continue
			case <-over:
				return
			}
		}
		timer.Reset(d.period)
		select {
		case <-timer.C:
		case <-over:
			return
		}
	}
}

// look is taken every period. It reports whether there is nothing to look at
// until the loop says so.
func (d *watchdog) look() (park bool) {
	d.seen.Add(1)
	word := d.state.Load()
	if word != asleep {
		d.idle = 0
	}
	switch word {
	case awake:
		d.open = 0
		d.state.CompareAndSwap(awake, asked)
	case asked:
		if d.open++; d.open == 1 {
			d.collected = collected()
		}
		if d.open >= looks {
			d.catch()
		}
	case caught:
		if d.open++; d.open == lookAgain {
			s := d.inspect()
			s.noteGC(d.period)
			d.log.Error("the loop is held", "for", s.For, "by", s.By, "gc", s.percent(), "stack", s.Stack)
		}
	case asleep:
		d.idle++
		return d.idle >= sleepLook && d.state.CompareAndSwap(asleep, parked)
	}
	return false
}

// catch leaves a report for the loop, unless it got on while that was made: then
// the stack is that of another callback.
func (d *watchdog) catch() {
	d.report.Store(d.inspect())
	if d.state.CompareAndSwap(asked, caught) && d.tell != nil {
		d.tell()
	}
}

// inspect takes the stack of the callback that holds the loop.
func (d *watchdog) inspect() *Stall {
	s := &Stall{For: time.Duration(d.open) * d.period, collected: d.collected}
	if runtime.NumGoroutine() > mostGoroutines {
		return s
	}
	p := make([]byte, mostStacks)
	stack := offenderStack(string(p[:runtime.Stack(p, true)]), d.loop)
	s.By, s.Stack = firstUserFrame(stack), shorten(stack)
	return s
}

// checkWatchdog says that the loop gets on. It comes before everything that calls a
// protocol or may take long for another reason, so that each has its own time.
func (l *Loop) checkWatchdog() {
	if l.dog.state.Load() != awake {
		l.ack()
	}
}

// ack answers the watchdog.
func (l *Loop) ack() {
	if s := l.takeStall(); s != nil {
		l.TellStall(s)
	}
}

// TakeStall returns the stall of the present callback, or nil. It is for a protocol that
// has just called a handler and can name its request: the loop does not log a stall
// that was taken. It must be called on the loop's goroutine.
func (l *Loop) TakeStall() *Stall {
	if l.dog.state.Load() == awake {
		return nil
	}
	return l.takeStall()
}

// takeStall answers the watchdog, and returns the report if it has left one. The
// kernel's clock is read for it, which is rare: the watchdog asks once in a while.
// As that clock may be virtual, the watchdog's count of looks is the least that
// is reported.
func (l *Loop) takeStall() *Stall {
	l.owner.check("Loop.TakeStall")
	d := &l.dog
	caughtUs := d.state.Swap(awake) == caught
	now := l.kernel.Monotonic()
	since := max(d.answered, l.clock.now)
	d.answered = now
	if !caughtUs {
		return nil
	}
	s := d.report.Load()
	s.For = max(s.For, now-since)
	s.noteGC(d.period)
	s.Records, _, _ = l.ReadSince(max(l.recorder.next, stallRecords)-stallRecords, nil)
	l.record(CallbackStalled, nil, int64(s.For))
	return s
}

// TellStall logs a stall, once a second at most, with more attributes, as the pairs of
// log/slog. It must be called on the loop's goroutine.
func (l *Loop) TellStall(s *Stall, more ...any) {
	// The time of the turn will not do: the stall lies between it and now.
	if l.dog.onStall != nil {
		l.shield(func() { l.dog.onStall(s) })
	}
	if skipped, ok := l.report.allow("held", l.dog.answered); ok {
		l.report.log.With(more...).Warn("the loop was held", "for", s.For, "by", s.By, "gc", s.percent(), "skipped", skipped, "records", l.describeAll(s.Records), "stack", s.Stack)
	}
}

// beforePoll says that the loop is about to wait for the kernel.
func (l *Loop) beforePoll() {
	for !l.dog.state.CompareAndSwap(awake, asleep) {
		l.ack()
	}
}

// afterPoll says that it no longer does.
func (l *Loop) afterPoll() {
	if l.dog.state.Swap(awake) == parked {
		l.dog.rouse <- struct{}{} // has room, because the watchdog does not park twice before it is roused
	}
}
