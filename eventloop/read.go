package eventloop

import (
	"io"

	"github.com/bobbin-http/bobbin"
)

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

// proceed takes what the peer says as far as it goes this turn.
func (l *Loop) proceed(c *Conn) {
	switch {
	case c.state == Lingering:
		l.discard(c)
		return
	case c.state > Open:
		return
	}
	if l.scarce {
		c.checkTotal()
	}
	for budget := l.limits.ReadBudget; c.readable && budget > 0 && !c.inAgain; {
		if !c.listens() {
			if c.hungUp {
				l.readWhilePaused(c)
			}
			return
		}
		p, n := l.read(c)
		if len(p) > 0 {
			l.hear(c, p)
		}
		if budget -= n; budget <= 0 && c.readable {
			l.queueAgain(c)
		}
	}
	if c.ended {
		l.tellEnd(c)
	}
}

// tellEnd tells the protocol that the peer has ended, once it has been shown
// everything.
func (l *Loop) tellEnd(c *Conn) {
	if !c.sentEOF && !c.inAgain && c.listens() {
		c.sentEOF = true
		if c.truncated() {
			c.Abort(ErrTruncated)
			return
		}
		c.protocol.OnEOF(c)
	}
}

// read takes what the socket has. It returns what the peer has said, in the loop's
// memory, and how many bytes it was on the way.
func (l *Loop) read(c *Conn) (p []byte, n int) {
	if c.tls == nil {
		n = l.receive(c)
		return l.scratch[:n], n
	}
	if c.tls.heard {
		c.readable = false // it has said that nothing more will come
		return nil, 0
	}
	if n = l.receive(c); n > 0 {
		p = l.decrypt(c, l.scratch[:n])
	}
	return p, n
}

// receive fills the loop's buffer from the socket and returns how much is in it.
// An end, an error and an empty socket are noted at the connection.
func (l *Loop) receive(c *Conn) int {
	n, err := l.kernel.Read(int(c.fd), l.scratch)
	if err != nil {
		switch {
		case err == bobbin.ErrNotNow:
			// Beside a hang-up, a count says nothing: the end may wait
			// behind it, and no event will tell.
			c.readable = n > 0 && c.hungUp
		case err == io.EOF:
			c.readable, c.ended, c.hungUp = false, true, false
		default:
			c.readable = false
			l.markClosed(c, err)
			return 0
		}
	}
	if n > 0 {
		l.recorder.put(Read, c.id, 0, int64(n))
	} else if err == bobbin.ErrNotNow {
		l.record(ReadNotNow, c, 0)
	}
	return n
}

// hear shows the protocol what has come, behind what it left over before, and
// keeps what it leaves over now.
func (l *Loop) hear(c *Conn, p []byte) {
	if c.in != nil {
		c.in.add(p)
		l.hearAgain(c)
		return
	}
	used := c.protocol.OnData(c, p)
	if used < len(p) && c.state <= Open {
		l.keep(c, p[used:])
		l.checkInputLimit(c)
	}
}

// keep puts p behind what has not been used yet.
func (l *Loop) keep(c *Conn, p []byte) {
	if c.in == nil {
		c.in = l.takeInput()
	}
	c.in.add(p)
}

// hearAgain shows the protocol what it left over.
func (l *Loop) hearAgain(c *Conn) {
	in := c.in
	used := c.protocol.OnData(c, in.rest())
	if c.in != in {
		return // closed meanwhile, and its memory given back
	}
	in.at += used
	if len(in.rest()) == 0 {
		c.dropInput()
		return
	}
	l.checkInputLimit(c)
}

// checkInputLimit ends a connection that holds more than it may.
func (l *Loop) checkInputLimit(c *Conn) {
	l.record(ReadPart, c, int64(len(c.in.rest())))
	if len(c.in.rest())-l.limits.ReadBudget > l.limits.Input {
		c.Abort(ErrInputFull)
	}
}

// readWhilePaused reads from a connection whose protocol wants to hear nothing at
// present but whose peer has ended or is gone: only reading tells which. What
// comes is kept, up to the limit.
func (l *Loop) readWhilePaused(c *Conn) {
	for c.readable && c.state <= Open {
		if c.in != nil && len(c.in.rest()) >= l.limits.Input {
			return // it is read further when the protocol has used some
		}
		if p, _ := l.read(c); len(p) > 0 {
			l.keep(c, p)
		}
	}
	if p, ok := c.protocol.(Backpressured); ok && c.ended && !c.sentEOF && c.speaks() {
		p.OnPeerClosed(c)
	}
}

// notifyDrain tells a protocol that waited for it that there is room.
func (l *Loop) notifyDrain(c *Conn) {
	c.drainDue = false
	if p, ok := c.protocol.(Backpressured); ok && c.speaks() {
		p.OnDrain(c)
	}
}

// listens reports whether the protocol may be shown something.
func (c *Conn) listens() bool {
	return c.state <= Open && !c.paused && !c.full
}

func (c *Conn) dropInput() {
	if c.in != nil {
		c.loop.giveInput(c.in)
		c.in = nil
	}
}
