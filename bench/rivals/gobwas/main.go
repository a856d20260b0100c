// Gobwas is github.com/gobwas/ws on a listener, with a goroutine for each connection.
package main

import (
	"log"
	"net"
	"sync"

	"github.com/gobwas/ws"
	"github.com/gobwas/ws/wsutil"

	"github.com/bobbin-http/bobbin/bench/rivals"
)

func main() {
	job := rivals.Asked()
	l, err := net.Listen("tcp", job.Address)
	if err != nil {
		log.Fatal(err)
	}
	t := &topic{subscribers: make(map[net.Conn]bool)}
	for {
		c, err := l.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go serve(c, t)
	}
}

// serve makes the handshake, and answers messages as the path says.
func serve(c net.Conn, t *topic) {
	defer c.Close()
	var path string
	upgrader := ws.Upgrader{OnRequest: func(uri []byte) error {
		path = string(uri)
		return nil
	}}
	if _, err := upgrader.Upgrade(c); err != nil {
		return
	}
	if path == rivals.TopicPath {
		t.add(c)
		defer t.remove(c)
	}
	for {
		p, kind, err := wsutil.ReadClientData(c)
		if err != nil {
			return
		}
		if path == rivals.TopicPath {
			err = t.publish(kind, p)
		} else {
			err = wsutil.WriteServerMessage(c, kind, p)
		}
		if err != nil {
			return
		}
	}
}

// A topic writes each message to all subscribers, one after the other.
type topic struct {
	mu          sync.Mutex
	subscribers map[net.Conn]bool
}

func (t *topic) add(c net.Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.subscribers[c] = true
}

func (t *topic) remove(c net.Conn) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.subscribers, c)
}

func (t *topic) publish(kind ws.OpCode, p []byte) error {
	frame, err := ws.CompileFrame(ws.NewFrame(kind, true, p))
	if err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for c := range t.subscribers {
		c.Write(frame) // one that has gone is found by its own goroutine
	}
	return nil
}
