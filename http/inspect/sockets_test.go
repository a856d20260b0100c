package inspect

import (
	"bufio"
	"io"
	"net"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
)

// runServers runs servers over sockets, until the result is called.
func runServers(t *testing.T, servers ...*http.Server) (over func()) {
	t.Helper()
	ended := make(chan error)
	for _, s := range servers {
		go func() { ended <- s.Run() }()
	}
	return func() {
		t.Helper()
		for _, s := range servers {
			s.Stop()
		}
		for range servers {
			if err := <-ended; err != nil {
				t.Error(err)
			}
		}
	}
}

// askAt sends a request over a connection of its own.
func askAt(t *testing.T, at, text string) (answer io.Reader, end func()) {
	t.Helper()
	c, err := net.Dial("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	c.SetDeadline(time.Now().Add(time.Minute)) // or a mistake would hang the test
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	return c, func() { c.Close() }
}

// behindHead reads the head of an answer, and returns a reader of its body.
func behindHead(t *testing.T, answer io.Reader) io.Reader {
	t.Helper()
	r := bufio.NewReader(answer)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		if line == "\r\n" {
			return r
		}
	}
}
