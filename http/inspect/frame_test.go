package inspect

import (
	"bytes"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/inspect/feed"
)

// stage makes a station over loops that do not run, whose figures a test writes.
func stage(t testing.TB, loops int, config Config) *station {
	t.Helper()
	servers, err := http.NewServers(loops, func(int) (http.Config, error) {
		return http.Config{
			Handler: func(*http.Response, *http.Request) error { return nil },
			Loop:    eventloop.Config{Kernel: sim.New(1)},
		}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { servers.Stop(); servers.Run() })
	i := New(config)
	i.Show(servers)
	s := &station{inspector: i, loop: servers[0].Loop(), base: servers[0].Loop().WallTimeAt(0)}
	for n, server := range servers {
		s.sources = append(s.sources, newSource(n, server.Loop(), s.base, n == 0, 0))
	}
	return s
}

// read builds the frame for a watcher, and reads it back.
func read(t *testing.T, s *station, w *watcher) *feed.Frame {
	t.Helper()
	text := append(event("hello", s.inspector.hello(s.base, nil, false)), s.frame.build(w)...)
	r := feed.NewReader(bytes.NewReader(text))
	if _, err := r.Hello(); err != nil {
		t.Fatal(err)
	}
	f, err := r.Next()
	if err != nil {
		t.Fatalf("%v\n%.300s", err, text)
	}
	return f
}

// full fills figures with large numbers, and with connections whose activities differ from
// neighbour to neighbour.
func full(f *figures, conns int) {
	for i := range f.counters {
		f.counters[i] = eventloop.Counter{N: math.MaxInt64 / 100, Sum: math.MaxInt64 / 100}
	}
	f.rows = f.rows[:0]
	for i := range conns {
		f.rows = append(f.rows, eventloop.ConnInfo{
			ID: math.MaxUint32 - uint32(i), Activity: eventloop.Activity(i) % eventloop.Activities, State: eventloop.Open,
			TLS: true, Full: true, Paused: true, Requests: math.MaxUint32, Owed: math.MaxInt64/1_000_000 - int64(i),
			Deadline: math.MaxInt64 / 100, Since: time.Duration(i), Accepted: time.Duration(i) * time.Millisecond,
		})
	}
	f.records = f.records[:0]
	for i := range 4096 {
		f.records = append(f.records, eventloop.Record{At: 1, Arg: math.MaxInt64, Conn: f.rows[i%conns].ID, Request: math.MaxUint32, Kind: http.Done5xx})
	}
	f.longest, f.longestConn, f.late, f.longestTurn, f.mostEvents = math.MaxInt64/100, math.MaxUint32, math.MaxInt64/100, math.MaxInt64/100, math.MaxInt32
	for i := range eventloop.HistogramSize {
		f.frame.TurnTimes.Counts[i], f.frame.Callbacks.Counts[i], f.frame.Events.Counts[i] = 1000, 1000, 1000
	}
}

// calm fills figures with connections of which most are idle.
func calm(f *figures, conns int) {
	f.rows = f.rows[:0]
	for i := range conns {
		c := eventloop.ConnInfo{ID: uint32(i) + 1, State: eventloop.Open, Accepted: time.Duration(i) * time.Millisecond, Deadline: time.Minute}
		if i%5 == 0 {
			c.Requests, c.Since, c.Activity = 1e6, time.Hour, eventloop.Handling
		}
		f.rows = append(f.rows, c)
	}
	f.records = f.records[:0]
	for i := range 4096 {
		f.records = append(f.records, eventloop.Record{At: time.Second, Conn: f.rows[i%conns].ID, Request: 1000, Kind: eventloop.Read, Arg: 100})
	}
}

// TestAFrameIsBounded makes frames of loops that have much to tell.
func TestAFrameIsBounded(t *testing.T) {
	for _, row := range []struct {
		name         string
		loops, conns int
		rows, runs   int // at least
	}{
		{"one loop with few connections", 1, 100, 100, 0},
		{"one with a thousand", 1, 1000, 200, 700},
		{"one with more than are told", 1, 50_000, 200, 2000},
		{"several loops with many", 8, 5000, 200, 1000},
		{"as many loops as are shown, with many", loopsShown, 1000, 200, 100},
	} {
		s := stage(t, row.loops, Config{})
		for _, source := range s.sources {
			full(source.shown, row.conns)
		}
		s.frame.look(s)
		w := &watcher{}
		if n := len(s.frame.build(w)); n > frameMost {
			t.Errorf("%s: the frame has %d bytes", row.name, n)
		}
		f := read(t, s, w)
		told := len(f.Rows) + f.More
		for _, run := range f.Strip {
			told += run.Count
		}
		if told != row.loops*row.conns {
			t.Errorf("%s: of %d connections, %d are told", row.name, row.loops*row.conns, told)
		}
		if len(f.Rows) < row.rows || len(f.Strip) < row.runs {
			t.Errorf("%s: there are %d rows and %d runs", row.name, len(f.Rows), len(f.Strip))
		}
		if n := uint64(len(f.Records)) + f.Lost; n != uint64(row.loops*4096) || len(f.Records) == 0 {
			t.Errorf("%s: %d records are shown, and %d are not", row.name, len(f.Records), f.Lost)
		}
	}
}

// TestAFrameAllocatesNothing makes the same frame several times. The words of a verdict,
// some hundred bytes, are made before.
func TestAFrameAllocatesNothing(t *testing.T) {
	s := stage(t, 2, Config{})
	for _, source := range s.sources {
		calm(source.shown, 1000)
	}
	w := &watcher{}
	f := &s.frame
	f.look(s)
	if n := testing.AllocsPerRun(100, func() { f.choose(); f.common = f.appendLoops(f.appendVerdict(f.common[:0])); f.build(w) }); n > 0 {
		t.Errorf("a frame allocates %v times", n)
	}
}

// BenchmarkFrame measures a frame of a thousand connections of which most are idle, as it is
// made on the loop that serves them.
func BenchmarkFrame(b *testing.B) {
	s := stage(b, 1, Config{})
	calm(s.sources[0].shown, 1000)
	w := &watcher{}
	for b.Loop() {
		s.frame.look(s)
		b.SetBytes(int64(len(s.frame.build(w))))
	}
}

// TestRowsAreTheMostImportant has connections of all sorts, and room for 200.
func TestRowsAreTheMostImportant(t *testing.T) {
	const second = time.Second
	idle := func(id int) eventloop.ConnInfo {
		return eventloop.ConnInfo{ID: uint32(id), State: eventloop.Open, Accepted: time.Duration(id) * time.Millisecond, Since: time.Duration(id) * time.Millisecond}
	}
	with := func(id int, change func(c *eventloop.ConnInfo)) eventloop.ConnInfo {
		c := idle(id)
		change(&c)
		return c
	}
	s := stage(t, 1, Config{})
	f := s.sources[0].shown
	for i := range 500 {
		f.rows = append(f.rows, idle(i+1))
	}
	f.rows = append(f.rows,
		with(1001, func(c *eventloop.ConnInfo) { c.Activity, c.Since = eventloop.Handling, 99*second }), // a second
		with(1002, func(c *eventloop.ConnInfo) { c.Activity, c.Since = eventloop.Reading, 90*second }),  // ten
		with(1003, func(c *eventloop.ConnInfo) { c.Owed = 1 << 10 }),
		with(1004, func(c *eventloop.ConnInfo) { c.Owed = 1 << 20 }),
		with(1005, func(c *eventloop.ConnInfo) { c.LeftOut = true }),
		with(1006, func(c *eventloop.ConnInfo) { c.Since = 100*second - time.Millisecond }), // just now
	)
	f.records = []eventloop.Record{{At: 100 * second}}
	s.frame.look(s)
	got := read(t, s, &watcher{conn: 1005})
	var order []uint32
	for _, row := range got.Rows {
		order = append(order, row.Conn)
	}
	want := []uint32{1005, 1004, 1003, 1002, 1001, 1006, 1, 2, 3}
	if len(order) != 200 || fmt.Sprint(order[:len(want)]) != fmt.Sprint(want) {
		t.Errorf("the rows are %v, and not %v", order[:min(len(order), 20)], want)
	}
	if len(got.Strip) != 1 || got.Strip[0].Count != 306 || got.Loops[0].Open != 505 || got.Loops[0].Owed != 1<<20+1<<10 {
		t.Errorf("the strip is %v, of %+v", got.Strip, got.Loops[0])
	}
	if got.Rows[0].Flags != feed.You|feed.LeftOut {
		t.Errorf("the watcher has flags %b", got.Rows[0].Flags)
	}
}
