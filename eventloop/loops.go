package eventloop

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/bobbin-http/bobbin"
)

// Loops are several loops in one process. They share nothing: each has a kernel, its
// listeners, its connections, its limits and a goroutine of its own, and no protocol
// need know that there are others. What a protocol shares with those of other loops,
// it has to protect.
//
// A connection stays on the loop that has begun it. Which one that is, the kernel
// decides where it can (see bobbin.ReusePort). Elsewhere, and on Unix sockets, the first
// loop accepts, and deals out to all in turn. While a callback holds a loop, the others
// accept in its place: see relieve.
type Loops []*Loop

// ListenAt is Loop.ListenAt for all of them: begin makes the beginning for each loop,
// by its number. It returns the listeners of the first loop; what is done to one of
// them concerns no other loop's.
func (ls Loops) ListenAt(s string, how bobbin.ListenOptions, begin func(loop int) func(*Conn) Protocol) ([]*Listener, error) {
	if len(ls) > 1 {
		how.ReusePort = bobbin.ReusePortFirst
	}
	opened, err := ls[0].ListenAt(s, how, begin(0))
	if err != nil {
		return nil, err
	}
	all := slices.Clone(opened)
	for _, first := range opened {
		group := &group{members: []*Listener{first}}
		for i, l := range ls[1:] {
			ln, err := first.addLoop(l, begin(i+1))
			if err != nil {
				for _, ln := range all {
					ln.Close()
				}
				return nil, fmt.Errorf("cannot listen on %s once more: %w", first.addr, err)
			}
			all = append(all, ln)
			group.members = append(group.members, ln)
		}
		for _, ln := range group.members {
			ln.group = group
		}
	}
	for _, l := range ls {
		l.dog.tell = func() { ls.relieve(l) }
	}
	return opened, nil
}

// addLoop opens a listener on another loop that gets its part of the connections.
func (ln *Listener) addLoop(l *Loop, begin func(*Conn) Protocol) (*Listener, error) {
	how := ln.how
	how.ReusePort = bobbin.ReusePortNext
	other, err := l.Listen(ln.addr, how, begin)
	if errors.Is(err, bobbin.ErrNotShared) {
		return ln.distributeTo(l, begin), nil
	}
	return other, err
}

// Run runs the loops, each on a goroutine of its own, until they have ended. If one
// fails, the others are stopped. It returns what is wrong with the first that failed,
// else ErrCut if something was cut off on any.
func (ls Loops) Run() error {
	ended := make(chan error)
	for _, l := range ls {
		go func() { ended <- l.Run() }()
	}
	var first error
	for range ls {
		err := <-ended
		if err != nil && err != ErrCut && (first == nil || first == ErrCut) {
			first = err
			for _, l := range ls {
				l.stopUnlessStopped()
			}
		} else if first == nil {
			first = err
		}
	}
	return first
}

// Stop stops each of them; see Loop.Stop. Any goroutine may call it.
func (ls Loops) Stop() {
	for _, l := range ls {
		l.Stop()
	}
}

// An acceptQueue is where connections lie that one loop has accepted for another, until
// that takes them, in place of a listening socket's queue: the listener that has it
// accepts from it. What the two loops share is this and no more.
type acceptQueue struct {
	room int // how many may lie here, beside the connections of the loop

	mu     sync.Mutex
	list   []arrival
	closed bool
}

// An arrival is a connection that no loop has begun.
type arrival struct {
	fd   int
	from netip.AddrPort
}

// put puts one in. It reports whether the basket had room and was open, else the
// descriptor is still the caller's; and whether it was empty, so that its owner has
// to be told.
func (b *acceptQueue) put(a arrival) (taken, first bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || len(b.list) >= b.room {
		return false, false
	}
	b.list = append(b.list, a)
	return true, len(b.list) == 1
}

// take takes one out, under the rules of Kernel.Accept.
func (b *acceptQueue) take() (int, netip.AddrPort, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.list) == 0 {
		return -1, netip.AddrPort{}, bobbin.ErrNotNow
	}
	a := b.list[0]
	b.list = b.list[1:]
	return a.fd, a.from, nil
}

// hasRoom reports whether put would take one.
func (b *acceptQueue) hasRoom() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.closed && len(b.list) < b.room
}

// close lets nothing more in.
func (b *acceptQueue) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
}

// distributeTo opens a listener on another loop that has a basket and no socket, and has ln
// deal connections out to it. Neither loop may run yet.
func (ln *Listener) distributeTo(l *Loop, begin func(*Conn) Protocol) *Listener {
	other := &Listener{loop: l, fd: -1, addr: ln.addr, how: ln.how, begin: begin, acceptQueue: &acceptQueue{room: l.limits.AcceptBatch}}
	other.onQueued = func() {
		other.ready = true
		l.guard(other.accept)
	}
	l.listeners = append(l.listeners, other)
	if ln.peers == nil {
		ln.peers = []*Listener{ln}
	}
	ln.peers = append(ln.peers, other)
	return other
}

