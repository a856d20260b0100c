package eventloop

import "fmt"

// A panic of a protocol costs its connection, and no other.

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
	if p, ok := c.protocol.(Informer); ok {
		return p.About()
	}
	return nil
}
