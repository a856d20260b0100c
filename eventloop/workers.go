package eventloop

// Workers are goroutines that do what may wait for a disk, or takes long. Three
// things keep one client, one folder or one kind of work from taking all of them:
// each kind of work has workers of its own, a lane; clients take turns in a lane;
// and neither a client nor a place may have all workers of it. What waits for a
// worker, or for one that does not come back, has a deadline.

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
	l.record(WorkTimedOut, nil, 0)
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
			l.record(WorkSkipped, nil, 0)
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
	l.startWork(func(func()) { l.runWorker(j) })
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

// Lost returns how many workers hang at present.
func (l *Loop) Lost() int {
	n := 0
	for i := range l.lanes {
		n += l.lanes[i].lost
	}
	return n
}
