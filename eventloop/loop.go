package eventloop

import (
	"container/heap"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"runtime"
	"sync/atomic"
	"time"

	"github.com/bobbin-http/bobbin"
)

// Config is how a loop is made. The zero value serves.
type Config struct {
	Kernel bobbin.Kernel // the machine's own if nil; see startOf for one that runs work itself
	Limits Limits
	Loops  int          // how many the descriptors of the process are divided among; 1 if 0
	Log    *slog.Logger // for what an operator should know; nothing if nil; its handler must not wait, see LogWriter

	// Stall is how long a callback may hold the loop before it is logged, with
	// its stack. 0 means 100 ms on the machine's own kernel, and for ever on
	// one that was given; less than 0 means for ever.
	Stall time.Duration

	// Proxies reports whether the peer at an address speaks for many clients, so
	// that its connections are not accounted to it but, from their first request
	// on, to the clients that a protocol names by Conn.SetClient. None does if nil.
	Proxies func(netip.Addr) bool

	// Kinds are the kinds of records that the protocol adds, from ProtocolKinds on.
	Kinds []KindInfo

	Trace      io.Writer // for every record; no trace if nil; must not wait, see LogWriter
	CheckOwner bool      // panic when another goroutine than the loop's calls; for tests
}

// A Loop turns: it waits for sockets, deadlines and other goroutines' wishes,
// and lets each have its part. See the package comment for the phases.
type Loop struct {
	// Set when made, never changed.
	kernel     bobbin.Kernel
	limits     Limits
	log        *slog.Logger
	kinds      []KindInfo // of the protocol's records
	ownKernel  bool       // the machine's, and not one that was given
	checkOwner bool
	start      time.Time
	signers    int // workers that sign with slow keys at a time

	startWork startFunc // begins work beside the loop

	// For any goroutine.
	goroutines goroutines
	mail       mailbox
	dog        watchdog // its word

	// Everything below belongs to the loop's goroutine.
	owner string // its name, if that is checked

	reading bool // there is a reader of records; see reader.go

	time  time.Time     // read once a turn
	now   time.Duration // since start
	ticks int64         // the same, in ticks

	alarm     time.Duration // until when it may sleep, as it was asked last; since start
	alarmTime time.Time     // the same

	conns     []*Conn // by descriptor
	listeners []*Listener
	attached  map[int]func()
	open      int // connections that hold a descriptor

	events  []bobbin.Event
	turnAt  int   // how many of the events and of again this turn has done
	current *Conn // whose protocol is being called, should it panic

	// Lists of what is to be done. Each is taken before it is walked: what a
	// callback adds belongs to the next round.
	again         []*Conn     // have something left over from before
	dirty         []*Conn     // have something to say
	closing       []closing   // are to be closed
	eager         []*Listener // have more to accept
	lingering     map[*Conn]lingering
	crowdedAt     int    // open connections beyond which the census is taken
	census        *Tally // of connections by client, while they are many; nil otherwise
	spares        spares
	refusingUntil int64 // in ticks; until then a newcomer for which there is no room does not wait
	proxies       func(netip.Addr) bool
	clients       map[*Conn]Client // those that are not their peers
	posted        []func()
	taken         []*Conn // the list that is being walked, kept for its memory
	written       []*Conn // the one that flush walks
	working       int     // workers, without those that are lost
	offLoopTasks  int     // tasks that run on goroutines of their own
	gaveUp        bool    // on all that has not ended
	timers        timerHeap
	wheel         wheel
	stopping      bool
	special       bool // stopping, crowded or being read
	collapsed     error

	lanes     [lanes]lane // of workers
	earliest  *job        // the first of those that have a deadline
	latest    *job        // the last of them
	overdue   *Timer      // looks after them
	reserved  int64       // memory for what workers prepare
	forMemory Turns[*job] // wait for some of that

	handshakes        handshakes     // handshakes under way
	pendingHandshakes handshakeQueue // those that wait for their turn
	workerHandshakes  handshakeQueue // those that wait for a worker
	waitingForWorkers int            // that workers have
	deadListeners     []*Listener
	relief            *Timer // runs while other loops are held

	// Memory, handed out and taken back.
	scratch []byte // what one read call fills
	plain   []byte // what TLS makes of it
	chunks  [][]byte
	made    int // chunks, those in use included
	outputs []*output
	inputs  []*input
	iov     [callPieces][]byte

	// Output that clients have not taken; see outputtotal.go.
	memory       int64           // of all connections together, what is lent counted once
	loans        map[*byte]*loan // by where they begin
	freeLoans    []*loan
	scarceAt     int64       // bytes of memory from which on it is scarce
	scarce       bool        // since then, until half of the total is left
	scarceQueued int64       // bytes, while it was
	collectedAt  int64       // of those, when garbage was collected last
	collecting   atomic.Bool // a worker does, and says when it has

	complaints complaints
	recorder   recorder
}

