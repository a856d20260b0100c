package static

import (
	"errors"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// Workers ask the disk. Requests for the same path share one question. If the disk
// does not answer in time, they are answered with its answer from before.

const (
	// lateAfter is how long a request waits for the disk before it is answered
	// with an entry that is too old, if there is one.
	lateAfter = 100 * time.Millisecond

	// staleMax is the largest age of such an entry.
	staleMax = time.Minute
)

// Counters count questions to the disk and their outcomes, and what the cache does.
type Counters struct {
	Asked  uint64 // questions, also to check what is in the cache
	Shared uint64 // requests that waited for the question of another request
	Stale  uint64 // requests that were answered with an old entry, because the disk did not answer

	Hits    uint64 // requests that have found an entry in the cache
	Evicted uint64 // entries that made room for others
	Bytes   int64  // of memory that the cache takes now
}

// Counters returns the counts so far. It belongs to the loop, and walks through the cache.
func (f *Files) Counters() Counters {
	c := f.counters
	c.Hits = f.cache.hits() + f.unsure.hits()
	c.Evicted = f.cache.evicted + f.unsure.evicted
	c.Bytes = f.cache.size + f.unsure.size
	return c
}

// A question is a search, and how it is shared.
type question struct {
	search
	key  string // requests with the same key share the answer
	lane eventloop.Lane
}

// An asking is a question on its way, with the requests that wait for its answer.
// It belongs to the loop.
type asking struct {
	client  eventloop.Client
	since   time.Duration // by the loop's clock
	began   time.Time     // the result was true at that time, or later
	fresh   bool          // the request that asks is about to wait
	begun   bool          // a worker has it, or takes it next
	hangs   bool          // it was not answered in time
	ahead   *entry        // the entry that is checked before it is too old, or nil
	waiters []waiter
	late    *eventloop.Timer
}

// A waiter is a request that waits.
type waiter struct {
	*http.Pending
	r       *http.Request
	q       *question // of this request
	missing http.Handler
}

// await answers a request when the disk has answered its question.
func (f *Files) await(w *http.Response, r *http.Request, q *question, missing http.Handler) error {
	a := f.asked[q.key]
	switch {
	case a == nil, !a.begun && a.client != r.Client():
		// A question waits for its client's turn, and others must not wait for that.
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
		return f.reply(w, r, q, stale, missing)
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

// prune removes the waiters whose clients have gone.
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

// wanted reports, when a worker is free, whether the answer is still needed.
func (a *asking) wanted() bool {
	a.prune()
	a.begun = len(a.waiters) > 0 || a.ahead != nil || a.fresh
	return a.begun
}

// ask has a worker answer a question.
func (f *Files) ask(r *http.Request, q *question) *asking {
	loop := r.Loop()
	a := &asking{client: r.Client(), since: loop.Uptime(), began: r.Time(), fresh: true}
	if f.asked == nil {
		f.asked = make(map[string]*asking)
	}
	f.asked[q.key] = a
	f.counters.Asked++
	s := f.prepare(q.search, a.began)
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

// tell answers all waiters with the result, or with an error.
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
			return f.reply(response, w.r, w.q, e, w.missing)
		})
	}
	if e != nil {
		e.release()
	}
}

// giveUp answers the waiters with old entries. A waiter for which there is none is
// answered with the error, or goes on waiting if that is nil.
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
			w.Answer(func(response *http.Response) error { return f.reply(response, w.r, w.q, e, w.missing) })
			e.release()
		case err != nil:
			w.Fail(err)
		default:
			a.waiters = append(a.waiters, w)
		}
	}
}

// stale returns an old entry that may still be answered, or nil. Only entries in
// memory may: an open file would have to be compared, and its disk does not answer.
func (f *Files) stale(r *http.Request, q *question) *entry {
	e := f.known(q)
	if e == nil || e.open || r.Loop().WallTime().Sub(e.checked) > staleMax {
		return nil
	}
	return e
}

// known returns the entry of an earlier answer to the question, or nil.
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
		return f.cache.get([]byte(f.options.pathOf(f.options.Fallback)))
	}
	return e
}

// prepare completes a search by what is known. It shares nothing with the loop.
func (f *Files) prepare(s search, asked time.Time) *search {
	s.asked = asked
	s.root, s.generation, s.only, s.options = f.root, f.generation, f.only, &f.options
	if e := f.cache.peek(s.path); e != nil {
		s.known = e.fileID
	}
	if s.page {
		if e := f.cache.peek(f.options.pathOf(f.options.Fallback)); e != nil {
			s.fallback = e.fileID
		}
	}
	return &s
}

// memory returns how many bytes the answer may take that the cache does not count.
func (q *question) memory() int64 {
	if q.list != nil {
		return listMemory
	}
	return 0
}

// checkAhead asks the disk about an entry before it is too old to be answered, so
// that requests for a popular file never wait.
func (f *Files) checkAhead(r *http.Request, e *entry) {
	if e.checking {
		return
	}
	a := f.asked[e.path]
	if a == nil {
		a = f.ask(r, &question{search: search{path: e.path}, key: e.path, lane: f.lane})
	}
	if a.ahead == nil {
		e.checking = true
		a.ahead = e
	}
}
