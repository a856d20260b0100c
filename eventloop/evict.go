package eventloop

import (
	"cmp"
	"slices"
	"time"
)

// Which connection makes room for a newcomer? Below three quarters of Limits.Conns
// none has to. Beyond that the connections are counted by client, and a client that
// holds over a quarter of all there may be pays for its own newcomers. At the limit
// each newcomer costs one connection. As long as no client holds more than a few, that
// is the one that has been idle longest, if one has been for a second; if none has, it
// is one of a client that holds more than twice as many as the newcomer's. Else the client that holds most pays, or the
// newcomer's own if it holds half as many: by a connection that has been idle or has kept us waiting for a second,
// the longest first; else by one that has just become idle, whose next request may
// be on its way; and for another client's newcomer by any.
//
// If there is none to spare, the newcomer waits for a moment, and accepting with it:
// what is busy is mostly so for a moment only. Newcomers that follow within a second,
// of a client that holds more than a few, are refused: in the kernel's queue they
// would keep others waiting that stand behind them.

const (
	restedAfter = time.Second // from when on an idle connection is closed before others
	refusingFor = time.Second // after one newcomer found no room, the next does not wait for it
	few         = 4           // connections of one client, which a browser opens
	beyondConns = 16          // connections above Limits.Conns in one turn, as reap gives descriptors back
)

// A standing is how dispensable a connection is, the most dispensable first.
type standing uint8

const (
	rested  standing = iota // idle for a second
	stuck                   // has waited for a second for its peer to go on with a request, or lingers
	idle                    // not for long
	waiting                 // not for long
	busy                    // or with an answer that its peer has not taken
)

func (c *Conn) standing() standing {
	switch {
	case c.state == Lingering:
		return stuck
	case c.idleSince == 0 || c.idleSince > 0 && c.Buffered() > 0:
		return busy
	}
	young := int32(c.loop.ticks)+1-max(c.idleSince, -c.idleSince) < int32(restedAfter/tick)
	switch {
	case c.idleSince > 0 && young:
		return idle
	case c.idleSince > 0:
		return rested
	case young:
		return waiting
	}
	return stuck
}

// countIn counts a connection that was begun while there are many, after counting
// all others if that has not been done.
func (l *Loop) countIn(c *Conn) {
	if l.census != nil {
		l.census.Add(c.Client(), 1)
		return
	}
	l.takeCensus()
}

// takeCensus counts all connections by client.
func (l *Loop) takeCensus() {
	l.census = &Tally{}
	l.noteSpecial()
	for _, c := range l.conns {
		if c != nil {
			l.census.Add(c.Client(), 1)
		}
	}
}

// countOut is called when a connection is over. When half of Limits.Conns is free,
// nothing is counted any more.
func (l *Loop) countOut(c *Conn) {
	l.census.Add(c.Client(), -1)
	if l.crowdedAt > 0 && l.open <= l.limits.Conns/2 {
		l.census = nil
		l.noteSpecial()
		l.spares = spares{}
	}
}

// Special reports whether the loop is Stopping, Crowded or BeingRead, in one look.
func (l *Loop) Special() bool { return l.special }

// noteSpecial is called when one of these has changed.
func (l *Loop) noteSpecial() {
	l.special = l.stopping || l.census != nil || l.reading
}

// Crowded reports whether more than three quarters of Limits.Conns are in use, so
// that connections are counted by client.
func (l *Loop) Crowded() bool { return l.census != nil }

// Holds returns how many connections a client holds, and how many are open in all.
// It is 0 unless Crowded.
func (l *Loop) Holds(who Client) (n, of int) {
	if l.census == nil {
		return 0, l.open
	}
	return int(l.census.Of(who)), l.open
}

// admit reports whether there is room for a newcomer, after closing another for it
// where one has to go.
func (l *Loop) admit(who Client) bool {
	open := l.open - len(l.closing)
	if open < l.crowdedAt || l.census == nil && open < l.limits.Conns {
		return true
	}
	if l.census == nil {
		l.takeCensus() // where Conns is so small that three quarters are all of it
	}
	own := int(l.census.Of(who)) + 1
	payer, most := l.census.Most()
	switch {
	case l.overCap(who):
		return l.spare(who, idle)
	case open < l.limits.Conns:
		if who.Known() && own > max(l.limits.Conns/4, few) && own >= int(most) {
			l.spare(who, stuck) // or it may have one more
		}
		return true
	case own > few && 2*own >= int(most):
		return l.spare(who, idle)
	case int(most) > few:
		return l.spare(payer, busy)
	}
	return l.spare(anyClient, rested) || int(most) > 2*own && l.spare(payer, busy)
}

