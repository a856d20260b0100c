package eventloop

import "time"

// Watching a loop is work, too: a page that shows it, and a program that collects its
// figures, have connections, and make turns. They are left out of the figures, so that
// those are what clients did.
//
// Nothing on the way of a request asks for that. What a connection has recorded is taken
// back when it leaves, and after each turn in which it did something.

// Whether a connection is in the figures of its loop: Conn.figures.
const (
	figuresCount   = iota
	figuresLeftOut // its present or latest request is left out
	figuresMay     // a request has begun that counts, unless it leaves, too
)

// A leftOut is a connection that is left out.
type leftOut struct {
	conn    *Conn
	counted bool   // as a connection: requests before counted
	done    bool   // the request is answered
	from    uint32 // the first request that is left out
}

// leaving is what a recorder needs for it.
type leaving struct {
	leftOuts   []leftOut // few: those that watch
	inCallback bool      // the callback that runs is left out
	touched    bool      // there may be records to take back
	skipped    int       // functions of this phase that are left out
	settled    uint64    // the first record that was not looked at for it
	watched    bool      // something in this turn is left out
	clients    bool      // something in this turn is not
	turnRecord uint64    // the number of the turn's first record
	shown      *Counters // what Counters has returned, once something may be taken back
}

// none is the number of no record. Hidden is the kind of a record that was taken back.
const (
	none        = ^uint64(0)
	hidden Kind = kindSpace - 1
)

// LeaveOut leaves a request, and its connection, out of all counters and records, until
// CountIn. Request is its number as in records. If all requests before are left out, too,
// so is the connection itself: its acceptance is taken back, and its end will not count.
//
// It must be called on the loop's goroutine, while the request is being handled.
func (c *Conn) LeaveOut(request uint32) {
	c = c.whole()
	l := c.loop
	l.owner.check("Conn.LeaveOut")
	r := &l.recorder
	r.inCallback, r.touched, r.watched = l.reading, true, true
	if c.figures == figuresLeftOut {
		return
	}
	if r.shown == nil {
		r.shown = new(Counters)
	}
	since := l.clock.now
	e := r.leftOut(c)
	switch {
	case e == nil:
		if len(r.leftOuts) == 0 {
			r.settled = min(r.turnRecord, r.next)
		}
		r.leftOuts = append(r.leftOuts, leftOut{conn: c, counted: request > 1})
		e = &r.leftOuts[len(r.leftOuts)-1]
		l.noteReading()
		if !e.counted {
			since = 0
		}
	case !e.counted:
		r.countAccepted(c, -1)
	}
	e.from, e.done, c.figures = request, false, figuresLeftOut
	if found := r.takeBack(e, since); since == 0 && !found {
		r.countAccepted(c, -1)
	}
}

// CountIn is called when a request has begun on a connection that may be left out. Unless
// LeaveOut is called for it, too, it counts, and so does the connection.
func (c *Conn) CountIn() {
	c = c.whole()
	if c.figures != figuresLeftOut {
		return
	}
	l := c.loop
	l.owner.check("Conn.CountIn")
	l.settle()
	c.figures = figuresMay
	if e := l.recorder.leftOut(c); e != nil && !e.counted {
		l.recorder.countAccepted(c, 1)
	}
}

// CountDone is called when a request is answered on a connection that may be left out. It
// reports whether the request counts.
func (c *Conn) CountDone() bool {
	c = c.whole()
	switch c.figures {
	case figuresLeftOut:
		if e := c.loop.recorder.leftOut(c); e != nil {
			e.done = true
		}
		return false
	case figuresMay:
		c.countAgain()
	}
	return true
}

// countAgain is called when nothing more of the connection is left out.
func (c *Conn) countAgain() {
	c.figures = figuresCount
	c.loop.recorder.forget(c)
	c.loop.noteReading()
}

// LeftOut reports whether the connection is left out of all figures.
func (c *Conn) LeftOut() bool { return c.whole().figures == figuresLeftOut }

// LeaveOut leaves the callback that runs now out of all figures: that of a timer or a
// posted function that watches the loop. It must be called once in each, on the loop's
// goroutine.
func (l *Loop) LeaveOut() {
	l.owner.check("Loop.LeaveOut")
	r := &l.recorder
	r.inCallback = l.reading
	if l.noted {
		r.watched = true
		r.skipped++
	}
}

// leaveOutCallback is stampCallback for one that is left out. Its time is taken out of
// that of its phase, except for followers, who see the phase as it was.
func (l *Loop) leaveOutCallback() {
	r := &l.recorder
	r.inCallback, r.handlerEnded, r.touched, r.watched = false, false, true, true
	if !r.timed {
		return
	}
	r.at = l.kernel.Monotonic()
	took := r.at - r.callbackAt
	r.callbackAt = r.at
	r.counters[LeftOut].add(int64(took))
	if !r.following() {
		r.phaseAt += took
		r.turnAt += took
	}
}

// leftOut returns what is known of a connection that is left out, nil of one that is not.
func (s *leaving) leftOut(c *Conn) *leftOut {
	for i := range s.leftOuts {
		if s.leftOuts[i].conn == c {
			return &s.leftOuts[i]
		}
	}
	return nil
}

