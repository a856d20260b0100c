// Package keepalive is step 8 of the tour: a connection stays open for the next request.
// So a client need not connect for each, and may send several at once.
package keepalive

import (
	"fmt"

	"golang.org/x/sys/unix"

	parser "github.com/bobbin-http/bobbin/cmd/tour/steps/07-parser"
	"github.com/bobbin-http/bobbin/cmd/tour/steps/ready"
)

const maxConns = 64 // at a time: the kernel has only so many descriptors for us

// A server is what the one thread knows.
type server struct {
	poller   *ready.Poller // epoll on Linux, kqueue on macOS and the BSDs
	listener int
	conns    map[int]*conn // by their sockets
}

// A conn is a client.
type conn struct {
	socket int
	in     []byte // has come, and is not used yet
	last   bool   // its last request is answered
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
	s := &server{poller: poller, listener: listener, conns: make(map[int]*conn)}
	if err := poller.Watch(listener, ready.Edge); err != nil {
		return err
	}
	events := make([]ready.Event, 64)
	for {
		n, err := poller.Wait(events, -1) // -1: sleep for as long as it takes
		if err != nil {
			return fmt.Errorf("wait: %w", err)
		}
		for _, event := range events[:n] {
			if event.Readable { // there may be room to write, too: step 9 asks for that
				s.serve(event.FD)
			}
		}
	}
}

// serve takes new clients from the listener, or bytes from a client.
func (s *server) serve(socket int) {
	switch {
	case socket == s.listener:
		s.accept()
	case s.conns[socket] != nil:
		s.read(s.conns[socket])
	}
}

// #region accept

// accept takes new clients until none is left, because one event may stand for many.
func (s *server) accept() {
	for {
		client, _, err := unix.Accept(s.listener)
		if err == unix.ECONNABORTED {
			continue // this client has gone again
		}
		if err != nil {
			return // EAGAIN: the next client will be reported
		}
		unix.SetNonblock(client, true)
		if len(s.conns) == maxConns || s.poller.Watch(client, ready.Edge) != nil {
			unix.Close(client) // BREAKS: silent clients keep their places for ever
			continue
		}
		s.conns[client] = &conn{socket: client}
	}
}

// #endregion

// #region read

// read takes what a client has sent, and answers what is a whole request.
func (s *server) read(c *conn) {
	piece := make([]byte, 4096)
	for !c.last {
		n, err := unix.Read(c.socket, piece)
		if err == unix.EAGAIN {
			return // what comes later will be reported
		}
		if n <= 0 {
			s.close(c)
			return
		}
		c.in = append(c.in, piece[:n]...)
		for !c.last && s.request(c) {
		}
	}
	s.close(c)
}

// request answers the first whole request of what has come, and reports whether there is one.
func (s *server) request(c *conn) bool {
	r, length, err := parser.Parse(c.in)
	if length == 0 && err == nil {
		return false
	}
	c.in = c.in[length:]
	c.last = c.last || r.Close || err != nil // behind an error the next request cannot be found
	unix.Write(c.socket, answer(r, err))
	return true
}

// #endregion

// close ends a connection. The next client may have the same number.
func (s *server) close(c *conn) {
	delete(s.conns, c.socket)
	unix.Close(c.socket) // which also takes it off the kernel's list
}

// answer makes the response to a request. By its length the client finds the next one.
func answer(r parser.Request, err error) []byte {
	status, body := "200 OK", "hello, world: this is "+r.Target+"\n"
	if err != nil {
		status, body = "400 Bad Request", err.Error()+"\n"
	}
	return fmt.Appendf(nil, "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s",
		status, len(body), body)
}
