package eventloop

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// Workers are goroutines that do what may wait for a disk, or takes long. Three
// things keep one client, one folder or one kind of work from taking all of them:
// each kind of work has workers of its own, a lane; clients take turns in a lane;
// and neither a client nor a place may have all workers of it. What waits for a
// worker, or for one that does not come back, has a deadline.

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
	Client Client // whom it is accounted to
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

// A lane is the state of a Lane.
type lane struct {
	waiting Turns[*job]
	clients Tally // workers, by client
	busy    int   // workers, without those that are lost
	lost    int   // workers that hang, and were replaced
	places  map[string]*place
}

// A place is a path at which workers are.
type place struct {
	busy   int // workers, with those that are lost
	lost   int
	parked Turns[*job] // wait until one of them is back
}

// placeDepth is how many segments of a path make places. At the first, half of the
// workers of a lane may be at a time, at each further one half of that.
const placeDepth = 3

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

// OffloadJob has a worker do a job. Reply runs exactly once, unless the loop ends
// before, and never before OffloadJob has returned. It must be called on the
// loop's goroutine.
func (l *Loop) OffloadJob(work Job) {
	l.own("Loop.OffloadJob")
	j := &job{Job: work, at: l.now}
	l.expect(j)
	if l.hangs(j) {
		l.refuse(j)
		return
	}
	l.enqueue(j, &l.lanes[j.Lane].waiting)
	l.hire(j.Lane)
}

// enqueue puts a job into a queue.
func (l *Loop) enqueue(j *job, queue *Turns[*job]) {
	j.queue = queue
	queue.Push(j.Client, j)
}

// refuse ends a job that is not begun, in the next phase for posted work.
func (l *Loop) refuse(j *job) {
	j.begun = true
	l.counters.WorkTimeouts++
	_ = l.mail.put(func() { l.conclude(j, ErrWorkerTimeout) }, false) // a loop that has ended needs no reply
}

// workers returns how many workers a lane may have.
func (l *Loop) workers(n Lane) int {
	switch n {
	case LaneLarge:
		return l.limits.LargeWorkers
	case laneHandshakes:
		return l.limits.Handshakes
	case laneSigning:
		return l.signers
	}
	return l.limits.Workers
}

// mostOf is how many workers of a lane one client may have.
func (l *Loop) mostOf(n Lane) int64 {
	workers := l.workers(n)
	if n == laneHandshakes || n == laneSigning {
		return int64(workers)
	}
	return int64(workers - workers/4)
}

// mostAt is how many workers of a lane may be at one place.
func (l *Loop) mostAt(n Lane, depth int) int { return max(1, l.workers(n)>>(depth+1)) }

// hire has workers begin what waits in a lane, as far as there is room.
func (l *Loop) hire(n Lane) {
	lane := &l.lanes[n]
	most := l.mostOf(n)
	for lane.busy < l.workers(n) {
		j, ok := lane.waiting.PopIf(func(who Client) bool { return lane.clients.Of(who) < most })
		if !ok {
			return
		}
		j.queue = nil
		switch full := l.fullPlace(j); {
		case j.Wanted != nil && !j.Wanted():
			l.counters.Skipped++
			j.begun = true
			_ = l.mail.put(func() { l.conclude(j, ErrSkipped) }, false)
		case full != nil && l.hangs(j):
			l.refuse(j)
		case full != nil:
			l.enqueue(j, &full.parked)
		case !l.mayReserve(j.Memory):
			l.enqueue(j, &l.forMemory)
		default:
			l.assign(j)
		}
	}
}

// assign gives a job to a worker.
func (l *Loop) assign(j *job) {
	lane := &l.lanes[j.Lane]
	j.begun, j.counted, j.since = true, true, l.now
	lane.busy++
	l.working++
	lane.clients.Add(j.Client, 1)
	l.reserved += j.Memory
	list, n := j.places()
	for _, name := range list[:n] {
		p := lane.places[name]
		if p == nil {
			if lane.places == nil {
				lane.places = make(map[string]*place)
			}
			p = &place{}
			lane.places[name] = p
		}
		p.busy++
	}
	l.kernel.Work(func(func()) { l.runWorker(j) })
}

// fullPlace returns the place at which a job has to wait, or nil.
func (l *Loop) fullPlace(j *job) *place {
	list, n := j.places()
	for depth, name := range list[:n] {
		if p := l.lanes[j.Lane].places[name]; p != nil && p.busy >= l.mostAt(j.Lane, depth) {
			return p
		}
	}
	return nil
}

// hangs reports whether as many workers hang where a job wants to go as may be
// there.
func (l *Loop) hangs(j *job) bool {
	list, n := j.places()
	for depth, name := range list[:n] {
		if p := l.lanes[j.Lane].places[name]; p != nil && p.lost >= l.mostAt(j.Lane, depth) {
			return true
		}
	}
	return false
}

// runWorker runs on the worker.
func (l *Loop) runWorker(j *job) {
	err := j.run(l)
	// What was promised is told even if others have posted too much.
	if l.mail.put(func() { l.conclude(j, err) }, false) == nil {
		_ = l.kernel.Wake() // it fails only for a loop that has ended
	}
}

