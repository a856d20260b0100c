package eventloop

import "time"

// A loop writes down what happens on it: records in a ring, which holds the last
// few thousand, and for each kind of record how many there were. Nothing else is
// noted anywhere: counters, the trace, the report of a stall and every page that
// shows a loop are readers of these two.
//
// The recorder is the loop's, as everything here. It has no lock and no atomic
// field, so a goroutine that wants to read has the loop do it, by Post.

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

// A recorder is what a loop writes down. It has no pointer behind its first fields,
// so the garbage collector does not look at the ring.
type recorder struct {
	reading bool // there is a reader: see reader.go
	reader

	at       time.Duration // of the next record
	next     uint64        // records since the loop was made
	counters Counters
	ring     [ringSize]Record
}

// put adds a record. It is small enough to be inlined: a request makes three.
func (r *recorder) put(kind Kind, conn, request uint32, arg int64) {
	to := &r.ring[r.next%ringSize]
	r.next++
	to.At, to.Arg, to.Conn, to.Request, to.Kind = r.at, arg, conn, request, kind
	r.counters[kind%kindSpace].add(arg)
}

// ReadSince appends the records from a sequence number on to dst, the oldest first.
// Next is the number to ask with the next time, and lost is how many records were
// overwritten before they were read. The first record of a loop has number 0.
//
// It must be called on the loop's goroutine. See StartReading for what is recorded.
func (l *Loop) ReadSince(sequence uint64, dst []Record) (records []Record, next, lost uint64) {
	l.own("Loop.ReadSince")
	r := &l.recorder
	from := min(sequence, r.next)
	if oldest := max(r.next, ringSize) - ringSize; from < oldest {
		from, lost = oldest, oldest-from
	}
	for ; from < r.next; from++ {
		dst = append(dst, r.ring[from%ringSize])
	}
	return dst, r.next, lost
}

// record is put for what happens rarely.
func (l *Loop) record(kind Kind, c *Conn, arg int64) {
	conn := uint32(0)
	if c != nil {
		conn = c.id
	}
	l.recorder.put(kind, conn, 0, arg)
}

// recordTurn counts a turn. Its record is left out of the ring without a reader: there
// is one turn for each request where there is little to do.
func (l *Loop) recordTurn(events int) {
	r := &l.recorder
	if r.reading {
		r.put(Turn, 0, 0, int64(events))
		return
	}
	r.counters[Turn].add(int64(events))
}

// Record adds a record of a kind that the connection's protocol defines.
func (c *Conn) Record(kind Kind, request uint32, arg int64) {
	c.loop.recorder.put(kind, c.id, request, arg)
}
