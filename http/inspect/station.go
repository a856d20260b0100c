package inspect

import (
	"slices"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// How much is shown, and how often.
const (
	frameEvery = 100 * time.Millisecond
	loopsShown = 64 // of more, the first
)

// A station is the place on one loop where watchers are served: on that of the site they
// have come to, or on the operator's. While there is a watcher, it takes the figures of all
// loops ten times a second, and makes a frame for each. It belongs to its loop's goroutine.
type station struct {
	inspector *Inspector
	number    int // of its loop, as in Inspector.Handler

	loop     *eventloop.Loop // known when the first watcher comes
	base     time.Time       // when the first of the servers' loops was made
	watchers []*watcher
	sources  []*source // while there are watchers
	timer    *eventloop.Timer

	asked []asked // by the number of the loop, see askAll

	latest time.Duration // Uptime of the latest frame
	frame  frame
}

// A watcher is a client of the stream.
type watcher struct {
	held *http.Held
	loop int    // of its connection, as in Inspector.Handler
	conn uint32 // its own connection

	skipped uint64        // frames that were not sent, because it had not taken the one before
	gap     time.Duration // that was not recorded, and that it does not know of yet
	missed  uint64        // records in the frames that were skipped
	behind  int           // frames that were skipped since the last that was sent
}

// skip notes that a frame was not sent. Now and then a comment goes out in its place: what a
// client that has reset its connection had not taken is on its way for ever, as the kernel
// tells it, and only a write learns more.
func (w *watcher) skip(records uint64) {
	w.skipped++
	w.missed += records
	if w.behind++; w.behind%commentEvery == 0 {
		_, _ = w.held.Write(comment) // of a failure OnClose tells
	}
}

// commentEvery is after how many skipped frames a comment is sent.
const commentEvery = 10

var comment = []byte(":\n\n")

// add begins to send frames to a watcher.
func (s *station) add(w *watcher) {
	if s.watchers = append(s.watchers, w); len(s.watchers) == 1 {
		s.begin()
	}
	w.held.OnClose(func() { s.remove(w) })
}

// remove ends that. With the last watcher all reading ends.
func (s *station) remove(w *watcher) {
	s.inspector.watchers.Add(-1)
	s.watchers = slices.DeleteFunc(s.watchers, func(other *watcher) bool { return other == w })
	if len(s.watchers) > 0 {
		return
	}
	s.timer.Stop()
	for _, source := range s.sources {
		source.end(s.loop)
	}
	s.sources, s.frame = nil, frame{}
}

// begin takes the figures for the first time.
func (s *station) begin() {
	servers := s.inspector.servers
	s.base = servers[0].Loop().WallTimeAt(0)
	s.latest = s.loop.Uptime()
	for i, server := range servers[:min(len(servers), loopsShown)] {
		loop := server.Loop()
		s.sources = append(s.sources, newSource(i, loop, s.base, loop == s.loop, s.latest))
	}
	for _, source := range s.sources {
		source.refresh(s.latest)
	}
	s.schedule()
}

// schedule has the next frame made behind the one of the loop itself, which is due a moment
// before in the same turn.
func (s *station) schedule() { s.timer = s.loop.After(frameEvery+1, s.tick) }

// tick makes a frame for each watcher that has taken the one before. It is built for each of
// them, because the connection of each is marked in its own.
func (s *station) tick() {
	s.loop.LeaveOut()
	now := s.loop.Uptime()
	s.schedule()
	gap := now - s.latest - frameEvery
	if gap < frameEvery {
		gap = 0 // a turn that took long, and no frame is missing
	}
	s.latest = now
	known := true
	for _, source := range s.sources {
		source.refresh(now)
		known = known && (source.known || source.shown.silent >= heldFrom)
	}
	if !known {
		return // or else the counters of a loop would go from 0 to all that it has done
	}
	f := &s.frame
	f.look(s)
	for i := 0; i < len(s.watchers); i++ {
		w := s.watchers[i]
		w.gap += gap
		if w.held.Unsent() > 0 {
			w.skip(f.records)
			continue
		}
		_, _ = w.held.Write(f.build(w)) // fails only if the client has left, of which OnClose tells
		w.gap, w.missed, w.behind = 0, 0, 0
	}
}
