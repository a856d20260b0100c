package eventloop

// How a connection leaves its loop for another owner, which waits for it on goroutines, in
// the way of package net. It leaves in reap, as it would be closed there: so no event for
// its number can still be at hand. The loop counts it until its owner has closed it.

import (
	"bytes"
	"errors"
	"net"

	"github.com/bobbin-http/bobbin"
)

// A Detached is a connection that has left its loop. Its owner closes it.
type Detached struct {
	// Conn is a *net.TCPConn or a *net.UnixConn, and over TLS a *tls.Conn above one of
	// them. Its deadlines are its owner's: there is none.
	Conn net.Conn

	// Rest has the bytes, in plain text, that were read and that the protocol has not
	// used. They come before those that Conn reads.
	Rest []byte
}

// Errors of Detach.
var (
	ErrDetachedFull = errors.New("eventloop: Limits.Detached connections have left the loop, and their owners have not closed them")
	ErrClosing      = errors.New("eventloop: the connection is being closed")

	// ErrStreamDetached says that a stream has no connection of its own.
	ErrStreamDetached = errors.New("eventloop: a stream has no connection of its own to give away: others are on it, too")
)

// Detachments are the connections of a loop that leave it, or have left it.
type detachments struct {
	leaving map[*Conn]departure // until reap
	gone    []goneConn
	clients Tally // of both, by client
	swept   int64 // when those that were closed were last taken out, in ticks + 1
}

// A departure is that of a connection that is about to leave.
type departure struct {
	client Client
	done   func(Detached, error)
}

// A goneConn is a connection that has left.
type goneConn struct {
	conn   net.Conn
	client Client
}

// Detach has the connection leave the loop when the kernel has taken all that was
// written. Until then it is read from no more, and the protocol's deadline holds. In
// reap of that turn, OnClose is called without a reason, and then done with the
// connection; or, when it has failed before that, with the error. So done is called
// exactly once, unless Detach itself returns an error. Bytes that come in the meantime
// stay in the kernel.
//
// A connection that has left no longer counts for Limits.Conns, a stop does not wait for
// it, and no deadline of the loop's holds for it. Limits.Detached bounds how many there
// are, of all clients and, above three quarters of it, of one.
func (c *Conn) Detach(done func(Detached, error)) error {
	l := c.loop
	l.owner.check("Conn.Detach")
	d := &l.closings.detached
	switch {
	case !c.canWrite():
		return ErrClosing
	case c.fd == noDescriptor:
		return ErrStreamDetached
	}
	client := c.Client()
	if !d.admits(l, client) {
		return ErrDetachedFull
	}
	d.clients.Add(client, 1)
	if d.leaving == nil {
		d.leaving = make(map[*Conn]departure)
	}
	d.leaving[c] = departure{client, done}
	c.closeMode = closeDetach
	c.idleSince, c.heldSince = 0, l.clock.tickNow()
	c.become(Closing)
	l.lists.markDirty(c)
	return nil
}

// leaves reports whether the connection is about to leave, with what was not used.
func (c *Conn) leaves() bool { return c.state == Closing && c.closeMode == closeDetach }

// admits reports whether one more connection of a client may leave. Those that were
// closed are looked for when there is no room, once in a tick.
func (d *detachments) admits(l *Loop, client Client) bool {
	most := int64(l.limits.Detached)
	if d.clients.Admits(client, most) {
		return true
	}
	if d.swept != l.clock.ticks+1 {
		d.swept = l.clock.ticks + 1
		d.sweep()
	}
	return d.clients.Admits(client, most)
}

// sweep takes out the connections that their owners have closed.
func (d *detachments) sweep() {
	open := d.gone[:0]
	for _, a := range d.gone {
		if bobbin.Closed(a.conn) {
			d.clients.Add(a.client, -1)
		} else {
			open = append(open, a)
		}
	}
	clear(d.gone[len(open):])
	d.gone = open
}

// Detached returns how many connections have left the loop, or are about to, and are not
// closed.
func (l *Loop) Detached() int {
	l.owner.check("Loop.Detached")
	l.closings.detached.sweep()
	return int(l.closings.detached.clients.Total())
}

// detachNow gives a connection to its new owner. It is called in reap.
func (c *Conn) detachNow() {
	l := c.loop
	d := Detached{Rest: bytes.Clone(c.Rest())}
	pipe := c.tls
	c.forget()
	conn, err := l.kernel.Detach(int(c.fd))
	if err != nil {
		l.record(FailedReset, c, int64(c.fd))
		l.report.complain("detach", err)
		c.notDetached(err)
		return
	}
	l.record(LeftLoop, c, int64(c.fd))
	leaves := l.closings.detached.leaving[c]
	delete(l.closings.detached.leaving, c)
	l.closings.detached.gone = append(l.closings.detached.gone, goneConn{conn, leaves.client})
	d.Conn = conn
	if pipe != nil {
		pipe.conn, pipe.below = nil, &below{conn}
		d.Conn = pipe.tls
	}
	l.guard(c, func() { leaves.done(d, nil) })
}

// notDetached tells the function that waits for a connection that it has failed, if one
// does.
func (c *Conn) notDetached(why error) {
	l := c.loop
	d := &l.closings.detached
	leaves, ok := d.leaving[c]
	if !ok {
		return
	}
	delete(d.leaving, c)
	d.clients.Add(leaves.client, -1)
	if why == nil {
		why = ErrClosing
	}
	l.guard(c, func() { leaves.done(Detached{}, why) })
}

// A below is what carries the TLS of a connection that has left its loop. crypto/tls
// still reads and writes its tlsPipe, which passes all on to it.
type below struct{ net.Conn }
