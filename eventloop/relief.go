package eventloop

import (
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/bobbin-http/bobbin"
)

// A group is the listeners of several loops at one address. Its members are set
// before the loops run.
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

// relieve has the other loops accept connections that wait for one that is held. Its watchdog
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
	for _, ln := range l.listeners.all {
		if ln.group == nil || ln.closed || l.stop.begun {
			continue
		}
		for _, other := range ln.group.members {
			if other != ln && other.loop.held() {
				held = true
				ln.acceptFor(other)
			}
		}
	}
	if held && l.listeners.relief == nil {
		l.listeners.relief = l.After(reliefEvery, func() {
			l.listeners.relief = nil
			l.relieve()
		})
	}
}

// acceptFor takes what waits for another listener of the group, as much as there is
// room for in one turn.
func (ln *Listener) acceptFor(other *Listener) {
	l := ln.loop
	for n := l.limits.AcceptBatch; n > 0 && ln.pause == nil && l.conns.open < l.limits.Conns+beyondConns; n-- {
		fd, from, err := ln.group.take(l.kernel, other)
		if err != nil {
			if err != bobbin.ErrNotNow {
				l.record(AcceptFailed, nil, 2)
				l.report.complain("accept", err)
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

// closeSocket closes the listener's descriptor, when no other loop accepts from it. The
// socket stays open if it has others.
func (ln *Listener) closeSocket() error {
	if g := ln.group; g != nil {
		g.mu.Lock()
		defer g.mu.Unlock()
	}
	ln.open.Lock()
	defer ln.open.Unlock()
	ln.gone = true
	k := ln.loop.kernel
	return errors.Join(k.Unwatch(ln.fd), k.Close(ln.fd))
}
