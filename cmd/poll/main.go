// Poll is a notice board for clients that poll: a request for news waits until there
// is some. 204 says that there was none for half a minute, and the client asks again.
//
//	go run ./cmd/poll
//
//	curl localhost:8080/news?after=0 &
//	curl -d 'The loom is free.' localhost:8080/news
package main

import (
	"log"
	"strconv"
	"time"

	"github.com/bobbin-http/bobbin/http"
)

const (
	wait     = 30 * time.Second
	newsKept = 100
	textMax  = 4000 // bytes
)

// A board belongs to the loop and needs no lock.
type board struct {
	news    []item // the last ones
	last    int    // the number of the last one
	waiting map[*http.Held]bool
}

type item struct {
	Number int    `json:"number"`
	Text   string `json:"text"`
}

func main() { log.Fatal(http.ListenAndServe("localhost:8080", site().Serve)) }

func site() *http.Router {
	b, router := &board{waiting: make(map[*http.Held]bool)}, new(http.Router)
	router.Handle("GET /news", b.poll)
	router.Handle("POST /news", b.post)
	return router
}

// poll answers with the news behind the number that the client knows, now or when
// there is some.
func (b *board) poll(w *http.Response, r *http.Request) error {
	after, err := strconv.Atoi(r.Query().Get("after"))
	if err != nil {
		return http.StatusBadRequest.Because("after is the number of the last news that you have, or 0")
	}
	if after != b.last { // a number from before a restart is too large
		return w.JSON(b.since(after))
	}
	held, err := w.LongPoll(wait)
	if err != nil {
		return err
	}
	b.waiting[held] = true
	held.OnClose(func() { delete(b.waiting, held) })
	return nil
}

func (b *board) post(w *http.Response, r *http.Request) error {
	text, err := r.Body()
	if err != nil {
		return err
	}
	if len(text) == 0 {
		return http.StatusBadRequest.Because("the news is empty")
	}
	if len(text) > textMax {
		return http.StatusContentTooLarge
	}
	b.last++
	b.news = append(b.news[max(0, len(b.news)-newsKept+1):], item{b.last, string(text)})
	waiting := b.waiting
	b.waiting = make(map[*http.Held]bool)
	for held := range waiting {
		held.Answer(func(w *http.Response) error { return w.JSON(b.since(b.last - 1)) }) // or the client has left
	}
	return http.StatusNoContent
}

// since returns the news behind a number, as far as it is kept.
func (b *board) since(after int) []item {
	if after > b.last {
		after = 0
	}
	return b.news[max(0, len(b.news)-(b.last-after)):]
}
