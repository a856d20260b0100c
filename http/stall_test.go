package http

import (
	"bytes"
	"log/slog"
	nethttp "net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
)

// lines is a writer for several goroutines.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// TestAHandlerThatHoldsTheLoopIsNamed has handlers of each kind sleep, which is
// what they must not do. The watchdog has to see them within a sixth of the time
// that they sleep, or the machine has not let it.
func TestAHandlerThatHoldsTheLoopIsNamed(t *testing.T) {
	line := 0
	sleep := func(w *Response, r *Request) error {
		_, _, line, _ = runtime.Caller(0)
		time.Sleep(300 * time.Millisecond)
		return w.Text("at last")
	}
	var site Router
	site.Handle("/plain/{name}", sleep)
	site.Handle("/streaming/", Streaming(sleep))
	site.Handle("/reply/", func(w *Response, r *Request) error {
		return Offload(w, func() (int, error) { return 0, nil }, func(w *Response, _ int) error { return sleep(w, r) })
	})
	site.Handle("/blocking/", Blocking(1, sleep))
	for _, row := range []struct{ path, route string }{
		{"/plain/x", "/plain/{name}"},
		{"/streaming/", "/streaming/"},
		{"/reply/", "/reply/"},
		{"/blocking/", ""},
	} {
		var log lines
		var stalls []*eventloop.Stall
		s, err := NewServer(Config{
			Handler: site.Serve,
			Log:     slog.New(slog.NewTextHandler(&log, nil)),
			Loop: eventloop.Config{
				Stall:   50 * time.Millisecond,
				OnStall: func(s *eventloop.Stall) { stalls = append(stalls, s) },
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		listeners, err := s.Listen("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		over := make(chan error)
		go func() { over <- s.Run() }()
		answer, err := nethttp.Get("http://" + listeners[0].Addr().String() + row.path)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		s.Stop()
		if err := <-over; err != nil {
			t.Error(err)
		}
		said := log.String()
		if row.route == "" {
			if said != "" || len(stalls) > 0 {
				t.Errorf("%s does not hold the loop, and yet: %s", row.path, said)
			}
			continue
		}
		for _, want := range []string{"the loop was held", "conn 1 read ", "request=\"GET " + row.path + "\"", "route=" + row.route, "stall_test.go:" + strconv.Itoa(line+1)} {
			if !strings.Contains(said, want) {
				t.Errorf("%s: %s is not in: %s", row.path, want, said)
			}
		}
		if len(stalls) != 1 || stalls[0].Request != "GET "+row.path || stalls[0].Route != row.route {
			t.Errorf("%s is reported as %+v", row.path, stalls)
		}
		if n := strings.Count(said, "level="); n != 1 {
			t.Errorf("%s is reported %d times: %s", row.path, n, said)
		}
	}
}
