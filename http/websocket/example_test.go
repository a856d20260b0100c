package websocket_test

import (
	"log"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/websocket"
)

// An echo, in the style of callbacks.
func ExampleAccept() {
	echo := func(w *http.Response, r *http.Request) error {
		s, err := websocket.Accept(w, r, websocket.Options{})
		if err != nil {
			return err
		}
		s.OnMessage(func(kind websocket.Kind, p []byte) {
			if s.Send(kind, p) == http.ErrFull {
				s.Close(websocket.CodePolicyError, "read what you are sent")
			}
		})
		s.OnGone(func(code int, reason string) { log.Print("gone: ", code, " ", reason) })
		return nil
	}
	router := new(http.Router)
	router.Handle("GET /ws", echo)
}

// The same echo, which waits for its client.
func ExampleStreaming() {
	echo := websocket.Streaming(websocket.Options{Protocols: []string{"echo"}}, func(s *websocket.Session) error {
		for {
			kind, p, err := s.Read()
			if err != nil {
				return err
			}
			if err := s.Send(kind, p); err != nil {
				return err
			}
		}
	})
	router := new(http.Router)
	router.Handle("GET /ws", echo)
}
