package eventloop

import "fmt"

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
		l.record(WorkTimedOut, nil, 0)
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
	l.record(WorkerLost, nil, 0)
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
		l.record(WorkTimedOut, nil, 0)
		l.reply(j, ErrWorkerTimeout)
	}
}
