// Package busy is step 3 of the tour: one thread for all clients. No call waits any
// more. The server asks each socket in turn, and the answer may be "not now".
package busy

import (
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/bobbin-http/bobbin/cmd/tour/steps/ready"
)

// A server is what the one thread knows.
type server struct {
	listener int
	clients  map[int]bool // sockets that are open
	calls    int          // how often it has asked a socket for something
	notNow   int          // how often there was nothing
}

// Serve answers clients at the same time, on one thread, until the process ends.
func Serve(port int) error {
	listener, err := ready.Listen(port)
	if err != nil {
		return err
	}
	s := &server{listener: listener, clients: make(map[int]bool)}
	// #region loop
	for { // BREAKS: asks and asks, whether or not a client is there
		s.accept()
		for client := range s.clients {
			s.read(client)
		}
	}
	// #endregion
}

// accept takes a new client, if there is one.
func (s *server) accept() {
	client, _, err := unix.Accept(s.listener)
	s.calls++
	if err == unix.EAGAIN {
		s.notNow++
	}
	if err == nil {
		unix.SetNonblock(client, true)
		s.clients[client] = true
	}
}

// #region read

// read takes a request from a client, if it has come, answers it and closes the
// connection. A socket that does not block says EAGAIN where another would wait.
func (s *server) read(client int) {
	request := make([]byte, 4096)
	n, err := unix.Read(client, request)
	s.calls++
	if err == unix.EAGAIN {
		s.notNow++
		return
	}
	if n > 0 {
		page := fmt.Sprintf("hello, world: %d calls, %d not now\n", s.calls, s.notNow)
		unix.Write(client, answer(string(request[:n]), page))
	}
	unix.Close(client)
	delete(s.clients, client)
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
