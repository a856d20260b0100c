// Coder is github.com/coder/websocket on net/http.
package main

import (
	"context"
	"log"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/bobbin-http/bobbin/bench/rivals"
)

// queued is the most messages that wait for one subscriber.
const queued = 16

func main() {
	job := rivals.Asked()
	mux := http.NewServeMux()
	mux.HandleFunc(rivals.EchoPath, echo)
	mux.Handle(rivals.TopicPath, &topic{subscribers: make(map[chan []byte]bool)})
	log.Fatal(http.ListenAndServe(job.Address, mux))
}

func echo(w http.ResponseWriter, r *http.Request) {
	s, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer s.CloseNow()
	for {
		kind, p, err := s.Read(context.Background())
		if err != nil {
			return
		}
		if err := s.Write(context.Background(), kind, p); err != nil {
			return
		}
	}
}

// A topic sends each message to all subscribers, each by a goroutine of its own, so that a
// slow one delays no other. One whose queue is full is left.
type topic struct {
	mu          sync.Mutex
	subscribers map[chan []byte]bool
}

func (t *topic) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer s.CloseNow()
	messages := make(chan []byte, queued)
	t.mu.Lock()
	t.subscribers[messages] = true
	t.mu.Unlock()
	defer func() {
		t.mu.Lock()
		delete(t.subscribers, messages)
		t.mu.Unlock()
	}()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		defer cancel()
		for {
			_, p, err := s.Read(ctx)
			if err != nil {
				return
			}
			t.publish(p)
		}
	}()
	for {
		select {
		case p := <-messages:
			if write(ctx, s, p) != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

func write(ctx context.Context, s *websocket.Conn, p []byte) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return s.Write(ctx, websocket.MessageText, p)
}

func (t *topic) publish(p []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for messages := range t.subscribers {
		select {
		case messages <- p:
		default:
			delete(t.subscribers, messages)
		}
	}
}
