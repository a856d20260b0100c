package eventloop

// Memory that a worker prepares an answer in is reserved before the work begins, out
// of Limits.OutputTotal: output that is queued and output that is being prepared are
// one sum. A reservation ends when Job.Reply has returned; bytes that the reply has
// queued count by themselves.

// Reserved returns how many bytes are reserved for what workers prepare.
func (l *Loop) Reserved() int64 { return l.workers.reserved }

// mayReserve reports whether there is room for n bytes. One job may always begin,
// so that work goes on however much output there is.
func (w *workers) mayReserve(n int64) bool {
	return n == 0 || w.reserved == 0 || w.loop.output.bytes+w.reserved+n <= w.loop.limits.OutputTotal
}

// unreserve gives back what a job has reserved, and starts jobs that wait for it.
func (w *workers) unreserve(j *job) {
	n := j.Memory
	if n == 0 || !j.counted && !j.lost {
		return
	}
	j.Memory = 0
	w.reserved -= n
	for {
		next, ok := w.forMemory.Pop()
		if !ok {
			return
		}
		if !w.mayReserve(next.Memory) {
			w.enqueue(next, &w.forMemory)
			return
		}
		w.enqueue(next, &w.lanes[next.Lane].waiting)
		w.hire(next.Lane)
	}
}
