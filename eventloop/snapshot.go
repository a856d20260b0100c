package eventloop

import "time"

// A Snapshot is all that is known of a loop at a moment, for a dump of its state.
type Snapshot struct {
	At          time.Duration // of the turn, since the loop was made
	Wall        time.Time     // the same by the wall clock
	Stopping    bool
	Counters    Counters
	Gauges      Gauges
	Connections []ConnInfo
	Records     []Record // all that the ring holds, the oldest first
	Lost        uint64   // records that were there before them
}

// Snapshot returns what is known of the loop now. It must be called on the loop's goroutine.
func (l *Loop) Snapshot() *Snapshot {
	s := &Snapshot{At: l.clock.now, Wall: l.WallTime(), Stopping: l.stop.begun, Counters: l.Counters(), Gauges: l.Gauges()}
	s.Connections = l.Connections(make([]ConnInfo, 0, l.conns.open))
	s.Records, _, s.Lost = l.ReadSince(0, nil)
	return s
}

// Snapshots asks each loop for a Snapshot, and waits for the answers for so long. A loop
// that has not answered by then is held by a callback, or has ended: its Snapshot is nil.
// Any goroutine but those of the loops may call it.
func (ls Loops) Snapshots(within time.Duration) []*Snapshot {
	type answer struct {
		loop int
		is   *Snapshot
	}
	answers := make(chan answer, len(ls)) // a loop never waits to send
	asked := 0
	for i, l := range ls {
		// The limit of posted functions does not hold: what has filled it may be what is looked for.
		if l.mail.put(func() {
			l.LeaveOut()
			answers <- answer{i, l.Snapshot()}
		}, false) == nil {
			_ = l.kernel.Wake() // one that has just ended does not answer
			asked++
		}
	}
	list := make([]*Snapshot, len(ls))
	over := time.NewTimer(within)
	defer over.Stop()
	for ; asked > 0; asked-- {
		select {
		case a := <-answers:
			list[a.loop] = a.is
		case <-over.C:
			return list
		}
	}
	return list
}
