package inspect

import (
	"bufio"
	"fmt"
	"log/slog"
	"net"
	nethttp "net/http"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/inspect/feed"
)

// run runs servers on the machine's own kernel until the test ends, and returns where they
// listen.
func run(t *testing.T, servers http.Servers) string {
	t.Helper()
	listeners, err := servers.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan error, 1)
	go func() { over <- servers.Run() }()
	t.Cleanup(func() {
		servers.Stop()
		if err := <-over; err != nil {
			t.Error(err)
		}
	})
	return "http://" + listeners[0].Addr().String()
}

// follow opens a stream over the network.
func follow(t *testing.T, at string) (*feed.Reader, *feed.Hello) {
	t.Helper()
	answer, err := nethttp.Get(at + "/-/xray/stream")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { answer.Body.Close() })
	r := feed.NewReader(answer.Body)
	hello, err := r.Hello()
	if err != nil {
		t.Fatal(err)
	}
	return r, hello
}

// untilFrame reads frames until one is as it is to be. Each is later than the one before.
func untilFrame(t *testing.T, r *feed.Reader, is func(f *feed.Frame) bool) {
	t.Helper()
	for before := time.Duration(-1); ; {
		f, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		if f.At <= before {
			t.Errorf("frame %d is not later than the one before", f.Number)
		}
		if before = f.At; is(f) {
			return
		}
	}
}

// askUntil asks for /hold/1 until the answer comes from the loop with that number: it is the
// kernel that chooses the loop of a connection.
func askUntil(host string, loop string) {
	for {
		c, err := net.Dial("tcp", host)
		if err != nil {
			return // the test is over
		}
		fmt.Fprintf(c, "GET /hold/%s HTTP/1.1\r\nHost: a\r\n\r\n", loop)
		body := make([]byte, 1)
		a, err := nethttp.ReadResponse(bufio.NewReader(c), nil)
		if err == nil {
			_, _ = a.Body.Read(body)
		}
		c.Close()
		if err != nil || string(body) == loop {
			return
		}
	}
}

// TestTheOperatorSeesALoopThatIsHeld has two loops, one of which a handler holds, and watches
// from a third. It is worth the most under the race detector.
func TestTheOperatorSeesALoopThatIsHeld(t *testing.T) {
	t.Parallel()
	inspector := New(Config{})
	release := make(chan struct{})
	config := http.Config{Log: slog.New(slog.DiscardHandler)}
	config.Loop.CheckOwner = true
	site, err := http.NewServers(2, func(loop int) (http.Config, error) {
		c := config
		c.Handler = func(w *http.Response, r *http.Request) error {
			if r.Path() == fmt.Sprintf("/hold/%d", loop) {
				<-release
			}
			return w.Text(fmt.Sprint(loop))
		}
		return c, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	inspector.Show(site)
	config.Handler = inspector.Handler(-1)
	admin, err := http.NewServer(config)
	if err != nil {
		t.Fatal(err)
	}
	at := run(t, site)
	r, hello := follow(t, run(t, http.Servers{admin}))
	if hello.You != nil || hello.Loops != 2 {
		t.Errorf("the operator is %v, of %d loops", hello.You, hello.Loops)
	}
	go askUntil(strings.TrimPrefix(at, "http://"), "1")
	held := 0
	untilFrame(t, r, func(f *feed.Frame) bool {
		for _, h := range f.Held {
			if held++; h.Loop != 1 || h.For < heldFrom || f.Level != "holds" || f.Loops[0].Turns == 0 {
				t.Errorf("loop %d is held for %v, and the verdict is %s: %s", h.Loop, h.For, f.Level, f.Words)
			}
		}
		return held == 3
	})
	close(release)
	untilFrame(t, r, func(f *feed.Frame) bool { return len(f.Held) == 0 })
	site.Stop() // and the operator's address goes on
	untilFrame(t, r, func(f *feed.Frame) bool { return len(f.Held) == 2 })
}
