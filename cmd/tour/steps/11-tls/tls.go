// Package tls is step 11 of the tour: TLS on the loop. Crypto/tls is made for threads, which
// wait; here it reads from memory, and is suspended where it would wait.
package tls

import (
	"crypto/tls"
	"fmt"
	"iter"
	"net"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	parser "github.com/bobbin-http/bobbin/cmd/tour/steps/07-parser"
	"github.com/bobbin-http/bobbin/cmd/tour/steps/cert"
	"github.com/bobbin-http/bobbin/cmd/tour/steps/ready"
	"github.com/bobbin-http/bobbin/cmd/tour/steps/watchdog"
)

const (
	maxConns = 64              // at a time: the kernel has only so many descriptors for us
	patience = 2 * time.Second // for a client to send a whole request, or to take of its answer
	part     = 32 << 10        // bytes of an answer that are kept at once
)

type server struct {
	poller   *ready.Poller // epoll on Linux, kqueue on macOS and the BSDs
	listener int
	conns    map[int]*conn // by their sockets
	tls      *tls.Config
	dog      watchdog.Dog
	big      string // the answer to /big, 16 MB
}

// A conn is a client.
type conn struct {
	socket   int
	in       []byte    // has come, and is not used yet
	out      []byte    // is owed: the kernel has not taken it yet
	body     string    // follows out, and is no copy
	last     bool      // its last request is answered
	deadline time.Time // when it is closed

	net.Conn                          // for crypto/tls, which calls only the Read and Write below
	tls       *tls.Conn               // turns what comes into text, and text into what is sent
	encrypted []byte                  // has come, and crypto/tls has not taken it yet
	goOn      func() (struct{}, bool) // with the handshake
	giveUp    func()
	suspend   func(struct{}) bool // in the handshake
}

// Serve answers clients at the same time, on one thread, until the process ends.
func Serve(port int) error {
	poller, listener, err := ready.Start(port)
	if err != nil {
		return err
	}
	s := &server{poller: poller, listener: listener, conns: make(map[int]*conn), tls: cert.New(), big: strings.Repeat("0123456789abcde\n", 1<<20)}
	fmt.Println("it speaks TLS: try https, or curl -k")
	go s.dog.Watch(50 * time.Millisecond)
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
		s.conns[client] = s.newConn(client)
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
			return len(c.out) > 0 // what comes later will be reported
		}
		c.last = n <= 0 // it has gone, or will not send any more
		c.decrypt(piece[:max(n, 0)])
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
	s.dog.Begin(r.Target)
	s.answer(c, r, err)
	s.dog.End()
	return true
}

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
		c.tls.Write([]byte(c.body[:n]))
		c.body = c.body[n:]
	}
	return len(c.out) > 0
}

// close ends a connection. The next client may have the same number.
func (s *server) close(c *conn) {
	delete(s.conns, c.socket)
	unix.Close(c.socket) // which also takes it off the kernel's list
	c.giveUp()
}

// answer begins the response to a request. By its length the client finds the next one.
func (s *server) answer(c *conn, r parser.Request, err error) {
	status, body := "200 OK", fmt.Sprintf("hello, world: the loop was held by %s\n", s.dog.Culprit())
	if err != nil {
		status, body = "400 Bad Request", err.Error()+"\n"
	} else if r.Target == "/big" {
		body = s.big
	} else if r.Target == "/sleep" {
		time.Sleep(200 * time.Millisecond) // BREAKS: the loop sleeps, and with it all clients
	}
	fmt.Fprintf(c.tls, "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n", status, len(body))
	c.body = body
}

// #region tls

// Read gives crypto/tls what has come. When that is all, it suspends the handshake, and
// later it says "not now". Crypto/tls goes on after that, but a handshake does not.
func (c *conn) Read(p []byte) (int, error) {
	for len(c.encrypted) == 0 {
		if c.suspend == nil || !c.suspend(struct{}{}) {
			return 0, unix.EAGAIN
		}
	}
	n := copy(p, c.encrypted)
	c.encrypted = c.encrypted[n:]
	return n, nil
}

func (c *conn) Write(p []byte) (int, error) {
	c.out = append(c.out, p...)
	return len(p), nil
}

// newConn makes a conn whose handshake is a function of its own, which can be suspended.
func (s *server) newConn(socket int) *conn {
	c := &conn{socket: socket, deadline: time.Now().Add(patience)}
	c.tls = tls.Server(c, s.tls)
	c.goOn, c.giveUp = iter.Pull(func(suspend func(struct{}) bool) {
		c.suspend = suspend
		c.tls.Handshake() // Read returns its error
		c.suspend = nil
	})
	return c
}

// decrypt has crypto/tls take what has come.
func (c *conn) decrypt(p []byte) {
	c.encrypted = append(c.encrypted, p...)
	text := make([]byte, part)
	_, suspended := c.goOn()
	for !suspended && !c.last {
		n, err := c.tls.Read(text)
		if err == unix.EAGAIN {
			return
		}
		c.in, c.last = append(c.in, text[:n]...), err != nil
	}
}

// #endregion
