// Package backpressure is step 10 of the tour: an answer is made as fast as its client takes
// it, and the client's next request is read after that.
package backpressure

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	parser "github.com/bobbin-http/bobbin/cmd/tour/steps/07-parser"
	"github.com/bobbin-http/bobbin/cmd/tour/steps/cert"
	"github.com/bobbin-http/bobbin/cmd/tour/steps/ready"
)

const (
	maxConns = 64              // at a time: the kernel has only so many descriptors for us
	patience = 2 * time.Second // for a client to send a whole request, or to take of its answer
	part     = 32 << 10        // bytes of an answer that are kept at once
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
	body     string    // follows out, and is no copy
	last     bool      // its last request is answered
	deadline time.Time // when it is closed
}

// Serve answers clients at the same time, on one thread, until the process ends. The
// wrong way "naive" speaks TLS, and waits for each client.
func Serve(port int, wrong string) error {
	if wrong == "naive" {
		return naive(port)
	}
	poller, listener, err := ready.Start(port)
	if err != nil {
		return err
	}
	s := &server{poller: poller, listener: listener, conns: make(map[int]*conn), big: strings.Repeat("0123456789abcde\n", 1<<20)}
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

// #region pressure

// serve takes new clients from the listener, or goes on with a client. A client has to take
// all that it is owed before its next request is read.
func (s *server) serve(socket int) {
	c := s.conns[socket]
	switch {
	case socket == s.listener:
		s.accept()
	case c != nil:
		for s.send(c) && s.read(c) {
		}
	}
}

// #endregion

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

// read answers the next request of a client, and reports whether it has sent one.
func (s *server) read(c *conn) bool {
	piece := make([]byte, 4096)
	for !s.request(c) && !c.last {
		n, err := unix.Read(c.socket, piece)
		if err == unix.EAGAIN {
			return false // what comes later will be reported
		}
		c.last = n <= 0 // it has gone, or will not send any more
		c.in = append(c.in, piece[:max(n, 0)]...)
	}
	return true
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
	s.answer(c, r, err)
	return true
}

// #region send

// send writes what a client is owed, and reports whether the kernel has taken it all.
func (s *server) send(c *conn) bool {
	for c.fill() {
		n, err := unix.Write(c.socket, c.out)
		if err == unix.EAGAIN {
			return false // room will be reported
		}
		if err != nil {
			s.close(c)
			return false
		}
		c.out = c.out[n:] // not all of it, maybe: as much as there was room for
		c.deadline = time.Now().Add(patience)
	}
	if c.last {
		s.close(c)
	}
	return !c.last
}

// fill makes the next part of an answer when the one before it is gone. It reports
// whether there is something to send.
func (c *conn) fill() bool {
	if len(c.out) == 0 && c.body != "" {
		n := min(len(c.body), part)
		c.out = append(c.out, c.body[:n]...)
		c.body = c.body[n:]
	}
	return len(c.out) > 0
}

// #endregion

// close ends a connection. The next client may have the same number.
func (s *server) close(c *conn) {
	delete(s.conns, c.socket)
	unix.Close(c.socket) // which also takes it off the kernel's list
}

// answer begins the response to a request. By its length the client finds the next one.
func (s *server) answer(c *conn, r parser.Request, err error) {
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
	c.out = fmt.Appendf(c.out, "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n", status, len(body))
	c.body = body
}

// #region naive

// naive has package tls serve a client after the other.
func naive(port int) error {
	listener, err := ready.Listen(port)
	if err != nil {
		return err
	}
	l, err := net.FileListener(os.NewFile(uintptr(listener), "listener"))
	for err == nil {
		var c net.Conn
		if c, err = tls.NewListener(l, cert.New()).Accept(); err == nil {
			c.Read(make([]byte, 4096)) // BREAKS: the handshake waits for this client, and so do all others
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			c.Close()
		}
	}
	return err
}

// #endregion
