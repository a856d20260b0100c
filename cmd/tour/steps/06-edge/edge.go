// Package edge is step 6 of the tour: the kernel reports a socket once when something
// to read has come, which is edge-triggered. So the server takes all there is at once.
package edge

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
	once     bool         // the wrong way: takes one thing for each event
	waiting  map[int]bool // clients that have asked for /wait
	calls    int          // how often it has asked the kernel for something
	events   int          // how many sockets the kernel has reported as ready
	entries  int          // how many it has looked at to find those: now the same
}

// Serve answers clients at the same time, on one thread, until the process ends. The
// wrong way "once" forgets that what is left is not reported again.
func Serve(port int, wrong string) error {
	listener, err := ready.Listen(port)
	if err != nil {
		return err
	}
	poller, err := ready.Open()
	if err != nil {
		return err
	}
	s := &server{poller: poller, listener: listener, once: wrong == "once", waiting: make(map[int]bool)}
	if err := poller.Watch(listener, ready.Edge); err != nil {
		return err
	}
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
			if event.Readable { // there may be room to write, too: step 9 asks for that
				s.serve(event.FD)
			}
		}
	}
}

// serve takes new clients from the listener, or a request from a client. A client
// that waits is paused: what it sends is reported once, and then stays in the socket.
func (s *server) serve(socket int) {
	switch {
	case socket == s.listener:
		s.accept()
	case s.waiting[socket]:
	default:
		s.read(socket)
	}
}

// #region accept

// accept takes new clients until none is left, because one event may stand for many.
func (s *server) accept() {
	for {
		s.calls++
		client, _, err := unix.Accept(s.listener)
		if err == unix.ECONNABORTED {
			continue // this client has gone again
		}
		if err != nil {
			return // EAGAIN: the next client will be reported
		}
		s.add(client)
		if s.once {
			return // and the others are not reported again
		}
	}
}

// #endregion

// add has the kernel report what a client sends.
func (s *server) add(client int) {
	unix.SetNonblock(client, true)
	if err := s.poller.Watch(client, ready.Edge); err != nil {
		unix.Close(client)
	}
}

// #region read

// read takes all that a client has sent, and answers it.
func (s *server) read(client int) {
	var request []byte
	piece := make([]byte, 4096)
	open := true
	for open {
		n, err := unix.Read(client, piece)
		s.calls++
		if err == unix.EAGAIN {
			break // what comes later will be reported
		}
		if n > 0 {
			request = append(request, piece[:n]...)
		}
		open = n > 0 // 0: the client sends no more; -1: it has gone
		if s.once {
			break // and what is left is not reported again
		}
	}
	if len(request) > 0 {
		s.respond(client, string(request)) // BREAKS: what came with one event is taken for one request
	} else if !open {
		unix.Close(client) // which also takes it off the kernel's list
	}
}

// #endregion

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
