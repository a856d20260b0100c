package main

import (
	"github.com/bobbin-http/bobbin/bench/rivals"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/websocket"
)

// A sockets serves WebSocket: an echo, and a topic.
type sockets struct {
	topic *websocket.Topic // made when there is a server
}

func (s *sockets) handler() http.Handler {
	router := new(http.Router)
	router.Handle("GET "+rivals.EchoPath, s.echo)
	router.Handle("GET "+rivals.TopicPath, s.join)
	return router.Serve
}

func (s *sockets) echo(w *http.Response, r *http.Request) error {
	session, err := websocket.Accept(w, r, websocket.Options{})
	if err != nil {
		return err
	}
	session.OnMessage(func(kind websocket.Kind, p []byte) {
		if session.Send(kind, p) == http.ErrFull {
			session.Close(websocket.CodePolicyError, "read what you are sent")
		}
	})
	return nil
}

// join has a session get all messages of all sessions of the topic.
func (s *sockets) join(w *http.Response, r *http.Request) error {
	session, err := websocket.Accept(w, r, websocket.Options{})
	if err != nil {
		return err
	}
	s.topic.Subscribe(session, nil)
	session.OnMessage(func(kind websocket.Kind, p []byte) { s.topic.Publish(websocket.Prepare(kind, p)) })
	return nil
}
