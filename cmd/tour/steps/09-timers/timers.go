// Package timers is step 9 of the tour: a client that keeps us waiting is closed. And what
// the kernel does not take at once is kept, until there is room for it.
package timers

import (
	"fmt"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	parser "github.com/bobbin-http/bobbin/cmd/tour/steps/07-parser"
	"github.com/bobbin-http/bobbin/cmd/tour/steps/ready"
)

const (
	maxConns = 64              // at a time: the kernel has only so many descriptors for us
	patience = 2 * time.Second // for a client to send a whole request, or to take of its answer
)

// A server is what the one thread knows.
type server struct {
	poller   *ready.Poller // epoll on Linux, kqueue on macOS and the BSDs
	listener int
	conns    map[int]*conn // by their sockets
	big      string        // the answer to /big, 16 MB
}

// A conn is a client.
type conn struct {
	socket   int
	in       []byte    // has come, and is not used yet
	out      []byte    // is owed: the kernel has not taken it yet
	last     bool      // its last request is answered
	deadline time.Time // when it is closed
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
	s := &server{poller: poller, listener: listener, conns: make(map[int]*conn), big: strings.Repeat("0123456789abcde\n", 1<<20)}
	if err := poller.Watch(listener, ready.Edge); err != nil {
		return err
	}
	events := make([]ready.Event, 64)
	for sleep := -1; ; sleep = s.closeLate() {
		n, err := poller.Wait(events, sleep)
		if err != nil {
			return fmt.Errorf("wait: %w", err)
		}
		for _, event := range events[:n] {
			s.serve(event.FD)
		}
	}
}

// serve takes new clients from the listener, or goes on with a client.
func (s *server) serve(socket int) {
	c := s.conns[socket]
	switch {
	case socket == s.listener:
		s.accept()
	case c != nil:
		s.read(c)
		s.send(c)
	}
}

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
			unix.Close(client)
			continue
		}
		s.conns[client] = &conn{socket: client, deadline: time.Now().Add(patience)}
	}
}

// #region late

// closeLate closes the clients whose deadline is over. It returns the milliseconds until
// the next deadline, or -1 if there is none.
func (s *server) closeLate() int {
	now, next := time.Now(), -1
	for _, c := range s.conns {
		// Rounded up, because to sleep for 0 is not to sleep at all.
		left := int((c.deadline.Sub(now) + time.Millisecond - 1) / time.Millisecond)
		if left <= 0 {
			s.close(c)
		} else if next < 0 || left < next {
			next = left
		}
	}
	return next
}

// #endregion

// read takes what a client has sent, and answers what is a whole request.
func (s *server) read(c *conn) {
	piece := make([]byte, 4096)
	for !c.last {
		n, err := unix.Read(c.socket, piece)
		if err == unix.EAGAIN {
			return // what comes later will be reported
		}
		if n <= 0 {
			c.last = true // it may still want the answers
			return
		}
		c.in = append(c.in, piece[:n]...)
		for !c.last && s.request(c) {
		}
	}
}

// request answers the first whole request of what has come, and reports whether there is one.
func (s *server) request(c *conn) bool {
	r, length, err := parser.Parse(c.in)
	if length == 0 && err == nil {
		return false
	}
	c.in = c.in[length:]
	c.last = c.last || r.Close || err != nil // behind an error the next request cannot be found
	c.deadline = time.Now().Add(patience)
	c.out = append(c.out, s.answer(r, err)...) // BREAKS: a slow client has all of its answer kept
	return true
}

// #region send

// send writes what a client is owed, until the kernel takes no more.
func (s *server) send(c *conn) {
	for len(c.out) > 0 {
		n, err := unix.Write(c.socket, c.out)
		if err == unix.EAGAIN {
			return // room will be reported
		}
		if err != nil {
			s.close(c)
			return
		}
		c.out = c.out[n:] // not all of it, maybe: as much as there was room for
		c.deadline = time.Now().Add(patience)
	}
	if c.last {
		s.close(c)
	}
}

// #endregion

// close ends a connection. The next client may have the same number.
func (s *server) close(c *conn) {
	delete(s.conns, c.socket)
	unix.Close(c.socket) // which also takes it off the kernel's list
}

// answer makes the response to a request. By its length the client finds the next one.
func (s *server) answer(r parser.Request, err error) []byte {
	owed := 0 // to all clients together
	for _, c := range s.conns {
		owed += len(c.out)
	}
	status, body := "200 OK", fmt.Sprintf("hello, world: %d owed\n", owed)
	if err != nil {
		status, body = "400 Bad Request", err.Error()+"\n"
	} else if r.Target == "/big" {
		body = s.big
	}
	return fmt.Appendf(nil, "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n%s",
		status, len(body), body)
}
