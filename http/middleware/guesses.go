package middleware

import (
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// Checks of passwords are slow on purpose, and few run at a time. The others wait
// here. Clients take turns, and the names that one client asks for as well; clients
// that have not guessed wrong lately, for names that few guess at, go first. So
// guesses delay an honest login by the checks of other newcomers, and by its turn.

// Limits of the checks.
const (
	checksMax  = 4                // at a time, unless Checks says another number
	waitingMax = 256              // above it, of the client that waits for most: 503
	waitMax    = 10 * time.Second // for a check to begin; 503

	rightMax = 4096 // right passwords that are remembered
	wrongMax = 4096 // wrong ones
	guessers = 8192 // clients, and names, whose failures are remembered
)

// How failures count: those of a client pause it, twice as long for each, and those
// for a name take the precedence away from those who ask for it. A name is never
// locked: its owner would be.
const (
	freeFailures = 5                // of a client, before it has to pause
	firstPause   = time.Second      // after the next one
	longestPause = time.Minute      //
	nameFailures = 10               // for a name, before newcomers who ask for it have to queue with the others
	forgiveAfter = 10 * time.Minute // without a failure
)

// An attempt is a request whose password is to be checked.
type attempt struct {
	client  eventloop.Client
	name    eventloop.Client // stands for the name in Turns
	digest  [32]byte
	pending *http.Pending
	begin   func(w *http.Response) error // the check
	queue   *queue                       // where it waits, or nil
	timer   *eventloop.Timer
}

// A queue is attempts that wait: of clients by turns, and of each client's names.
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

// pop takes out the attempt whose turn it is.
func (q *queue) pop() (a *attempt, ok bool) {
	n, ok := q.clients.Pop()
	if !ok {
		return nil, false
	}
	a, ok = n.Pop()
	q.tidy(a)
	return a, ok
}

// dropLast takes out the latest attempt of the client that waits for most.
func (q *queue) dropLast() *attempt {
	n, _ := q.clients.DropLast()
	a, _ := n.DropLast()
	q.tidy(a)
	return a
}

// remove takes an attempt out, wherever it stands.
func (q *queue) remove(a *attempt) {
	n := q.byClient[a.client]
	n.Remove(a.name, a)
	q.clients.Remove(a.client, n)
	q.tidy(a)
}

// waitsNoMore ends the deadline of an attempt.
func (a *attempt) waitsNoMore() {
	if a.timer != nil {
		a.timer.Stop()
		a.timer = nil
	}
}

// tidy follows when an attempt is taken out.
func (q *queue) tidy(a *attempt) {
	a.queue = nil
	if q.byClient[a.client].Len() == 0 {
		delete(q.byClient, a.client)
	}
}

// recent is a map that forgets what was not put lately when it has become too large.
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

// failures are those of a client, or for a name.
type failures struct {
	n    int
	last time.Time
}

// of returns how many failures still count.
func failuresOf(r *recent[eventloop.Client, failures], who eventloop.Client, now time.Time) failures {
	f, _ := r.get(who)
	if now.Sub(f.last) > forgiveAfter {
		return failures{}
	}
	return f
}

// fail counts another one.
func fail(r *recent[eventloop.Client, failures], who eventloop.Client, now time.Time) {
	r.put(who, failures{failuresOf(r, who, now).n + 1, now})
}

// pause returns for how long a client with such failures has to wait before another
// password of it is checked.
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