// New makes a loop. It listens nowhere yet.
func New(config Config) (*Loop, error) {
	limits := config.Limits.WithDefaults()
	kernel := config.Kernel
	if kernel == nil {
		var err error
		if kernel, err = bobbin.Open(); err != nil {
			return nil, err
		}
		limits.Conns = min(limits.Conns, affordable(bobbin.Descriptors(), config.Loops))
	}
	log := config.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	l := &Loop{
		kernel: kernel, limits: limits, log: log,
		checkOwner: config.CheckOwner, kinds: config.Kinds,
		start: kernel.Now(), events: make([]bobbin.Event, 256),
		scratch:   make([]byte, limits.ReadBudget),
		lingering: make(map[*Conn]lingering),
	}
	l.time, l.alarmTime = l.start, l.start
	l.ownKernel = config.Kernel == nil
	l.startWork = l.goroutines.startOf(kernel)
	l.mail.limit = limits.Posts
	l.crowdedAt = limits.Conns - limits.Conns/4
	if limits.PerAddress > 0 {
		l.crowdedAt = 0
	}
	l.proxies = config.Proxies
	l.scarceAt = limits.OutputTotal / 4 * 3
	l.signers = config.signers(runtime.GOMAXPROCS(0))
	if config.Trace != nil {
		l.trace(config.Trace)
	}
	l.dog.period = config.lookEvery()
	return l, nil
}

// Limits returns the limits that are in force, defaults included.
func (l *Loop) Limits() Limits { return l.limits }

// Stopping reports whether the loop wants to end.
func (l *Loop) Stopping() bool { return l.stopping }

// Run turns the loop until Stop was called and everything has ended. It
// returns nil when all that had begun was finished, ErrCut when some of it was
// cut off, or what is wrong with the kernel. A loop runs once.
func (l *Loop) Run() error {
	if l.checkOwner {
		l.owner = goroutine()
	}
	defer l.dog.watch(l.log)()
	defer l.printTrace() // what shut records
	defer l.shut()
	for !l.over() {
		if err := l.turn(); err != nil {
			return fmt.Errorf("eventloop: %w", err)
		}
	}
	switch {
	case l.collapsed != nil:
		return l.collapsed
	case l.Cut() > 0:
		return ErrCut
	}
	return nil
}

// turn is one round of the loop.
func (l *Loop) turn() error {
	events, err := l.wait()
	if err != nil {
		return err
	}
	l.dispatch(events)
	l.endPhase(DispatchEnded)
	l.runPosted()
	l.runTimers()
	l.flush()
	l.endPhase(FlushEnded)
	l.reap()
	return nil
}

// wait sleeps until there is something to do, and reads the clock.
func (l *Loop) wait() ([]bobbin.Event, error) {
	l.beforePoll()
	n, err := l.sleep()
	l.afterPoll()
	l.time = l.kernel.Now()
	l.now = l.time.Sub(l.start)
	l.ticks = int64(l.now / tick)
	l.recorder.at = l.now
	if l.reading {
		l.stampWait(n)
	} else {
		l.recorder.counters[Turn].add(int64(n))
	}
	return l.events[:n], err
}

// sleep asks the kernel for news, and waits for it. While work is being done
// elsewhere it looks first, and if there is nothing lets that work go on: what it
// posts then needs no wake-up, and much of it is heard in one turn. On one core
// that halves what a handler that runs aside costs.
func (l *Loop) sleep() (int, error) {
	until := l.wakeTime()
	if l.offLoopTasks+l.working > 0 && until != bobbin.NoWait() {
		if n, err := l.kernel.Wait(l.events, bobbin.NoWait()); n > 0 || err != nil {
			return n, err
		}
		runtime.Gosched()
		if until = l.wakeTime(); until == bobbin.NoWait() {
			return 0, nil
		}
	}
	return l.kernel.Wait(l.events, until)
}

// wakeTime is how long the loop may sleep: not at all while something is left
// to do.
func (l *Loop) wakeTime() time.Time {
	if len(l.again)+len(l.dirty)+len(l.closing)+len(l.eager)+len(l.deadListeners) > 0 || l.handshakes.oldest != nil && l.mayStepHandshake() || l.mail.hasNews(l.stopping) {
		return bobbin.NoWait()
	}
	at, ok := l.wheel.next()
	if len(l.timers) > 0 && (!ok || l.timers[0].at < at) {
		at, ok = l.timers[0].at, true
	}
	if !ok {
		return time.Time{}
	}
	if at != l.alarm {
		l.alarm, l.alarmTime = at, l.start.Add(at)
	}
	return l.alarmTime
}

// dispatch hears everybody about whom the kernel had news, and then those who
// have something left from before.
func (l *Loop) dispatch(events []bobbin.Event) {
	again, eager := l.again, l.eager
	l.again, l.eager, l.taken = l.taken[:0], nil, nil
	l.turnAt = 0
	for l.turnAt < len(events)+len(again) {
		l.dispatchSome(events, again)
	}
	if len(again) > 0 {
		clear(again)
	}
	l.taken = again[:0]
	for _, ln := range eager {
		ln.inAgain = false
		l.guard(ln.accept)
	}
	if l.handshakes.oldest != nil && l.mayStepHandshake() {
		l.stepHandshakes()
	}
}

