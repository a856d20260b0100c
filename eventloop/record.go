package eventloop

import (
	"crypto/tls"
	"fmt"
	"io"
	"time"
)

// A Record is one thing that happened on a loop. Records are of one size and
// are written to a ring, always, so that the last few thousand are there when
// somebody wants to know what a loop was doing.
type Record struct {
	At   time.Duration // since the loop was made, at the start of its turn
	Arg  int64         // what it counts depends on the kind
	Conn uint32        // the connection's number, 0 for the loop itself
	Kind Kind
}

// Kind says what a Record is about, and what its Arg is.
type Kind uint8

const (
	Turn            Kind = iota // events in it
	Accepted                    // descriptor
	Read                        // bytes
	Wrote                       // bytes
	StateChange                 // from<<8 | to
	Deadline                    // nanoseconds it was late
	Posted                      // functions run
	Timers                      // timers run
	Backpressure                // bytes queued above the high-water mark
	Refused                     // 1: at the limit of connections, 2: the kernel has no more
	CallbackStalled             // nanoseconds, by one callback
	TLSHandshake                // version of TLS
	Kinds                       // how many there are
)

// ringSize is how many records are kept. A power of two, for the mask.
const ringSize = 4096

type ring struct {
	records [ringSize]Record
	n       uint64 // written since the loop was made
}

// record notes what happened, at the time that the turn has.
func (l *Loop) record(kind Kind, c *Conn, arg int64) {
	ring, id := l.ring, uint32(0)
	if c != nil {
		id = c.id
	}
	r := &ring.records[ring.n%ringSize]
	ring.n++
	*r = Record{l.now, arg, id, kind}
	if l.trace != nil {
		r.print(l.trace, l.counters.Turns)
	}
}

// Records appends the latest records to dst, oldest first, and returns it.
func (l *Loop) Records(dst []Record) []Record {
	l.own("Loop.Records")
	for i := max(l.ring.n, ringSize) - ringSize; i < l.ring.n; i++ {
		dst = append(dst, l.ring.records[i%ringSize])
	}
	return dst
}

// print writes the line of a trace; doc.go shows some.
func (r *Record) print(w io.Writer, turn uint64) {
	who := fmt.Sprintf("turn %d", turn)
	if r.Conn != 0 {
		who = fmt.Sprintf("conn %d", r.Conn)
	}
	fmt.Fprintf(w, "+%.6fs %s: %s\n", r.At.Seconds(), who, r.what())
}

func (r *Record) what() string {
	switch r.Kind {
	case Turn:
		return fmt.Sprintf("%d events", r.Arg)
	case Accepted:
		return fmt.Sprintf("accepted as descriptor %d", r.Arg)
	case Read:
		return fmt.Sprintf("read %d", r.Arg)
	case Wrote:
		return fmt.Sprintf("wrote %d", r.Arg)
	case StateChange:
		return State(r.Arg>>8).String() + " -> " + State(r.Arg&0xff).String()
	case Deadline:
		return fmt.Sprintf("deadline, %v late", time.Duration(r.Arg))
	case Posted:
		return fmt.Sprintf("%d posted", r.Arg)
	case Timers:
		return fmt.Sprintf("%d timers", r.Arg)
	case Backpressure:
		return fmt.Sprintf("stalled with %d queued", r.Arg)
	case Refused:
		if r.Arg == 1 {
			return "refused, at the limit of connections"
		}
		return "refused, out of descriptors or memory"
	case CallbackStalled:
		return fmt.Sprintf("held for %v", time.Duration(r.Arg))
	case TLSHandshake:
		return "secured by " + tls.VersionName(uint16(r.Arg))
	}
	return "unknown"
}
