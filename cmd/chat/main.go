// Chat is a chat room: each message goes to all open pages. The room belongs to the
// loop and needs no lock.
package main

import (
	_ "embed"
	"log"
	"strconv"

	"github.com/bobbin-http/bobbin/http"
)

//go:embed page.html
var page string

type room struct {
	ears map[*http.Events]bool
	past []http.Event // the last hundred messages
	said int
}

func main() { log.Fatal(http.ListenAndServe("localhost:8080", site().Serve)) }

func site() *http.Router {
	r, pages := &room{ears: make(map[*http.Events]bool)}, new(http.Router)
	pages.Handle("GET /{$}", func(w *http.Response, _ *http.Request) error { return w.HTML(page) })
	pages.Handle("GET /hear", r.hear)
	pages.Handle("POST /say", r.say)
	return pages
}

func (r *room) hear(w *http.Response, q *http.Request) error {
	ear, err := w.Events()
	if err != nil {
		return err
	}
	r.ears[ear] = true
	ear.OnClose(func() { delete(r.ears, ear) })
	heard, _ := strconv.Atoi(q.Header("Last-Event-ID")) // from a browser that reconnects
	for _, e := range r.past[min(max(0, heard-r.said+len(r.past)), len(r.past)):] {
		ear.Send(e)
	}
	return nil
}

func (r *room) say(w *http.Response, q *http.Request) error {
	form, err := q.Form()
	if err != nil {
		return err
	}
	r.said++
	e := http.Event{ID: strconv.Itoa(r.said), Data: form.Get("text")}
	r.past = append(r.past[max(0, len(r.past)-99):], e)
	for ear := range r.ears {
		if ear.Send(e) == http.ErrFull {
			ear.Close() // the browser reconnects and gets the messages that it has missed
		}
	}
	return http.StatusNoContent
}
