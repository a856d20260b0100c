package inspect

import (
	"fmt"
	"strings"
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

// askedMax is how many questions may wait for one loop. While a callback holds it, those who
// ask all the time would fill its mailbox.
const askedMax = 16

// A loopState is what a loop has said to a question.
type loopState uint8

const (
	loopSilent loopState = iota // nothing within answerWithin
	loopAnswered
	loopEnded // in a stop
)

// A question is put to all loops at once.
type question struct {
	servers http.Servers
	said    []loopState // by the number of the loop
	missing int
	reply   func(w *http.Response, said []loopState) error
	pending *http.Pending // of the client's answer
	timer   *eventloop.Timer
}

// askAll runs ask for each loop on that loop's goroutine, and then makes the answer by
// reply on this one: when all have answered, or after answerWithin.
func (v *visit) askAll(ask func(number int), reply func(w *http.Response, said []loopState) error) error {
	i, here := v.inspector, v.r.Loop()
	q := &question{servers: i.servers, said: make([]loopState, len(i.servers)), reply: reply}
	for number, server := range i.servers {
		if number == v.loop {
			ask(number)
			q.said[number] = loopAnswered
			continue
		}
		asked := &i.meters[number].asked
		if asked.Add(1) > askedMax {
			asked.Add(-1)
			continue
		}
		err := server.Loop().Post(func() {
			server.Loop().LeaveOut()
			asked.Add(-1)
			ask(number)
			_ = here.Post(func() { q.take(number) }) // if this loop has ended, so has the client's connection
		})
		if err != nil { // it has ended, or so much waits that it does not turn
			asked.Add(-1)
			continue
		}
		q.missing++
	}
	if q.missing == 0 {
		return q.answer(v.w)
	}
	pending, err := http.Later(v.w)
	if err != nil {
		return err
	}
	q.pending = pending
	q.timer = here.After(answerWithin, q.end)
	return nil
}

// take notes that a loop has answered.
func (q *question) take(number int) {
	q.said[number] = loopAnswered
	if q.missing--; q.missing == 0 && q.pending != nil {
		q.timer.Stop()
		q.end()
	}
}

// end answers the client, once.
func (q *question) end() {
	q.pending.Answer(q.answer)
	q.pending = nil
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