// next returns which listener begins the connection that is accepted next: ln itself,
// or one of those to which it deals out. If none has room, it is ln, where the newcomer
// is admitted at the cost of another or not at all.
func (ln *Listener) next() *Listener {
	l := ln.loop
	if ln.peers == nil {
		return ln
	}
	for range ln.peers {
		to := ln.peers[ln.turn]
		if to == ln && l.open < l.limits.Conns || to != ln && !to.loop.held() && to.acceptQueue.hasRoom() {
			return to
		}
		ln.turn = (ln.turn + 1) % len(ln.peers)
	}
	return ln
}

// distribute has the listener that next returned begin a connection. If that has come to an
// end since, ln does: one more than its limit is better than one that is cut off.
func (ln *Listener) distribute(to *Listener, fd int, from netip.AddrPort) {
	if ln.peers != nil {
		ln.turn = (ln.turn + 1) % len(ln.peers)
	}
	if to == ln || !to.give(arrival{fd, from}) {
		ln.loop.begin(ln, fd, from)
	}
}

// give is called by another loop. It reports whether this one will begin the
// connection.
func (ln *Listener) give(a arrival) bool {
	taken, first := ln.acceptQueue.put(a)
	// One word is underway at a time, so that it need not count against the limit.
	// A loop that does not hear it any more looks into the accept queue when it shuts.
	if first && ln.loop.mail.put(ln.onQueued, false) == nil {
		_ = ln.loop.kernel.Wake() // one that has just ended needs none
	}
	return taken
}

// empty gives back what nobody will begin.
func (ln *Listener) empty() {
	ln.acceptQueue.close()
	for {
		fd, _, err := ln.acceptQueue.take()
		if err != nil {
			return
		}
		if err := ln.loop.kernel.Close(fd); err != nil {
			ln.loop.complain("close", err)
		}
	}
}

// A group is the listeners of several loops at one address. What is in it is set
// before they run.
type group struct {
	members []*Listener
	mu      sync.Mutex // held while a socket of a member is closed, and by loops that accept for it
}

// held reports whether the watchdog has caught a callback that still holds the loop.
// Any goroutine may call it.
func (l *Loop) held() bool { return l.dog.state.Load() == caught }

// reliefEvery is how often a loop looks for connections that wait for a loop that is
// held.
const reliefEvery = 10 * time.Millisecond

// relieve has the other loops accept what waits for one that is held. Its watchdog
// calls it.
func (ls Loops) relieve(held *Loop) {
	for _, l := range ls {
		if l != held && l.mail.put(l.relieve, false) == nil {
			_ = l.kernel.Wake() // one that has just ended needs none
		}
	}
}

// relieve accepts what waits for loops that are held, now and every now and then until
// none is. Their sockets are not watched for it: the kernel would wake all loops for
// each connection from then on.
func (l *Loop) relieve() {
	held := false
	for _, ln := range l.listeners {
		if ln.group == nil || ln.closed || l.stopping {
			continue
		}
		for _, other := range ln.group.members {
			if other != ln && other.loop.held() {
				held = true
				l.guard(func() { ln.acceptFor(other) })
			}
		}
	}
	if held && l.relief == nil {
		l.relief = l.After(reliefEvery, func() {
			l.relief = nil
			l.relieve()
		})
	}
}

// acceptFor takes what waits for another listener of the group, as much as there is
// room for in one turn.
func (ln *Listener) acceptFor(other *Listener) {
	l := ln.loop
	for n := l.limits.AcceptBatch; n > 0 && ln.pause == nil && l.open < l.limits.Conns+beyondConns; n-- {
		fd, from, err := ln.group.take(l.kernel, other)
		if err != nil {
			if err != bobbin.ErrNotNow {
				l.counters.AcceptErrors++
				l.complain("accept", err)
			}
			return
		}
		if !ln.admit(arrival{fd, from}) {
			return
		}
	}
}

// take takes one connection that waits for a listener of the group.
func (g *group) take(k bobbin.Kernel, from *Listener) (int, netip.AddrPort, error) {
	if from.acceptQueue != nil {
		return from.acceptQueue.take()
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if from.gone {
		return -1, netip.AddrPort{}, bobbin.ErrNotNow
	}
	return k.Accept(from.fd)
}

// closeSocket closes the listener's socket, when no other loop accepts from it.
func (ln *Listener) closeSocket() error {
	if g := ln.group; g != nil {
		g.mu.Lock()
		defer g.mu.Unlock()
		ln.gone = true
	}
	return ln.loop.kernel.Close(ln.fd)
}
