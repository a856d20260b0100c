package http

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
)

// TestDurationsAreNotedWhileTheLoopIsTimed has requests of a known duration and size.
func TestDurationsAreNotedWhileTheLoopIsTimed(t *testing.T) {
	ask := func(line, body string) string {
		return fmt.Sprintf("%s\r\nHost: a\r\nContent-Length: %d\r\n\r\n%s", line, len(body), body)
	}
	large := string(make([]byte, 5000))
	for _, row := range []struct {
		name, text string
		want       []string // method, status, version, requests of less than 100 µs, up to 250 µs, up to 250 ms, bytes asked, bytes answered
	}{
		{"one request", ask("GET /fast HTTP/1.1", ""), []string{"GET 200 1.1: 1 0 0, 0 5"}},
		{"its duration counts", ask("GET /slow HTTP/1.1", ""), []string{"GET 200 1.1: 0 1 0, 0 5"}},
		{"so does the time in which it waits", ask("GET /waiting HTTP/1.1", ""), []string{"GET 200 1.1: 0 0 1, 0 5"}},
		{"bodies count, both ways", ask("POST /echo HTTP/1.1", large), []string{"POST 200 1.1: 1 0 0, 5000 5000"}},
		{"a body in pieces, too", ask("POST /pieces HTTP/1.1", "abc"), []string{"POST 200 1.1: 1 0 0, 3 6"}},
		{"HEAD has no body", ask("HEAD /fast HTTP/1.1", ""), []string{"HEAD 200 1.1: 1 0 0, 0 0"}},
		{"each label makes a series", ask("GET /fast HTTP/1.1", "") + ask("GET /fast HTTP/1.0\r\nConnection: keep-alive", "") + ask("POST /nothing HTTP/1.1", "") + ask("GET /fast HTTP/1.1", ""),
			[]string{"GET 200 1.1: 2 0 0, 0 10", "GET 200 1.0: 1 0 0, 0 5", "POST 404 1.1: 1 0 0, 0 14"}},
		{"HTTP/2 is a version", h2Begin + h2Fetch(1, "/fast") + h2Fetch(3, "/fast") + h2Fetch(5, "/nothing"), []string{"GET 200 2: 2 0 0, 0 10", "GET 404 2: 1 0 0, 0 14"}},
		{"the time in which its request waits counts", h2Begin + h2Fetch(1, "/waiting") + h2Fetch(3, "/fast"), []string{"GET 200 2: 1 0 1, 0 10"}},
		{"a method of the client's is no label", ask("GET /fast HTTP/1.1", "") + ask("BREW /fast HTTP/1.1", ""), []string{"GET 200 1.1: 1 0 0, 0 5", "_OTHER 501 1.1: 1 0 0, 0 41"}},
		{"nor is a head that is malformed", ask("GET /fast HTTP/1.0\r\nConnection: keep-alive", "") + "\x01 / HTTP/1.0\r\n\r\n", []string{"GET 200 1.0: 1 0 0, 0 5", "_OTHER 400 1.1: 1 0 0, 0 62"}},
	} {
		for i, watch := range []func(*eventloop.Loop){read, timed, unwatched} {
			var server *Server
			recorded(t, watch, func(k *moving) Handler {
				var site Router
				site.Handle("/fast", hello)
				site.Handle("/slow", func(w *Response, r *Request) error {
					k.ahead += 200 * time.Microsecond
					return w.Text("hello")
				})
				site.Handle("/waiting", Streaming(func(w *Response, r *Request) error {
					w.Pause(120 * time.Millisecond)
					return w.Text("hello")
				}))
				site.Handle("/echo", func(w *Response, r *Request) error {
					p, err := r.Body()
					if err != nil {
						return err
					}
					w.Write(p)
					return nil
				})
				site.Handle("/pieces", Streaming(func(w *Response, r *Request) error {
					for range 2 {
						w.Write([]byte("abc"))
						w.Flush()
					}
					return nil
				}))
				return func(w *Response, r *Request) error {
					server = r.x.conn.server
					return site.Serve(w, r)
				}
			}, row.text)
			var got []string
			if server != nil {
				for _, s := range server.Durations(nil) {
					d := s.Duration.Counts
					upTo250ms := uint64(0)
					for i := 2; i <= 10; i++ {
						upTo250ms += d[i]
					}
					got = append(got, fmt.Sprintf("%s %d %s: %d %d %d, %d %d", s.Method, s.Status, s.Version, d[0], d[1], upTo250ms, s.RequestBody.Sum, s.ResponseBody.Sum))
				}
			}
			want := row.want
			if i != 1 {
				want = nil
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s, %s: %q, not %q", row.name, []string{"read", "timed", "unwatched"}[i], got, want)
			}
		}
	}
}

