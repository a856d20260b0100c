package eventloop

import (
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
	Kernel bobbin.Kernel // the machine's own if nil
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

	// For those who look inside.
	Trace      io.Writer // each record as it is made; nothing if nil; must not wait, see LogWriter
	CheckOwner bool      // panic when a stranger's goroutine calls; for tests
}

// A Loop turns: it waits for sockets, deadlines and other goroutines' wishes,
// and lets each have its part. See the package comment for the phases.
type Loop struct {
	// Set when made, never changed.
	kernel     bobbin.Kernel
	limits     Limits
	log        *slog.Logger
	trace      io.Writer
	ownKernel  bool // the machine's, and not one that was given
	checkOwner bool
	start      time.Time
	signers    int // workers that sign with slow keys at a time

	// For any goroutine.
	mail mailbox
	dog  watchdog // its word

	// Everything below belongs to the loop's goroutine.
	owner string // its name, if that is checked

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
	special       bool // stopping, or a census is taken
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

	// Output that clients have not taken; see owed.go.
	memory       int64           // of all connections together, what is lent counted once
	loans        map[*byte]*loan // by where they begin
	freeLoans    []*loan
	scarceAt     int64       // bytes of memory from which on it is scarce
	scarce       bool        // since then, until half of the total is left
	scarceQueued int64       // bytes, while it was
	collectedAt  int64       // of those, when garbage was collected last
	collecting   atomic.Bool // a worker does, and says when it has

	complaints complaints
	counters   Counters
	ring       *ring
}

// Counters count what happened on a loop since it was made.
type Counters struct {
	Turns        uint64
	Events       uint64
	Accepted     uint64
	AcceptErrors uint64
	Closed       uint64 // by either side, in order
	Failed       uint64 // by an error, a deadline or a limit
	Evicted      uint64 // of those, to make room
	Refused      uint64 // newcomers, because their client held all it may; they are not among Accepted
	Cut          uint64 // of those, because the loop had to end
	Shed         uint64 // of those, because their client owed most of the output
	Handshakes   uint64 // of TLS, that were completed
	Resumed      uint64 // of those, by a ticket
	Panics       uint64 // of protocols
	WorkTimeouts uint64 // jobs that were not done within Limits.WorkerTimeout
	WorkersLost  uint64 // of those, workers that did not come back in time
	Skipped      uint64 // jobs that were not wanted any more when their turn came
	Stalls       uint64 // callbacks that held the loop for longer than Config.Stall
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
		trace: config.Trace, checkOwner: config.CheckOwner,
		start: kernel.Now(), events: make([]bobbin.Event, 256),
		scratch: make([]byte, limits.ReadBudget), ring: &ring{},
		lingering: make(map[*Conn]lingering),
	}
	l.time, l.alarmTime = l.start, l.start
	l.ownKernel = config.Kernel == nil
	l.mail.limit = limits.Posts
	l.crowdedAt = limits.Conns - limits.Conns/4
	if limits.PerAddress > 0 {
		l.crowdedAt = 0
	}
	l.proxies = config.Proxies
	l.scarceAt = limits.OutputTotal / 4 * 3
	l.signers = config.signers(runtime.GOMAXPROCS(0))
	l.dog.period = config.lookEvery()
	return l, nil
}

// affordable is how many connections so many descriptors allow each of some loops:
// some are for listeners, logs and the kernel itself, and a quarter of the rest for
// files.
func affordable(descriptors, loops int) int {
	reserve := min(64, descriptors/4)
	return max((descriptors-reserve)*3/4/max(loops, 1), 8)
}

// Limits returns the limits that are in force, defaults included.
func (l *Loop) Limits() Limits { return l.limits }

// WallTime returns the time of this turn. The clock is read once a turn.
func (l *Loop) WallTime() time.Time { return l.time }

// Uptime returns how long before this turn the loop was made. For what is kept for
// each connection it takes a third of the memory of a time.Time.
func (l *Loop) Uptime() time.Duration { return l.now }

// WallTimeAt returns the time at which Uptime was d.
func (l *Loop) WallTimeAt(d time.Duration) time.Time { return l.start.Add(d) }

// Stopping reports whether the loop wants to end.
func (l *Loop) Stopping() bool { return l.stopping }

// Open returns how many connections there are.
func (l *Loop) Open() int { return l.open }

// Each calls f for each connection that is not yet closed.
func (l *Loop) Each(f func(*Conn)) {
	l.own("Loop.Each")
	for _, c := range l.conns {
		if c != nil {
			f(c)
		}
	}
}

// Counters returns what happened so far.
func (l *Loop) Counters() Counters { return l.counters }

