package eventloop

import (
	"fmt"
	"net/netip"
)

// A panic of a protocol costs its connection, and no other; a panic in another function
// of the program's, such as one that was posted, costs what that had still to do.

// Guard calls a function of the program's that is about the connection, from where the
// loop does not know that: a panic in it is logged and costs the connection.
func (c *Conn) Guard(f func()) {
	l := c.loop
	l.owner.check("Conn.Guard")
	defer func() {
		if r := recover(); r != nil {
			l.onPanic(c, r)
		}
	}()
	f()
}

// shield calls a function of the program's that is about no connection.
func (l *Loop) shield(f func()) {
	defer l.recovered()
	f()
}

// recovered, deferred, logs a panic that ends here.
func (l *Loop) recovered() {
	if r := recover(); r != nil {
		l.record(Panicked, nil, 0)
		l.LogPanic("panic in a function that was given to the loop", r)
		l.endCallback(nil)
	}
}

// shieldProxies returns Config.Proxies such that a panic in it stands for no.
func (l *Loop) shieldProxies(is func(netip.Addr) bool) func(netip.Addr) bool {
	if is == nil {
		return nil
	}
	return func(a netip.Addr) bool {
		defer l.recovered()
		return is(a)
	}
}

// runFrom runs posted functions from the n-th on and returns where to go on: at the end,
// or behind the one that has panicked.
func (l *Loop) runFrom(list []func(), n int) (next int) {
	defer l.recovered()
	for next = n; next < len(list); {
		f := list[next]
		list[next] = nil
		next++
		l.checkWatchdog()
		f()
		l.endCallback(nil)
		if l.output.scarce {
			l.flush()
		}
	}
	return next
}

// recoverDispatch, deferred, ends the connection whose protocol has panicked at its event. What
// else runs in dispatch recovers by itself.
func (l *Loop) recoverDispatch() {
	if p := recover(); p != nil {
		var c *Conn
		if r := &l.ready; r.next > 0 {
			c = l.conns.at(r.events[r.next-1].FD)
		}
		l.onPanic(c, p)
	}
}

// dispatchAgain handles connections that have something left over, until there is none or
// the protocol of one has panicked.
func (l *Loop) dispatchAgain() {
	var c *Conn
	defer func() {
		if r := recover(); r != nil {
			l.onPanic(c, r)
		}
	}()
	for l.lists.due > 0 {
		l.checkWatchdog()
		c = l.lists.nextAgain()
		c.handleLeftover()
		l.endCallback(c)
		if l.output.scarce {
			l.flush()
		}
	}
}

// guard calls f, which may call the connection's protocol. A panic in it costs that
// connection and no other.
func (l *Loop) guard(c *Conn, f func()) {
	defer func() {
		if r := recover(); r != nil {
			l.onPanic(c, r)
		}
	}()
	l.checkWatchdog()
	f()
	l.endCallback(c)
}

// onPanic ends the connection whose protocol has panicked. With no connection the
// mistake is ours, and the panic goes on.
func (l *Loop) onPanic(c *Conn, value any) {
	l.record(Panicked, c, 0)
	l.LogPanic("panic", value, c.about()...)
	l.endCallback(c)
	if c == nil {
		panic(value)
	}
	if c.state != Dead {
		c.reset(fmt.Errorf("%w: %v", errPanic, value))
	}
}

// An Informer is a Protocol that knows what its connection is about, for the line in the
// log when it has panicked.
type Informer interface {
	// About returns pairs of log/slog, such as the request and its route.
	About() []any
}

// about returns what the protocol says of the connection, nil if there is neither.
func (c *Conn) about() []any {
	if c == nil {
		return nil
	}
	defer c.loop.recovered()
	if p, ok := c.protocol.(Informer); ok {
		return p.About()
	}
	return nil
}
