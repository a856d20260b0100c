package eventloop

// Gauges are what a loop holds at a moment, beside its counters.
type Gauges struct {
	Open     int // connections, without those that are left out
	LeftOut  int // connections that are
	Detached int // connections that have left the loop and are not closed

	Owed         int64 // bytes of output that are queued; lent to several connections, they count once
	Reserved     int64 // bytes that are reserved for what workers prepare
	Backpressure bool  // memory for output is scarce: connections that owe are not read from

	Handshakes     int // of TLS that are under way
	HandshakesWait int // of those, for their turn or for a worker
	HandshakeBytes int64

	Workers     int // that do something
	WorkersLost int // that hang, and were replaced
	Jobs        int // that wait for a worker
	Tasks       int // handlers on goroutines of their own
	Posted      int // functions that wait for the loop
	Timers      int

	Chunks     int // of 64 KiB in the pool of output, those in use included
	ChunksFree int
}

// Gauges returns what the loop holds now. It must be called on the loop's goroutine.
func (l *Loop) Gauges() Gauges {
	l.owner.check("Loop.Gauges")
	h, w := &l.handshakes, &l.workers
	g := Gauges{
		LeftOut: l.openLeftOut(), Detached: l.Detached(),
		Owed: l.output.bytes, Reserved: w.reserved, Backpressure: l.output.scarce,
		HandshakesWait: h.pending.len() + h.forWorkers.len() + h.held, HandshakeBytes: h.tally.Total(),
		Workers: w.busy, Jobs: w.forMemory.Len(), Tasks: w.tasks,
		Posted: l.mail.length(), Timers: len(l.timers.heap),
		Chunks: l.pools.made, ChunksFree: len(l.pools.chunks),
	}
	g.Open = l.conns.open - g.LeftOut
	for one := h.oldest; one != nil; one = one.newer {
		g.Handshakes++
	}
	for i := range w.lanes {
		lane := &w.lanes[i]
		g.WorkersLost += lane.lost
		g.Jobs += lane.waiting.Len()
		for _, p := range lane.places {
			g.Jobs += p.parked.Len()
		}
	}
	return g
}

// length returns how many functions wait. Any goroutine may call it.
func (m *mailbox) length() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.list)
}
