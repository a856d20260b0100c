package http

import (
	"bufio"
	"fmt"
	"net"
	nethttp "net/http"
	"runtime"
	"testing"
)

// TestIdleConnectionsHaveNoGoroutine opens many keep-alive connections over
// loopback, with a request on each.
func TestIdleConnectionsHaveNoGoroutine(t *testing.T) {
	s, err := NewServer(Config{Handler: func(w *Response, r *Request) error { return w.Text("hello") }})
	if err != nil {
		t.Fatal(err)
	}
	listeners, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan error)
	go func() { over <- s.Run() }()
	at := listeners[0].Addr().String()

	// One thousand, or what the descriptors allow: each end takes one.
	n := min(1000, s.loop.Limits().Conns, (s.loop.Limits().Conns)/2)
	before := runtime.NumGoroutine()
	clients := make([]net.Conn, n)
	for i := range clients {
		c, err := net.Dial("tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		clients[i] = c
	}
	for range 2 {
		for i, c := range clients {
			fmt.Fprintf(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			answer, err := nethttp.ReadResponse(bufio.NewReader(c), nil)
			if err != nil || answer.StatusCode != 200 {
				t.Fatalf("connection %d: %v, %v", i, answer, err)
			}
		}
		if after := runtime.NumGoroutine(); after > before+2 {
			t.Errorf("%d goroutines with %d connections, %d without", after, n, before)
		}
	}
	for _, c := range clients {
		c.Close()
	}
	s.Stop()
	if err := <-over; err != nil {
		t.Error(err)
	}
}
