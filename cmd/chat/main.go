// Chat is a chat room: each message goes to all open pages, by WebSocket, or by
// server-sent events where that does not pass. The room belongs to the loop and needs no
// lock.
package main

import (
	_ "embed"
	"log"
	"strconv"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/websocket"
)

//go:embed page.html
var page string

type room struct {
	readers map[*http.Events]bool
	talkers map[*websocket.Session]bool
	past    []http.Event // the last hundred messages
	sent    int
}

func main() { log.Fatal(run()) }

// run serves until the process ends. Where clients speak HTTP/2, which browsers do over TLS
// alone, a WebSocket is a stream of the connection that they have.
func run() error {
	server, err := http.NewServer(http.Config{Handler: site().Serve, Tunnels: true})
	if err != nil {
		return err
	}
	if _, err := server.Listen("localhost:8080"); err != nil {
		return err
	}
	return server.Run()
}

func site() *http.Router {
	r, router := &room{readers: make(map[*http.Events]bool), talkers: make(map[*websocket.Session]bool)}, new(http.Router)
	router.Handle("GET /{$}", func(w *http.Response, _ *http.Request) error { return w.HTML(page) })
	router.Handle("GET /talk", r.talk)
	router.Handle("GET /hear", r.events)
	router.Handle("POST /say", r.post)
	return router
}

func (r *room) talk(w *http.Response, q *http.Request) error {
	talker, err := websocket.Accept(w, q, websocket.Options{})
	if err != nil {
		return err
	}
	r.talkers[talker] = true
	talker.OnGone(func(int, string) { delete(r.talkers, talker) })
	talker.OnMessage(func(_ websocket.Kind, p []byte) { r.say(string(p)) })
	for _, e := range r.past {
		talker.Send(websocket.Text, []byte(e.Data))
	}
	return nil
}

func (r *room) events(w *http.Response, q *http.Request) error {
	reader, err := w.Events()
	if err != nil {
		return err
	}
	r.readers[reader] = true
	reader.OnClose(func() { delete(r.readers, reader) })
	last, _ := strconv.Atoi(q.Header("Last-Event-ID")) // from a browser that reconnects
	for _, e := range r.past[min(max(0, last-r.sent+len(r.past)), len(r.past)):] {
		reader.Send(e)
	}
	return nil
}

func (r *room) post(w *http.Response, q *http.Request) error {
	form, err := q.Form()
	if err != nil {
		return err
	}
	r.say(form.Get("text"))
	return http.StatusNoContent
}

// say sends a message to all. A browser that is too slow reconnects, and gets what it has
// missed.
func (r *room) say(text string) {
	r.sent++
	e := http.Event{ID: strconv.Itoa(r.sent), Data: text}
	r.past = append(r.past[max(0, len(r.past)-99):], e)
	for reader := range r.readers {
		if reader.Send(e) == http.ErrFull {
			reader.Close()
		}
	}
	m := websocket.Prepare(websocket.Text, []byte(text))
	for talker := range r.talkers {
		if talker.SendPrepared(m) == http.ErrFull {
			talker.Close(websocket.CodePolicyError, "too slow")
		}
	}
}
