package eventloop

import (
	"time"
)

// lingering is what a connection is allowed after our half of it is shut. As few are
// in that state at a time, the loop has them, and not the connections.
type lingering struct {
	until time.Duration
	bytes int
}

// A closing is a connection that is to be closed, and why.
type closing struct {
	conn *Conn
	why  error
}

func (c *Conn) close(call string, linger bool) {
	c.loop.own(call)
	if !c.speaks() {
		return
	}
	c.linger = linger
	c.idleSince = 0
	c.become(Closing)
	c.dropInput()
	c.loop.touch(c)
}

// finish ends our half when all is written. A peer that has kept its promise to
// send nothing more needs no lingering; whether it has, the socket knows.
func (l *Loop) finish(c *Conn) {
	if c.ended || !c.linger && !c.readable {
		l.markClosed(c, nil)
		return
	}
	if err := l.kernel.Shutdown(int(c.fd)); err != nil {
		l.markClosed(c, err)
		return
	}
	c.become(Lingering)
	l.lingering[c] = lingering{until: l.until(l.limits.LingerTotal)}
	l.lingerOn(c)
	c.readable = true // there may be something from before
	l.queueAgain(c)
}

// lingerOn gives a lingering connection until its peer falls silent, or until
// it has lingered long enough.
func (l *Loop) lingerOn(c *Conn) {
	idle := l.limits.LingerIdle
	if l.stopping {
		idle = min(idle, time.Second)
	}
	c.deadline = min(l.until(idle), l.lingering[c].until)
	l.wheel.moved(c)
}

// discard reads and throws away, within the limits for lingering.
func (l *Loop) discard(c *Conn) {
	for c.readable {
		n := l.receive(c)
		if c.state != Lingering {
			return
		}
		left := l.lingering[c]
		left.bytes += n
		l.lingering[c] = left
		if c.ended || left.bytes > l.limits.LingerBytes {
			l.markClosed(c, nil)
			return
		}
		if n > 0 {
			l.lingerOn(c)
		}
	}
}

// markClosed takes a connection out of the conversation. The descriptor is closed
// when the turn ends, and not before: its number must not become another's
// while events for it may still be at hand.
func (l *Loop) markClosed(c *Conn, why error) {
	if c.state == Dead {
		return
	}
	if why == nil && c.tls != nil {
		why = c.tls.why
	}
	c.become(Dead)
	l.closing = append(l.closing, closing{c, why})
}

// notifyClosed tells the protocol that its connection is over, exactly once.
func (l *Loop) notifyClosed(d closing) {
	defer l.survive()
	l.checkWatchdog()
	l.current = d.conn
	d.conn.protocol.OnClose(d.conn, d.why)
	l.endCallback(d.conn)
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
	l.record(c.endKind(d.why), c, int64(c.fd))
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
