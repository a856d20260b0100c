package eventloop

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Work that waits for a disk, or takes long, is done off the loop, so that the loop
// can go on with other connections. The result comes to the loop like everything that
// comes from other goroutines: as a posted function.

// Errors of Job.Reply, beside ErrPanicked.
var (
	// ErrWorkerTimeout means that the work was not done within
	// Limits.WorkerTimeout, or that work at its place hangs.
	ErrWorkerTimeout = errors.New("eventloop: no worker has done it in time")

	// ErrSkipped means that the work was not wanted any more when its turn came.
	ErrSkipped = errors.New("eventloop: the work is not wanted any more")
)

// A Lane is a kind of work. Work in one lane never waits for a worker of another.
type Lane uint8

const (
	LaneHandlers   Lane = iota // what handlers and protocols leave to workers
	LaneLookups                // short questions to a disk
	LaneReads                  // reads of files that are being sent
	LaneLarge                  // what takes much memory or time: listings, compression
	laneHandshakes             // steps of TLS handshakes, which take turns before they come here
	laneSigning                // those of them that have a slow key
	lanes
)

// A Job is work for a worker.
type Job struct {
	Lane   Lane
	Client Client // the client that it is accounted to
	Memory int64  // bytes that it prepares, reserved until Reply has returned

	// Place is where the work may hang, as a path. Work at places below a common
	// one shares a bound; a place where as many workers as that hang is not asked
	// again until one of them comes back. Empty for work that cannot tell.
	Place string

	Work   func()          // runs on a worker, and must touch nothing of the loop's
	Reply  func(err error) // runs on the loop, once
	Over   func()          // runs on the loop, once, after Reply, when Work has returned or will never run; may be nil
	Wanted func() bool     // is asked on the loop before Work begins; may be nil

	// NoTimeout work has no deadline: Reply waits for the worker, however long.
	NoTimeout bool
}

// A job is a Job on its way.
type job struct {
	Job
	at      time.Duration // when it was handed over or, if its deadline is over, that was; since the loop was made
	since   time.Duration // a worker has it
	queue   *Turns[*job]  // where it waits, or nil
	begun   bool
	counted bool // among the workers of its lane
	lost    bool // it hangs
	replied bool

	older, newer *job // in the order of their deadlines
}

// places returns the places that a path belongs to, the widest first. The root
// alone is none: where it hangs, all does.
func (j *job) places() (list [placeDepth]string, n int) {
	for end := 0; n < placeDepth && end+1 < len(j.Place); n++ {
		segment := strings.IndexByte(j.Place[end+1:], '/')
		if segment < 0 {
			segment = len(j.Place) - end - 1
		}
		end += 1 + segment
		list[n] = j.Place[:end]
	}
	return list, n
}

// placeDepth is how many segments of a path make places. At the first, half of the
// workers of a lane may be at a time, at each further one half of that.
const placeDepth = 3

// name is what the log says of a job that hangs.
func (j *job) name() string {
	if j.Place != "" {
		return j.Place
	}
	return [lanes]string{"work of a handler", "a look-up", "a read", "large work"}[j.Lane]
}

// do does the work. A panic in it must not end the process.
func (j *job) do(l *Loop) (err error) {
	defer func() {
		if r := recover(); r != nil {
			l.LogPanic("panic in offloaded work", r)
			err = fmt.Errorf("%w: %v", ErrPanicked, r)
		}
	}()
	j.Work()
	return nil
}

// ErrPanicked is what Offload's reply is given when the work panicked.
var ErrPanicked = errors.New("eventloop: panic in offloaded work")

// Offload has a worker do work that is on no client's account and that may take as
// long as it likes, and then reply on the loop; OffloadJob is for all other work.
// Work must touch nothing of the loop's; reply runs exactly once, unless the loop
// ends before, and err is nil or, wrapped, ErrPanicked. It must be called on the
// loop's goroutine.
func (l *Loop) Offload(work func(), reply func(err error)) {
	l.OffloadJob(Job{Work: work, Reply: reply, NoTimeout: true})
}
