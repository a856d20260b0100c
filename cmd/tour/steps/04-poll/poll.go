// Package poll is step 4 of the tour: one thread, and it sleeps. The server gives
// the kernel its list of sockets, and poll returns when one of them is ready.
package poll

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/bobbin-http/bobbin/cmd/tour/steps/ready"
)

// A server is what the one thread knows.
type server struct {
	sockets []unix.PollFd // the listener, then the clients
	calls   int           // how often it has asked the kernel for something
	events  int           // how many sockets were ready when poll returned
	entries int           // how many sockets it has looked at to find those
}

// Serve answers clients at the same time, on one thread, until the process ends.
func Serve(port int) error {
	listener, err := ready.Listen(port)
	if err != nil {
		return err
	}
	s := &server{sockets: []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}}
	// #region loop
	for {
		n, err := unix.Poll(s.sockets, -1) // -1: sleep for as long as it takes
		if err == unix.EINTR {
			continue // a signal came, and nothing else
		}
		if err != nil {
			return fmt.Errorf("poll: %w", err)
		}
		s.calls++
		s.events += n
		for i := len(s.sockets) - 1; i >= 0; i-- { // from the end, because read takes entries out
			s.entries++
			if s.sockets[i].Revents != 0 { // BREAKS: looks at all of them to find the one that is ready
				s.serve(i)
			}
		}
	}
	// #endregion
}

// serve takes a new client from the listener, or a request from a client.
func (s *server) serve(i int) {
	if i > 0 {
		s.read(i)
		return
	}
	s.calls++
	if client, _, err := unix.Accept(int(s.sockets[0].Fd)); err == nil {
		unix.SetNonblock(client, true)
		s.sockets = append(s.sockets, unix.PollFd{Fd: int32(client), Events: unix.POLLIN})
	}
}

// #region read

// read takes a request from a client, answers it and closes the connection.
func (s *server) read(i int) {
	client := int(s.sockets[i].Fd)
	request := make([]byte, 4096)
	n, err := unix.Read(client, request)
	s.calls++
	if err == unix.EAGAIN {
		return // poll only gives hints: the call tells the truth
	}
	if n > 0 {
		page := fmt.Sprintf("hello, world: %d calls, %d events, %d entries\n", s.calls, s.events, s.entries)
		unix.Write(client, answer(string(request[:n]), page))
	}
	unix.Close(client)
	s.sockets[i] = s.sockets[len(s.sockets)-1] // the last entry takes its place
	s.sockets = s.sockets[:len(s.sockets)-1]
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
