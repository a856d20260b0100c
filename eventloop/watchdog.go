package eventloop

import (
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"
)

// A callback that sleeps, waits for a lock or computes for long holds the loop,
// and with it everybody else. Nothing fails then. All is slow, and nobody can
// tell why. So a watchdog looks on from a goroutine of its own, and says who it
// is while it happens.
//
// The two talk through one word. At each look the watchdog asks, and the loop
// answers when it gets on: before each callback, and before it sleeps. While
// nothing is asked, to find that out is one load. A question that stays open for
// four looks is one callback that holds the loop for Config.Stall. Many that
// together take as long are a busy server, and no one of them is to blame.
//
// What counts is looks, and not the time between them: when the process was
// stopped, or the machine slept or had no core for us, that is one late look,
// and nobody's fault.

// A Stall is a callback that held the loop for longer than Config.Stall.
type Stall struct {
	For   time.Duration // how long, or up to a quarter of Config.Stall more
	By    string        // where, such as "main.go:12 main.slow"; empty if that was not to be seen
	Stack string        // of its goroutine, when it was caught
}

// defaultStall is what people begin to notice.
const defaultStall = 100 * time.Millisecond

const (
	looks     = 4          // at an open question, and it is a stall
	lookAgain = 50 * looks // and the watchdog tells of it: the loop may never do
	sleepLook = 4          // at a sleeping loop, and the watchdog sleeps too

	// Everybody stands still while stacks are taken: 2 ms for a thousand
	// goroutines, in memory that is bounded. Beyond so many, the cure would be
	// worse than the stall, and a stall is reported without its stack.
	mostGoroutines = 5000
	mostStacks     = 1 << 20
)

// What loop and watchdog tell each other. The loop moves from any of these to
// awake or asleep, the watchdog as it says here.
const (
	awake  uint32 = iota
	asked         // from awake: the loop has not got on since
	caught        // from asked: for too long, and report says more
	asleep        // the loop waits for the kernel
	parked        // from asleep: the watchdog waits for the loop
)

// A watchdog is what watches one loop.
type watchdog struct {
	state atomic.Uint32
	seen  atomic.Uint64 // looks taken

	// Set before it runs, never changed.
	period time.Duration // between two looks; 0 for no watchdog
	log    *slog.Logger
	loop   string // the name of the loop's goroutine
	rouse  chan struct{}
	tell   func() // called when it has caught something; may be nil

	// Owned by the watchdog's goroutine.
	open int // looks at the question that is not answered
	idle int // looks at a loop that sleeps

	// Written by the watchdog while the word is asked, read by the loop when it was
	// caught. Between the loop's answer and its reading the watchdog may have asked
	// once more, and caught it at that, if the loop had no core for so long.
	report atomic.Pointer[Stall]

	// Owned by the loop's goroutine.
	answered time.Time // when the loop last answered, by its kernel's clock
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
		if d.open++; d.open >= looks {
			d.catch()
		}
	case caught:
		if d.open++; d.open == lookAgain {
			s := d.inspect()
			d.log.Error("the loop is held", "for", s.For, "by", s.By, "stack", s.Stack)
		}
	case asleep:
		d.idle++
		return d.idle >= sleepLook && d.state.CompareAndSwap(asleep, parked)
	}
	return false
}

// catch leaves a report for the loop, unless it got on while that was made: then
// the stack is somebody else's.
func (d *watchdog) catch() {
	d.report.Store(d.inspect())
	if d.state.CompareAndSwap(asked, caught) && d.tell != nil {
		d.tell()
	}
}

// inspect takes the stack of whoever holds the loop.
func (d *watchdog) inspect() *Stall {
	s := &Stall{For: time.Duration(d.open) * d.period}
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

// ack is what step does if it is asked.
func (l *Loop) ack() {
	if s := l.takeStall(); s != nil {
		l.TellStall(s)
	}
}

// TakeStall returns what has held the loop since it last got on, or nil. It is for
// a protocol that has just called others' code and knows what for: the loop does
// not log a stall that was taken. It must be called on the loop's goroutine.
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
	l.own("Loop.TakeStall")
	d := &l.dog
	caughtUs := d.state.Swap(awake) == caught
	now, since := l.kernel.Now(), l.time
	if d.answered.After(since) {
		since = d.answered
	}
	d.answered = now
	if !caughtUs {
		return nil
	}
	s := d.report.Load()
	s.For = max(s.For, now.Sub(since))
	l.record(CallbackStalled, nil, int64(s.For))
	return s
}

// TellStall logs a stall, once a second at most, with what else is known about it,
// as the pairs of log/slog. It must be called on the loop's goroutine.
func (l *Loop) TellStall(s *Stall, more ...any) {
	// The time of the turn will not do: the stall is what has come between it
	// and now.
	if skipped, ok := l.mayComplain("held", l.dog.answered.Sub(l.start)); ok {
		l.log.With(more...).Warn("the loop was held", "for", s.For, "by", s.By, "skipped", skipped, "stack", s.Stack)
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
		l.dog.rouse <- struct{}{} // has room, for nobody parks twice unroused
	}
}
