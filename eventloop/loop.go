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
	kernel bobbin.Kernel
	limits Limits
	kinds  []KindInfo // of the protocol's records

	// For any goroutine.
	mail   mailbox  // mailbox.go: the functions that were posted
	dog    watchdog // watchdog.go: its state
	report reporter // complain.go: the log

	// Everything below belongs to the loop's goroutine.
	owner    owner          // owner.go: the name of that goroutine
	clock    clock          // clock.go: the time of this turn
	events   []bobbin.Event // what the kernel reports at once
	attached map[int]func() // attach.go: descriptors that are no connections
	special  bool           // see Special
	reading  bool           // there is a reader of records: see reader.go
	noted    bool           // or something else for which turns are looked at

	embed      func() (*Conn, Protocol) // embed.go; nil if nothing is to have the connections
	conns      connTable                // table.go: connections by descriptor
	lists      worklists                // worklists.go: connections that the phases of a turn go through
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
	kernel := config.Kernel
	if kernel == nil {
		var err error
		if kernel, err = bobbin.Open(); err != nil {
			return nil, err
		}
		limits.afford(bobbin.Descriptors(), config.Loops)
	}
	l := &Loop{kernel: kernel, limits: limits, kinds: config.Kinds, events: make([]bobbin.Event, 256)}
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
		if err := l.turn(); err != nil {
			return fmt.Errorf("eventloop: %w", err)
		}
	}
	if l.Cut() > 0 {
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
	if l.noted {
		l.flushStamped()
	} else {
		l.flush()
	}
	l.reap()
	return nil
}

// wait is the first phase: it sleeps until there is something to do, and reads the
// clock.
func (l *Loop) wait() ([]bobbin.Event, error) {
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
	return l.events[:n], err
}

// dispatch is the second phase: it handles each ready connection and listener, then
// those with something left over from the last turn, then handshakes.
func (l *Loop) dispatch(events []bobbin.Event) {
	again, eager := l.lists.takeAgain(), l.listeners.takeEager()
	for n := 0; n < len(events); {
		n = l.dispatchEvents(events, n)
	}
	for n := 0; n < len(again); {
		n = l.dispatchAgain(again, n)
	}
	if len(again) > 0 {
		l.lists.reuseAgain(again)
	}
	for _, ln := range eager {
		ln.inAgain = false
		l.checkWatchdog()
		ln.accept()
		l.endAccept()
	}
	if l.handshakes.oldest != nil && l.handshakes.mayStep() {
		l.handshakes.step()
	}
}

// dispatchEvents handles the events from the n-th on and returns where to go on: at the
// end, or behind the connection whose protocol has panicked.
func (l *Loop) dispatchEvents(events []bobbin.Event, n int) (next int) {
	var c *Conn
	defer func() {
		if r := recover(); r != nil {
			l.onPanic(c, r)
		}
	}()
	for next = n; next < len(events); {
		l.checkWatchdog()
		ev := &events[next]
		next++
		if c = l.conns.at(ev.FD); c != nil {
			c.onReady(ev.Ready)
			l.endCallback(c)
			if l.lists.full() || l.output.scarce {
				l.flushEarly() // while their memory is warm, and before there is none
			}
		} else if ln := l.listeners.at(ev.FD); ln != nil {
			ln.ready = true
			ln.accept()
			l.endAccept()
		} else if ready := l.attached[ev.FD]; ready != nil {
			l.shield(ready)
			l.endCallback(nil)
		}
	}
	return next
}

// dispatchAgain is dispatchEvents for connections that have something left over.
func (l *Loop) dispatchAgain(again []*Conn, n int) (next int) {
	var c *Conn
	defer func() {
		if r := recover(); r != nil {
			l.onPanic(c, r)
		}
	}()
	for next = n; next < len(again); {
		l.checkWatchdog()
		c = again[next]
		next++
		c.handleLeftover()
		l.endCallback(c)
		if l.output.scarce {
			l.flushEarly()
		}
	}
	return next
}

// runPosted is the third phase, in which functions of other goroutines run. A function
// that is posted meanwhile belongs to the next turn.
func (l *Loop) runPosted() {
	l.onStops()
	if !l.mail.waiting.Load() {
		return
	}
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
	if !l.timers.due(&l.clock) {
		return
	}
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
	list := l.lists.takeDirty()
	for _, c := range list {
		c.dirty = false
		l.checkWatchdog()
		c.flush()
	}
	l.lists.reuseDirty(list)
	if l.output.scarce {
		l.output.checkScarcity()
	}
}

// reap is the last phase, and the only one in which a connection's descriptor is closed:
// a number that is given back is given out again by the next accept.
func (l *Loop) reap() {
	if !l.closings.any() && len(l.listeners.closed) == 0 {
		return
	}
	for _, end := range l.closings.take() {
		l.guard(end.conn, end.notify)
		end.conn.closeNow(end.why)
	}
	l.listeners.reap()
	l.endPhase(ReapEnded)
}