// overCap reports whether one more connection would be too many for a client.
func (l *Loop) overCap(who Client) bool {
	return l.limits.PerAddress > 0 && who.Known() && l.census.Of(who) >= int64(l.limits.PerAddress)
}

// mayWait reports whether a newcomer for which there was no room may wait at the door.
func (l *Loop) mayWait(who Client) bool {
	switch {
	case l.overCap(who):
		return false
	case !who.Known() || l.census.Of(who) < few:
		return true
	}
	waited := l.ticks < l.refusingUntil
	l.refusingUntil = l.ticks + int64(refusingFor/tick)
	return !waited
}

// turnAway resets a newcomer.
func (l *Loop) turnAway(who Client, fd int) {
	l.record(Refused, nil, 0)
	if err := l.kernel.Reset(fd); err != nil {
		l.complain("reset", err)
	}
	if skipped, ok := l.mayComplain("refused", l.now); ok {
		n, of := l.Holds(who)
		l.log.Warn("connections are refused: their client holds all that it may, and all are busy",
			"client", who, "holds", n, "of", of, "Conns", l.limits.Conns, "skipped", skipped)
	}
}

// spareOne closes a connection, for want of descriptors. It reports whether there was
// one that could be spared.
func (l *Loop) spareOne() bool {
	if l.census == nil {
		l.takeCensus()
	}
	payer, most := l.census.Most()
	if l.census.Clients() > 1 && most > few {
		return l.spare(payer, stuck)
	}
	return l.spare(anyClient, rested)
}

// spares are connections of one client, or of all, the most dispensable first, as they
// stood at a tick: so the table of connections is not walked for each newcomer.
type spares struct {
	payer Client
	at    int64
	list  []spareConn
	more  bool // there were more than sparesKept
}

// sparesKept is how many are kept of one walk.
const sparesKept = 256

// A spareConn is one of them, as it stood when the table was walked.
type spareConn struct {
	conn     *Conn
	standing standing
	since    int32 // as Conn.idleSince has it
}

// anyClient, as a payer, stands for all. No client has the address 100::, from which
// nothing is ever sent (RFC 6666).
var anyClient = Client{1}

// spare closes the most dispensable connection of a client, none that is less so than
// a standing says. It reports whether there was one.
func (l *Loop) spare(payer Client, most standing) bool {
	s := &l.spares
	if s.payer != payer || s.at != l.ticks || s.more && len(s.list) == 0 {
		l.findSpares(payer)
	}
	for len(s.list) > 0 && s.list[0].standing <= most {
		one := s.list[0]
		s.list = s.list[1:]
		c := one.conn
		if c.state != Dead && c.idleSince == one.since && (payer == anyClient || c.Client() == payer) {
			l.evict(c, one.standing)
			return true
		}
	}
	return false
}

// findSpares walks the table of connections.
func (l *Loop) findSpares(payer Client) {
	var list []spareConn
	for _, c := range l.conns {
		if c == nil || c.state == Dead || payer != anyClient && c.Client() != payer {
			continue
		}
		list = append(list, spareConn{c, c.standing(), c.idleSince})
	}
	slices.SortFunc(list, func(a, b spareConn) int {
		return cmp.Or(cmp.Compare(a.standing, b.standing), cmp.Compare(max(a.since, -a.since), max(b.since, -b.since)), cmp.Compare(a.conn.id, b.conn.id))
	})
	more := len(list) > sparesKept
	if more {
		list = slices.Clone(list[:sparesKept])
	}
	l.spares = spares{payer, l.ticks, list, more}
}

// evict closes a connection whose room is needed.
func (l *Loop) evict(c *Conn, s standing) {
	switch {
	case s == busy:
		c.reset = true
	case c.tls != nil && c.idleSince > 0 && c.state == Open:
		l.sendCloseNotify(c)
		l.write(c) // which the socket takes at once, or not at all
	}
	if skipped, ok := l.mayComplain("crowded", l.now); ok {
		n, of := l.Holds(c.Client())
		l.log.Warn("connections are closed to make room for others", "client", c.Client(),
			"holds", n, "of", of, "Conns", l.limits.Conns, "skipped", skipped)
	}
	if c.state == Lingering {
		c.end = ClosedEvicted
		l.markClosed(c, nil)
		return
	}
	l.markClosed(c, ErrEvicted)
}
