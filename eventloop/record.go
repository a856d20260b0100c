package eventloop

import "time"

// A loop writes records of its work to a ring, which holds the last few thousand, and
// counts them by kind. Both are the only source for others: counters, the trace, the
// report of a stall and every page that shows a loop read them.
//
// The recorder belongs to the loop's goroutine. It has no lock and no atomic field, so
// another goroutine reads by Loop.Post.

// A Record is one thing that happened on a loop.
type Record struct {
	At      time.Duration // since the loop was made: of its turn, or more exact while there is a reader
	Arg     int64         // its meaning depends on the kind
	Conn    uint32        // the connection's number, 0 for the loop itself
	Request uint32        // the request's number on its connection, from 1; 0 in records of the loop
	Kind    Kind
}

// ringSize is how many records are kept. A power of two, for the mask.
const ringSize = 4096

// A recorder holds the records of a loop. Behind its first fields it has no pointers, so
// the garbage collector does not scan the ring.
type recorder struct {
	reader

	at       time.Duration // of the next record
	next     uint64        // records since the loop was made
	counters Counters
	ring     [ringSize]Record
}

// put adds a record. It is small enough to be inlined: a request makes three.
func (r *recorder) put(kind Kind, conn, request uint32, arg int64) {
	to := &r.ring[r.next%ringSize]
	to.At, to.Arg, to.Conn, to.Request, to.Kind = r.at, arg, conn, request, kind
	c := &r.counters[kind%kindSpace]
	c.N++
	c.Sum += arg
	r.next++
}

// ReadSince appends the records from a sequence number on to dst, the oldest first.
// Next is the number to ask with the next time, and lost is how many records were
// overwritten before they were read. The first record of a loop has number 0.
//
// It must be called on the loop's goroutine. See StartReading for the kinds that are recorded.
func (l *Loop) ReadSince(sequence uint64, dst []Record) (records []Record, next, lost uint64) {
	l.owner.check("Loop.ReadSince")
	l.settle()
	r := &l.recorder
	from := min(sequence, r.next)
	if oldest := max(r.next, ringSize) - ringSize; from < oldest {
		from, lost = oldest, oldest-from
	}
	for ; from < r.next; from++ {
		if one := &r.ring[from%ringSize]; one.Kind != hidden {
			dst = append(dst, *one)
		}
	}
	return dst, r.next, lost
}

// record is put for rare events.
func (l *Loop) record(kind Kind, c *Conn, arg int64) {
	conn := uint32(0)
	if c != nil {
		conn = c.id
	}
	l.recorder.put(kind, conn, 0, arg)
}

// Record adds a record of a kind that the connection's protocol defines.
func (c *Conn) Record(kind Kind, request uint32, arg int64) {
	c.loop.recorder.put(kind, c.id, request, arg)
}

// CountRecord counts a record of a kind of the protocol's, and leaves it out of the ring.
// It is for the hot path without a reader.
func (l *Loop) CountRecord(kind Kind, arg int64) {
	l.recorder.counters[kind%kindSpace].add(arg)
}