// conclude is the end of a job: its worker is back, or there never was one.
func (l *Loop) conclude(j *job, err error) {
	l.forget(j)
	if j.counted || j.lost {
		l.giveBack(j)
	}
	l.reply(j, err)
	l.unreserve(j)
	if j.Over != nil {
		j.Over()
	}
}

// giveBack frees the worker of a job, and has others begin in its place.
func (l *Loop) giveBack(j *job) {
	lane := &l.lanes[j.Lane]
	if j.counted {
		lane.busy--
		l.working--
	} else {
		lane.lost--
	}
	if !j.lost || j.Place == "" {
		lane.clients.Add(j.Client, -1)
	}
	list, n := j.places()
	for depth, name := range list[:n] {
		p := lane.places[name]
		p.busy--
		if j.lost {
			p.lost--
		}
		for free := l.mostAt(j.Lane, depth) - p.busy; free > 0; free-- {
			next, ok := p.parked.Pop()
			if !ok {
				break
			}
			l.enqueue(next, &lane.waiting)
		}
		if p.busy == 0 {
			delete(lane.places, name)
			for {
				next, ok := p.parked.Pop()
				if !ok {
					break
				}
				l.enqueue(next, &lane.waiting)
			}
		}
	}
	l.hire(j.Lane)
}

// reply lets those hear who wait for a job.
func (l *Loop) reply(j *job, err error) {
	if j.replied {
		return
	}
	j.replied = true
	j.Reply(err)
}

// expect puts a job at the end of those that have a deadline: it is the same time
// for all, so they are in the order of their deadlines.
func (l *Loop) expect(j *job) {
	j.older = l.latest
	if l.latest != nil {
		l.latest.newer = j
	} else {
		l.earliest = j
	}
	l.latest = j
	if l.overdue == nil {
		l.overdue = l.After(l.limits.WorkerTimeout, l.checkOverdue)
	}
}

// forget takes a job out of those that have a deadline.
func (l *Loop) forget(j *job) {
	switch {
	case j.older != nil:
		j.older.newer = j.newer
	case l.earliest == j:
		l.earliest = j.newer
	default:
		return // it is none of them any more
	}
	if j.newer != nil {
		j.newer.older = j.older
	} else {
		l.latest = j.older
	}
	j.older, j.newer = nil, nil
}

// checkOverdue ends the wait for jobs whose deadline is over. While it is set for a
// job that has ended, it looks at the next one.
func (l *Loop) checkOverdue() {
	l.overdue = nil
	for j := l.earliest; j != nil && l.now-j.at >= l.limits.WorkerTimeout; j = l.earliest {
		l.forget(j)
		l.miss(j)
	}
	if j := l.earliest; j != nil {
		l.overdue = l.After(j.at+l.limits.WorkerTimeout-l.now, l.checkOverdue)
	}
}

// miss is what follows when a deadline is over. A worker that hangs is given up for
// lost: it counts against its place, and another one is made in its stead, as often
// as the lane has workers.
func (l *Loop) miss(j *job) {
	lane := &l.lanes[j.Lane]
	switch {
	case !j.begun && j.NoTimeout:
		return
	case !j.begun:
		if j.queue != nil {
			j.queue.Remove(j.Client, j)
			j.queue = nil
		}
		l.counters.WorkTimeouts++
		l.conclude(j, ErrWorkerTimeout)
		return
	case !j.counted:
		return // its refusal is on the way
	case l.now-j.since < l.limits.WorkerTimeout:
		// It had to wait for its worker, which is not to blame yet.
		l.missed(j)
		j.at = l.now
		l.expect(j)
		return
	}
	l.counters.WorkersLost++
	l.complain("a worker does not come back", fmt.Errorf("%w: %s", ErrWorkerTimeout, j.name()))
	l.unreserve(j)
	if lane.lost < l.workers(j.Lane) {
		j.counted, j.lost = false, true
		lane.lost++
		lane.busy--
		l.working--
		if j.Place != "" {
			lane.clients.Add(j.Client, -1)
		}
		list, n := j.places()
		for depth, name := range list[:n] {
			p := lane.places[name]
			if p.lost++; p.lost >= l.mostAt(j.Lane, depth) {
				for next, ok := p.parked.Pop(); ok; next, ok = p.parked.Pop() {
					next.queue = nil
					l.refuse(next)
				}
			}
		}
		l.hire(j.Lane)
	}
	l.missed(j)
}

// missed tells those who wait for a job that they wait no longer.
func (l *Loop) missed(j *job) {
	if !j.NoTimeout && !j.replied {
		l.counters.WorkTimeouts++
		l.reply(j, ErrWorkerTimeout)
	}
}

// name is what the log says of a job that hangs.
func (j *job) name() string {
	if j.Place != "" {
		return j.Place
	}
	return [lanes]string{"work of a handler", "a look-up", "a read", "large work"}[j.Lane]
}

// Lost returns how many workers hang at present.
func (l *Loop) Lost() int {
	n := 0
	for i := range l.lanes {
		n += l.lanes[i].lost
	}
	return n
}
