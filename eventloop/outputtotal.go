package eventloop

import (
	"cmp"
	"runtime"
	"slices"
	"sync/atomic"
)

// Output that clients have not taken is memory, and one client could make the process
// spend all of it. So it is counted: bytes that are lent to many connections, such as a
// cached file, count once. Below three quarters of Limits.OutputTotal nothing changes.
// Above, a connection with any output is not read from until its peer has taken all of
// it; otherwise the high-water mark decides. If that does not help, the connections
// with most output are reset, of the client with most. A connection without output is
// always read and answered.

// An outputTotal is what the connections of a loop have queued together.
type outputTotal struct {
	loop      *Loop
	ownKernel bool // the machine's, and not one that was given

	bytes        int64           // in memory; bytes that are lent to several connections count once
	loans        map[*byte]*loan // by where they begin
	scarceAt     int64           // bytes from which on memory is scarce
	scarce       bool            // since then, until half of Limits.OutputTotal is left
	scarceQueued int64           // bytes that were queued while it was
	collectedAt  int64           // of those, when garbage was collected last
	collecting   atomic.Bool     // a worker collects garbage, and says when it has
}

func (t *outputTotal) init(l *Loop, ownKernel bool) {
	t.loop, t.ownKernel = l, ownKernel
	t.takeLimits()
}

// takeLimits computes what depends on the limits. Output that is queued is looked at when it
// changes.
func (t *outputTotal) takeLimits() { t.scarceAt = t.loop.limits.OutputTotal / 4 * 3 }

// Memory returns how many bytes of output are queued for all connections. Bytes that are
// lent to several of them count once.
func (l *Loop) Memory() int64 { return l.output.bytes + int64(len(l.lists.dirty.arena)) }

// A loan is memory of a protocol's that connections send without a copy.
type loan struct {
	uses int
	size int64 // the longest of them
}

// lend counts p as lent once more.
func (t *outputTotal) lend(p []byte) {
	key := &p[0]
	to := t.loans[key]
	if to == nil {
		if t.loans == nil {
			t.loans = make(map[*byte]*loan)
		}
		to = t.loop.pools.takeLoan()
		t.loans[key] = to
	}
	to.uses++
	if more := int64(len(p)) - to.size; more > 0 {
		to.size += more
		t.bytes += more
	}
}

// endLoan is called when one of those has been sent, or its connection is over.
func (t *outputTotal) endLoan(p []byte) {
	key := &p[0]
	to := t.loans[key]
	if to.uses--; to.uses > 0 {
		return
	}
	t.bytes -= to.size
	delete(t.loans, key)
	t.loop.pools.giveLoan(to)
}

// checkTotal is called while memory is scarce. It holds the connection back if it owes
// anything.
func (c *Conn) checkTotal() {
	if queued := c.Buffered(); queued > 0 && c.canWrite() {
		c.pushBack(queued)
	}
}

// resumeAt is down to how many queued bytes a connection must come before it is
// read from again.
func (t *outputTotal) resumeAt() int64 {
	if t.scarce {
		return 0
	}
	return int64(t.loop.limits.HighWater / 2)
}

// noteScarce is called when size bytes were queued and three quarters of
// Limits.OutputTotal are in use.
func (t *outputTotal) noteScarce(size int64) {
	t.scarceQueued += size
	if t.scarce {
		return
	}
	t.scarce = true
	if skipped, ok := t.loop.report.allow("output", t.loop.clock.now); ok {
		t.loop.report.log.Warn("clients do not take their answers: a connection that owes is not read from",
			"owed", t.bytes, "OutputTotal", t.loop.limits.OutputTotal, "skipped", skipped)
	}
}

// checkScarcity ends the scarcity when half of Limits.OutputTotal is free, and
// resets connections when there is more than all of it.
func (t *outputTotal) checkScarcity() {
	switch {
	case t.bytes <= t.loop.limits.OutputTotal/2:
		t.scarce = false
	case t.bytes > t.loop.limits.OutputTotal:
		t.shed()
	}
	t.collect()
}

// leastGarbage is for how much output garbage is not collected.
const leastGarbage = 4 << 20

// collect has garbage be collected, on a worker, each time that an eighth of
// Limits.OutputTotal was queued while memory is scarce. Go lets as much garbage stand
// as there is live memory, and the handlers that make answers, and those that were
// reset, leave several times what is counted here: without this, 160 MiB are resident
// for an OutputTotal of 64.
func (t *outputTotal) collect() {
	if !t.ownKernel || t.collecting.Load() || t.scarceQueued-t.collectedAt < max(t.loop.limits.OutputTotal/8, leastGarbage) {
		return
	}
	t.collectedAt = t.scarceQueued
	t.collecting.Store(true)
	// No reply is waited for: one turn may make dozens of large answers.
	t.loop.workers.start(func(func()) {
		runtime.GC()
		t.collecting.Store(false)
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
func (t *outputTotal) shed() {
	var owed Tally
	debts := make(map[Client][]debt)
	owing := 0
	for c := range t.loop.conns.all() {
		if c.state == Dead {
			continue
		}
		if n := c.inMemory() + t.loop.carriedMemory(c); n > 0 {
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
	for t.bytes > t.loop.limits.OutputTotal/8*7 && owing-shed > 1 {
		who, _ := owed.Most()
		list := debts[who]
		d := list[len(list)-1]
		debts[who] = list[:len(list)-1]
		owed.Add(who, -d.n)
		d.conn.dropOutput()
		d.conn.reset(ErrShed)
		shed++
	}
	if skipped, ok := t.loop.report.allow("shed", t.loop.clock.now); ok && shed > 0 {
		t.loop.report.log.Warn("clients do not take their answers: the connections that owe most were reset",
			"reset", shed, "of", owing, "client", most, "owed", before, "OutputTotal", t.loop.limits.OutputTotal, "skipped", skipped)
	}
}

// inMemory returns how many bytes of memory wait for the connection's peer, those
// included that are lent to others, too.
func (c *Conn) inMemory() int64 {
	o := c.out
	if o == nil {
		return 0
	}
	n := o.memory
	for _, pieces := range [][]piece{o.pieces, o.text} {
		for i := range pieces {
			if p := &pieces[i]; p.lent {
				n += int64(len(p.bytes))
			}
		}
	}
	return n
}
