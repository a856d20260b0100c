package eventloop

// A Counter sums up the records of one kind since the loop was made.
type Counter struct {
	N   uint64 // records
	Sum int64  // of their Arg
}

func (c *Counter) add(arg int64) {
	c.N++
	c.Sum += arg
}

// Counters has a Counter for each Kind: Counters[Read].Sum is the number of bytes that
// were read. The methods are sums over several kinds.
type Counters [kindSpace]Counter

// Counters returns all counters as they are now, without what is left out. It must be
// called on the loop's goroutine. No counter is ever less than it was, although a connection
// may have counted before it was known that it is to be left out: then others have to come
// before the counter goes on.
func (l *Loop) Counters() Counters {
	l.settle()
	r := &l.recorder
	if r.shown == nil {
		return r.counters
	}
	for i := range r.shown {
		if now := &r.counters[i]; now.N >= r.shown[i].N {
			r.shown[i] = *now
		}
	}
	return *r.shown
}

// Count returns how many records of a kind there were.
func (l *Loop) Count(kind Kind) uint64 { return l.recorder.counters[kind%kindSpace].N }

// Cut returns how many connections were cut off, because the loop had to end.
func (l *Loop) Cut() uint64 { return l.recorder.counters.Cut() }

// Sum returns how many records of some kinds there were, from the first to the last
// in the order of the constants.
func (c Counters) Sum(first, last Kind) uint64 {
	n := uint64(0)
	for kind := first; kind <= last; kind++ {
		n += c[kind].N
	}
	return n
}

// Closed returns how many connections ended in order, by either side.
func (c Counters) Closed() uint64 { return c.Sum(ClosedDone, ClosedEvicted) }

// Failed returns how many ended by an error, a deadline or a limit.
func (c Counters) Failed() uint64 { return c.Sum(FailedTimeout, FailedCut) }

// Evicted returns how many ended to make room for others.
func (c Counters) Evicted() uint64 { return c[ClosedEvicted].N + c[FailedEvicted].N }

// Cut returns how many were cut off, because the loop had to end, in its queue or
// later.
func (c Counters) Cut() uint64 { return c[CutInQueue].N + c[FailedCut].N }
