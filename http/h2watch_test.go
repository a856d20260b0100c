package http

import (
	"testing"
	"time"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// What must hold of a server's connections of HTTP/2 between any two turns, and at the end.

// h2Watched is a kernel that has the invariants checked between turns.
type h2Watched struct {
	*sim.Kernel
	check func()
}

func (k *h2Watched) Wait(events []bobbin.Event, until time.Duration) (int, error) {
	k.check()
	return k.Kernel.Wait(events, until)
}

// An h2Watch looks at all connections of HTTP/2 of a server.
type h2Watch struct {
	t      testing.TB
	server *Server
	seen   map[*h2Conn]bool
	failed bool

	restSince time.Duration // there has been no connection and no handler; 0 if there is one
}

// h2Rest is how long a server has nothing to do before it must have no timer: workers have some
// for Limits.WorkerTimeout.
const h2Rest = 30 * time.Second

// fail reports the first invariant that does not hold.
func (w *h2Watch) fail(format string, args ...any) {
	if !w.failed {
		w.failed = true
		w.t.Errorf(format, args...)
	}
}

// check checks what must hold between any two turns.
func (w *h2Watch) check() {
	s := w.server
	if s == nil || w.failed {
		return
	}
	s.loop.Each(func(c *eventloop.Conn) {
		if p, ok := c.Protocol().(*h2Conn); ok {
			w.seen[p] = true
		}
	})
	kept := int64(0)
	for p := range w.seen {
		kept += w.checkConn(p)
	}
	if kept != s.h2Kept {
		w.fail("%d bytes of bodies are kept, and %d are counted", kept, s.h2Kept)
	}
	if n := len(s.freeStreams); n > h2StreamsKept {
		w.fail("%d streams are kept to be used again", n)
	}
	if s.loop.Open() > 0 || s.loop.Gauges().Tasks > 0 {
		w.restSince = 0
	} else if w.restSince == 0 {
		w.restSince = s.loop.Uptime()
	} else if n := s.loop.Gauges().Timers; n > 0 && !s.loop.Stopping() && s.loop.Uptime()-w.restSince > h2Rest-time.Second {
		w.fail("%d timers are left", n)
	}
	for _, one := range s.freeStreams {
		if one.on != nil || one.conn.x != nil || one.listed || one.smallAt != nil {
			w.fail("a stream that is kept to be used again is in use")
		}
	}
}

// checkConn checks one connection, and returns how many bytes of bodies it has kept.
func (w *h2Watch) checkConn(p *h2Conn) (kept int64) {
	listed := 0
	for s := range p.streams.all() {
		id := s.id
		kept += s.owed
		switch {
		case p.streams.find(id) != s || s.on != p:
			w.fail("stream %d is not found by its number", id)
		case s.owed < 0 || s.used < 0:
			w.fail("stream %d owes %d bytes, and %d were used", id, s.owed, s.used)
		case !s.heard && s.thrown <= w.server.limits.Discard && s.credit+s.used+s.owed != s.most:
			w.fail("the window of stream %d has %d bytes: %d to come, %d used, %d kept", id, s.most, s.credit, s.used, s.owed)
		}
		if s.listed {
			listed++
		}
	}
	if size := max(p.credit.size, int64(65_535)); p.credit.window+p.credit.used+kept != size && !p.broken {
		w.fail("the window of a connection has %d bytes: %d to come, %d used, %d kept", size, p.credit.window, p.credit.used, kept)
	}
	inLists := 0
	for urgency := range p.sending.lists {
		last := (*h2Stream)(nil)
		for s := p.sending.lists[urgency].first; s != nil && inLists <= listed; s = s.next {
			if inLists++; !s.listed || p.streams.find(s.id) != s || int(s.priority.Urgency) != urgency {
				w.fail("stream %d is in the list of urgency %d, and should not be", s.id, urgency)
			}
			last = s
		}
		if p.sending.lists[urgency].last != last && inLists <= listed {
			w.fail("the list of urgency %d has another end", urgency)
		}
	}
	if inLists != listed || p.sending.count != listed {
		w.fail("%d streams are listed, %d are in lists, %d are counted", listed, inLists, p.sending.count)
	}
	return kept
}

// end checks what must hold when all is over.
func (w *h2Watch) end() {
	s := w.server
	if s == nil {
		return
	}
	w.check()
	for p := range w.seen {
		if p.streams.count > 0 || p.carried.Streams() > 0 || p.sending.count > 0 {
			w.fail("%d streams are left, of which the loop has %d, and %d are listed", p.streams.count, p.carried.Streams(), p.sending.count)
		}
		if p.closing != nil || p.sending.timer != nil {
			w.fail("a timer of a connection is left")
		}
	}
	if s.h2Kept != 0 {
		w.fail("%d bytes of bodies are left", s.h2Kept)
	}
	g := s.loop.Gauges()
	if g.Tasks+g.Jobs != 0 {
		w.fail("left: %d tasks, %d jobs", g.Tasks, g.Jobs)
	}
	if n := s.loop.Count(eventloop.Panicked); n > 0 {
		w.fail("%d panics", n)
	}
}
