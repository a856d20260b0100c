package eventloop

import (
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"time"

	"github.com/bobbin-http/bobbin"
)

// Config is how a loop is made. The zero value serves.
type Config struct {
	Kernel bobbin.Kernel // the machine's own if nil; see startOf for one that runs work itself
	Limits Limits
	Loops  int          // how many the descriptors of the process are divided among; 1 if 0
	Log    *slog.Logger // for what an operator should know; DefaultLog if nil; its handler must not wait, see LogWriter

	// Stall is how long a callback may hold the loop before it is logged, with
	// its stack. 0 means 100 ms on the machine's own kernel, and for ever on
	// one that was given; less than 0 means for ever.
	Stall   time.Duration
	OnStall func(*Stall) // is told of each, on the loop, when the callback has returned; may be nil

	// Proxies reports whether the peer at an address speaks for many clients, so
	// that its connections are not accounted to it but, from their first request
	// on, to the clients that a protocol names by Conn.SetClient. None does if nil.
	Proxies func(netip.Addr) bool

	// Kinds are the kinds of records that the protocol adds, from ProtocolKinds on.
	Kinds []KindInfo

	Trace      io.Writer // for every record; no trace if nil; must not wait, see LogWriter
	CheckOwner bool      // panic when another goroutine than the loop's calls; for tests
}

// A Loop serves connections in turns: it waits for sockets, deadlines and posted
// functions, and handles each. See the package comment for the phases of a turn.
//
// Most members are types of their own, in the file that is named behind them.
type Loop struct {
	// Set when made, never changed.
	kernel  bobbin.Kernel
	divides int        // among how many loops the descriptors are divided; 0 where the kernel was given
	kinds   []KindInfo // of the protocol's records

	// For any goroutine.
	mail   mailbox  // mailbox.go: the functions that were posted
	dog    watchdog // watchdog.go: its state
	report reporter // complain.go: the log

	// Everything below belongs to the loop's goroutine.
	owner    owner          // owner.go: the name of that goroutine
	limits   Limits         // see SetLimits
	clock    clock          // clock.go: the time of this turn
	ready    readyList      // the events of this turn
	attached map[int]func() // attach.go: descriptors that are no connections
	special  bool           // see Special
	reading  bool           // there is a reader of records: see reader.go
	noted    bool           // or something else for which turns are looked at

	embed      func() (*Conn, Protocol) // embed.go; nil if nothing is to have the connections
	conns      connTable                // table.go: connections by descriptor
	lists      worklists                // worklists.go: connections that the phases of a turn go through
	carriers   carriers                 // carry.go: connections that carry streams
	closings   closings                 // close.go: connections that are about to end
	listeners  listeners                // listener.go
	clients    clients                  // client.go: the clients that connections are accounted to
	eviction   eviction                 // evict.go: which connection makes room for a newcomer
	timers     timers                   // timer.go, wheel.go
	workers    workers                  // workers.go: work off the loop
	handshakes handshakes               // handshakes.go: those of TLS
	pools      pools                    // pools.go: memory that is used again
	output     outputTotal              // outputtotal.go: what peers have not taken yet
	stop       stopState                // stop.go
	recorder   recorder                 // record.go: the records of what happens
}

// New makes a loop. It listens nowhere yet.
func New(config Config) (*Loop, error) {
	limits := config.Limits.WithDefaults()
	kernel, divides := config.Kernel, 0
	if kernel == nil {
		var err error
		if kernel, err = bobbin.Open(); err != nil {
			return nil, err
		}
		divides = max(config.Loops, 1)
		limits.afford(bobbin.Descriptors(), divides)
	}
	l := &Loop{kernel: kernel, divides: divides, limits: limits, kinds: config.Kinds, ready: readyList{events: make([]bobbin.Event, 256)}}
	l.init(&config)
	return l, nil
}

// Limits returns the limits that are in force, defaults included.
func (l *Loop) Limits() Limits { return l.limits }

// Run turns the loop until Stop was called and everything has ended. It
// returns nil when all that had begun was finished, ErrCut when some of it was
// cut off, or what is wrong with the kernel. A loop runs once: another call is
// an error.
func (l *Loop) Run() error {
	if err := l.begin(); err != nil {
		return err
	}
	defer l.dog.watch(l.report.log)()
	defer l.giveRecords() // those of shut
	defer l.shut()
	for !l.over() {
		if err := l.turns(); err != nil {
			return fmt.Errorf("eventloop: %w", err)
		}
	}
	if l.Cut() > 0 {
		return ErrCut
	}
	return nil
}

