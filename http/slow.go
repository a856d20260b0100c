package http

import (
	"errors"
	"time"
)

// Clients that are slow to take an answer. The bytes that the peer has acknowledged are
// its progress, as far as the kernel tells: a socket takes megabytes for a peer that reads
// nothing, and nothing for a peer that reads slowly. Acknowledgements come in jumps: a
// client with a buffer of two megabytes that reads 20 kB a second takes two megabytes at
// once, and then nothing for a minute and a half. So acknowledged bytes earn time, as
// docs/limits.md describes.
//
// A small answer costs nothing of this. An answer above the high-water mark opens an
// account for its connection, and the first look comes after a quarter of SendTimeout.

// slow is the account of a connection whose client is slow.
type slow struct {
	acked int64         // acknowledged since the last look
	free  int64         // to be acknowledged before time is earned
	owed  int64         // not acknowledged at the last look
	left  time.Duration // of SendTimeout
	saved time.Duration // earned beyond that
	line  []byte        // the last request whose answer is owed, for Server.Cut
}

// restart begins anew, for a client that has taken all that it was owed.
func (a *slow) restart(l *Limits) {
	*a = slow{free: l.SendFree, left: l.SendTimeout, line: a.line}
}

// slowKept is the number of accounts that are kept to be used again.
const slowKept = 64

// looks is the number of looks at a slow client within SendTimeout.
const looks = 4

// watchSending begins to watch how the peer takes its answer.
func (c *conn) watchSending() {
	c.sendTimer = true
	c.mark(c.position())
	c.conn.SetDeadline(c.server.limits.lookEvery())
}

// checkSending is called when the deadline for an answer that is on its way is over. A
// peer that takes some of it has more time.
func (c *conn) checkSending() {
	if !c.sendTimer {
		c.watchSending()
	} else if !c.keepsUp() {
		c.conn.Abort(errStalled)
	}
}

// lookEvery is the time between two looks at a slow client.
func (l *Limits) lookEvery() time.Duration { return max(l.SendTimeout/looks, 1) }

// position counts the bytes that the peer has acknowledged, from an arbitrary beginning.
func (c *conn) position() int64 {
	p := -c.conn.Unsent()
	switch t := c.tunnel(); {
	case t != nil:
		p += t.sent
	case c.x != nil:
		p += c.x.response.sent
	}
	return p
}

// mark has progress count from a position on. A tunnel, of which there may be very many,
// moves the beginning that position counts from.
func (c *conn) mark(p int64) {
	if t := c.tunnel(); t != nil {
		t.sent -= p
		return
	}
	c.server.ackedAt[c] = p
}

// progress returns how many bytes the peer has acknowledged since mark was called, at a
// position.
func (c *conn) progress(p int64) int64 {
	if c.tunnel() == nil {
		p -= c.server.ackedAt[c]
	}
	return max(p, 0)
}

// tunnel returns the tunnel that has taken the connection over, or nil.
func (c *conn) tunnel() *Tunnel {
	if c.x != nil {
		t, _ := c.x.held.(*Tunnel)
		return t
	}
	t, _ := c.conn.Protocol().(*tunneling)
	return (*Tunnel)(t)
}

// owed returns the number of bytes that the peer has still to take. While an answer is
// made, or the connection seems to be idle, those in the kernel's buffers count.
func (c *conn) owed() int64 {
	if c.phase == betweenRequests || c.phase == answering {
		return c.conn.Unsent()
	}
	return c.conn.Buffered()
}

// account returns the account of the connection, and opens one if there is none.
func (c *conn) account() *slow {
	s := c.server
	a := s.slow[c]
	if a != nil {
		return a
	}
	if k := len(s.freeSlow); k > 0 {
		a = s.freeSlow[k-1]
		s.freeSlow = s.freeSlow[:k-1]
	} else {
		a = &slow{}
	}
	a.restart(&s.limits)
	a.line = a.line[:0]
	if s.slow == nil {
		s.slow = make(map[*conn]*slow)
	}
	s.slow[c] = a
	return a
}

// closeAccount ends the account of a connection whose client owes nothing or has left.
func (c *conn) closeAccount() {
	s := c.server
	a := s.slow[c]
	if a == nil {
		return
	}
	delete(s.slow, c)
	if len(s.freeSlow) < slowKept {
		s.freeSlow = append(s.freeSlow, a)
	}
}

// rememberRequest notes the request of a large answer, whose exchange is about to be
// given back.
func (c *conn) rememberRequest() {
	a := c.account()
	a.line = c.x.appendLine(a.line[:0])
}

// countAcked counts the acknowledged bytes before the next answer moves the beginning
// that position counts from. A client that waits for each answer before it asks again
// owes nothing by then, and is not slow.
func (c *conn) countAcked() {
	p, a := c.position(), c.account()
	if p == 0 {
		a.restart(&c.server.limits)
		return
	}
	a.acked += c.progress(p)
	c.mark(p)
}

// keepsUp reports whether the peer gets more time for its answer, after another quarter
// of SendTimeout. If so, it sets the next deadline. The time that was given counts, and
// not the time that has passed: when the machine slept, or the loop was held, the peer
// could not show its progress.
func (c *conn) keepsUp() bool {
	s := c.server
	l := &s.limits
	a := c.account()
	p := c.position()
	n := a.acked + c.progress(p)
	a.acked = 0
	c.mark(p)
	if !a.pay(n, l) {
		return false
	}
	a.owed = c.conn.Unsent()
	c.conn.SetDeadline(l.lookEvery())
	return true
}

// pay takes the time between two looks off the account of a peer that has taken n bytes meanwhile. It
// reports whether some is left.
func (a *slow) pay(n int64, l *Limits) bool {
	a.left = min(a.left+earned(n, l.MinRate, l.SendTimeout)-l.lookEvery(), l.SendTimeout)
	if n > 0 && n >= a.owed {
		a.left = l.SendTimeout // it has taken all that it was owed at the last look
	}
	a.earn(n, l)
	if a.left < 0 {
		a.saved, a.left = a.saved+a.left, 0
	}
	return a.left+a.saved > 0
}

// settle is pay for a peer that owes nothing any more. It keeps the time that it has earned.
func (a *slow) settle(n int64, l *Limits) {
	a.earn(n, l)
	a.owed, a.left = 0, l.SendTimeout
}

// earn saves the time that n more bytes are worth, behind those that earn none.
func (a *slow) earn(n int64, l *Limits) {
	free := min(n, a.free)
	a.free -= free
	a.saved = min(a.saved+earned(n-free, l.SendRate, l.SendSaved), l.SendSaved)
}

// earned is the time that n bytes are worth at a rate.
func earned(n, rate int64, most time.Duration) time.Duration {
	return time.Duration(min(float64(n)/float64(rate), most.Seconds()) * float64(time.Second))
}

// hasTakenAll is keepsUp for a peer that owes nothing at present, of an answer in pieces.
// The peer keeps the time that it has earned.
func (c *conn) hasTakenAll() {
	s := c.server
	l := &s.limits
	a := s.slow[c]
	p := c.position()
	if a == nil && c.progress(p) > l.SendFree {
		a = c.account()
	}
	if a != nil {
		a.settle(a.acked+c.progress(p), l)
		a.acked = 0
		c.mark(p)
	}
	c.sendTimer = true
	c.conn.SetDeadline(2 * l.lookEvery())
}

// errStalled is the reason for the reset of a connection whose peer takes nothing.
var errStalled = errors.New("http: the peer does not take its answer")
