package eventloop

import "runtime"

// Workers are goroutines that do what may wait for a disk, or takes long. Three
// things keep one client, one folder or one kind of work from taking all of them:
// each kind of work has workers of its own, a lane; clients take turns in a lane;
// and neither a client nor a place may have all workers of it. A job has a
// deadline, whether it waits for a worker or its worker hangs.

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

// Workers are the workers of a loop, and the jobs that wait for them.
type workers struct {
	loop       *Loop
	signers    int       // workers that sign with slow keys at a time
	start      startFunc // begins work beside the loop
	goroutines goroutines

	lanes     [lanes]lane
	busy      int         // in all lanes, without those that are lost
	reserved  int64       // bytes for what they prepare
	forMemory Turns[*job] // wait for some of that
	tasks     int         // tasks off the loop, which have goroutines of their own

	// Jobs that have a deadline, and the timer for the first of them.
	earliest, latest *job
	overdue          *Timer
}

func (w *workers) init(l *Loop, config *Config) {
	w.loop = l
	w.signers = config.signers(runtime.GOMAXPROCS(0))
	w.start = w.goroutines.startOf(l.kernel)
}

// underWay reports whether something is being done off the loop.
func (w *workers) underWay() bool { return w.busy+w.tasks > 0 }

// OffloadJob has a worker do a job. Reply runs exactly once, unless the loop ends
// before, and never before OffloadJob has returned. It must be called on the
// loop's goroutine.
func (l *Loop) OffloadJob(work Job) {
	l.owner.check("Loop.OffloadJob")
	j := &job{Job: work, at: l.clock.now}
	l.workers.expect(j)
	if l.workers.hangs(j) {
		l.workers.refuse(j)
		return
	}
	l.workers.enqueue(j, &l.workers.lanes[j.Lane].waiting)
	l.workers.hire(j.Lane)
}

// enqueue puts a job into a queue.
func (w *workers) enqueue(j *job, queue *Turns[*job]) {
	j.queue = queue
	queue.Push(j.Client, j)
}

// refuse ends a job that is not begun, in the next phase for posted work.
func (w *workers) refuse(j *job) {
	j.begun = true
	w.loop.record(WorkTimedOut, nil, 0)
	_ = w.loop.mail.put(func() { w.conclude(j, ErrWorkerTimeout) }, false) // a loop that has ended needs no reply
}

// most returns how many workers a lane may have.
func (w *workers) most(n Lane) int {
	switch n {
	case LaneLarge:
		return w.loop.limits.LargeWorkers
	case laneHandshakes:
		return w.loop.limits.Handshakes
	case laneSigning:
		return w.signers
	}
	return w.loop.limits.Workers
}

// mostOf is how many workers of a lane one client may have.
func (w *workers) mostOf(n Lane) int64 {
	workers := w.most(n)
	if n == laneHandshakes || n == laneSigning {
		return int64(workers)
	}
	return int64(workers - workers/4)
}

// mostAt is how many workers of a lane may be at one place.
func (w *workers) mostAt(n Lane, depth int) int { return max(1, w.most(n)>>(depth+1)) }

// hire has workers begin what waits in a lane, as far as there is room.
func (w *workers) hire(n Lane) {
	lane := &w.lanes[n]
	most := w.mostOf(n)
	for lane.busy < w.most(n) {
		j, ok := lane.waiting.PopIf(func(who Client) bool { return lane.clients.Of(who) < most })
		if !ok {
			return
		}
		j.queue = nil
		switch full := w.fullPlace(j); {
		case j.Wanted != nil && !w.isWanted(j):
			w.loop.record(WorkSkipped, nil, 0)
			j.begun = true
			_ = w.loop.mail.put(func() { w.conclude(j, ErrSkipped) }, false)
		case full != nil && w.hangs(j):
			w.refuse(j)
		case full != nil:
			w.enqueue(j, &full.parked)
		case !w.mayReserve(j.Memory):
			w.enqueue(j, &w.forMemory)
		default:
			w.assign(j)
		}
	}
}

// isWanted asks whether a job is still to be done. One that cannot tell is not.
func (w *workers) isWanted(j *job) bool {
	defer w.loop.recovered()
	return j.Wanted()
}

// assign gives a job to a worker.
func (w *workers) assign(j *job) {
	lane := &w.lanes[j.Lane]
	j.begun, j.counted, j.since = true, true, w.loop.clock.now
	lane.busy++
	w.busy++
	lane.clients.Add(j.Client, 1)
	w.reserved += j.Memory
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
	w.start(func(func()) { w.run(j) })
}

// fullPlace returns the place at which a job has to wait, or nil.
func (w *workers) fullPlace(j *job) *place {
	list, n := j.places()
	for depth, name := range list[:n] {
		if p := w.lanes[j.Lane].places[name]; p != nil && p.busy >= w.mostAt(j.Lane, depth) {
			return p
		}
	}
	return nil
}

// hangs reports whether as many workers hang where a job wants to go as may be
// there.
func (w *workers) hangs(j *job) bool {
	list, n := j.places()
	for depth, name := range list[:n] {
		if p := w.lanes[j.Lane].places[name]; p != nil && p.lost >= w.mostAt(j.Lane, depth) {
			return true
		}
	}
	return false
}

// run does a job, on its worker.
func (w *workers) run(j *job) {
	err := j.do(w.loop)
	// What was promised is told even if others have posted too much.
	if w.loop.mail.put(func() { w.conclude(j, err) }, false) == nil {
		_ = w.loop.kernel.Wake() // it fails only for a loop that has ended
	}
}

// conclude is the end of a job: its worker is back, or there never was one.
func (w *workers) conclude(j *job, err error) {
	w.forget(j)
	if j.counted || j.lost {
		w.giveBack(j)
	}
	w.reply(j, err)
	w.unreserve(j)
	if j.Over != nil {
		w.loop.shield(j.Over)
	}
}

// giveBack frees the worker of a job, and has others begin in its place.
func (w *workers) giveBack(j *job) {
	lane := &w.lanes[j.Lane]
	if j.counted {
		lane.busy--
		w.busy--
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
		for free := w.mostAt(j.Lane, depth) - p.busy; free > 0; free-- {
			next, ok := p.parked.Pop()
			if !ok {
				break
			}
			w.enqueue(next, &lane.waiting)
		}
		if p.busy == 0 {
			delete(lane.places, name)
			for {
				next, ok := p.parked.Pop()
				if !ok {
					break
				}
				w.enqueue(next, &lane.waiting)
			}
		}
	}
	w.hire(j.Lane)
}

// reply calls the reply of a job, once.
func (w *workers) reply(j *job, err error) {
	if j.replied {
		return
	}
	j.replied = true
	w.loop.shield(func() { j.Reply(err) })
}

// Lost returns how many workers hang at present.
func (l *Loop) Lost() int {
	n := 0
	for i := range l.workers.lanes {
		n += l.workers.lanes[i].lost
	}
	return n
}
