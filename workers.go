package bobbin

import "sync"

// workers is the part of every kernel here that leaves the loop's goroutine.
// Goroutines are the runtime's way to wait without keeping others waiting. Those
// that have nothing to do are kept for a while: their stacks have grown to what
// the work takes, and to grow another costs more than the work often does.
type workers struct {
	mu   sync.Mutex
	idle []*worker
	shut bool
}

// maxIdle is how many goroutines are kept.
const maxIdle = 64

// A worker is a goroutine, and what it is to do next.
type worker struct {
	jobs chan job
}

type job struct {
	run  func(wait func())
	wait func()
}

// Work implements Kernel.
func (e *workers) Work(f func(wait func())) (wake func()) {
	token := make(chan struct{}, 1)
	e.give(job{f, func() { <-token }})
	return func() {
		select {
		case token <- struct{}{}:
		default: // it was woken already
		}
	}
}

// give leaves a job to the worker that was busy last, or to a new one.
func (e *workers) give(j job) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if n := len(e.idle); n > 0 {
		w := e.idle[n-1]
		e.idle = e.idle[:n-1]
		w.jobs <- j // has room, because it is idle
		return
	}
	w := &worker{jobs: make(chan job, 1)}
	w.jobs <- j
	go e.run(w)
}

// run is a worker's life.
func (e *workers) run(w *worker) {
	for j := range w.jobs {
		j.run(j.wait)
		if !e.park(w) {
			return
		}
	}
}

// park keeps a worker for what is to come, if there is room.
func (e *workers) park(w *worker) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.shut || len(e.idle) == maxIdle {
		return false
	}
	e.idle = append(e.idle, w)
	return true
}

// stop ends the workers that have nothing to do, and the others when they are
// done.
func (e *workers) stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.shut = true
	for _, w := range e.idle {
		close(w.jobs)
	}
	e.idle = nil
}
