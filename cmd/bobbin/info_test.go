package main

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
)

// TestCtrlTTellsTheState has the line of a server with an open connection, of one without,
// and of two loops of which none turns.
func TestCtrlTTellsTheState(t *testing.T) {
	servers := func(loops int) http.Servers {
		s, err := http.NewServers(loops, func(int) (http.Config, error) {
			return http.Config{Handler: func(w *http.Response, r *http.Request) error { return w.Text("hello") }}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := servers(2)
	want := "Handler holds the loop: on loop 0 no turn for 1 ms; Handler holds the loop: on loop 1 no turn for 1 ms; 0 connections; 0 requests answered; 0 B owed; 0 stalls"
	if got := infoText(s, time.Millisecond); got != want {
		t.Errorf("%q, not %q", got, want)
	}
	listeners, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan error, 1)
	go func() { over <- s.Run() }()
	defer func() {
		s.Stop()
		if err := <-over; err != nil {
			t.Error(err)
		}
	}()
	if got, want := infoText(s, time.Minute), "0 connections; 0 requests answered; 0 B owed; 0 stalls"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
	c, err := net.Dial("tcp", listeners[0].Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if got, want := infoText(s, time.Minute), "1 connection: 1 idle; 1 request answered; 0 B owed; 0 stalls"; got != want {
		t.Errorf("%q, not %q", got, want)
	}
}

// TestSIGINFO sends the signal, where the system has it.
func TestSIGINFO(t *testing.T) {
	if len(infoSignals) == 0 {
		t.Skip("this system has no SIGINFO")
	}
	t.Parallel()
	p := start(t, "")
	p.signal(infoSignals[0])
	p.waits("bobbin: 0 connections; 0 requests answered; 0 B owed; 0 stalls\n", 1)
}
