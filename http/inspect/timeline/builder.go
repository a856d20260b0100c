package timeline

import (
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
)

// Options are how a timeline is made. The zero value serves.
type Options struct {
	Events int // the most lines of the file, at least LeastEvents; 300,000 if 0
}

// DefaultEvents is what viewers open without trouble.
const DefaultEvents = 300_000

// LeastEvents is the least that Options.Events may be.
const LeastEvents = 1000

// mostOpen is how many connections are followed at a time.
const mostOpen = 1 << 16

// A Builder makes a timeline of records. It belongs to one goroutine.
type Builder struct {
	hello    Hello
	meanings [256]meaning
	bound    int

	events  []event
	loops   []track
	open    map[uint64]*connection
	rows    []laneRow // beside lanes, when the file is written
	thin    thinning
	lostAt  int64 // when records were last lost, on any loop; -1 for never
	summary Summary
	block   Block // of AddRaw, kept for its memory
}

// A Summary is what a timeline is of.
type Summary struct {
	Took        time.Duration // from the first record to the last
	Turns       uint64
	Requests    uint64 // that were answered
	Connections uint64 // seen
	Lost        uint64 // records
	Events      int    // lines of the file, when it is written

	OneIn         int // connections that are there: one in so many; 1 for all
	RequestsOneIn int // and of their requests
	TurnsOneIn    int // and of the turns

	from, to int64
}

// New makes a builder for the records of a server.
func New(hello Hello, o Options) *Builder {
	if o.Events == 0 {
		o.Events = DefaultEvents
	}
	b := &Builder{hello: hello, meanings: meaningsOf(hello.Kinds), bound: o.Events, open: make(map[uint64]*connection), lostAt: -1}
	b.loops = make([]track, max(hello.Loops, 1))
	for loop := range b.loops {
		b.loops[loop] = track{b: b, loop: uint16(loop), counters: newCounters()}
	}
	b.thin.init(b)
	b.summary.from, b.summary.to = -1, -1
	return b
}

// Add adds a block. Blocks of one loop come in their order.
func (b *Builder) Add(block *Block) {
	if block.Loop >= len(b.loops) {
		return
	}
	t := &b.loops[block.Loop]
	if block.Lost > 0 {
		t.lose(block)
	}
	for i := range block.Records {
		r := &block.Records[i]
		if len(b.hello.You) == 2 && r.Conn != 0 && b.hello.You[0] == uint32(block.Loop) && b.hello.You[1] == r.Conn {
			continue // watching is no work of the server's
		}
		t.add(r)
	}
}

// Summary returns what there is up to now.
func (b *Builder) Summary() Summary {
	s := b.summary
	s.Took = time.Duration(s.to - s.from)
	s.OneIn, s.RequestsOneIn, s.TurnsOneIn = int(b.thin.connections), int(b.thin.requests), int(b.thin.turns)
	return s
}

// put adds an event, unless it is among those that are left out.
func (b *Builder) put(e event) {
	if !b.thin.keeps(&e) {
		return
	}
	b.events = append(b.events, e)
	b.thin.count(&e)
	if b.thin.weight() > b.bound {
		b.thin.more()
	}
}

// connection returns a connection of a loop, which begins now if it is not known.
func (b *Builder) connection(loop uint16, id uint32, at int64) *connection {
	key := uint64(loop)<<32 | uint64(id)
	c := b.open[key]
	if c == nil {
		if len(b.open) >= mostOpen {
			b.forgetOldest()
		}
		c = &connection{loop: loop, id: id, index: uint32(b.summary.Connections), begin: at, last: at, partAt: -1}
		b.summary.Connections++
		b.open[key] = c
		b.thin.opened(c, 1)
	}
	c.last = at
	return c
}

// forgetOldest ends the connection of which nothing was heard for longest.
func (b *Builder) forgetOldest() {
	var oldest *connection
	for _, c := range b.open {
		if oldest == nil || c.last < oldest.last {
			oldest = c
		}
	}
	b.end(oldest, oldest.last, 0)
}

// end ends a connection, for a reason or with the recording.
func (b *Builder) end(c *connection, at int64, why eventloop.Kind) {
	c.endRequests(b, at)
	b.thin.opened(c, -1)
	delete(b.open, uint64(c.loop)<<32|uint64(c.id))
	b.put(event{what: aConnection, at: c.begin, dur: max(at-c.begin, 0), loop: c.loop, conn: c, kind: why})
}

// finish ends all that is open.
func (b *Builder) finish() {
	for loop := range b.loops {
		b.loops[loop].endTurn()
	}
	for len(b.open) > 0 {
		for _, c := range b.open {
			at := b.summary.to
			if c.last < b.lostAt {
				at = c.last // its end may be among what is lost
			}
			b.end(c, at, 0)
		}
	}
}
