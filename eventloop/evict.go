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
// is one of a client that holds more than twice as many as the newcomer's. Else the
// client that holds most pays, or the newcomer's own if it holds half as many: with a
// connection that has been idle or has kept us waiting for a second, the longest
// first; else with one that has just become idle, though its next request may be on
// its way; and for another client's newcomer with any.
//
// If there is none to spare, the newcomer waits for a moment, and accepting with it,
// because most connections are busy for a moment only. Newcomers that follow within a
// second, of a client that holds more than a few, are refused: in the kernel's queue
// they would delay those behind them.

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
	young := int32(c.loop.clock.ticks)+1-max(c.idleSince, -c.idleSince) < int32(restedAfter/tick)
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

// An eviction decides which connection makes room for a newcomer, and which newcomer
// gets none.
type eviction struct {
	loop          *Loop
	crowdedAt     int    // open connections beyond which the census is taken
	census        *Tally // of connections by client, while they are many; nil otherwise
	spares        spares
	refusingUntil int64 // in ticks; until then a newcomer for which there is no room does not wait
}

func (e *eviction) init(l *Loop) {
	e.loop = l
	e.crowdedAt = l.limits.crowdedAt()
}

// crowdedAt returns the number of open connections beyond which the census is taken.
func (l *Limits) crowdedAt() int {
	if l.PerAddress > 0 {
		return 0
	}
	return l.Conns - l.Conns/4
}

// takeLimits begins or ends the census, as the limits of now ask for.
func (e *eviction) takeLimits() {
	e.crowdedAt = e.loop.limits.crowdedAt()
	switch open := e.loop.conns.open; {
	case open > e.crowdedAt && e.census == nil:
		e.takeCensus()
	case open <= e.crowdedAt && e.census != nil:
		e.census = nil
		e.loop.noteSpecial()
		e.spares = spares{}
	}
}

// countIn counts a connection that was begun while there are many, after counting
// all others if that has not been done.
func (e *eviction) countIn(c *Conn) {
	switch {
	case e.loop.conns.open <= e.crowdedAt:
	case e.census == nil:
		e.takeCensus()
	default:
		e.census.Add(c.Client(), 1)
	}
}

// takeCensus counts all connections by client.
func (e *eviction) takeCensus() {
	e.census = &Tally{}
	e.loop.noteSpecial()
	for c := range e.loop.conns.all() {
		e.census.Add(c.Client(), 1)
	}
}

// countOut is called when a connection is over. When half of Limits.Conns is free,
// nothing is counted any more.
func (e *eviction) countOut(c *Conn) {
	if e.census == nil {
		return
	}
	l := e.loop
	e.census.Add(c.Client(), -1)
	if e.crowdedAt > 0 && l.conns.open <= l.limits.Conns/2 {
		e.census = nil
		l.noteSpecial()
		e.spares = spares{}
	}
}

// recount is called when a connection is accounted to another client.
func (e *eviction) recount(before, after Client) {
	if e.census != nil {
		e.census.Add(before, -1)
		e.census.Add(after, 1)
	}
}

// Special reports whether the loop is Stopping, Crowded or BeingRead, or a connection is left
// out, in one look.
func (l *Loop) Special() bool { return l.special }

// noteSpecial is called when one of these has changed.
func (l *Loop) noteSpecial() {
	l.special = l.stop.begun || l.eviction.census != nil || l.reading || len(l.recorder.leftOuts) > 0
}

// Crowded reports whether more than three quarters of Limits.Conns are in use, so
// that connections are counted by client.
func (l *Loop) Crowded() bool { return l.eviction.census != nil }

// Holds returns how many connections a client holds, and how many are open in all.
// It is 0 unless Crowded.
func (l *Loop) Holds(who Client) (n, of int) {
	if l.eviction.census == nil {
		return 0, l.conns.open
	}
	return int(l.eviction.census.Of(who)), l.conns.open
}

