package load

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/bench/h2"
)

const request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

// fake is a server whose answers are made by a function, which may also keep
// everybody waiting.
func fake(t *testing.T, answer func(n int64) string) netip.AddrPort {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var n atomic.Int64
	var talks sync.WaitGroup
	talk := func(c net.Conn) {
		defer c.Close()
		in := bufio.NewReader(c)
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return
			}
			if line != "\r\n" {
				continue
			}
			text := answer(n.Add(1))
			io.WriteString(c, text)
			if text == "" || strings.Contains(text, "Connection: close") {
				return
			}
		}
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			talks.Go(func() { talk(c) })
		}
	}()
	t.Cleanup(func() {
		l.Close()
		talks.Wait()
	})
	return l.Addr().(*net.TCPAddr).AddrPort()
}

const well = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"

func TestAStallCountsForAllWhomItKeepsWaiting(t *testing.T) {
	// 1,000 requests a second for half a second; in the middle, nobody is
	// answered for 200 ms. So 200 requests are late, by 100 ms on average. A
	// client that waits for answers before it goes on would see four late ones,
	// since it has four connections.
	const stall, rate, lines = 200 * time.Millisecond, 1000, 4
	var gate sync.RWMutex
	to := fake(t, func(n int64) string {
		if n == 250 {
			gate.Lock()
			time.Sleep(stall)
			gate.Unlock()
		}
		gate.RLock()
		defer gate.RUnlock()
		return well
	})
	l := &openLoop{to: to, request: []byte(request), rate: rate, lasts: 500 * time.Millisecond, grace: 2 * time.Second}
	o, err := l.run(t.Context(), lines)
	if err != nil {
		t.Fatal(err)
	}
	if o.Requests != 500 || o.Trouble() != "" {
		t.Fatalf("%d requests were answered, want 500: %s", o.Requests, o.Trouble())
	}
	late := 0
	for b, n := range l.latencies.counts {
		if upper(b) > stall/4 {
			late += int(n)
		}
	}
	// Three quarters of those that became due during the stall waited for more
	// than a quarter of it. A busy machine makes it more, and nothing less.
	if want := int(rate*stall.Seconds()) * 3 / 4; late < want*9/10 {
		t.Errorf("%d requests were late, want about %d: latency was not counted from when they were due", late, want)
	}
	if o.Worst < stall*9/10 {
		t.Errorf("the worst latency is %v, in spite of a stall of %v", o.Worst, stall)
	}
}

func TestWhatIsNeverAnsweredIsCountedAsLate(t *testing.T) {
	silent := make(chan bool)
	to := fake(t, func(n int64) string {
		if n > 50 {
			<-silent
		}
		return well
	})
	defer close(silent)
	l := &openLoop{to: to, request: []byte(request), rate: 500, lasts: 200 * time.Millisecond, grace: 100 * time.Millisecond}
	o, err := l.run(t.Context(), 2)
	if err != nil {
		t.Fatal(err)
	}
	if o.Requests != 50 || o.Failed["requests not answered in time"] != 50 {
		t.Errorf("%d answered, and %s; want half and half", o.Requests, o.Trouble())
	}
	if o.P99 < 100*time.Millisecond {
		t.Errorf("the p99 is %v, as if the others had not been asked", o.P99)
	}
}

func TestTheOpenLoopKeepsItsRate(t *testing.T) {
	to := fake(t, func(int64) string { return well })
	l := &openLoop{to: to, request: []byte(request), rate: 400, lasts: 250 * time.Millisecond, grace: time.Second}
	began := time.Now()
	o, err := l.run(t.Context(), 8)
	if err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); o.Requests != 100 || took < 245*time.Millisecond {
		t.Errorf("%d requests in %v, want 100 in 250 ms", o.Requests, took)
	}
}

