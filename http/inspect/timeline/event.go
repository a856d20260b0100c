package timeline

import "github.com/bobbin-http/bobbin/eventloop"

// A what is the subject of an event. For slices that begin and end at the same times, it
// is the order from the outside to the inside.
type what uint8

const (
	aConnection what = iota // on a lane
	aRequest
	aTurn // on the track of a loop
	aPhase
	aCallback
	aHandler
	aWrite
	anInstant
	aLoss
	aCounter
	flowBegins
	flowSteps
	flowEnds
)

// An event is a line of the file, before it is written. Times are nanoseconds since loop
// 0 was made.
type event struct {
	at, dur int64
	arg     int64 // bytes, events, a count or a value
	within  int64 // how long its turn took, for a phase and for a slice that is long
	conn    *connection
	turn    uint32 // in which it is, or 0
	request uint32
	route   uint32
	loop    uint16
	status  uint16
	row     int32 // of a request, when the file is written: its place in Builder.rows, from 1; 0 for the lane itself
	what    what
	kind    eventloop.Kind // of an instant; of a connection, of its end; of a phase, its number; of a callback, its label
}

// isSlice reports whether it has a duration.
func (e *event) isSlice() bool { return e.what <= aWrite }

// compare orders events by time, and at the same time the longer first: so a slice comes
// before those in it, and slices before what has no duration.
func compare(a, b *event) int {
	switch {
	case a.at != b.at:
		return sign(a.at < b.at)
	case a.isSlice() != b.isSlice():
		return sign(a.isSlice())
	case a.isSlice() && a.dur != b.dur:
		return sign(a.dur > b.dur)
	case a.what != b.what:
		return sign(a.what < b.what)
	}
	return 0
}

func sign(before bool) int {
	if before {
		return -1
	}
	return 1
}

// The labels of callbacks that ran no handler.
const (
	labelNone = iota
	labelRead
	labelAccept
	labelDeadline
	labelHandshake
	labelPosted
	labelTimer
)

var labels = [...]string{
	labelNone: "callback", labelRead: "read", labelAccept: "accept", labelDeadline: "deadline",
	labelHandshake: "TLS handshake", labelPosted: "posted", labelTimer: "timer",
}

// A connection is what a timeline knows of one.
type connection struct {
	loop   uint16
	id     uint32
	index  uint32 // in the order in which connections appeared
	lane   int32  // set when the file is written
	begin  int64
	last   int64 // of its latest record
	anew   bool  // it was accepted in this recording
	in     int64 // bytes
	out    int64
	served uint32 // requests

	unwritten int64 // bytes that were written since the slice of a write before

	readAt   int64     // when the latest read began, for the next request
	seen     bool      // and it is a slice
	partAt   int64     // when the first part of the next request was read; -1 for none
	streams  bool      // it speaks HTTP/2
	requests []request // that are open: one at most, but for HTTP/2
	ended    int64     // the latest end of one before
	gone     []uint32  // requests that were reset, the last mostRows: their handlers may still be at work
	arrows   []arrow   // of requests whose answers are not written

	depth int     // the most requests that were open at a time, up to mostRows
	rows  []int64 // until when each row of the lane is taken, when the file is written
}

// mostRows is how many requests of a connection that overlap are shown. The first of them is on the
// lane of the connection.
const mostRows = 100

// A request is one that a connection is at.
type request struct {
	number   uint32
	route    uint32
	status   uint16
	begin    int64
	end      int64 // of the latest write or callback for it
	handled  bool  // a handler was called
	sent     bool  // it was written beside others when its answer was complete
	doubtful bool  // records were lost, among them perhaps its end
	written  int64 // bytes since it began
}

// An arrow leads from the read of a request over its handler to a write.
type arrow struct {
	request uint32
	read    int64
	handler int64 // -1 for none
}

// mostArrows is how many requests of a connection may wait for one write.
const mostArrows = 1024
