package sim_test

import (
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http"
)

// TestARequestThatCameWhileTheMachineSleptIsServed lets the machine sleep past
// every deadline, while idle clients send. Their requests lie in the sockets
// when it wakes, the deadlines are over, and the kernel is late with the news:
// the requests go first.
func TestARequestThatCameWhileTheMachineSleptIsServed(t *testing.T) {
	k := sim.New(1)
	server, err := http.NewServer(http.Config{
		Handler: func(w *http.Response, r *http.Request) error { return w.Text("hello") },
		Loop:    eventloop.Config{Kernel: k, CheckOwner: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.Listen(":80"); err != nil {
		t.Fatal(err)
	}
	k.Every = func() {
		if k.Running() == 0 {
			server.Stop()
		}
	}
	const clients = 20
	served, asleep := 0, 0
	for range clients {
		k.Go(func(s *sim.Script) {
			w, err := k.Dial()
			if err != nil {
				t.Error(err)
				return
			}
			for range 2 {
				if err := s.Send(w, []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n")); err != nil {
					t.Error(err)
					return
				}
				answer, err := s.Receive(w, nil, 4096)
				if err != nil || !strings.HasSuffix(string(answer), "hello") {
					t.Errorf("heard %q, %v", answer, err)
					return
				}
				served++
				// From here on the machine sleeps whenever it can, and every
				// event is late.
				if asleep++; asleep == clients {
					k.Luck.Suspend, k.Luck.Delayed = 1000, 500
				}
				s.Sleep(20 * time.Second)
			}
			w.Close()
		})
	}
	if err := server.Run(); err != nil && err != eventloop.ErrCut {
		t.Error(err)
	}
	if served != 2*clients {
		t.Errorf("%d of %d requests were served", served, 2*clients)
	}
}
