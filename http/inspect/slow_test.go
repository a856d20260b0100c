package inspect

import (
	"bytes"
	"io"
	"log/slog"
	"net/netip"
	"strconv"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/inspect/feed"
)

// A heldKernel is a simulated machine on which handlers take time.
type heldKernel struct {
	*sim.Kernel
	held time.Duration // by all handlers
}

func (k *heldKernel) Now() time.Time           { return k.Kernel.Now().Add(k.held) }
func (k *heldKernel) Monotonic() time.Duration { return k.Kernel.Monotonic() + k.held }

func (k *heldKernel) Wait(events []bobbin.Event, until time.Duration) (int, error) {
	if until != bobbin.Forever {
		until -= k.held
	}
	return k.Kernel.Wait(events, until)
}

var local = netip.MustParseAddr("127.0.0.1")

// machine runs an Inspector on a simulated machine, for clients that read as they like. A
// request for /hold holds the loop for so long.
func machine(t *testing.T, hold time.Duration, prepare func(k *sim.Kernel, server *http.Server)) {
	t.Helper()
	k := &heldKernel{Kernel: sim.New(1)}
	i := New(Config{})
	ours := i.Handler(0)
	server, err := http.NewServer(http.Config{
		Handler: func(w *http.Response, r *http.Request) error {
			if r.Path() == "/hold" {
				k.held += hold
				return w.Text("held")
			}
			return ours(w, r)
		},
		Log:  slog.New(slog.DiscardHandler),
		Loop: eventloop.Config{Kernel: k, CheckOwner: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	i.Show(http.Servers{server})
	if _, err := server.Listen(":80"); err != nil {
		t.Fatal(err)
	}
	prepare(k.Kernel, server)
	if err := k.Stage(t, server, server.Loop().Stopping); err != nil {
		t.Error(err)
	}
}

// ask connects a client on the same machine, which makes a request.
func ask(t *testing.T, k *sim.Kernel, s *sim.Script, path string) *sim.Wire {
	t.Helper()
	w, err := k.DialFrom(local, 80)
	if err != nil {
		t.Fatal(err)
	}
	s.Send(w, []byte("GET "+path+" HTTP/1.1\r\nHost: localhost\r\n\r\n"))
	return w
}

// frames returns the frames in an answer that may be cut off at its end.
func frames(t *testing.T, answer []byte) (list []*feed.Frame) {
	t.Helper()
	_, chunks, _ := bytes.Cut(answer, []byte("\r\n\r\n"))
	var body bytes.Buffer
	for {
		size, rest, ok := bytes.Cut(chunks, []byte("\r\n"))
		n, err := strconv.ParseInt(string(size), 16, 32)
		if !ok || err != nil || int(n)+2 > len(rest) || n == 0 {
			break
		}
		body.Write(rest[:n])
		chunks = rest[n+2:]
	}
	r := feed.NewReader(&body)
	if _, err := r.Hello(); err != nil {
		t.Fatal(err)
	}
	for {
		f, err := r.Next()
		if err == io.EOF {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, f)
	}
}

// TestASlowWatcherHarmsNoOther has one that reads 1 KB a second for three minutes, beside
// one that reads all, and three hundred connections to tell of.
func TestASlowWatcherHarmsNoOther(t *testing.T) {
	const lasts = 3 * time.Minute
	var slow, quick []byte
	var most int64
	machine(t, 0, func(k *sim.Kernel, server *http.Server) {
		k.Buffer = 16 << 10
		k.Go(func(s *sim.Script) {
			for range 300 {
				w := ask(t, k, s, "/other")
				defer w.Close()
			}
			for range int(lasts / time.Second) {
				s.Sleep(time.Second)
				_ = server.Loop().Post(func() { most = max(most, server.Loop().Memory()) })
			}
		})
		k.Go(func(s *sim.Script) {
			s.Sleep(time.Second)
			w := ask(t, k, s, "/-/xray/stream")
			defer w.Close()
			for range int(lasts / time.Second) {
				var err error
				if slow, err = s.Receive(w, slow, 1<<10); err != nil {
					t.Errorf("the slow watcher: %v", err)
					return
				}
				s.Sleep(time.Second)
			}
		})
		k.Go(func(s *sim.Script) {
			s.Sleep(2 * time.Second)
			w := ask(t, k, s, "/-/xray/stream")
			defer w.Close()
			for end := k.Now().Add(lasts); k.Now().Before(end); {
				var err error
				if quick, err = s.Receive(w, quick, 64<<10); err != nil {
					t.Errorf("the quick watcher: %v", err)
					return
				}
			}
		})
	})
	if most == 0 || most > frameMost {
		t.Errorf("up to %d bytes are queued", most)
	}
	checkSlow(t, frames(t, slow))
	list := frames(t, quick)
	if n := len(list); n < int(lasts/frameEvery)*9/10 {
		t.Errorf("the quick watcher got %d frames", n)
	}
	for i, f := range list[1:] {
		if f.At-list[i].At > 2*frameEvery || f.Gap > 0 || f.Skipped > 1 { // one may meet the greeting
			t.Fatalf("the quick watcher: frame %d comes %v after the one before, with %d skipped", f.Number, f.At-list[i].At, f.Skipped)
		}
	}
}

// checkSlow looks at the frames of a slow watcher: each says how many are missing.
func checkSlow(t *testing.T, list []*feed.Frame) {
	t.Helper()
	if len(list) < 2 {
		t.Fatalf("the slow watcher got %d frames", len(list))
	}
	for i, f := range list[1:] {
		if skipped := f.Skipped - list[i].Skipped; skipped == 0 || f.Number != list[i].Number+skipped+1 {
			t.Errorf("frame %d says that %d were skipped after frame %d", f.Number, skipped, list[i].Number)
		}
		if f.Lost == 0 {
			t.Errorf("frame %d says that no record is missing", f.Number)
		}
	}
}

// TestWhatWasNotRecordedIsAGap holds the loop on which the watcher is.
func TestWhatWasNotRecordedIsAGap(t *testing.T) {
	const held = 2100 * time.Millisecond
	var answer []byte
	machine(t, held, func(k *sim.Kernel, server *http.Server) {
		k.Buffer = 128 << 10
		k.Go(func(s *sim.Script) {
			w := ask(t, k, s, "/-/xray/stream")
			defer w.Close()
			s.Sleep(time.Second)
			other := ask(t, k, s, "/hold")
			defer other.Close()
			for bytes.Count(answer, []byte("event: frame")) < 20 {
				var err error
				if answer, err = s.Receive(w, answer, 64<<10); err != nil {
					t.Error(err)
					return
				}
			}
		})
	})
	gaps := 0
	for _, f := range frames(t, answer) {
		if f.Gap == 0 {
			continue
		}
		gaps++
		if f.Gap < held-frameEvery || f.Gap > held || f.Loops[0].Longest < held {
			t.Errorf("a gap of %v, and a callback of %v", f.Gap, f.Loops[0].Longest)
		}
	}
	if gaps != 1 {
		t.Errorf("%d frames have a gap", gaps)
	}
}
