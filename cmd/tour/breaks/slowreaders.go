package breaks

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	readers   = 4
	bigAnswer = 16 << 20 // what /big is

	// A small buffer, because the kernel would take a whole answer for a client that
	// reads nothing.
	smallBuffer = 4 << 10
)

// SlowReaders asks for /big from four clients that read the first byte only, and for the
// number of bytes that the server keeps for them. Then one of them reads on.
func SlowReaders(t *Target, patience time.Duration) (Outcome, error) {
	var slow []net.Conn
	defer func() { hangUp(slow) }()
	owed := 0
	for range 5 {
		began := time.Now()
		hangUp(slow)
		var err error
		if slow, err = t.slowCrowd(); err != nil {
			return Outcome{}, err
		}
		if owed, err = t.owed(); err != nil {
			return Outcome{}, err
		}
		if time.Since(began) < time.Second {
			break // a machine that is busy for longer has the server end some of them before it tells
		}
	}
	o := Outcome{
		Seen:  []string{fmt.Sprintf("Each of %d clients asks for 16 MB, and reads 1 byte.", readers)},
		Count: owed / readers,
	}
	n := restOfAnswer(slow[readers-1])
	for tries := 0; n != bigAnswer && tries < 5; tries++ { // a busy machine may have missed the deadline of the step
		c, err := t.askSlowly("/big")
		if err != nil {
			return o, err
		}
		n = restOfAnswer(c)
		c.Close()
	}
	if n != bigAnswer {
		return o, fmt.Errorf("a client that reads on gets %d bytes of %d", n, bigAnswer)
	}
	o.Seen = append(o.Seen, "Then one of them reads on, and gets all of it.")
	const much = 1 << 20
	o.Survived = o.Count < much
	o.Result = "The server keeps more than 1 MB for each client."
	switch {
	case o.Survived:
		o.Result = "The server keeps less than 100 KB for each client."
	case o.Count > 10*much:
		o.Result = "The server keeps more than 10 MB for each client."
	}
	return o, nil
}

// slowCrowd is the clients that have asked for /big, also with an error.
func (t *Target) slowCrowd() (slow []net.Conn, err error) {
	for range readers {
		c, err := t.askSlowly("/big")
		if err != nil {
			return slow, err
		}
		slow = append(slow, c)
	}
	return slow, nil
}

// askSlowly asks for a path, and returns when the first byte of the answer has come.
func (t *Target) askSlowly(path string) (net.Conn, error) {
	dial := net.Dialer{Timeout: Sure, Control: func(_, _ string, c syscall.RawConn) error {
		return receiveBuffer(c, smallBuffer)
	}}
	c, err := dial.Dial("tcp", t.Address)
	if err != nil {
		return nil, err
	}
	c.SetDeadline(time.Now().Add(time.Minute))
	first := make([]byte, 1)
	if _, err = fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path); err == nil {
		_, err = io.ReadFull(c, first)
	}
	if err != nil || first[0] != 'H' {
		c.Close()
		return nil, fmt.Errorf("no answer to %s: %w", path, err)
	}
	return c, nil
}

func receiveBuffer(c syscall.RawConn, size int) (err error) {
	if failed := c.Control(func(fd uintptr) {
		err = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, size)
	}); failed != nil {
		return failed
	}
	return err
}

// restOfAnswer reads an answer whose first byte was read, and returns the length of its
// body.
func restOfAnswer(c net.Conn) int64 {
	if raw, err := c.(*net.TCPConn).SyscallConn(); err == nil {
		_ = receiveBuffer(raw, 1<<20) // now it is in a hurry
	}
	answer, err := http.ReadResponse(bufio.NewReaderSize(io.MultiReader(strings.NewReader("H"), c), 64<<10), nil)
	if err != nil {
		return 0
	}
	defer answer.Body.Close()
	n, _ := io.Copy(io.Discard, answer.Body)
	return n
}

var owedFigure = regexp.MustCompile(`(\d+) owed`)

// owed is how many bytes the server keeps for its clients.
func (t *Target) owed() (int, error) {
	_, body := t.get("/", Sure)
	f := owedFigure.FindStringSubmatch(body)
	if f == nil {
		return 0, fmt.Errorf("the server does not tell what it owes, but %q", body)
	}
	return strconv.Atoi(f[1])
}
