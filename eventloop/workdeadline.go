package eventloop

import "fmt"

// expect puts a job at the end of those that have a deadline: it is the same time
// for all, so they are in the order of their deadlines.
func (w *workers) expect(j *job) {
	j.older = w.latest
	if w.latest != nil {
		w.latest.newer = j
	} else {
		w.earliest = j
	}
	w.latest = j
	if w.overdue == nil {
		w.overdue = w.loop.After(w.loop.limits.WorkerTimeout, w.checkOverdue)
	}
}

// forget takes a job out of those that have a deadline.
func (w *workers) forget(j *job) {
	switch {
	case j.older != nil:
		j.older.newer = j.newer
	case w.earliest == j:
		w.earliest = j.newer
	default:
		return // it is none of them any more
	}
	if j.newer != nil {
		j.newer.older = j.older
	} else {
		w.latest = j.older
	}
	j.older, j.newer = nil, nil
}

// checkOverdue ends the wait for jobs whose deadline is over. While it is set for a
// job that has ended, it looks at the next one.
func (w *workers) checkOverdue() {
	w.overdue = nil
	for j := w.earliest; j != nil && w.loop.clock.now-j.at >= w.loop.limits.WorkerTimeout; j = w.earliest {
		w.forget(j)
		w.miss(j)
	}
	if j := w.earliest; j != nil {
		w.overdue = w.loop.After(j.at+w.loop.limits.WorkerTimeout-w.loop.clock.now, w.checkOverdue)
	}
}

// miss is what follows when a deadline is over. A worker that hangs is given up for
// lost: it counts against its place, and another one is made in its stead, as often
// as the lane has workers.
func (w *workers) miss(j *job) {
	lane := &w.lanes[j.Lane]
	switch {
	case !j.begun && j.NoTimeout:
		return
	case !j.begun:
		if j.queue != nil {
			j.queue.Remove(j.Client, j)
			j.queue = nil
		}
		w.loop.record(WorkTimedOut, nil, 0)
		w.conclude(j, ErrWorkerTimeout)
		return
	case !j.counted:
		return // its refusal is on the way
	case w.loop.clock.now-j.since < w.loop.limits.WorkerTimeout:
		// It had to wait for its worker, which is not to blame yet.
		w.missed(j)
		j.at = w.loop.clock.now
		w.expect(j)
		return
	}
	w.loop.record(WorkerLost, nil, 0)
	w.loop.report.complain("a worker does not come back", fmt.Errorf("%w: %s", ErrWorkerTimeout, j.name()))
	w.unreserve(j)
	if lane.lost < w.most(j.Lane) {
		j.counted, j.lost = false, true
		lane.lost++
		lane.busy--
		w.busy--
		if j.Place != "" {
			lane.clients.Add(j.Client, -1)
		}
		list, n := j.places()
		for depth, name := range list[:n] {
			p := lane.places[name]
			if p.lost++; p.lost >= w.mostAt(j.Lane, depth) {
				for next, ok := p.parked.Pop(); ok; next, ok = p.parked.Pop() {
					next.queue = nil
					w.refuse(next)
				}
			}
		}
		w.hire(j.Lane)
	}
	w.missed(j)
}

// missed replies that the deadline of a job is over.
func (w *workers) missed(j *job) {
	if !j.NoTimeout && !j.replied {
		w.loop.record(WorkTimedOut, nil, 0)
		w.reply(j, ErrWorkerTimeout)
	}
}
