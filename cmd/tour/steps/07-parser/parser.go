// Package parser is step 7 of the tour: what a client has sent is kept until it is a
// whole request. So it does not matter how the request was cut on its way.
package parser

import (
	"errors"
	"fmt"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/bobbin-http/bobbin/cmd/tour/steps/ready"
)

// A server is what the one thread knows.
type server struct {
	poller   *ready.Poller // epoll on Linux, kqueue on macOS and the BSDs
	listener int
	kept     map[int][]byte // what clients have sent of a request that is not whole yet
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
	s := &server{poller: poller, listener: listener, kept: make(map[int][]byte)}
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
	default:
		s.read(socket)
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
		s.add(client)
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

// read takes what a client has sent, and answers what is a whole request.
func (s *server) read(client int) {
	piece := make([]byte, 4096)
	for {
		n, err := unix.Read(client, piece)
		if err == unix.EAGAIN {
			return // what comes later will be reported
		}
		if n <= 0 {
			s.close(client)
			return
		}
		s.kept[client] = append(s.kept[client], piece[:n]...)
		if r, length, err := Parse(s.kept[client]); length > 0 || err != nil {
			unix.Write(client, answer(r, err))
			s.close(client) // BREAKS: what has come behind the request is thrown away
			return
		}
	}
}

// #endregion

// #region parse

const maxHead = 8 << 10 // of a request: without a limit, a client could fill our memory

var errBad = errors.New("this is no request that I know")

// A Request is what a client asks for.
type Request struct {
	Target string
	Close  bool // the client will send no other one
}

// Parse looks for a request at the beginning of p, and returns it and its length. A
// length of 0 without an error says that the rest is on its way.
func Parse(p []byte) (r Request, length int, err error) {
	head, _, whole := strings.Cut(string(p), "\r\n\r\n")
	if !whole && len(p) < maxHead {
		return r, 0, nil
	}
	line, fields, _ := strings.Cut(head, "\r\n")
	words := strings.Split(line, " ")
	if !whole || len(words) != 3 || words[0] != "GET" || words[2] != "HTTP/1.1" {
		return r, 0, errBad
	}
	r.Target = words[1]
	for field := range strings.Lines(strings.ToLower(fields)) {
		name, value, found := strings.Cut(field, ":")
		if !found || name == "content-length" || name == "transfer-encoding" {
			return r, 0, errBad // its body would be taken for the next request
		}
		r.Close = r.Close || name == "connection" && strings.Contains(value, "close")
	}
	return r, len(head) + 4, nil
}

// #endregion

// close ends a connection. The next client may have the same number.
func (s *server) close(client int) {
	delete(s.kept, client)
	unix.Close(client) // which also takes it off the kernel's list
}

// answer makes the response to a request.
func answer(r Request, err error) []byte {
	status, body := "200 OK", "hello, world: this is "+r.Target+"\n"
	if err != nil {
		status, body = "400 Bad Request", err.Error()+"\n"
	}
	return fmt.Appendf(nil, "HTTP/1.1 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
		status, len(body), body)
}
