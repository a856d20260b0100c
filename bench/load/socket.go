package load

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// Sockets are used directly, because Go's timers have a resolution of milliseconds
// when a thread waits, and an idle connection must cost the client little.

// dial opens a connection. It waits, which on the loopback takes no time.
func dial(to netip.AddrPort) (fd int, err error) {
	fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
	if err != nil {
		return -1, fmt.Errorf("socket: %w", err)
	}
	unix.CloseOnExec(fd)
	unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if err := unix.Connect(fd, &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}); err != nil {
		unix.Close(fd)
		return -1, fmt.Errorf("connect: %w", err)
	}
	return fd, nil
}

// A socket is a descriptor as a net.Conn for crypto/tls. It has no deadlines, because
// none are set.
type socket struct {
	net.Conn // nil, for methods that are never called
	fd       int
}

// Read returns errNotNow when there are no bytes. It is a temporary net.Error, which
// crypto/tls does not keep after the handshake.
func (s socket) Read(p []byte) (int, error) {
	for {
		switch n, err := unix.Read(s.fd, p); {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return 0, errNotNow
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// Write writes a request or a part of a handshake, for which there is room.
func (s socket) Write(p []byte) (int, error) { return unix.Write(s.fd, p) }

// notNow is the error of a socket without bytes to read.
type notNow struct{}

var errNotNow net.Error = notNow{}

func (notNow) Error() string   { return "not now" }
func (notNow) Timeout() bool   { return true }
func (notNow) Temporary() bool { return true }

// An answer is parsed while it arrives. Its content was checked before; here only its
// end matters.
type answer struct {
	head   []byte // the received part; empty while the body is read
	body   int    // bytes missing
	inBody bool   // the head is complete
	close  bool   // the server will close the connection
	ok     bool   // the status is 200
}

const longestHead = 64 << 10

var (
	errLongHead = errors.New("the head of the answer does not end")
	errNoLength = errors.New("the answer has no Content-Length")
	errTooMuch  = errors.New("more bytes than requested")
)

// feed takes received bytes, and reports whether the answer is complete.
func (a *answer) feed(p []byte) (done bool, err error) {
	if !a.inBody {
		a.head = append(a.head, p...)
		end := bytes.Index(a.head, []byte("\r\n\r\n"))
		if end < 0 {
			if len(a.head) > longestHead {
				return false, errLongHead
			}
			return false, nil
		}
		p = a.head[end+4:]
		if err := a.parse(a.head[:end+2]); err != nil {
			return false, err
		}
		a.inBody, a.head = true, a.head[:0]
	}
	a.body -= len(p)
	if a.body > 0 {
		return false, nil
	}
	if a.body < 0 {
		return false, errTooMuch
	}
	a.inBody = false
	return true, nil
}

// parse finds the end of the answer in its head.
func (a *answer) parse(head []byte) error {
	a.body, a.close = -1, false
	for i, line := 0, []byte(nil); len(head) > 0; i++ {
		line, head, _ = bytes.Cut(head, []byte("\r\n"))
		if i == 0 {
			a.ok = len(line) >= 12 && string(line[9:12]) == "200"
			continue
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("Content-Length")):
			n, err := strconv.Atoi(string(value))
			if err != nil {
				return fmt.Errorf("Content-Length of the answer: %w", err)
			}
			a.body = n
		case bytes.EqualFold(name, []byte("Connection")):
			a.close = bytes.EqualFold(value, []byte("close"))
		}
	}
	if a.body < 0 {
		return errNoLength
	}
	return nil
}
