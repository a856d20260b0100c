package load

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/bobbin-http/bobbin/bench/rivals"
)

// talking is a server with an echo and a topic.
type talking struct {
	mu      sync.Mutex
	members []*websocket.Conn
	most    int // messages that were read at an echo
	change  func(n int, p []byte) []byte
	drop    int // the member of the topic that gets nothing, counted from 1
}

func chat(t *testing.T, s *talking) netip.AddrPort {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return netip.MustParseAddrPort(server.Listener.Addr().String())
}

func (s *talking) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock() // so that no message passes between the handshake and the membership
	c, err := websocket.Accept(w, r, nil)
	if err == nil && r.URL.Path == rivals.TopicPath {
		s.members = append(s.members, c)
	}
	s.mu.Unlock()
	if err != nil {
		return
	}
	defer c.CloseNow()
	c.SetReadLimit(1 << 20)
	for n := 1; ; n++ {
		_, p, err := c.Read(context.Background())
		if err != nil {
			return
		}
		s.mu.Lock()
		to := []*websocket.Conn{c}
		if r.URL.Path == rivals.TopicPath {
			to = s.members
		}
		s.most = max(s.most, n)
		if s.change != nil {
			p = s.change(n, p)
		}
		for i, one := range to {
			if i+1 != s.drop {
				one.Write(context.Background(), websocket.MessageText, p)
			}
		}
		s.mu.Unlock()
	}
}

// start is the input that has a generator begin at once.
func start() io.Reader { return strings.NewReader("\n") }

func TestAnEchoIsCountedWhenAllOfItIsBack(t *testing.T) {
	for name, of := range map[string]struct{ size, atOnce int }{
		"one small message": {64, 1}, "many small ones": {64, 16}, "many large ones": {16 << 10, 16}, "one of the longest form": {70_000, 1},
	} {
		t.Run(name, func(t *testing.T) {
			s := &talking{}
			o, err := echo(t.Context(), chat(t, s), 3, of.size, of.atOnce, 50*time.Millisecond, start(), io.Discard)
			if err != nil || o.Trouble() != "" {
				t.Fatalf("%+v, %v", o, err)
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			if o.Requests < 3 || o.Requests > int64(3*s.most) || o.Seconds < 0.05 {
				t.Errorf("%d messages came back in %v s, of which one connection has had %d", o.Requests, o.Seconds, s.most)
			}
			if timed := o.P50 > 0; timed != (of.atOnce == 1) {
				t.Errorf("the p50 is %v", o.P50)
			}
		})
	}
}

func TestAnEchoOfOtherBytesIsAnError(t *testing.T) {
	s := &talking{change: func(n int, p []byte) []byte {
		if n == 10 {
			p[60] ^= 1
		}
		return p
	}}
	if o, err := echo(t.Context(), chat(t, s), 1, 64, 4, 10*time.Second, start(), io.Discard); err != errOtherBytes || o.Requests > 9 {
		t.Errorf("%d messages came back, and then: %v", o.Requests, err)
	}
}

func TestABroadcastBeginsWhenItIsToldTo(t *testing.T) {
	s := &talking{}
	to := chat(t, s)
	in, begin := io.Pipe()
	out, ready := io.Pipe()
	ended := make(chan Outcome)
	go func() {
		o, err := broadcast(t.Context(), to, 20, 64, 50*time.Millisecond, in, ready)
		if err != nil {
			t.Error(err)
		}
		ended <- o
	}()
	line := make([]byte, len(holding)+1)
	if _, err := io.ReadFull(out, line); err != nil || string(line) != holding+"\n" {
		t.Fatalf("it says %q, %v", line, err)
	}
	s.mu.Lock()
	if len(s.members) != 20 || s.most != 0 {
		t.Errorf("before it begins, there are %d connections, and %d messages", len(s.members), s.most)
	}
	s.mu.Unlock()
	begin.Write([]byte{'\n'})
	o := <-ended
	s.mu.Lock()
	defer s.mu.Unlock()
	if o.Requests != int64(20*s.most) || s.most == 0 || o.P50 == 0 || o.Trouble() != "" {
		t.Errorf("%d of %d messages have arrived at 20 connections; %+v", o.Requests, s.most, o)
	}
}

func TestAMessageThatDoesNotArriveIsNamed(t *testing.T) {
	to := chat(t, &talking{drop: 3})
	o, err := broadcast(t.Context(), to, 5, 64, 10*time.Millisecond, start(), io.Discard)
	if err != nil || o.Requests != 4 || o.Trouble() != "1 messages did not arrive in time" {
		t.Errorf("%+v, %v", o, err)
	}
}

func TestALoadThatIsNotBegunEnds(t *testing.T) {
	to, nothing := chat(t, &talking{}), strings.NewReader("")
	if o, err := broadcast(t.Context(), to, 2, 64, time.Hour, nothing, io.Discard); err != nil || o.Requests != 0 {
		t.Errorf("a broadcast: %+v, %v", o, err)
	}
	if o, err := echo(t.Context(), to, 2, 64, 1, time.Hour, nothing, io.Discard); err != nil || o.Requests != 0 {
		t.Errorf("an echo: %+v, %v", o, err)
	}
}
