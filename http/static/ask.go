package static

import (
	"errors"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// How the disk is asked: one question at a time about one thing, however many
// requests wait for the answer; and if the disk does not answer, what it has said
// before has to do.

const (
	// lateAfter is how long a request waits for the disk while there is something
	// that it could be answered with.
	lateAfter = 100 * time.Millisecond

	// staleMax is how long that may be after the disk was last asked.
	staleMax = time.Minute
)

// Counters count what became of questions to the disk.
type Counters struct {
	Asked  uint64 // questions
	Shared uint64 // requests that waited for a question of another
	Stale  uint64 // requests that were answered with what the disk had said before, because it did not answer
}

// Counters returns what happened so far.
func (f *Files) Counters() Counters { return f.counters }

// A question is what a worker finds out.
type question struct {
	search
	key  string // requests with the same one share the answer
	lane eventloop.Lane
}

// An asking is a question on its way, and who waits for the answer. It belongs to
// the loop.
type asking struct {
	client  eventloop.Client
	since   time.Duration // by the loop's clock
	began   time.Time     // what is found was true then, or later
	fresh   bool          // who asks is about to wait
	begun   bool          // a worker has it, or will have it next
	hangs   bool          // it is not answered in time
	ahead   *entry        // is checked before it is too old, or nil
	waiters []waiter
	late    *eventloop.Timer
}

// A waiter is a request that waits.
type waiter struct {
	*http.Pending
	r       *http.Request
	q       *question // its own
	missing http.Handler
}

// await answers a request with what the disk says.
func (f *Files) await(w *http.Response, r *http.Request, q *question, missing http.Handler) error {
	a := f.asked[q.key]
	switch {
	case a == nil, !a.begun && a.client != r.Client():
		// Nobody waits for the turn of another client.
		a = f.ask(r, q)
	default:
		f.counters.Shared++
	}
	loop := r.Loop()
	left := a.since + lateAfter - loop.Uptime()
	var stale *entry
	if left <= 0 || a.late == nil {
		stale = f.stale(r, q)
	}
	switch {
	case stale != nil && left <= 0:
		f.counters.Stale++
		return f.reply(w, r, stale, missing)
	case a.hangs:
		return http.StatusServiceUnavailable
	case stale != nil:
		a.late = loop.After(left, func() {
			a.late = nil
			f.giveUp(a, nil)
		})
	}
	p, err := http.Later(w)
	if err != nil {
		return err
	}
	if len(a.waiters) == cap(a.waiters) {
		a.prune()
	}
	a.waiters = append(a.waiters, waiter{p, r, q, missing})
	return nil
}

// prune forgets those who have left.
func (a *asking) prune() {
	left := a.waiters[:0]
	for _, w := range a.waiters {
		if w.Wanted() {
			left = append(left, w)
		}
	}
	clear(a.waiters[len(left):])
	a.waiters = left
}

// wanted reports whether the answer still is, when a worker is free for it.
func (a *asking) wanted() bool {
	a.prune()
	a.begun = len(a.waiters) > 0 || a.ahead != nil || a.fresh
	return a.begun
}

// ask has a worker find out.
func (f *Files) ask(r *http.Request, q *question) *asking {
	loop := r.Loop()
	a := &asking{client: r.Client(), since: loop.Uptime(), began: r.Time(), fresh: true}
	if f.asked == nil {
		f.asked = make(map[string]*asking)
	}
	f.asked[q.key] = a
	f.counters.Asked++
	s := f.prepare(q.search)
	var found *found
	loop.OffloadJob(eventloop.Job{
		Lane: q.lane, Client: a.client, Place: q.path, Memory: q.memory(),
		Work:   func() { found = s.run() },
		Wanted: a.wanted,
		Reply: func(err error) {
			if errors.Is(err, eventloop.ErrWorkerTimeout) {
				a.hangs = true
				f.giveUp(a, err)
				return
			}
			f.tell(a, q.key, found, err)
		},
		Over: func() {
			if a.hangs {
				f.tell(a, q.key, found, nil)
			}
		},
	})
	a.fresh = false
	return a
}

// tell has all who wait hear what was found, or why nothing was.
func (f *Files) tell(a *asking, key string, found *found, err error) {
	if f.asked[key] == a {
		delete(f.asked, key)
	}
	if a.late != nil {
		a.late.Stop()
		a.late = nil
	}
	if a.ahead != nil {
		a.ahead.checking = false
	}
	var e *entry
	if found != nil {
		e = f.store(found, a.began)
	}
	list := a.waiters
	a.waiters = nil
	for _, w := range list {
		if err != nil && !errors.Is(err, eventloop.ErrSkipped) {
			w.Fail(err)
			continue
		}
		w.Answer(func(response *http.Response) error {
			if e == nil {
				return f.await(response, w.r, w.q, w.missing)
			}
			return f.reply(response, w.r, e, w.missing)
		})
	}
	if e != nil {
		e.release()
	}
}

// giveUp answers those who wait with what the disk has said before. If it has said
// nothing, they hear the error, or go on waiting if it is nil.
func (f *Files) giveUp(a *asking, err error) {
	list := a.waiters
	a.waiters = nil
	for _, w := range list {
		if !w.Wanted() {
			continue
		}
		e := f.stale(w.r, w.q)
		switch {
		case e != nil:
			f.counters.Stale++
			e.retain()
			w.Answer(func(response *http.Response) error { return f.reply(response, w.r, e, w.missing) })
			e.release()
		case err != nil:
			w.Fail(err)
		default:
			a.waiters = append(a.waiters, w)
		}
	}
}

// stale returns what the disk has said before, if that may still be answered. A file
// that is open would have to be asked whether it has changed, and is not; only what
// is in memory is.
func (f *Files) stale(r *http.Request, q *question) *entry {
	e := f.known(q)
	if e == nil || r.Loop().WallTime().Sub(e.checked) > staleMax {
		return nil
	}
	for _, fm := range e.forms {
		if fm != nil && fm.file != nil {
			return nil
		}
	}
	return e
}

// known returns what the disk has said before.
func (f *Files) known(q *question) *entry {
	key := []byte(q.key)
	if q.page {
		key = []byte(q.path)
	}
	e := f.cache.get(key)
	if e == nil {
		e = f.unsure.get(key)
	}
	if e != nil && e.err == http.StatusNotFound && q.page {
		return f.cache.get([]byte("/" + f.options.Fallback))
	}
	return e
}

// reply answers with an entry. If there is nothing, missing answers, unless it is
// nil.
func (f *Files) reply(w *http.Response, r *http.Request, e *entry, missing http.Handler) error {
	if e.err == http.StatusNotFound && missing != nil {
		return missing(w, r)
	}
	return f.answer(w, r, e)
}

// find asks the disk about a clean path, and answers with what it says.
func (f *Files) find(w *http.Response, r *http.Request, path string, missing http.Handler) error {
	return f.await(w, r, f.about(r, path), missing)
}

// about is the question what a path names.
func (f *Files) about(r *http.Request, path string) *question {
	q := &question{search: search{path: path}, key: path, lane: eventloop.LaneLookups}
	if f.options.Fallback != "" && wantsPage(r, path) {
		q.page = true
		q.key += "\x00"
	}
	return q
}

// prepare puts what is known into a search: nothing in it is shared with the loop.
func (f *Files) prepare(s search) *search {
	s.root, s.generation, s.only, s.options = f.root, f.generation, f.only, &f.options
	if e := f.cache.get([]byte(s.path)); e != nil {
		s.known = e.fileID
	}
	if s.page {
		if e := f.cache.get([]byte("/" + f.options.Fallback)); e != nil {
			s.fallback = e.fileID
		}
	}
	return &s
}

// memory is how much of it the answer may take that is not counted by the cache.
func (q *question) memory() int64 {
	if q.list != nil {
		return listMemory
	}
	return 0
}

// checkAhead asks the disk about an entry before it is too old to be answered,
// so that nobody has to wait for what is asked for all the time.
func (f *Files) checkAhead(r *http.Request, e *entry) {
	if e.checking {
		return
	}
	a := f.asked[e.path]
	if a == nil {
		a = f.ask(r, &question{search: search{path: e.path}, key: e.path, lane: eventloop.LaneLookups})
	}
	if a.ahead == nil {
		e.checking = true
		a.ahead = e
	}
}