// dispatchSome goes on with dispatch until the end, or until a panic of one
// connection's protocol, which costs that connection and no other.
func (l *Loop) dispatchSome(events []bobbin.Event, again []*Conn) {
	defer l.survive()
	for l.turnAt < len(events) {
		l.checkWatchdog()
		ev := &events[l.turnAt]
		l.turnAt++
		if c := l.connAt(ev.FD); c != nil {
			l.current = c
			l.react(c, ev.Ready)
			if l.reading {
				l.stampCallback(l.current) // which costs less here than endCallback(c)
			}
			if len(l.dirty) >= chunksKept || l.scarce {
				l.flush() // while their memory is warm, and before there is none
			}
		} else if ln := l.listener(ev.FD); ln != nil {
			l.current = nil
			ln.ready = true
			ln.accept()
			l.endCallback(nil)
		} else if ready := l.attached[ev.FD]; ready != nil {
			l.current = nil
			ready()
			l.endCallback(nil)
		}
	}
	for l.turnAt < len(events)+len(again) {
		l.checkWatchdog()
		c := again[l.turnAt-len(events)]
		l.turnAt++
		l.current = c
		c.inAgain = false
		if c.drainDue {
			l.notifyDrain(c)
		}
		if l.scarce {
			c.checkTotal()
		}
		if c.in != nil && c.listens() {
			l.hearAgain(c)
		}
		l.proceed(c)
		l.endCallback(c)
		if l.scarce {
			l.flush()
		}
	}
}

// flush is the phase in which sockets are written to.
func (l *Loop) flush() {
	list := l.dirty
	l.dirty = l.written[:0]
	for _, c := range list {
		c.dirty = false
		l.checkWatchdog()
		l.write(c)
	}
	clear(list)
	l.written = list[:0]
	if l.scarce {
		l.checkScarcity()
	}
}

// reap is the phase in which descriptors are closed, and the only one: a
// number that is given back is given out again by the next accept.
func (l *Loop) reap() {
	if len(l.closing)+len(l.deadListeners) == 0 {
		return
	}
	list := l.closing
	l.closing = nil
	for _, d := range list {
		l.notifyClosed(d)
		l.closeConn(d)
	}
	for _, ln := range l.deadListeners {
		l.closeListener(ln)
	}
	l.deadListeners = nil
	for _, ln := range l.listeners {
		ln.resume()
	}
	l.endPhase(ReapEnded)
}

// guard runs what may call protocols outside of dispatch.
func (l *Loop) guard(f func()) {
	defer l.survive()
	l.checkWatchdog()
	f()
	l.endCallback(l.current)
}

// survive, deferred, ends the connection whose protocol panicked, and no other.
func (l *Loop) survive() {
	c := l.current
	l.current = nil
	r := recover()
	if r == nil {
		return
	}
	l.record(Panicked, c, 0)
	l.LogPanic("panic", r)
	if c == nil {
		panic(r) // ours: no connection was being served
	}
	if c.state != Dead {
		c.reset = true
		l.markClosed(c, fmt.Errorf("%w: %v", errPanic, r))
	}
}

// Memory returns how many bytes of output are queued for all connections, what is
// lent to several of them counted once.
func (l *Loop) Memory() int64 { return l.memory }

// runPosted is the phase in which functions of other goroutines run. A function that
// is posted meanwhile belongs to the next turn.
func (l *Loop) runPosted() {
	l.onStops()
	if !l.mail.waiting.Load() {
		return
	}
	m := &l.mail
	m.mu.Lock()
	m.list, l.posted = l.posted[:0], m.list
	m.waiting.Store(false)
	m.mu.Unlock()
	for i, f := range l.posted {
		l.posted[i] = nil
		l.checkWatchdog()
		f()
		l.endCallback(nil)
		if l.scarce {
			l.flush()
		}
	}
	l.record(Posted, nil, int64(len(l.posted)))
	l.endPhase(PostedEnded)
}

// runTimers is the phase in which the clock is heard. The kernel was asked for
// news in this very turn, and a connection's socket is looked into once more
// before its deadline counts: what came while the process was stopped or the
// machine slept is served, not timed out.
func (l *Loop) runTimers() {
	if l.wheel.at >= l.ticks && (len(l.timers) == 0 || l.timers[0].at > l.now) {
		return
	}
	ran := 0
	for ; ran < timerBudget && len(l.timers) > 0 && l.timers[0].at <= l.now; ran++ {
		l.checkWatchdog()
		t := heap.Pop(&l.timers).(*Timer)
		l.recorder.noteLate(l.now - t.at)
		t.run()
		l.endCallback(nil)
	}
	for ; ran < timerBudget; ran++ {
		c := l.wheel.take(l.now)
		if c == nil {
			break
		}
		l.current = c
		l.guard(func() { l.look(c) })
	}
	if ran > 0 {
		l.record(Timers, nil, int64(ran))
	}
	l.endPhase(TimersEnded)
}