// Run turns the loop until Stop was called and everything has ended. It
// returns nil when all that had begun was finished, ErrCut when some of it was
// cut off, or what is wrong with the kernel. A loop runs once.
func (l *Loop) Run() error {
	if l.checkOwner {
		l.owner = goroutine()
	}
	defer l.dog.watch(l.log)()
	defer l.shut()
	for !l.over() {
		if err := l.turn(); err != nil {
			return fmt.Errorf("eventloop: %w", err)
		}
	}
	switch {
	case l.collapsed != nil:
		return l.collapsed
	case l.counters.Cut > 0:
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
	l.runPosted()
	l.runTimers()
	l.flush()
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
	l.counters.Turns++
	l.counters.Events += uint64(n)
	if n > 0 {
		l.record(Turn, nil, int64(n))
	}
	return l.events[:n], err
}

// sleep asks the kernel for news, and waits for it. While work is being done
// elsewhere it looks first, and if there is nothing lets that work go on: what it
// posts then needs no wake-up, and much of it is heard in one turn. On one core
// that halves what a handler that runs aside costs.
func (l *Loop) sleep() (int, error) {
	until := l.wakeTime()
	if l.offLoopTasks+l.working > 0 && until != bobbin.NoWait {
		if n, err := l.kernel.Wait(l.events, bobbin.NoWait); n > 0 || err != nil {
			return n, err
		}
		runtime.Gosched()
		if until = l.wakeTime(); until == bobbin.NoWait {
			return 0, nil
		}
	}
	return l.kernel.Wait(l.events, until)
}

// wakeTime is how long the loop may sleep: not at all while something is left
// to do.
func (l *Loop) wakeTime() time.Time {
	if len(l.again)+len(l.dirty)+len(l.closing)+len(l.eager)+len(l.deadListeners) > 0 || l.handshakes.oldest != nil && l.mayStepHandshake() || l.mail.hasNews(l.stopping) {
		return bobbin.NoWait
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
			if len(l.dirty) >= chunksKept || l.scarce {
				l.flush() // while their memory is warm, and before there is none
			}
		} else if ln := l.listener(ev.FD); ln != nil {
			l.current = nil
			ln.ready = true
			ln.accept()
		} else if ready := l.attached[ev.FD]; ready != nil {
			l.current = nil
			ready()
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
		if l.scarce {
			l.flush()
		}
	}
}

// notifyDrain tells a protocol that waited for it that there is room.
func (l *Loop) notifyDrain(c *Conn) {
	c.drainDue = false
	if p, ok := c.protocol.(Backpressured); ok && c.speaks() {
		p.OnDrain(c)
	}
}

// connAt returns the connection that a descriptor is, or nil.
func (l *Loop) connAt(fd int) *Conn {
	if fd < len(l.conns) {
		return l.conns[fd]
	}
	return nil
}

func (l *Loop) listener(fd int) *Listener {
	for _, ln := range l.listeners {
		if ln.fd == fd {
			return ln
		}
	}
	return nil
}

// react notes what the kernel said about a connection and acts on it.
func (l *Loop) react(c *Conn, ready bobbin.Ready) {
	if ready&bobbin.HungUp != 0 && !c.ended {
		c.hungUp = true
	}
	if ready&bobbin.Writable != 0 {
		c.writable = true
		if c.out != nil {
			l.touch(c)
		}
	}
	if ready&bobbin.Readable != 0 {
		c.readable = true
		if !c.inAgain {
			l.proceed(c)
		}
	}
}

// touch has flush come by.
func (l *Loop) touch(c *Conn) {
	if !c.dirty {
		c.dirty = true
		l.dirty = append(l.dirty, c)
	}
}

// queueAgain has dispatch come by although the kernel has no news.
func (l *Loop) queueAgain(c *Conn) {
	if !c.inAgain && c.state != Dead {
		c.inAgain = true
		l.again = append(l.again, c)
	}
}

func (l *Loop) queueListener(ln *Listener) {
	if !ln.inAgain && !ln.closed {
		ln.inAgain = true
		l.eager = append(l.eager, ln)
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
}

// A closing is a connection that is to be closed, and why.
type closing struct {
	conn *Conn
	why  error
}

// notifyClosed tells the protocol that its connection is over, exactly once.
func (l *Loop) notifyClosed(d closing) {
	defer l.survive()
	l.checkWatchdog()
	l.current = d.conn
	d.conn.protocol.OnClose(d.conn, d.why)
}

func (l *Loop) closeConn(d closing) {
	c := d.conn
	c.dropInput()
	c.dropOutput()
	l.wheel.unlink(c)
	delete(l.lingering, c)
	l.conns[c.fd] = nil
	l.open--
	if l.census != nil {
		l.countOut(c)
	}
	delete(l.clients, c)
	if d.why == nil || d.why == io.EOF {
		l.counters.Closed++
	} else {
		l.counters.Failed++
	}
	var err error
	if c.reset {
		err = l.kernel.Reset(int(c.fd))
	} else {
		err = l.kernel.Close(int(c.fd))
	}
	if err != nil {
		l.complain("close", err)
	}
}

func (l *Loop) closeListener(ln *Listener) {
	if l.stopping && ln.acceptQueue == nil && !ln.refuses && !ln.handedOver && !l.gaveUp {
		ln.closed = false
		ln.drain() // what has come since, in the shortest possible time before
		ln.closed = true
	}
	if ln.pause != nil {
		ln.pause.Stop()
		ln.pause = nil
	}
	for i := range l.listeners {
		if l.listeners[i] == ln {
			l.listeners = append(l.listeners[:i], l.listeners[i+1:]...)
			break
		}
	}
	for _, a := range ln.door {
		if err := l.kernel.Reset(a.fd); err != nil {
			l.complain("reset", err)
		}
	}
	ln.door = nil
	if ln.acceptQueue != nil {
		ln.empty()
	} else if err := ln.closeSocket(); err != nil {
		l.complain("close", err)
	}
}

// guard runs what may call protocols outside of dispatch.
func (l *Loop) guard(f func()) {
	defer l.survive()
	l.checkWatchdog()
	f()
}

// survive, deferred, ends the connection whose protocol panicked, and no other.
func (l *Loop) survive() {
	c := l.current
	l.current = nil
	r := recover()
	if r == nil {
		return
	}
	l.counters.Panics++
	l.LogPanic("panic", r)
	if c == nil {
		panic(r) // ours: no connection was being served
	}
	if c.state != Dead {
		c.reset = true
		l.markClosed(c, fmt.Errorf("eventloop: panic: %v", r))
	}
}

// Memory returns how many bytes of output are queued for all connections, what is
// lent to several of them counted once.
func (l *Loop) Memory() int64 { return l.memory }
