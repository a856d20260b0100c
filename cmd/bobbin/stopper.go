package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/bobbin-http/bobbin/cmd/bobbin/internal/handover"
	"github.com/bobbin-http/bobbin/http"
)

// The end of the program, on signals and after an upgrade.

// A stopPhase is how far that has come.
type stopPhase uint8

const (
	serving  stopPhase = iota
	delayed            // checks of health get 503, and all is served: --drain-delay
	followed           // open requests are finished, because another process serves
	draining           // open requests are finished, because of a signal
)

// A stopper ends the program: the first signal begins, and each further one goes on to the
// next phase at once.
type stopper struct {
	site    *site
	servers http.Servers
	delay   time.Duration
	quiet   bool
	stderr  io.Writer

	asked chan struct{} // closed when a stop begins
	ended chan struct{} // closed when the servers have ended

	mu    sync.Mutex
	phase stopPhase
	timer *time.Timer // of the delay
}

// newStopper is called before the servers run.
func (s *site) newStopper(o *options, servers http.Servers, stderr io.Writer) *stopper {
	return &stopper{site: s, servers: servers, delay: o.life.delay, quiet: o.quiet, stderr: stderr, asked: make(chan struct{}), ended: make(chan struct{})}
}

// signal is called for each signal.
func (s *stopper) signal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.phase {
	case serving:
		s.begin()
		s.site.manager.stopping("finishes open requests")
		if s.delay == 0 {
			s.drain()
			return
		}
		s.phase = delayed
		if !s.quiet {
			fmt.Fprintf(s.stderr, "bobbin: stopping in %v, and serving until then, for --drain-delay; a second signal skips that\n", s.delay)
		}
		s.timer = time.AfterFunc(s.delay, s.delayOver)
	case delayed:
		s.drain()
	case followed:
		s.phase = draining // as it does: a service manager or process 1 stops all processes at once
	default:
		s.servers.Stop()
	}
}

// delayOver ends the delay, unless a signal has.
func (s *stopper) delayOver() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase == delayed {
		s.drain()
	}
}

// begin says that a stop has begun: to checks of health before connections end. From then on
// no signal to stop ends the process by itself, also when nothing else waits for it any more.
func (s *stopper) begin() {
	signal.Notify(make(chan os.Signal, 1), syscall.SIGTERM, os.Interrupt)
	s.site.tries.stop()
	s.site.stopping.Store(true)
	close(s.asked)
}

// drain has open requests finished.
func (s *stopper) drain() {
	if s.timer != nil {
		s.timer.Stop()
	}
	s.phase = draining
	if s.quiet {
		s.servers.Stop()
		return
	}
	stopAndTell(s.servers, s.stderr)
}

// begun reports whether a stop has begun.
func (s *stopper) begun() bool { return s.site.stopping.Load() }

// followedBy gives the sockets to another process, and then has open requests finished. A
// stop that has begun makes the listeners refuse connections, for every process that has
// them: so it is one or the other.
func (s *stopper) followedBy(next *handover.Next, give func() error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.phase != serving {
		return handover.ErrStopped
	}
	if err := give(); err != nil {
		return err
	}
	s.site.next.Store(next)
	if os.Getpid() == 1 {
		passOn()
	}
	s.begin()
	s.drain()
	s.phase = followed
	return nil
}