func TestAConnectionThatTheServerClosesIsReplaced(t *testing.T) {
	tests := []struct {
		name   string
		answer func(n int64) string
		failed string
	}{
		{"when it said so", func(n int64) string {
			if n%10 == 0 {
				return strings.Replace(well, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1)
			}
			return well
		}, ""},
		{"when it did not, and then the request is repeated", func(n int64) string {
			if n == 30 {
				return ""
			}
			return well
		}, "1 " + lost},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			l := &openLoop{to: fake(t, test.answer), request: []byte(request), rate: 500, lasts: 200 * time.Millisecond, grace: time.Second}
			o, err := l.run(t.Context(), 3)
			if err != nil {
				t.Fatal(err)
			}
			if o.Requests != 100 || o.Trouble() != test.failed {
				t.Errorf("%d answers and %q, want 100 and %q", o.Requests, o.Trouble(), test.failed)
			}
		})
	}
}

func TestAServerThatOnlyClosesIsGivenUp(t *testing.T) {
	l := &openLoop{to: fake(t, func(int64) string { return "" }), request: []byte(request), rate: 500, lasts: 10 * time.Second, grace: time.Second}
	if _, err := l.run(t.Context(), 2); err != errGone {
		t.Errorf("the error is %v, want %v", err, errGone)
	}
}

func TestTheEndOfAnAnswerIsFoundHoweverItComes(t *testing.T) {
	tests := []struct {
		name string
		text string
		err  error
	}{
		{"with a body", well, nil},
		{"without one", "HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n", nil},
		{"one without a length is refused", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", errNoLength},
		{"one with more than was asked for is refused", well + "!", errTooMuch},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			for piece := 1; piece <= len(test.text); piece++ {
				var a answer
				var done bool
				var err error
				for rest := []byte(test.text); len(rest) > 0 && err == nil; {
					n := min(piece, len(rest))
					if done && test.err == nil {
						t.Fatalf("in pieces of %d it ends before its end", piece)
					}
					done, err = a.feed(rest[:n])
					rest = rest[n:]
				}
				// What is too much is only noticed if it comes along.
				if test.err == errTooMuch && piece < len(test.text) {
					continue
				}
				if err != test.err || done != (err == nil) {
					t.Fatalf("in pieces of %d: done %v, %v", piece, done, err)
				}
			}
		})
	}
}

func TestHeldConnectionsAreCountedAtTheEnd(t *testing.T) {
	var answered atomic.Int64
	to := fake(t, func(n int64) string {
		answered.Store(n)
		if n > 15 {
			return strings.Replace(well, "\r\n\r\n", "\r\nConnection: close\r\n\r\n", 1)
		}
		return well
	})
	in, end := io.Pipe()
	var out bytes.Buffer
	go func() {
		for answered.Load() < 20 {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(20 * time.Millisecond) // for five ends to arrive
		end.Close()
	}()
	o, err := hold(t.Context(), to, nil, Job{Request: request}.asking(), 20, in, &out)
	if err != nil {
		t.Fatal(err)
	}
	if o.Open != 15 || out.String() != holding+"\n" {
		t.Errorf("%d of 20 connections are open, want 15; it said %q", o.Open, &out)
	}
}

func TestHeldConnectionsMayBeEncrypted(t *testing.T) {
	s, to := seal(t, true)
	in, end := io.Pipe()
	var out bytes.Buffer
	end.Close()
	o, err := hold(t.Context(), to, clientTLS(), Job{Request: request}.asking(), 5, in, &out)
	if err != nil {
		t.Fatal(err)
	}
	// A ticket that the client had not read would look like the end of a connection.
	if o.Open != 5 || s.full.Load() != 5 {
		t.Errorf("%d of 5 connections are open, after %d handshakes", o.Open, s.full.Load())
	}
}

func TestHeldConnectionsMaySpeakHTTP2OrWebSocket(t *testing.T) {
	tests := []struct {
		name string
		job  Job
	}{
		{"HTTP/2 over TLS", Job{TLS: true, HTTP2: &h2.Request{Scheme: "https", Authority: "a", Path: "/", Fields: []string{"A: b"}}}},
		{"HTTP/2 in plain text", Job{HTTP2: &h2.Request{Scheme: "http", Authority: "a", Path: "/"}}},
		{"WebSocket", Job{WebSocket: &Talk{Size: 64}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var protocols sync.Map
			echo := &talking{}
			s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				protocols.Store(r.Proto, true)
				if r.Header.Get("Upgrade") != "" {
					echo.ServeHTTP(w, r)
					return
				}
				io.WriteString(w, "hi")
			}))
			s.Config.Protocols = new(http.Protocols)
			s.Config.Protocols.SetHTTP1(true)
			s.Config.Protocols.SetHTTP2(true)
			s.Config.Protocols.SetUnencryptedHTTP2(true)
			s.EnableHTTP2 = test.job.TLS
			if test.job.TLS {
				s.StartTLS()
			} else {
				s.Start()
			}
			defer s.Close()
			test.job.Kind, test.job.To, test.job.Connections = Hold, s.Listener.Addr().String(), 5
			o, err := test.job.do(t.Context(), bytes.NewReader(nil), io.Discard)
			if err != nil || o.Open != 5 || o.Requests != 5 {
				t.Fatalf("%d of 5 connections are open: %v", o.Open, err)
			}
			want := "HTTP/2.0"
			if test.job.HTTP2 == nil {
				want = "HTTP/1.1"
			}
			if _, ok := protocols.Load(want); !ok {
				t.Errorf("the server has seen no %s", want)
			}
		})
	}
}

