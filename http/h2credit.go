package http

import (
	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// What a client of HTTP/2 may send: the windows of its bodies.

// An h2Credit is what the client may send on the whole connection.
type h2Credit struct {
	window int64 // bytes that it may still send
	size   int64 // of the window when nothing is on its way; 0 until a body has come
	used   int64 // bytes that were used and not given back
}

// begin makes room for Limits.ConnWindow when the first body comes, so that one that waits leaves room
// for others.
func (k *h2Credit) begin(p *h2Conn) {
	l := &p.server.limits
	k.size = h2.DefaultWindow
	if more := int64(l.ConnWindow) - k.size; more > 0 && p.server.h2Kept < l.BodiesTotal/2 {
		k.size += more
		k.window += more
		p.write(h2.AppendWindowUpdate(p.server.h2Frame[:0], 0, uint32(more)))
	}
}

// give notes that n bytes were used.
func (k *h2Credit) give(n int64) { k.used += n }

// due reports whether a window update is due: when half of the window was used.
func (k *h2Credit) due() bool { return k.used > 0 && 2*k.used >= max(k.size, h2.DefaultWindow) }

// isShut reports whether the client may send nothing of any body, because handlers have not read what
// has come of others. The time until it may is not the client's: see conn.awaitPiece.
func (k *h2Credit) isShut() bool { return k.window <= 0 }

// restartWaits begins the waits for pieces of bodies anew, because the window of the connection was
// shut or opened.
func (p *h2Conn) restartWaits() {
	for one := range p.carried.All() {
		c := &one.Of.(*h2Stream).conn
		if c.phase != inBody {
			continue
		}
		if x := c.x; p.credit.isShut() {
			x.pace.earn(0, p.server.elapsed(), &x.limits)
		} else {
			x.pace.since = p.server.elapsed()
		}
		c.awaitPiece()
	}
}

// giveConn gives back what was used, and makes the window larger while bodies do not take too
// much memory.
func (k *h2Credit) giveConn(p *h2Conn) {
	l := &p.server.limits
	wasShut := k.isShut()
	n := k.used
	k.used = 0
	if size := max(k.size, h2.DefaultWindow); size < int64(l.ConnWindowMost) && p.server.h2Kept < l.BodiesTotal/2 {
		k.size = min(max(2*size, int64(l.ConnWindow)), int64(l.ConnWindowMost))
		n += k.size - size
	}
	k.window += n
	p.write(h2.AppendWindowUpdate(p.server.h2Frame[:0], 0, uint32(n)))
	if wasShut {
		p.restartWaits()
	}
}

// giveCredit gives back what the handler has used of the stream's window, when that is half of
// it. A handler that has read all that came, and a client that sends as much as it may, have a
// larger window from then on.
func (s *h2Stream) giveCredit() {
	p := s.on
	if s.heard || 2*s.used < s.most || s.finished && max(s.thrown, s.length) > p.server.limits.Discard {
		return
	}
	l := &p.server.limits
	n := s.used
	s.used = 0
	if s.owed == 0 && !s.finished && s.most < int64(l.StreamWindowMost) && p.server.h2Kept < l.BodiesTotal/2 {
		more := min(s.most, int64(l.StreamWindowMost)-s.most)
		s.most += more
		n += more
	}
	s.credit += n
	p.write(h2.AppendWindowUpdate(p.server.h2Frame[:0], s.id, uint32(n)))
}
