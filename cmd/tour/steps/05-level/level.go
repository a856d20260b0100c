// Package level is step 5 of the tour: the kernel keeps the list of sockets, and
// returns only those that are ready. It does so level-triggered: as long as there is
// something to read.
package level

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/bobbin-http/bobbin/cmd/tour/steps/ready"
)

// A server is what the one thread knows.
type server struct {
	poller   *ready.Poller // epoll on Linux, kqueue on macOS and the BSDs
	listener int
	waiting  map[int]bool // clients that have asked for /wait
	calls    int          // how often it has asked the kernel for something
	events   int          // how many sockets the kernel has reported as ready
	entries  int          // how many it has looked at to find those: now the same
}

// Serve answers clients at the same time, on one thread, until the process ends.
func Serve(port int) error {
	listener, err := ready.Listen(port)
	if err != nil {
		return err
	}
	poller, err := ready.Open()
	if err != nil {
		return err
	}
	s := &server{poller: poller, listener: listener, waiting: make(map[int]bool)}
	if err := poller.Watch(listener, ready.Level); err != nil {
		return err
	}
	// #region loop
	events := make([]ready.Event, 64)
	for {
		n, err := poller.Wait(events, -1) // -1: sleep for as long as it takes
		if err != nil {
			return fmt.Errorf("wait: %w", err)
		}
		s.calls++
		s.events += n
		for _, event := range events[:n] {
			s.entries++
			s.serve(event.FD)
		}
	}
	// #endregion
}

// #region serve

// serve takes a new client from the listener, or a request from a client. A client
// that waits is paused: its request is here, and the server wants no more of it now.
func (s *server) serve(socket int) {
	switch {
	case socket == s.listener:
		s.accept()
	case s.waiting[socket]: // BREAKS: what it sends stays in the socket, and is reported again at once
	default:
		s.read(socket)
	}
}

// #endregion

// accept takes a new client.
func (s *server) accept() {
	s.calls++
	client, _, err := unix.Accept(s.listener)
	if err != nil {
		return // this client has gone again
	}
	unix.SetNonblock(client, true)
	if err := s.poller.Watch(client, ready.Level); err != nil {
		unix.Close(client)
	}
}

// read takes a request from a client, and answers it.
func (s *server) read(client int) {
	request := make([]byte, 4096)
	n, err := unix.Read(client, request)
	s.calls++
	if err == unix.EAGAIN {
		return // events are hints: the call tells the truth
	}
	if n <= 0 {
		unix.Close(client) // which also takes it off the kernel's list
		return
	}
	s.respond(client, string(request[:n]))
}

// #region wait

// respond answers a request and closes the connection. A client that asks for /wait
// has its answer when another one asks for /go.
func (s *server) respond(client int, request string) {
	switch path, _, _ := strings.Cut(strings.TrimPrefix(request, "GET "), " "); path {
	case "/wait":
		s.waiting[client] = true
		return
	case "/go":
		for other := range s.waiting {
			delete(s.waiting, other)
			s.respond(other, "GET /gone HTTP/1.1\r\n\r\n")
		}
	}
	unix.Write(client, answer(request, fmt.Sprintf("hello, world: %d calls, %d events, %d entries, %d waiting\n",
		s.calls, s.events, s.entries, len(s.waiting))))
	unix.Close(client)
}

// #endregion

// answer makes the response to a request. It knows one kind of request: the one that
// a browser sends to look at a page. An empty line ends it.
func answer(request, body string) []byte {
	status := "200 OK"
	if !strings.HasPrefix(request, "GET /") || !strings.HasSuffix(request, "\r\n\r\n") {
		status, body = "400 Bad Request", "this is not a whole request\n"
	}
	return fmt.Appendf(nil, "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		status, len(body), body)
}