// sealed is a server of net/http over TLS, which notes how connections began.
type sealed struct {
	*httptest.Server
	full, resumed atomic.Int64
}

func seal(t *testing.T, tickets bool) (*sealed, netip.AddrPort) {
	t.Helper()
	s := &sealed{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.TLS.DidResume {
			s.resumed.Add(1)
		} else {
			s.full.Add(1)
		}
		io.WriteString(w, "hi")
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // the last handshakes are cut off
	s.TLS = &tls.Config{SessionTicketsDisabled: !tickets, MinVersion: tls.VersionTLS13}
	s.StartTLS()
	t.Cleanup(s.Close)
	return s, s.Listener.Addr().(*net.TCPAddr).AddrPort()
}

func TestHandshakesAreOfTheKindThatIsAskedFor(t *testing.T) {
	const clients = 2
	tests := []struct {
		name            string
		tickets, resume bool
		err             error
	}{
		{"full ones are full even where there are tickets", true, false, nil},
		{"resumed ones are resumed, but for the first of each client", true, true, nil},
		{"a server that gives no tickets is named", false, true, errNotResumed},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s, to := seal(t, test.tickets)
			o, err := handshakes(t.Context(), to, []byte("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"), clients, 200*time.Millisecond, test.resume)
			if err != test.err {
				t.Fatalf("the error is %v, want %v", err, test.err)
			}
			if err != nil {
				return
			}
			asked, other := s.full.Load(), s.resumed.Load()
			if test.resume {
				asked, other = other, asked-clients
			}
			// At the end of time, some may have been answered in vain.
			if o.Requests == 0 || o.Requests > asked || o.P50 == 0 || other != 0 || o.Trouble() != "" {
				t.Errorf("%d handshakes, p50 %v, %q; the server saw %d in full and %d resumed", o.Requests, o.P50, o.Trouble(), s.full.Load(), s.resumed.Load())
			}
		})
	}
}

func TestTheOpenLoopSpeaksTLS(t *testing.T) {
	s, to := seal(t, true)
	l := &openLoop{to: to, request: []byte(request), rate: 400, lasts: 250 * time.Millisecond, grace: time.Second, tls: clientTLS()}
	o, err := l.run(t.Context(), 8)
	if err != nil {
		t.Fatal(err)
	}
	if o.Requests != 100 || o.P50 == 0 || o.Trouble() != "" || s.full.Load() != 100 {
		t.Errorf("%d answers to 100 requests, of which the server saw %d; p50 %v, %q", o.Requests, s.full.Load(), o.P50, o.Trouble())
	}
}

func TestAGeneratorEndsWhenItIsToldTo(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	l := &openLoop{to: fake(t, func(int64) string { return well }), request: []byte(request), rate: 100, lasts: time.Hour, grace: time.Second}
	began := time.Now()
	if _, err := l.run(ctx, 1); err == nil || time.Since(began) > 5*time.Second {
		t.Errorf("it ended after %v with %v", time.Since(began), err)
	}
}
