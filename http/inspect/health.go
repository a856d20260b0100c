package inspect

import (
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// Health: /-/ready says whether new requests are welcome, and /-/healthy whether the loops
// turn.

// answerWithin is how long a loop has to answer. One that does not is held by a callback.
const answerWithin = time.Second

// ready answers /-/ready: 503 from the beginning of a stop.
func (v *visit) ready() error {
	if ready := v.inspector.config.Ready; ready != nil && !ready() {
		return v.w.SetStatus(http.StatusServiceUnavailable).Text("stopping\n")
	}
	return v.w.Text("ready\n")
}

// healthy answers /-/healthy: 503 while a loop does not turn. A loop that has
// ended in a stop is not missed.
func (v *visit) healthy() error {
	return v.askAll(func(int) {}, func(w *http.Response, said []loopState) error {
		var held []string
		for number, is := range said {
			if is == loopSilent {
				held = append(held, fmt.Sprintf("loop %d has not turned for %s: a handler holds it\n", number, took(answerWithin)))
			}
		}
		if len(held) > 0 {
			return w.SetStatus(http.StatusServiceUnavailable).Text(strings.Join(held, ""))
		}
		return w.Text("healthy\n")
	})
}

// askedMax is how many questions of a station may wait for one loop. While a callback holds
// it, those who ask all the time would fill its mailbox.
const askedMax = 16

// asked has a station's questions to one loop.
type asked struct {
	posted atomic.Int32 // that wait for the loop
	behind []*question  // that have no room there yet, the oldest first
}

// A loopState is what a loop has said to a question.
type loopState uint8

const (
	loopSilent loopState = iota // nothing within answerWithin
	loopAnswered
	loopEnded // in a stop
)

// A question is put to all loops at once.
type question struct {
	station *station
	here    *eventloop.Loop // of the client
	servers http.Servers
	ask     func(number int)
	said    []loopState // by the number of the loop
	missing int
	reply   func(w *http.Response, said []loopState) error
	pending *http.Pending // of the client's answer
	timer   *eventloop.Timer
}

// askAll runs ask for each loop on that loop's goroutine, and then makes the answer by
// reply on this one: when all have answered, or after answerWithin.
func (v *visit) askAll(ask func(number int), reply func(w *http.Response, said []loopState) error) error {
	i, s, here := v.inspector, v.station, v.r.Loop()
	if s.asked == nil {
		s.asked = make([]asked, len(i.servers))
	}
	q := &question{station: s, here: here, servers: i.servers, ask: ask, said: make([]loopState, len(i.servers)), reply: reply}
	for number := range i.servers {
		if number == v.loop {
			ask(number)
			q.said[number] = loopAnswered
		} else if q.put(number) {
			q.missing++
		}
	}
	if q.missing == 0 {
		return q.answer(v.w)
	}
	pending, err := http.Later(v.w)
	if err != nil {
		return err
	}
	q.pending = pending
	q.timer = here.After(i.patience, q.end)
	return nil
}

// put asks one loop, or has the question wait behind others. It reports whether there may be
// an answer: not if the loop has ended, or if so much waits that it does not turn.
func (q *question) put(number int) bool {
	a, loop := &q.station.asked[number], q.servers[number].Loop()
	switch {
	case loop.Ended():
		return false
	case a.posted.Load() >= askedMax:
		a.behind = append(a.behind, q)
		return true
	}
	a.posted.Add(1)
	err := loop.Post(func() {
		loop.LeaveOut()
		a.posted.Add(-1)
		q.ask(number)
		_ = q.here.Post(func() { q.take(number) }) // if this loop has ended, so has the client's connection
	})
	if err != nil {
		a.posted.Add(-1)
	}
	return err == nil
}

// take notes that a loop has answered, which makes room for those behind.
func (q *question) take(number int) {
	q.said[number] = loopAnswered
	q.less()
	a := &q.station.asked[number]
	for len(a.behind) > 0 && a.posted.Load() < askedMax {
		next := a.behind[0]
		a.behind = a.behind[1:]
		if next.pending != nil && !next.put(number) {
			next.less()
		}
	}
}

// less is called when one answer less is missing.
func (q *question) less() {
	if q.missing--; q.missing == 0 && q.pending != nil {
		q.timer.Stop()
		q.end()
	}
}

// end answers the client, once. Questions end in the order in which they came, so those that
// have waited in vain are in front.
func (q *question) end() {
	q.pending.Answer(q.answer)
	q.pending = nil
	for number := range q.station.asked {
		a := &q.station.asked[number]
		for len(a.behind) > 0 && a.behind[0].pending == nil {
			a.behind = a.behind[1:]
		}
	}
}

// answer makes the answer. What was posted to a loop that has ended meanwhile did not run.
func (q *question) answer(w *http.Response) error {
	for number, is := range q.said {
		if is == loopSilent && q.servers[number].Loop().Ended() {
			q.said[number] = loopEnded
		}
	}
	return q.reply(w, q.said)
}
