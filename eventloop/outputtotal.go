package eventloop

import (
	"cmp"
	"runtime"
	"slices"
)

// Output that clients have not taken is memory that one of them could make this
// process spend for all. It is counted: bytes that are lent to many connections,
// such as a cached file, count once. Below three quarters of Limits.OutputTotal
// nothing changes. From there on a connection that owes anything is not read from
// until its peer has taken all of it, which the high-water mark allows otherwise.
// Should that not help, the connections that owe most are reset, of the client that
// owes most. A connection that owes nothing is always read and answered.

// A loan is memory of a protocol's that connections send without a copy.
type loan struct {
	uses int
	size int64 // the longest of them
}

// lend counts p as lent once more.
func (l *Loop) lend(p []byte) {
	key := &p[0]
	to := l.loans[key]
	if to == nil {
		if l.loans == nil {
			l.loans = make(map[*byte]*loan)
		}
		to = l.takeLoan()
		l.loans[key] = to
	}
	to.uses++
	if more := int64(len(p)) - to.size; more > 0 {
		to.size += more
		l.memory += more
	}
}

// endLoan is called when one of those has sent it, or is over.
func (l *Loop) endLoan(p []byte) {
	key := &p[0]
	to := l.loans[key]
	if to.uses--; to.uses > 0 {
		return
	}
	l.memory -= to.size
	delete(l.loans, key)
	to.size = 0
	if len(l.freeLoans) < chunksKept {
		l.freeLoans = append(l.freeLoans, to)
	}
}

func (l *Loop) takeLoan() *loan {
	if k := len(l.freeLoans); k > 0 {
		to := l.freeLoans[k-1]
		l.freeLoans = l.freeLoans[:k-1]
		return to
	}
	return &loan{}
}

// checkTotal is called while memory is scarce. It holds the connection back if it owes
// anything.
func (c *Conn) checkTotal() {
	if queued := c.Buffered(); queued > 0 && c.speaks() {
		c.hold(queued)
	}
}

// resumeAt is down to how many queued bytes a connection must come before it is
// read from again.
func (l *Loop) resumeAt() int64 {
	if l.scarce {
		return 0
	}
	return int64(l.limits.HighWater / 2)
}

// beginScarcity is called when three quarters of Limits.OutputTotal are in use.
func (l *Loop) beginScarcity() {
	l.scarce = true
	if skipped, ok := l.mayComplain("output", l.now); ok {
		l.log.Warn("clients do not take their answers: a connection that owes is not read from",
			"owed", l.memory, "OutputTotal", l.limits.OutputTotal, "skipped", skipped)
	}
}

// checkScarcity ends the scarcity when half of Limits.OutputTotal is free, and
// resets connections when there is more than all of it.
func (l *Loop) checkScarcity() {
	switch {
	case l.memory <= l.limits.OutputTotal/2:
		l.scarce = false
	case l.memory > l.limits.OutputTotal:
		l.shed()
	}
	l.collect()
}

// leastGarbage is for how much output garbage is not collected.
const leastGarbage = 4 << 20

// collect has garbage be collected, on a worker, each time that an eighth of
// Limits.OutputTotal was queued while memory is scarce. Go lets as much garbage stand
// as there is live memory, and the handlers that make answers, and those that were
// reset, leave several times what is counted here: without this, 160 MiB are resident
// for an OutputTotal of 64.
func (l *Loop) collect() {
	if !l.ownKernel || l.collecting.Load() || l.scarceQueued-l.collectedAt < max(l.limits.OutputTotal/8, leastGarbage) {
		return
	}
	l.collectedAt = l.scarceQueued
	l.collecting.Store(true)
	// No reply is waited for: one turn may make dozens of large answers.
	l.startWork(func(func()) {
		runtime.GC()
		l.collecting.Store(false)
	})
}

// A debt is what one connection keeps in memory.
type debt struct {
	conn *Conn
	n    int64
}

// shed resets connections until an eighth of Limits.OutputTotal is free, so that
// the table of connections is not walked for each of them: always that which owes
// most, of the client that owes most. The last one that owes anything is spared: it
// takes no room from others.
func (l *Loop) shed() {
	var owed Tally
	debts := make(map[Client][]debt)
	owing := 0
	for _, c := range l.conns {
		if c == nil || c.state == Dead {
			continue
		}
		if n := c.inMemory(); n > 0 {
			who := c.Client()
			owed.Add(who, n)
			debts[who] = append(debts[who], debt{c, n})
			owing++
		}
	}
	for _, list := range debts {
		slices.SortFunc(list, func(a, b debt) int { return cmp.Compare(a.n, b.n) })
	}
	shed := 0
	most, before := owed.Most()
	for l.memory > l.limits.OutputTotal/8*7 && owing-shed > 1 {
		who, _ := owed.Most()
		list := debts[who]
		d := list[len(list)-1]
		debts[who] = list[:len(list)-1]
		owed.Add(who, -d.n)
		d.conn.dropOutput()
		d.conn.reset = true
		l.markClosed(d.conn, ErrShed)
		shed++
	}
	if skipped, ok := l.mayComplain("shed", l.now); ok && shed > 0 {
		l.log.Warn("clients do not take their answers: the connections that owe most were reset",
			"reset", shed, "of", owing, "client", most, "owed", before, "OutputTotal", l.limits.OutputTotal, "skipped", skipped)
	}
}

// inMemory returns how many bytes of memory wait for the connection's peer, what is
// lent to others as well included.
func (c *Conn) inMemory() int64 {
	n := c.out.inMemory()
	if c.tls != nil {
		n += c.tls.plain.inMemory()
	}
	return n
}

func (o *output) inMemory() int64 {
	if o == nil {
		return 0
	}
	n := o.memory
	for i := range o.pieces {
		if p := &o.pieces[i]; p.lent {
			n += int64(len(p.bytes))
		}
	}
	return n
}
