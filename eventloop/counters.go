package eventloop

// Counters count what happened on a loop since it was made.
type Counters struct {
	Turns        uint64
	Events       uint64
	Accepted     uint64
	AcceptErrors uint64
	Closed       uint64 // by either side, in order
	Failed       uint64 // by an error, a deadline or a limit
	Evicted      uint64 // of those, to make room
	Refused      uint64 // newcomers, because their client held all it may; they are not among Accepted
	Cut          uint64 // of those, because the loop had to end
	Shed         uint64 // of those, because their client owed most of the output
	Handshakes   uint64 // of TLS, that were completed
	Resumed      uint64 // of those, by a ticket
	Panics       uint64 // of protocols
	WorkTimeouts uint64 // jobs that were not done within Limits.WorkerTimeout
	WorkersLost  uint64 // of those, workers that did not come back in time
	Skipped      uint64 // jobs that were not wanted any more when their turn came
	Stalls       uint64 // callbacks that held the loop for longer than Config.Stall
}

// Counters returns what happened so far.
func (l *Loop) Counters() Counters { return l.counters }