// openLeftOut returns how many connections are open that are left out.
func (l *Loop) openLeftOut() int {
	n := 0
	for i := range l.recorder.leftOuts {
		if c := l.recorder.leftOuts[i].conn; c.figures == figuresLeftOut && l.conns.at(int(c.fd)) == c {
			n++
		}
	}
	return n
}

// forget takes a connection off the list.
func (s *leaving) forget(c *Conn) {
	for i := range s.leftOuts {
		if s.leftOuts[i].conn == c {
			last := len(s.leftOuts) - 1
			s.leftOuts[i] = s.leftOuts[last]
			s.leftOuts[last] = leftOut{}
			s.leftOuts = s.leftOuts[:last]
			return
		}
	}
}

// countAccepted counts the acceptance of a connection once more, or once less.
func (r *recorder) countAccepted(c *Conn, by int64) {
	r.counters[Accepted].N += uint64(by)
	r.counters[Accepted].Sum += by * int64(c.fd)
}

// takeBack takes back the records of a connection, as far as they are in the ring and not
// before a time. It reports whether that of its acceptance was among them.
func (r *recorder) takeBack(e *leftOut, since time.Duration) (accepted bool) {
	for n := r.next; n > 0 && r.next-n < ringSize; n-- {
		to := &r.ring[(n-1)%ringSize]
		if to.At < since {
			return accepted
		}
		if to.Conn == e.conn.id {
			accepted = accepted || to.Kind == Accepted
			r.drop(to, e)
		}
	}
	return accepted
}

// drop takes a record back, unless it is of what counts.
func (r *recorder) drop(to *Record, e *leftOut) {
	if to.Request != 0 && to.Request < e.from || e.counted && ofConn(to.Kind) {
		return
	}
	r.uncount(to)
}

// ofConn reports whether a kind is of a connection as a whole, not of what is said on it.
func ofConn(kind Kind) bool {
	switch kind {
	case Accepted, StateChange, TLSHandshake, TLSResumed:
		return true
	}
	return kind >= ClosedDone && kind <= LeftLoop
}

// uncount takes a record back.
func (r *recorder) uncount(to *Record) {
	if to.Kind == hidden {
		return
	}
	c := &r.counters[to.Kind%kindSpace]
	c.N--
	c.Sum -= to.Arg
	to.Kind = hidden
}

// settle takes back what connections that are left out have recorded since it was last
// called, and forgets those that are closed.
func (l *Loop) settle() {
	if l.recorder.touched {
		l.settleTouched()
	}
}

func (l *Loop) settleTouched() {
	r := &l.recorder
	from := r.settled
	r.settled, r.touched = r.next, false
	if len(r.leftOuts) == 0 {
		return
	}
	for n := max(from, max(r.next, ringSize)-ringSize); n < r.next; n++ {
		to := &r.ring[n%ringSize]
		if to.Conn != 0 {
			r.settleOne(to)
		}
		if n >= r.turnRecord && (to.Conn != 0 && to.Kind != hidden || to.Kind == Posted || to.Kind == Timers) {
			r.clients = true
		}
	}
	for i := len(r.leftOuts) - 1; i >= 0; i-- {
		if c := r.leftOuts[i].conn; l.conns.at(int(c.fd)) != c {
			r.forget(c)
			l.noteReading()
		}
	}
}

// settleOne takes a record back if it is of a connection that is left out.
func (r *recorder) settleOne(to *Record) {
	for i := range r.leftOuts {
		if e := &r.leftOuts[i]; e.conn.id == to.Conn && e.conn.figures == figuresLeftOut {
			r.watched = true
			r.drop(to, e)
		}
	}
}

// notePeers is called when a turn begins, while something is left out and there is no reader.
// An event for a connection that is left out may make no record, and neither may what it left
// over.
func (l *Loop) notePeers(events int) {
	r := &l.recorder
	r.watched = events == 0 // unless there are records of others
	if events > len(r.leftOuts) {
		return // some are for others
	}
	for _, ev := range l.ready.events[:events] {
		if c := l.conns.at(ev.FD); c != nil && c.figures == figuresLeftOut {
			r.watched = true
		}
	}
}

// endLeaving is called at the end of a turn while something is left out. Without a reader,
// callbacks are not looked at, so that it has to look for their records. A connection that
// counts, and of which one request was left out, counts again when that is answered.
func (l *Loop) endLeaving() {
	if l.recorder.touched || !l.reading {
		l.settleTouched()
	}
	list := l.recorder.leftOuts
	for i := len(list) - 1; i >= 0; i-- {
		if e := &list[i]; e.counted && e.done {
			e.conn.countAgain()
		}
	}
}

// hideTurn takes back the record of a turn in which nothing was done but what is left out,
// and hides those of its phases: they took the time that is counted.
func (r *recorder) hideTurn() {
	if r.turnRecord == none {
		return
	}
	for n := max(r.turnRecord, max(r.next, ringSize)-ringSize); n < r.next; n++ {
		switch to := &r.ring[n%ringSize]; {
		case to.Kind == Turn:
			r.uncount(to)
		case to.Kind >= WaitEnded && to.Kind <= ReapEnded:
			to.Kind = hidden
		}
	}
}
