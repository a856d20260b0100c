package middleware

import (
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// The queues of password checks. Checks are slow on purpose, and few run at a time;
// the others wait here. Clients take turns, and so do the names that one client
// tries. Clients without a recent wrong guess, for names with few wrong guesses, go
// first. So guesses delay an honest login only by the checks of other newcomers and
// by its own turn.

// Limits of the checks.
const (
	checksMax  = 4                // at a time, if Checks is 0
	waitingMax = 256              // beyond it, the client with most waiting checks gets 503
	waitMax    = 10 * time.Second // for a check to begin; then 503

	rightMax = 4096 // correct passwords remembered
	wrongMax = 4096 // wrong passwords remembered
	guessers = 8192 // clients, and names, whose failures are remembered
)

// Failures of a client pause the client, twice as long for each. Failures for a name
// cost its clients their precedence. A name is never locked, because that would lock
// its owner out.
const (
	freeFailures = 5                // of a client, before it must pause
	firstPause   = time.Second      // after the next failure
	longestPause = time.Minute      // the upper bound
	nameFailures = 10               // for a name, before its newcomers lose their precedence
	forgiveAfter = 10 * time.Minute // without a failure
)

// An attempt is a request whose password is to be checked.
type attempt struct {
	client  eventloop.Client
	name    eventloop.Client // the name's key in Turns
	digest  [32]byte
	pending *http.Pending
	begin   func(w *http.Response) error // the check
	queue   *queue                       // the queue it waits in, or nil
	timer   *eventloop.Timer
}

// A queue holds waiting attempts: clients take turns, and the names of each client.
type queue struct {
	clients  eventloop.Turns[*names]
	byClient map[eventloop.Client]*names
}

// names are the attempts of one client, by name.
type names = eventloop.Turns[*attempt]

func (q *queue) push(a *attempt) {
	n := q.byClient[a.client]
	if n == nil {
		if q.byClient == nil {
			q.byClient = make(map[eventloop.Client]*names)
		}
		n = new(names)
		q.byClient[a.client] = n
	}
	n.Push(a.name, a)
	q.clients.Push(a.client, n)
	a.queue = q
}

// pop removes and returns the next attempt.
func (q *queue) pop() (a *attempt, ok bool) {
	n, ok := q.clients.Pop()
	if !ok {
		return nil, false
	}
	a, ok = n.Pop()
	q.tidy(a)
	return a, ok
}

// dropLast removes and returns the latest attempt of the client with most.
func (q *queue) dropLast() *attempt {
	n, _ := q.clients.DropLast()
	a, _ := n.DropLast()
	q.tidy(a)
	return a
}

// remove removes an attempt from any place.
func (q *queue) remove(a *attempt) {
	n := q.byClient[a.client]
	n.Remove(a.name, a)
	q.clients.Remove(a.client, n)
	q.tidy(a)
}

// stopTimer stops the deadline of an attempt.
func (a *attempt) stopTimer() {
	if a.timer != nil {
		a.timer.Stop()
		a.timer = nil
	}
}

// tidy completes the removal of an attempt.
func (q *queue) tidy(a *attempt) {
	a.queue = nil
	if q.byClient[a.client].Len() == 0 {
		delete(q.byClient, a.client)
	}
}

// recent is a map of bounded size that drops old entries.
type recent[K comparable, V any] struct {
	most     int
	new, old map[K]V
}

func (r *recent[K, V]) get(k K) (v V, ok bool) {
	if v, ok = r.new[k]; !ok {
		v, ok = r.old[k]
	}
	return v, ok
}

func (r *recent[K, V]) put(k K, v V) {
	if len(r.new) >= r.most/2 {
		r.new, r.old = nil, r.new
	}
	if r.new == nil {
		r.new = make(map[K]V)
	}
	r.new[k] = v
}

func (r *recent[K, V]) forget(k K) {
	delete(r.new, k)
	delete(r.old, k)
}

// failures counts wrong passwords of a client, or for a name.
type failures struct {
	n    int
	last time.Time
}

// failuresOf returns the failures that still count.
func failuresOf(r *recent[eventloop.Client, failures], client eventloop.Client, now time.Time) failures {
	f, _ := r.get(client)
	if now.Sub(f.last) > forgiveAfter {
		return failures{}
	}
	return f
}

// fail counts a failure.
func fail(r *recent[eventloop.Client, failures], client eventloop.Client, now time.Time) {
	r.put(client, failures{failuresOf(r, client, now).n + 1, now})
}

// pause returns how long a client with these failures must wait before its next
// check.
func (f failures) pause(now time.Time) time.Duration {
	if f.n < freeFailures {
		return 0
	}
	d := longestPause
	if more := f.n - freeFailures; more < 6 {
		d = min(d, firstPause<<more)
	}
	return f.last.Add(d).Sub(now)
}
