package inspect

import (
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// The figures of one loop at one moment, as they are taken on the loop and read by the
// loop that shows them.
type figures struct {
	loop   int
	offset time.Duration // by which that loop is younger than the first one
	limits eventloop.Limits

	rows     []eventloop.ConnInfo // all connections, in no order; those that are left out, too
	counters eventloop.Counters
	records  []eventloop.Record // since the figures before
	lost     uint64             // of them, overwritten before they were read
	latest

	silent time.Duration // how long the loop has not answered; 0 mostly
}

// latest is what the loop's frames tell since the figures before. If there was no frame,
// it stays: a value that is measured each tenth of a second does not flicker.
type latest struct {
	frame, before eventloop.Frame // the two latest

	longest      time.Duration // of callbacks
	longestConn  uint32
	longestRoute uint32
	late         time.Duration
	longestTurn  time.Duration // without its wait
	mostEvents   int           // of one wait
}

// framesTaken is how many of the loop's frames are read at once. There is one mostly, and
// none or two when the loop and the station are not in step.
const framesTaken = 4

// add takes over the frames that the loop has made meanwhile.
func (n *latest) add(frames []eventloop.Frame) {
	if len(frames) == 0 {
		return
	}
	*n = latest{frame: n.frame, before: n.before}
	for i := range frames {
		f := &frames[i]
		n.before, n.frame = n.frame, *f
		if f.Longest > n.longest {
			n.longest, n.longestConn = f.Longest, f.LongestConn
		}
		n.late = max(n.late, f.Late)
		n.longestTurn = max(n.longestTurn, f.LongestTurn)
		n.mostEvents = max(n.mostEvents, f.MostEvents)
	}
}

// findRoute finds the route of the longest callback in the records, as far as they tell.
func (f *figures) findRoute() {
	if f.longestConn == 0 {
		return
	}
	for i := len(f.records) - 1; i >= 0; i-- {
		if r := &f.records[i]; r.Kind == http.HandlerEnded && r.Conn == f.longestConn {
			f.longestRoute = uint32(r.Arg)
			return
		}
	}
}