// TestSeriesHaveALimit makes more series than there may be.
func TestSeriesHaveALimit(t *testing.T) {
	var d durations
	x := &exchange{}
	for status := range Status(1000) {
		x.response.status = status
		d.of(uint32(status)<<9, x).Duration.add(time.Second, 1)
	}
	if len(d.list) != seriesKept+1 || !d.other.Other || d.other.Duration.Sum != (1000-seriesKept)*time.Second {
		t.Errorf("there are %d series, and %v is in the last", len(d.list), d.other.Duration.Sum)
	}
	if d.list[10].Duration.Sum != time.Second {
		t.Errorf("the eleventh has %v", d.list[10].Duration.Sum)
	}
}

func TestBucketsHaveTheBoundsThatAreSaid(t *testing.T) {
	for i, bound := range DurationBounds {
		var h DurationHistogram
		h.add(bound, 1)
		h.add(bound+1, 1)
		if h.Counts[i] != 1 || h.Counts[i+1] != 1 || h.Sum != 2*bound+1 {
			t.Errorf("around %v: %v", bound, h)
		}
	}
	for i, bound := range SizeBounds {
		var h SizeHistogram
		h.add(bound)
		h.add(bound + 1)
		if h.Counts[i] != 1 || h.Counts[i+1] != 1 || h.Sum != 2*bound+1 {
			t.Errorf("around %d: %v", bound, h)
		}
	}
	var h SizeHistogram
	h.add(0)
	h.add(1 << 50)
	if h.Counts[0] != 1 || h.Counts[len(SizeBounds)] != 1 {
		t.Errorf("nothing and much: %v", h)
	}
}

// TestNotingADurationAllocatesNothing notes one whose series is there.
func TestNotingADurationAllocatesNothing(t *testing.T) {
	s, err := NewServer(Config{Handler: hello})
	if err != nil {
		t.Fatal(err)
	}
	x := s.takeExchange(&conn{server: s, conn: eventloop.Conn{}})
	if n := testing.AllocsPerRun(10, func() {
		for _, status := range []Status{200, 404} {
			x.response.status = status
			x.noteDuration()
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestTimingMayEndInTheMiddleOfATurn has a handler end it, behind a request in the same turn,
// and begin it again.
func TestTimingMayEndInTheMiddleOfATurn(t *testing.T) {
	var server *Server
	recorded(t, unwatched, func(*moving) Handler {
		var stop func()
		return func(w *Response, r *Request) error {
			server = r.x.conn.server
			switch r.Path() {
			case "/begin":
				stop = r.Loop().StartTiming()
			case "/end":
				stop()
			}
			return w.Text("hello")
		}
	}, strings.Repeat("GET /begin HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nGET /end HTTP/1.1\r\nHost: a\r\n\r\n", 3))
	d := &server.series
	if list := server.Durations(nil); len(list) != 1 || list[0].Duration.Counts[0] != 6 || d.waiting || len(d.quick)+len(d.late) != 0 {
		t.Errorf("%+v, and %d wait", list, len(d.quick)+len(d.late))
	}
}
