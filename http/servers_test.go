package http

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"os"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/eventloop"
)

// numbered makes the configuration of servers that answer with their number, and count
// their requests without a lock.
func numbered(config Config) func(loop int) (Config, error) {
	return func(loop int) (Config, error) {
		c, requests := config, 0
		c.Loop.CheckOwner = true
		c.Handler = func(w *Response, r *Request) error {
			requests++
			return w.Text(fmt.Sprintf("%d %d", loop, requests))
		}
		return c, nil
	}
}

// ask makes one request on a connection, and returns the number of who answers.
func ask(t *testing.T, c net.Conn) (loop int) {
	t.Helper()
	fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
	answer, err := nethttp.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	if _, wrong := fmt.Sscan(string(body), &loop); err != nil || wrong != nil {
		t.Errorf("got %q, %v", body, err)
	}
	c.Close()
	return loop
}

// TestServersShareAnAddressAndNothingElse is worth the most under the race detector.
func TestServersShareAnAddressAndNothingElse(t *testing.T) {
	const servers, visitors = 3, 99
	s, err := NewServers(servers, numbered(Config{TLS: &tls.Config{Certificates: []tls.Certificate{certificate()}}}))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	secure, err := s.ListenTLS("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan error)
	go func() { over <- s.Run() }()

	var answers [servers]int
	answering := make(chan int, visitors)
	for range visitors {
		go func() {
			c, err := net.Dial("tcp", plain[0].Addr().String())
			if err != nil {
				t.Error(err)
				answering <- 0
				return
			}
			answering <- ask(t, c)
		}()
	}
	for range visitors {
		answers[<-answering]++
	}
	// The tickets of one server are good for all.
	trusted := x509.NewCertPool()
	leaf, err := x509.ParseCertificate(certificate().Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	trusted.AddCert(leaf)
	client := &tls.Config{RootCAs: trusted, ServerName: "localhost", ClientSessionCache: tls.NewLRUClientSessionCache(1)}
	for i := range visitors {
		c, err := tls.Dial("tcp", secure[0].Addr().String(), client)
		if err != nil {
			t.Fatal(err)
		}
		if resumed := c.ConnectionState().DidResume; resumed != (i > 0) {
			t.Errorf("the %d. connection was resumed: %v", i+1, resumed)
		}
		answers[ask(t, c)]++
	}
	s.Stop()
	if err := <-over; err != nil {
		t.Error(err)
	}
	for loop, one := range s {
		if answers[loop] == 0 || one.Loop().Count(eventloop.Accepted) != uint64(answers[loop]) {
			t.Errorf("server %d has answered %d, and accepted %d", loop, answers[loop], one.Loop().Count(eventloop.Accepted))
		}
	}
}

func TestServersThatCannotBeMadeHoldNothing(t *testing.T) {
	count := func() int {
		list, _ := os.ReadDir("/dev/fd")
		return len(list)
	}
	never := errors.New("never")
	for _, row := range []struct {
		name   string
		n      int
		config func(loop int) (Config, error)
		want   string
	}{
		{"none", 0, numbered(Config{}), "0 servers"},
		{"a second one without a configuration", 2, func(loop int) (Config, error) {
			if loop == 1 {
				return Config{}, never
			}
			return Config{Handler: hello}, nil
		}, "never"},
		{"a third one with a name that cannot be sent", 3, func(loop int) (Config, error) {
			return Config{Handler: hello, Name: strings.Repeat("\n", loop/2)}, nil
		}, "cannot stand in a field"},
	} {
		if loop, err := eventloop.New(eventloop.Config{}); err == nil { // the first has the runtime make its own
			loop.Stop()
			loop.Run()
		}
		before := count()
		if _, err := NewServers(row.n, row.config); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v", row.name, err)
		}
		if after := count(); after != before {
			t.Errorf("%s: there were %d descriptors, and now there are %d", row.name, before, after)
		}
	}
	s, err := NewServers(2, numbered(Config{}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.ListenTLS("127.0.0.1:0"); err == nil || !strings.Contains(err.Error(), "Config.TLS") {
		t.Errorf("TLS without a certificate: %v", err)
	}
	s.Stop()
	if err := s.Run(); err != nil {
		t.Error(err)
	}
}
