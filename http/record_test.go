package http

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// moving is a kernel whose monotonic clock moves by a microsecond with each reading.
type moving struct {
	*sim.Kernel
	ahead time.Duration
}

func (k *moving) Now() time.Time { return k.Kernel.Now().Add(k.ahead) }

func (k *moving) Monotonic() time.Duration {
	k.ahead += time.Microsecond
	return k.Kernel.Monotonic() + k.ahead
}

// Ways to watch a loop.
var (
	unwatched = func(*eventloop.Loop) {}
	read      = func(l *eventloop.Loop) { l.StartReading() }
	timed     = func(l *eventloop.Loop) { l.StartTiming() }
)

// recorded serves what a client sends to a loop that is watched, or not, and returns the
// records and the last frame.
func recorded(t *testing.T, watch func(*eventloop.Loop), handler func(k *moving) Handler, text string) (*eventloop.Loop, []eventloop.Record, eventloop.Frame) {
	t.Helper()
	k := &moving{Kernel: sim.New(1)}
	s, err := NewServer(Config{Handler: handler(k), Loop: eventloop.Config{Kernel: k, CheckOwner: true}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Listen(":80"); err != nil {
		t.Fatal(err)
	}
	watch(s.Loop())
	var frames []eventloop.Frame
	k.Go(func(c *sim.Script) {
		w, err := k.Dial()
		if err != nil {
			t.Error(err)
			return
		}
		c.Send(w, []byte(text))
		c.Sleep(150 * time.Millisecond)
		w.Close()
		c.Sleep(time.Second)
		s.Loop().Post(func() { frames, _, _ = s.Loop().FramesSince(0, nil) })
		c.Sleep(time.Second)
		s.Stop()
	})
	if err := s.Run(); err != nil {
		t.Error(err)
	}
	records, _, lost := s.Loop().ReadSince(0, nil)
	if lost != 0 {
		t.Errorf("%d records are lost", lost)
	}
	if len(frames) == 0 {
		return s.Loop(), records, eventloop.Frame{}
	}
	return s.Loop(), records, frames[0]
}

// TestTheRecordsOfARequestHaveTimesOfTheirOwn has a handler that takes a tenth of a
// millisecond.
func TestTheRecordsOfARequestHaveTimesOfTheirOwn(t *testing.T) {
	const work = 100 * time.Microsecond
	_, records, frame := recorded(t, read, func(k *moving) Handler {
		return func(w *Response, r *Request) error {
			k.ahead += work
			return w.Text("hello")
		}
	}, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")

	// The first of each, in this order.
	at := map[eventloop.Kind]time.Duration{}
	last := time.Duration(0)
	for _, kind := range []eventloop.Kind{
		eventloop.WaitEnded, eventloop.Accepted, eventloop.Read, HeadRead, HandlerBegan, HandlerEnded, Done2xx,
		eventloop.DispatchEnded, eventloop.Wrote, eventloop.FlushEnded,
	} {
		i := slices.IndexFunc(records, func(r eventloop.Record) bool { return r.Kind == kind })
		if i < 0 {
			t.Fatalf("no record of kind %d behind the others", kind)
		}
		r := records[i]
		at[kind] = r.At
		if r.At < last {
			t.Errorf("a record of kind %d has the time %v, behind %v", kind, r.At, last)
		}
		last = r.At
		if kind >= eventloop.ProtocolKinds && (r.Conn != 1 || r.Request != 1) {
			t.Errorf("a record of kind %d is of request %d on connection %d", kind, r.Request, r.Conn)
		}
		records = records[i+1:]
	}
	if !slices.ContainsFunc(records, func(r eventloop.Record) bool { return r.Kind == eventloop.Callback }) {
		t.Error("the end of the connection is no callback with a stamp of its own")
	}
	if took := at[HandlerEnded] - at[HandlerBegan]; took < work || took > 2*work {
		t.Errorf("the handler took %v, not %v", took, work)
	}
	if at[eventloop.Read] >= at[HandlerEnded] || at[HandlerEnded] > at[eventloop.Wrote] || at[eventloop.Wrote] >= at[eventloop.FlushEnded] {
		t.Errorf("the request was read at %v, handled by %v and written from %v to %v",
			at[eventloop.Read], at[HandlerEnded], at[eventloop.Wrote], at[eventloop.FlushEnded])
	}
	if frame.Longest < work || frame.LongestConn != 1 {
		t.Errorf("the longest callback took %v, for connection %d", frame.Longest, frame.LongestConn)
	}
	if frame.LongestTurn < work || frame.LongestTurn > 2*work || frame.MostEvents != 1 {
		t.Errorf("the longest turn took %v, and the most events of one are %d", frame.LongestTurn, frame.MostEvents)
	}
	for name, h := range map[string]eventloop.Histogram{"turns": frame.TurnTimes, "callbacks": frame.Callbacks} {
		if most := h.Max(); h.Count() < 2 || h.Count() > 5 || most < int64(work) || most > int64(2*work) || h.Sum < int64(work) {
			t.Errorf("%d %s took %d ns at most", h.Count(), name, most)
		}
	}
	if frame.Events.Sum == 0 || frame.Lags.Count() != 1 {
		t.Errorf("there were %d events, and %d timers", frame.Events.Sum, frame.Lags.Count())
	}
}

func TestEveryAnswerIsRecordedWithItsStatusAndRoute(t *testing.T) {
	ask := func(target string) string { return "GET " + target + " HTTP/1.1\r\nHost: a\r\n\r\n" }
	var site Router
	status := func(s Status) Handler {
		return func(w *Response, _ *Request) error { w.SetStatus(s); return nil }
	}
	site.Handle("/ok", status(StatusOK))
	site.Handle("/moved", status(StatusFound))
	site.Handle("/broken", func(*Response, *Request) error { panic("on purpose") })
	site.Handle("/streaming", Streaming(func(w *Response, _ *Request) error {
		w.Write([]byte("a"))
		w.Flush()
		return w.Pause(time.Millisecond)
	}))
	site.Handle("/blocking", Blocking(1, status(StatusOK)))
	site.Handle("/offload", func(w *Response, r *Request) error {
		return Offload(w, func() (int, error) { return 0, nil }, func(w *Response, _ int) error { return w.Text("a") })
	})
	if got := site.Patterns(); len(got) != 6 || got[1] != "/moved" || !slices.Equal(got, site.Group("/x").Patterns()) {
		t.Errorf("the patterns are %q", got)
	}
	for _, row := range []struct {
		name, text string
		want       string // while there is a reader; without one, the answers that are not 200
	}{
		{"a handler", ask("/ok"), "1 head, 1 began, 1 ended 1, 1 done 200"},
		{"a redirect, pipelined behind it", ask("/ok") + ask("/moved"), "1 head, 1 began, 1 ended 1, 1 done 200, 2 head, 2 began, 2 ended 2, 2 done 302"},
		{"no route", ask("/nothing"), "1 head, 1 began, 1 ended 0, 1 done 404"},
		{"a head that is malformed", "GET /\r\n\r\n", "1 done 400"},
		{"a method that is not served", "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", "1 head, 1 done 501"},
		{"a panic", ask("/broken"), "1 head, 1 began, 1 ended 3, 1 done 500"},
		{"a stream, whose first handler names the second", ask("/streaming"), "1 head, 1 began, 1 ended 4, 1 began, 1 ended 4, 1 done 200"},
		{"a handler off the loop", ask("/blocking"), "1 head, 1 began, 1 ended 5, 1 began, 1 ended 5, 1 done 200"},
		{"a worker", ask("/offload"), "1 head, 1 began, 1 ended 6, 1 began, 1 ended 6, 1 done 200"},
		{"a body that is outstanding", "POST /ok HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab", "1 head, 1 began, 1 ended 1, 1 done 200"},
	} {
		for _, reading := range []bool{true, false} {
			watch := unwatched
			if reading {
				watch = read
			}
			loop, records, _ := recorded(t, watch, func(*moving) Handler { return site.Serve }, row.text)
			if n := loop.Count(Done2xx); n != uint64(strings.Count(row.want, " 200")) {
				t.Errorf("%s, with a reader %v: %d answers by 200 are counted", row.name, reading, n)
			}
			var got []string
			for _, r := range records {
				switch {
				case r.Kind == HeadRead:
					got = append(got, fmt.Sprint(r.Request, " head"))
				case r.Kind == HandlerBegan:
					got = append(got, fmt.Sprint(r.Request, " began"))
				case r.Kind == HandlerEnded:
					got = append(got, fmt.Sprint(r.Request, " ended ", r.Arg))
				case r.Kind >= Done2xx:
					got = append(got, fmt.Sprint(r.Request, " done ", r.Arg))
					if want := Done2xx + eventloop.Kind(r.Arg/100-2); r.Kind != want {
						t.Errorf("%s: status %d has the kind %d, not %d", row.name, r.Arg, r.Kind, want)
					}
				}
			}
			want := strings.Split(row.want, ", ")
			if !reading {
				want = slices.DeleteFunc(want, func(s string) bool { return !strings.Contains(s, "done") || strings.HasSuffix(s, " 200") })
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s, with a reader %v: %q, not %q", row.name, reading, got, want)
			}
		}
	}
}

func TestKindsOfRecordsHaveWords(t *testing.T) {
	loop, _, _ := recorded(t, unwatched, func(*moving) Handler { return hello }, "")
	for kind, want := range map[eventloop.Kind]string{
		HeadRead: "head of 200 bytes", HandlerBegan: "handler began", HandlerEnded: "handler ended, route 200", AnswerQueued: "answer queued, 200 bytes in all",
		Done2xx: "done 200", Done3xx: "done 200", Done4xx: "done 200", Done5xx: "done 200",
		StreamHeadRead: "head of 200 bytes, in a stream", StreamReset: "stream reset, " + h2.ErrorCode(200).String(),
	} {
		if got := loop.Describe(&eventloop.Record{Kind: kind, Arg: 200}); got != want || loop.KindInfo(kind).Name == "" {
			t.Errorf("kind %d is %q, not %q", kind, got, want)
		}
	}
}

// TestARecordTellsWhereAnAnswerEnds has a client that takes 10,000 bytes of its answers: one is
// written when as much is written as was queued with it.
func TestARecordTellsWhereAnAnswerEnds(t *testing.T) {
	ask := func(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: a\r\n\r\n" }
	var records []eventloop.Record
	follow := func(l *eventloop.Loop) {
		l.Follow(func(more []eventloop.Record, _ uint64) { records = append(records, more...) })
	}
	var site Router
	site.Handle("/", hello)
	site.Handle("/large", func(w *Response, _ *Request) error { return w.Text(strings.Repeat("x", 100_000)) })
	recorded(t, follow, func(k *moving) Handler {
		k.Buffer = 10_000
		return site.Serve
	}, ask("/")+ask("/large")+ask("/"))
	sizes := map[uint32]int64{} // of the head and the body
	queued, order := map[uint32]int64{}, []uint32{}
	var written int64
	for _, r := range records {
		switch r.Kind {
		case AnswerQueued:
			queued[r.Request] = written + r.Arg
			sizes[r.Request] = r.Arg
		case eventloop.Wrote:
			written += r.Arg
			for request := uint32(1); request <= 3; request++ {
				if end, is := queued[request]; is && end <= written {
					order = append(order, request)
					delete(queued, request)
				}
			}
		}
	}
	if !slices.Equal(order, []uint32{1}) || written != 10_000 || sizes[1] < 100 || sizes[1] > 300 || sizes[2] < 100_000+sizes[1] || sizes[3] != sizes[2]+sizes[1] {
		t.Errorf("of %d bytes, the answers %d are written, behind %v bytes", written, order, sizes)
	}
}
