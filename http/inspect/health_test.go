package inspect

import (
	"fmt"
	"io"
	"log/slog"
	nethttp "net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

// A watched is a site and the operator's address, each on a loop of its own, over the
// machine's kernel.
type watched struct {
	t           *testing.T
	site, admin string // URLs
	inspector   *Inspector
	station     *station     // of the operator's address
	put         atomic.Int32 // requests to it that have been handled, or wait for an answer
	servers     http.Servers
	held        chan struct{} // has a value when a handler holds a loop
	release     chan struct{}
	stopping    atomic.Bool
}

// watchedSite runs both. A request for /hold holds its loop until it is released.
func watchedSite(t *testing.T, loops int) *watched {
	t.Helper()
	return watchedFor(t, loops, answerWithin)
}

// watchedFor has the loops answer within a given time.
func watchedFor(t *testing.T, loops int, patience time.Duration) *watched {
	t.Helper()
	s := &watched{t: t, held: make(chan struct{}), release: make(chan struct{})}
	s.inspector = New(Config{Ready: func() bool { return !s.stopping.Load() }})
	s.inspector.patience = patience
	var err error
	s.servers, err = http.NewServers(loops, func(int) (http.Config, error) {
		return http.Config{Log: slog.New(slog.DiscardHandler), Handler: func(w *http.Response, r *http.Request) error {
			if r.Path() == "/hold" {
				s.held <- struct{}{}
				<-s.release
			}
			return w.Text("hello")
		}}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	s.inspector.Show(s.servers)
	s.station = &station{inspector: s.inspector, number: -1}
	show := s.inspector.handler(s.station)
	admin, err := http.NewServer(http.Config{Handler: func(w *http.Response, r *http.Request) error {
		defer s.put.Add(1)
		return show(w, r)
	}})
	if err != nil {
		t.Fatal(err)
	}
	at, err := s.servers.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.site = "http://" + at[0].Addr().String()
	if at, err = admin.Listen("127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	s.admin = "http://" + at[0].Addr().String()
	var running sync.WaitGroup
	running.Go(func() { _ = s.servers.Run() })
	running.Go(func() { _ = admin.Run() })
	t.Cleanup(func() {
		nethttp.DefaultClient.CloseIdleConnections()
		s.servers.Stop()
		admin.Stop()
		running.Wait()
	})
	return s
}

// get asks the operator's address.
func (s *watched) get(path string) (status int, body string) {
	s.t.Helper()
	a, err := nethttp.Get(s.admin + path)
	if err != nil {
		s.t.Error(err)
		return 0, ""
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil {
		s.t.Error(err)
	}
	return a.StatusCode, string(text)
}

// hold has a handler hold a loop, until the function that it returns is called.
func (s *watched) hold() (release func()) {
	var asks sync.WaitGroup
	asks.Go(func() {
		if a, err := nethttp.Get(s.site + "/hold"); err != nil {
			s.t.Error(err)
		} else {
			a.Body.Close()
		}
	})
	<-s.held
	return func() {
		s.release <- struct{}{}
		asks.Wait()
	}
}

// TestTheOperatorsAddressAnswersWhileAHandlerHoldsALoop has one of two loops held, for two
// rounds of questions.
func TestTheOperatorsAddressAnswersWhileAHandlerHoldsALoop(t *testing.T) {
	s := watchedSite(t, 2)
	if status, body := s.get("/-/healthy"); status != 200 || body != "healthy\n" {
		t.Errorf("it is %d %q at first", status, body)
	}
	s.get("/-/metrics") // has a sample of each
	release := s.hold()
	status, body := s.get("/-/healthy")
	held := 0
	if status != 503 || !strings.HasPrefix(body, "loop ") || strings.Count(body, "\n") != 1 {
		t.Errorf("while one is held, it is %d %q", status, body)
	} else if _, err := fmt.Sscanf(body, "loop %d has not turned for 1.0 s: a handler holds it\n", &held); err != nil {
		t.Errorf("%q: %v", body, err)
	}
	if status, body := s.get("/-/ready"); status != 200 || body != "ready\n" {
		t.Errorf("and ready is %d %q", status, body)
	}
	status, body = s.get("/-/metrics")
	p := readPage(t, body, false)
	for loop := range 2 {
		up, want := p.values[fmt.Sprintf(`bobbin_loop_up{loop="%d"}`, loop)], 1.0
		if loop == held {
			want = 0
		}
		if up != want || p.values[fmt.Sprintf(`bobbin_loop_turns_total{loop="%d"}`, loop)] == 0 {
			t.Errorf("%d: loop %d is %v, and was to be %v", status, loop, up, want)
		}
	}
	var many sync.WaitGroup
	for range 3 * askedMax {
		many.Go(func() {
			if status, body := s.get("/-/healthy"); status != 503 {
				t.Errorf("asked by many, it is %d %q", status, body)
			}
		})
	}
	many.Wait()
	if n := s.station.asked[held].posted.Load(); n != askedMax {
		t.Errorf("%d questions wait for the loop", n)
	}
	release()
	if status, body := s.get("/-/healthy"); status != 200 {
		t.Errorf("later it is %d %q", status, body)
	}
	if n := s.station.asked[held].posted.Load(); n != 0 {
		t.Errorf("%d questions wait for the loop in the end", n)
	}
}

// TestALoopThatTurnsIsHealthyForAllWhoAskAtOnce has more ask than may wait for a loop, while
// it is held for less time than they have.
func TestALoopThatTurnsIsHealthyForAllWhoAskAtOnce(t *testing.T) {
	s := watchedFor(t, 1, time.Hour)
	release := s.hold()
	const many = 3*askedMax + 1
	var all sync.WaitGroup
	for range many {
		all.Go(func() {
			if status, body := s.get("/-/healthy"); status != 200 {
				t.Errorf("it is %d %q", status, body)
			}
		})
	}
	for s.put.Load() < many {
		runtime.Gosched()
	}
	release()
	all.Wait()
}

// TestTheOperatorsAddressAnswersInAStopAndAfterIt asks before, during and after.
func TestTheOperatorsAddressAnswersInAStopAndAfterIt(t *testing.T) {
	s := watchedSite(t, 1)
	s.get("/-/metrics")
	s.stopping.Store(true)
	if status, body := s.get("/-/ready"); status != 503 || body != "stopping\n" {
		t.Errorf("ready is %d %q", status, body)
	}
	s.servers.Stop()
	for {
		status, body := s.get("/-/healthy")
		if status != 200 {
			t.Errorf("healthy is %d %q", status, body)
		}
		if status, body = s.get("/-/metrics"); status != 200 {
			t.Errorf("the metrics are %d", status)
		}
		p := readPage(t, body, false)
		if p.values[`bobbin_loop_turns_total{loop="0"}`] == 0 {
			t.Error("the figures of a loop are gone")
		}
		if s.servers[0].Loop().Post(func() {}) != nil {
			break // it has ended
		}
	}
	if status, _ := s.get("/-/healthy"); status != 200 {
		t.Errorf("after the end, healthy is %d", status)
	}
	_, body := s.get("/-/metrics")
	if up, there := readPage(t, body, false).values[`bobbin_loop_up{loop="0"}`]; up != 0 || !there {
		t.Error("the loop that has ended is up")
	}
}

// TestALoopAnswersForItself has the metrics on the loop that they are of.
func TestALoopAnswersForItself(t *testing.T) {
	serve(t, Config{}, 0, func(c *httptest.Client, _ *Inspector) {
		for path, want := range map[string]string{"/-/healthy": "healthy\n", "/-/ready": "ready\n"} {
			if a := c.Get(path, "Host: localhost"); a.Status != 200 || a.Body != want {
				t.Errorf("%s is %v", path, a)
			}
		}
	})
}