// admit reports whether there is room for a newcomer, after closing another for it
// where one has to go.
func (e *eviction) admit(who Client) bool {
	open := e.loop.conns.open - len(e.loop.closings.due)
	if open < e.crowdedAt || e.census == nil && open < e.loop.limits.Conns {
		return true
	}
	if e.census == nil {
		e.takeCensus() // where Conns is so small that three quarters are all of it
	}
	own := int(e.census.Of(who)) + 1
	payer, most := e.census.Most()
	switch {
	case e.overCap(who):
		return e.spare(who, idle)
	case open < e.loop.limits.Conns:
		if who.Known() && own > max(e.loop.limits.Conns/4, few) && own >= int(most) {
			e.spare(who, stuck) // or it may have one more
		}
		return true
	case own > few && 2*own >= int(most):
		return e.spare(who, idle)
	case int(most) > few:
		return e.spare(payer, busy)
	}
	return e.spare(anyClient, rested) || int(most) > 2*own && e.spare(payer, busy)
}

// overCap reports whether one more connection would be too many for a client.
func (e *eviction) overCap(who Client) bool {
	return e.loop.limits.PerAddress > 0 && who.Known() && e.census.Of(who) >= int64(e.loop.limits.PerAddress)
}

// admitAs is admit for a connection that is there already and turns out to be a client's.
func (e *eviction) admitAs(who Client) bool {
	return !e.overCap(who) || e.spare(who, idle)
}

// mayWait reports whether a newcomer for which there was no room may wait at the door.
func (e *eviction) mayWait(who Client) bool {
	switch {
	case e.overCap(who):
		return false
	case !who.Known() || e.census.Of(who) < few:
		return true
	}
	waited := e.loop.clock.ticks < e.refusingUntil
	e.refusingUntil = e.loop.clock.ticks + int64(refusingFor/tick)
	return !waited
}

// turnAway resets a newcomer.
func (e *eviction) turnAway(who Client, fd int) {
	e.loop.record(Refused, nil, 0)
	if err := e.loop.kernel.Reset(fd); err != nil {
		e.loop.report.complain("reset", err)
	}
	if skipped, ok := e.loop.report.allow("refused", e.loop.clock.now); ok {
		n, of := e.loop.Holds(who)
		e.loop.report.log.Warn("connections are refused: their client holds all that it may, and all are busy",
			"client", who, "holds", n, "of", of, "Conns", e.loop.limits.Conns, "skipped", skipped)
	}
}

// spareOne closes a connection, for want of descriptors. It reports whether there was
// one that could be spared.
func (e *eviction) spareOne() bool {
	if e.census == nil {
		e.takeCensus()
	}
	payer, most := e.census.Most()
	if e.census.Clients() > 1 && most > few {
		return e.spare(payer, stuck)
	}
	return e.spare(anyClient, rested)
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
func (e *eviction) spare(payer Client, most standing) bool {
	s := &e.spares
	if s.payer != payer || s.at != e.loop.clock.ticks || s.more && len(s.list) == 0 {
		e.findSpares(payer)
	}
	for len(s.list) > 0 && s.list[0].standing <= most {
		one := s.list[0]
		s.list = s.list[1:]
		c := one.conn
		if c.state != Dead && c.idleSince == one.since && (payer == anyClient || c.Client() == payer) {
			e.evict(c, one.standing)
			return true
		}
	}
	return false
}

// findSpares walks the table of connections.
func (e *eviction) findSpares(payer Client) {
	var list []spareConn
	for c := range e.loop.conns.all() {
		if c.state == Dead || payer != anyClient && c.Client() != payer {
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
	e.spares = spares{payer, e.loop.clock.ticks, list, more}
}

// evict closes a connection whose room is needed.
func (e *eviction) evict(c *Conn, s standing) {
	l := e.loop
	switch {
	case s == busy:
		c.closeMode = closeReset
	case c.idleSince > 0 && c.state == Open:
		c.sendEnd()
	}
	if skipped, ok := l.report.allow("crowded", l.clock.now); ok {
		n, of := l.Holds(c.Client())
		l.report.log.Warn("connections are closed to make room for others", "client", c.Client(),
			"holds", n, "of", of, "Conns", l.limits.Conns, "skipped", skipped)
	}
	if c.state == Lingering {
		c.end = ClosedEvicted
		c.markClosed(nil)
		return
	}
	c.markClosed(ErrEvicted)
}
