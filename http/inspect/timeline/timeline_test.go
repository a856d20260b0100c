package timeline

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/inspect/timeline/check"
)

// moving is a kernel whose monotonic clock moves with each reading.
type moving struct {
	*sim.Kernel
	ahead time.Duration
	luck  *rand.Rand
}

func (k *moving) Now() time.Time { return k.Kernel.Now().Add(k.ahead) }

func (k *moving) Monotonic() time.Duration {
	k.ahead += time.Duration(20 + k.luck.IntN(2000))
	return k.Kernel.Monotonic() + k.ahead
}

// phases are the words of a Hello.
var phases = []string{"wait", "dispatch", "posted", "timers", "flush", "reap"}

// helloOf returns the Hello of a server.
func helloOf(l *eventloop.Loop, routes ...string) Hello {
	hello := Hello{Schema: 1, Version: "test", Loops: 1, Phases: phases, Routes: append([]string{""}, routes...)}
	for kind := range eventloop.Kind(128) {
		hello.Kinds = append(hello.Kinds, l.KindInfo(kind).Name)
	}
	return hello
}

// A recording is what a test has of a server over the simulated kernel.
type recording struct {
	hello  Hello
	blocks []byte // raw
}

// record serves a site over the simulated kernel with a seed, while a script visits it, and
// records it from its beginning.
func record(t testing.TB, seed uint64, rough bool, site *http.Router, visit func(k *moving, s *sim.Script)) *recording {
	t.Helper()
	k := &moving{Kernel: sim.New(seed), luck: rand.New(rand.NewPCG(seed, 1))}
	if rough {
		k.Kernel = sim.NewUnlucky(seed)
	}
	s, err := http.NewServer(http.Config{Handler: site.Serve, Log: slog.New(slog.DiscardHandler), Loop: eventloop.Config{Kernel: k, CheckOwner: true}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Listen(":80"); err != nil {
		t.Fatal(err)
	}
	l := s.Loop()
	rec := &recording{hello: helloOf(l, site.Patterns()...)}
	e := &Encoder{}
	stop := l.Follow(func(records []eventloop.Record, lost uint64) {
		e.Add(records, lost)
		e.Gauge(Open, records[len(records)-1].At, int64(l.Open()))
		e.Gauge(Owed, records[len(records)-1].At, l.Memory())
		if e.Len() > 1000 {
			rec.blocks = e.Append(rec.blocks)
		}
	})
	k.Go(func(c *sim.Script) {
		visit(k, c)
		s.Stop()
	})
	if err := s.Run(); err != nil && !errors.Is(err, eventloop.ErrCut) {
		t.Fatal(err)
	}
	stop()
	rec.blocks = e.Append(rec.blocks)
	return rec
}

// build makes a timeline of a recording, and reads it as a viewer does.
func (rec *recording) build(t testing.TB, o Options) (*check.File, Summary) {
	t.Helper()
	b := New(rec.hello, o)
	rec.each(t, b)
	return written(t, b)
}

// each adds the blocks to a timeline.
func (rec *recording) each(t testing.TB, b *Builder) {
	t.Helper()
	d, err := NewReader(io.MultiReader(strings.NewReader(`{"schema":1,"loops":`+fmt.Sprint(rec.hello.Loops)+"}\n"), bytes.NewReader(rec.blocks)))
	if err != nil {
		t.Fatal(err)
	}
	for {
		block, err := d.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		b.Add(block)
	}
}

// written writes a timeline, and reads it as a viewer does.
func written(t testing.TB, b *Builder) (*check.File, Summary) {
	t.Helper()
	var out bytes.Buffer
	n, err := b.WriteTo(&out)
	if err != nil || n != int64(out.Len()) {
		t.Fatalf("%d of %d bytes, %v", n, out.Len(), err)
	}
	f, err := check.Read(bytes.NewReader(out.Bytes()))
	if err != nil {
		t.Fatalf("%v\n%.3000s", err, &out)
	}
	if len(f.Events) != b.Summary().Events || len(f.Events) > b.bound {
		t.Errorf("%d events, and the summary says %d", len(f.Events), b.Summary().Events)
	}
	return f, b.Summary()
}

const get = "GET %s HTTP/1.1\r\nHost: a\r\n\r\n"

// clients visits paths, each client with connections of its own, on which it asks several
// times, once or in a pipeline.
func clients(t testing.TB, paths []string, each int) func(k *moving, s *sim.Script) {
	return func(k *moving, s *sim.Script) {
		for range each {
			w, err := k.Dial()
			if err != nil {
				t.Error(err)
				return
			}
			pipeline := ""
			for _, path := range paths {
				pipeline += fmt.Sprintf(get, path)
				s.Send(w, fmt.Appendf(nil, get, path))
				s.Sleep(time.Duration(k.luck.IntN(3000)) * time.Microsecond)
			}
			s.Send(w, []byte(pipeline))
			s.Sleep(20 * time.Millisecond)
			if k.luck.IntN(3) == 0 {
				w.Reset()
			} else {
				w.Close()
			}
			s.Sleep(time.Millisecond)
		}
	}
}

// site has a handler of each sort. The slow one takes 200 ms of the kernel's clock.
func site(k **moving) *http.Router {
	var r http.Router
	text := func(w *http.Response, _ *http.Request) error { return w.Text("hello, world\n") }
	r.Handle("/fast", text)
	r.Handle("/slow/{id}", func(w *http.Response, _ *http.Request) error {
		(*k).ahead += 200 * time.Millisecond
		return w.Text("slow")
	})
	r.Handle("/large", func(w *http.Response, _ *http.Request) error { return w.Text(strings.Repeat("large ", 100_000)) })
	r.Handle("/streaming", http.Streaming(func(w *http.Response, _ *http.Request) error {
		for range 3 {
			w.Write([]byte("a"))
			if err := errors.Join(w.Flush(), w.Pause(time.Millisecond)); err != nil {
				return err
			}
		}
		return nil
	}))
	r.Handle("/held", func(w *http.Response, _ *http.Request) error {
		_, err := w.Hold()
		return err
	})
	return &r
}

func TestTheSlowHandlerIsTheLongestSliceAndBearsItsRoute(t *testing.T) {
	var kernel *moving
	rec := record(t, 1, false, site(&kernel), func(k *moving, s *sim.Script) {
		kernel = k
		clients(t, []string{"/fast", "/slow/1", "/fast"}, 3)(k, s)
	})
	f, summary := rec.build(t, Options{})
	longest := f.Longest()
	if longest.Name != "/slow/{id}" || longest.Cat != "handler" || longest.For < 200e6 || longest.For > 201e6 {
		t.Errorf("the longest slice is %+v", longest)
	}
	if longest.Arg("status") != 200 || longest.Arg("conn") == 0 || longest.Arg("request") == 0 {
		t.Errorf("it has %v", longest.Args)
	}
	requests := f.Slices("request")
	if len(requests) != 18 || summary.Requests != 18 || f.Arrows != 18 {
		t.Errorf("%d requests, the summary has %d, and %d arrows", len(requests), summary.Requests, f.Arrows)
	}
	names := map[string]int{}
	for _, r := range requests {
		names[r.Name]++
		if r.Parent == nil || r.Parent.Cat != "connection" || r.Arg("status") != 200 {
			t.Errorf("a request is in %v: %v", r.Parent, r)
		}
	}
	if names["/fast"] != 12 || names["/slow/{id}"] != 6 {
		t.Errorf("the requests are %v", names)
	}
	for _, c := range f.Slices("connection") {
		if c.Arg("requests") != 6 || c.Arg("read") == 0 || c.Arg("wrote") == 0 || c.Args["end"] == "open" {
			t.Errorf("a connection is %v", c.Args)
		}
	}
}

// TestEveryTimelineIsOneThatAViewerReads goes over many seeds with misfortunes, and over
// bounds that are far too small.
func TestEveryTimelineIsOneThatAViewerReads(t *testing.T) {
	paths := []string{"/fast", "/slow/1", "/large", "/nothing", "/streaming", "/fast", "/held"}
	arrows, requests := 0, 0
	for seed := range uint64(30) {
		var kernel *moving
		rec := record(t, seed, seed%2 == 1, site(&kernel), func(k *moving, s *sim.Script) {
			kernel = k
			for range 4 {
				k.Go(func(s *sim.Script) { clients(t, paths, 3)(k, s) })
			}
			clients(t, paths[:2], 40)(k, s)
			s.Sleep(2 * time.Second)
		})
		f, _ := rec.build(t, Options{})
		arrows, requests = arrows+f.Arrows, requests+len(f.Slices("request"))
		all := len(f.Events)
		f, s := rec.build(t, Options{Events: LeastEvents})
		if all > LeastEvents && s.OneIn == 1 && s.TurnsOneIn == 1 {
			t.Errorf("seed %d: nothing is left out of %d events", seed, len(f.Events))
		}
		if longest := f.Longest(); longest.Name != "/slow/{id}" {
			t.Errorf("seed %d: the longest slice is left out: %+v", seed, longest)
		}
	}
	if arrows < requests*9/10 || requests < 500 {
		t.Errorf("%d arrows for %d requests", arrows, requests)
	}
}