// turns turns the loop until it has ended. When a protocol panics in dispatch, that costs
// its connection, and turns returns: the next call goes on behind it, in the same turn.
func (l *Loop) turns() error {
	defer l.recoverDispatch()
	for !l.over() {
		if err := l.turn(); err != nil {
			return err
		}
	}
	return nil
}

// turn is one round of the loop. A phase that has nothing to do is not called.
func (l *Loop) turn() error {
	if l.ready.next == 0 { // else dispatch goes on, behind a panic
		if err := l.wait(); err != nil {
			return err
		}
	}
	l.dispatch()
	l.endPhase(DispatchEnded)
	if l.mail.hasNews() {
		l.runPosted()
	}
	if l.timers.due(&l.clock) {
		l.runTimers()
	}
	l.flush()
	if l.noted {
		l.endFlush()
	}
	if l.closings.any() || len(l.listeners.closed) > 0 {
		l.reap()
	}
	return nil
}

// wait is the first phase: it sleeps until there is something to do, and reads the
// clock.
func (l *Loop) wait() error {
	l.beforePoll()
	n, err := l.sleep()
	l.afterPoll()
	l.clock.set()
	l.recorder.at = l.clock.now
	if l.noted {
		l.stampWait(n)
	} else {
		l.CountRecord(Turn, int64(n))
	}
	l.ready.n, l.lists.due, l.listeners.due = n, len(l.lists.again), len(l.listeners.eager)
	return err
}

// A readyList is what the kernel has reported in this turn.
type readyList struct {
	events  []bobbin.Event
	n, next int // how many there are, and which is handled next; 0 when all are handled
}

// dispatch is the second phase: it handles each ready connection and listener, then
// those with something left over from the last turn, then handshakes.
func (l *Loop) dispatch() {
	r := &l.ready
	for r.next < r.n {
		l.checkWatchdog()
		ev := &r.events[r.next]
		r.next++
		if c := l.conns.at(ev.FD); c != nil {
			c.onReady(ev.Ready)
			l.endCallback(c)
			if l.lists.dirty.full() || l.output.scarce {
				l.flush() // while their memory is warm, and before there is none
			}
		} else {
			l.onOther(ev.FD)
		}
	}
	r.n, r.next = 0, 0
	for l.lists.due > 0 {
		l.dispatchAgain()
	}
	if l.listeners.due > 0 {
		l.acceptAgain()
	}
	if l.handshakes.oldest != nil && l.handshakes.mayStep() {
		l.handshakes.step()
	}
}

// runPosted is the third phase, in which functions of other goroutines run. A function
// that is posted meanwhile belongs to the next turn.
func (l *Loop) runPosted() {
	l.onStops()
	list := l.mail.take()
	for n := 0; n < len(list); {
		n = l.runFrom(list, n)
	}
	l.mail.reuse(list)
	l.endRun(Posted, PostedEnded, len(list))
}

// runTimers is the fourth phase. The kernel was asked for events in this very turn,
// and a connection's socket is looked into once more before its deadline counts: what
// came while the process was stopped or the machine slept is served, not timed out.
func (l *Loop) runTimers() {
	ran := 0
	for ; ran < timerBudget; ran++ {
		t := l.timers.pop(l.clock.now)
		if t == nil {
			break
		}
		l.runTimer(t)
	}
	for ; ran < timerBudget; ran++ {
		c := l.timers.wheel.take(l.clock.now)
		if c == nil {
			break
		}
		l.guard(c, c.look)
	}
	l.endRun(Timers, TimersEnded, ran)
}

// flush is the fifth phase, in which sockets are written to.
func (l *Loop) flush() {
	l.visitCarriers()
	dirty := &l.lists.dirty
	n := dirty.begin()
	for i := range n {
		l.checkWatchdog() // OnStall may write, and what is staged comes before that
		c, staged := dirty.next(i)
		if l.noted {
			l.flushNoted(c, staged)
		} else {
			c.flush(staged)
		}
	}
	dirty.end(n)
	if l.output.scarce {
		l.output.checkScarcity()
	}
}

// reap is the last phase, and the only one in which a connection's descriptor is closed:
// a number that is given back is given out again by the next accept.
func (l *Loop) reap() {
	for _, end := range l.closings.take() {
		l.guard(end.conn, end.notify)
		end.conn.closeNow(end.why)
	}
	l.listeners.reap()
	l.endPhase(ReapEnded)
}
