package eventloop

import (
	"sync"

	"github.com/bobbin-http/bobbin"
)

// A startFunc runs f beside the loop, where f may wait for a disk or for others, and
// returns at once. f must touch nothing of the loop's. When f calls wait, that returns
// after the next call of wake, or at once if wake was called since wait returned last.
// Any goroutine may call both.
type startFunc func(f func(wait func())) (wake func())

// startOf returns how a loop starts work on a kernel. A kernel that has a method Work
// runs it in its own way: the simulated one, where the seed decides the order.
func (g *goroutines) startOf(kernel bobbin.Kernel) startFunc {
	if k, ok := kernel.(interface {
		Work(f func(wait func())) (wake func())
	}); ok {
		return k.Work
	}
	return g.start
}

// goroutines run work for which a loop does not wait. Idle ones are kept for a while: their
// stacks have grown to what the work takes, and growing another costs more than most
// work does.
type goroutines struct {
	mu      sync.Mutex
	idle    []chan startable // one for each idle goroutine, with room for one
	stopped bool
}

// maxIdle is how many idle goroutines are kept.
const maxIdle = 64

// A startable is the next work of a goroutine.
type startable struct {
	run  func(wait func())
	wait func()
}

// start is a startFunc.
func (g *goroutines) start(f func(wait func())) (wake func()) {
	token := make(chan struct{}, 1)
	g.give(startable{f, func() { <-token }})
	return func() {
		select {
		case token <- struct{}{}:
		default: // there is a wake already that wait has not used
		}
	}
}

// give hands work to the goroutine that became idle last, or to a new one.
func (g *goroutines) give(s startable) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if n := len(g.idle); n > 0 {
		next := g.idle[n-1]
		g.idle = g.idle[:n-1]
		next <- s // has room, because the goroutine is idle
		return
	}
	next := make(chan startable, 1)
	next <- s
	go g.run(next)
}

// run is the life of a goroutine.
func (g *goroutines) run(next chan startable) {
	for s := range next {
		s.run(s.wait)
		if !g.keep(next) {
			return
		}
	}
}

// keep makes a goroutine idle, and reports false where there is no room for it.
func (g *goroutines) keep(next chan startable) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped || len(g.idle) == maxIdle {
		return false
	}
	g.idle = append(g.idle, next)
	return true
}

// stop ends the idle goroutines, and the others when their work is done.
func (g *goroutines) stop() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.stopped = true
	for _, next := range g.idle {
		close(next)
	}
	g.idle = nil
}
