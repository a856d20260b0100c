package timeline

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/inspect/timeline/check"
)

// words are those of a server, for records that are made by hand.
func words(t *testing.T, loops int, routes ...string) Hello {
	t.Helper()
	s, err := http.NewServer(http.Config{Handler: func(*http.Response, *http.Request) error { return nil }})
	if err != nil {
		t.Fatal(err)
	}
	hello := helloOf(s.Loop(), routes...)
	hello.Loops = loops
	s.Stop()
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	return hello
}

// rec makes a record at a time in microseconds.
func rec(at int, kind eventloop.Kind, conn, request uint32, arg int64) eventloop.Record {
	return eventloop.Record{At: time.Duration(at) * time.Microsecond, Kind: kind, Conn: conn, Request: request, Arg: arg}
}

// turn is a turn with records in its phase of dispatch, and the writes behind it.
func turn(at, end int, dispatch ...eventloop.Record) (list []eventloop.Record) {
	list = append(list, rec(at, eventloop.WaitEnded, 0, 0, 1000), rec(at, eventloop.Turn, 0, 0, 1))
	list = append(list, dispatch...)
	list = append(list, rec(end-10, eventloop.DispatchEnded, 0, 0, int64(end-10-at)*1000))
	for _, r := range dispatch {
		if r.Kind == http.Done2xx {
			list = append(list, rec(end-10, eventloop.Wrote, r.Conn, 0, 100), rec(end, eventloop.WriteEnded, r.Conn, 0, 10_000))
			break
		}
	}
	return append(list, rec(end, eventloop.FlushEnded, 0, 0, 10_000))
}

// served is a request of a connection, which takes 40 µs.
func served(at int, conn, number uint32) []eventloop.Record {
	return []eventloop.Record{
		rec(at, eventloop.Read, conn, 0, 45), rec(at, http.HeadRead, conn, number, 45), rec(at+10, http.HandlerBegan, conn, number, 0),
		rec(at+30, http.HandlerEnded, conn, number, 1), rec(at+30, http.Done2xx, conn, number, 200), rec(at+40, eventloop.Callback, conn, 0, 10_000),
	}
}

// made is the timeline of some blocks.
func made(t *testing.T, hello Hello, o Options, blocks ...Block) (*check.File, Summary) {
	t.Helper()
	b := New(hello, o)
	for i := range blocks {
		b.Add(&blocks[i])
	}
	return written(t, b)
}

// shown returns the slices of a category, and where each is.
func shown(f *check.File, cat string) string {
	var list []string
	for _, e := range f.Slices(cat) {
		list = append(list, fmt.Sprintf("%s on %d/%d, %d to %d", e.Name, e.Pid, e.Tid, e.At/1000, (e.At+e.For+2)/1000))
	}
	return strings.Join(list, "; ")
}

func TestAnEmptyTimelineIsAFile(t *testing.T) {
	f, s := made(t, words(t, 2), Options{})
	if len(f.Events) != 6 || s.Took != 0 || s.Lost != 0 { // of a process and two loops
		t.Errorf("%d events, %+v", len(f.Events), s)
	}
}

func TestARequestIsReadHandledAndWritten(t *testing.T) {
	f, s := made(t, words(t, 1, "GET /{id}"), Options{}, Block{Records: turn(100, 160, served(100, 7, 3)...)})
	for cat, want := range map[string]string{
		"turn": "turn on 1/1, 0 to 60", "phase": "dispatch on 1/1, 0 to 50; flush on 1/1, 50 to 60",
		"callback": "read on 1/1, 0 to 10", "handler": "GET /{id} on 1/1, 10 to 40", "write": "write on 1/1, 50 to 60",
		"connection": "conn 7 on 2/1, 0 to 60", "request": "GET /{id} on 2/1, 0 to 60",
	} {
		if got := shown(f, cat); got != want {
			t.Errorf("category %s: %s, not %s", cat, got, want)
		}
	}
	if f.Arrows != 1 || s.Requests != 1 || s.Connections != 1 || s.Turns != 1 {
		t.Errorf("%d arrows, %+v", f.Arrows, s)
	}
}

func TestRequestsOfAPipelineFollowEachOther(t *testing.T) {
	list := served(100, 7, 1)[:5] // the callback goes on
	second := served(120, 7, 2)
	list = append(list, second[1:]...)
	f, _ := made(t, words(t, 1, "/"), Options{}, Block{Records: turn(100, 180, list...)})
	if got := shown(f, "request"); got != "/ on 2/1, 0 to 30; / on 2/1, 30 to 80" {
		t.Errorf("the requests are %s", got)
	}
	if got := shown(f, "handler"); got != "/ on 1/1, 10 to 30; / on 1/1, 30 to 60" {
		t.Errorf("the handlers are %s", got)
	}
	if f.Arrows != 2 {
		t.Errorf("%d arrows", f.Arrows)
	}
}

func TestALaneIsUsedAgainAfterAClose(t *testing.T) {
	close := func(at int, conn uint32) eventloop.Record {
		return rec(at, eventloop.ClosedByPeer, conn, 0, 4)
	}
	f, _ := made(t, words(t, 1), Options{}, Block{Records: []eventloop.Record{
		rec(0, eventloop.Accepted, 1, 0, 4), rec(10, eventloop.Accepted, 2, 0, 5), close(20, 1),
		rec(30, eventloop.Accepted, 3, 0, 4), rec(40, eventloop.Accepted, 4, 0, 6), close(50, 2), close(60, 3),
		rec(70, eventloop.Accepted, 5, 0, 4), rec(80, eventloop.Read, 4, 0, 1),
	}})
	want := "conn 1 on 2/1, 0 to 20; conn 2 on 2/2, 10 to 50; conn 3 on 2/1, 30 to 60; conn 4 on 2/3, 40 to 80; conn 5 on 2/2, 70 to 80"
	if got := shown(f, "connection"); got != want {
		t.Errorf("the connections are %s, not %s", got, want)
	}
	for _, c := range f.Slices("connection") {
		if want := map[bool]string{true: "closed by the peer", false: "open"}[c.Arg("read") == 0 && c.Name < "conn 4"]; c.Args["end"] != want {
			t.Errorf("%s ends %v", c.Name, c.Args["end"])
		}
	}
}

// TestLostRecordsAreMarked loses the end of a turn, and of a connection.
func TestLostRecordsAreMarked(t *testing.T) {
	first := turn(100, 160, served(100, 7, 1)...)
	f, s := made(t, words(t, 1, "/"), Options{},
		Block{Records: append(first, turn(200, 260, served(200, 7, 2)...)[:6]...)}, // a handler runs
		Block{Lost: 500, Records: turn(1000, 1060, served(1000, 8, 1)...)})
	if got := shown(f, "turn"); got != "turn on 1/1, 0 to 60; turn on 1/1, 100 to 100; turn on 1/1, 900 to 960" {
		t.Errorf("the turns are %s", got)
	}
	if got := shown(f, "connection"); got != "conn 7 on 2/1, 0 to 130; conn 8 on 2/1, 900 to 960" {
		t.Errorf("the connections are %s", got)
	}
	if i := slices.IndexFunc(f.Events, func(e *check.Event) bool { return e.Name == "records lost" }); i < 0 || f.Events[i].S != "g" || f.Events[i].Arg("records") != 500 || f.Events[i].At != 900_000 {
		t.Errorf("what is lost is not marked: event %d", i)
	}
	if s.Lost != 500 || f.Other["recordsLost"] != 500.0 || f.Arrows != 2 {
		t.Errorf("%d are lost, the file says %v, and there are %d arrows", s.Lost, f.Other["recordsLost"], f.Arrows)
	}
}

func TestEachLoopHasATrack(t *testing.T) {
	f, _ := made(t, words(t, 2, "/"), Options{},
		Block{Loop: 1, Records: append(turn(150, 210, served(150, 1, 1)...), rec(210, Open, 0, 0, 5))},
		Block{Loop: 0, Records: append(turn(100, 160, served(100, 1, 1)...), rec(160, Open, 0, 0, 3))},
		Block{Loop: 2, Records: turn(100, 160)}) // there is no such loop
	if got := shown(f, "turn"); got != "turn on 1/1, 0 to 60; turn on 1/2, 50 to 110" {
		t.Errorf("the turns are %s", got)
	}
	if got := shown(f, "connection"); got != "conn 1 on 2/1, 0 to 110; conn 1 on 2/2, 50 to 110" {
		t.Errorf("the connections are %s", got)
	}
	var counters []string
	for _, e := range f.Events {
		if e.Ph == "C" {
			counters = append(counters, fmt.Sprintf("%s %d", e.Name, e.Arg("value")))
		}
	}
	if want := []string{"loop 0: events per wait 1", "loop 1: events per wait 1", "loop 0: connections 3", "loop 1: connections 5"}; !slices.Equal(counters, want) {
		t.Errorf("the counters are %q", counters)
	}
}

// TestCountersChangeOnceAMillisecond has a value change each tenth of one.
func TestCountersChangeOnceAMillisecond(t *testing.T) {
	var list []eventloop.Record
	for i := range 100 {
		list = append(list, rec(i*100, Owed, 0, 0, int64(i/50)*1000+int64(i%7)))
	}
	list = append(list, rec(30_000, Owed, 0, 0, 77), rec(60_000, Owed, 0, 0, 77))
	f, _ := made(t, words(t, 1), Options{}, Block{Records: list})
	last, n := int64(-1e6), 0
	value := int64(0)
	for _, e := range f.Events {
		if e.Ph != "C" {
			continue
		}
		if e.At-last < 1e6 {
			t.Errorf("%d ns behind the one before", e.At-last)
		}
		last, value = e.At, e.Arg("value")
		n++
	}
	if n < 10 || n > 12 || value != 77 {
		t.Errorf("%d values, and the last is %d", n, value)
	}
}

// TestTheConnectionThatRecordsIsLeftOut is for a server that does not leave it out by itself.
func TestTheConnectionThatRecordsIsLeftOut(t *testing.T) {
	hello := words(t, 1, "/")
	hello.You = []uint32{0, 7}
	f, s := made(t, hello, Options{}, Block{Records: append(turn(100, 160, served(100, 7, 1)...), turn(200, 260, served(200, 8, 1)...)...)})
	if got := shown(f, "connection"); got != "conn 8 on 2/1, 100 to 160" || s.Requests != 1 {
		t.Errorf("the connections are %s, and %d requests", got, s.Requests)
	}
}

// TestARingWithoutAReaderIsATimeline has what a loop always records: no phases, and times of
// turns only.
func TestARingWithoutAReaderIsATimeline(t *testing.T) {
	k := sim.New(1)
	s, err := http.NewServer(http.Config{Handler: func(w *http.Response, r *http.Request) error {
		if r.Path() == "/no" {
			return http.StatusForbidden
		}
		return w.Text("hello")
	}, Loop: eventloop.Config{Kernel: k}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Listen(":80"); err != nil {
		t.Fatal(err)
	}
	k.Go(func(c *sim.Script) {
		w, _ := k.Dial()
		for _, path := range []string{"/", "/no", "/"} {
			c.Send(w, fmt.Appendf(nil, get, path))
			c.Sleep(time.Second)
		}
		w.Close()
		c.Sleep(time.Second)
		s.Stop()
	})
	if err := s.Run(); err != nil {
		t.Fatal(err)
	}
	records, _, _ := s.Loop().ReadSince(0, nil)
	f, _ := made(t, helloOf(s.Loop()), Options{}, Block{Records: records})
	c := f.Slices("connection")
	if len(c) != 1 || c[0].Arg("read") == 0 || c[0].Arg("wrote") == 0 || c[0].Args["end"] == "open" || c[0].For < 2e9 {
		t.Errorf("the connections are %s: %+v", shown(f, "connection"), c)
	}
	if got := f.Slices("request"); len(got) != 1 || got[0].Arg("status") != 403 {
		t.Errorf("the requests are %s", shown(f, "request"))
	}
}

// TestARequestBeginsWithItsFirstPart has a head come in two turns.
func TestARequestBeginsWithItsFirstPart(t *testing.T) {
	first := turn(100, 160, rec(100, eventloop.Read, 7, 0, 5), rec(100, eventloop.ReadPart, 7, 0, 5), rec(110, eventloop.Callback, 7, 0, 10_000))
	f, _ := made(t, words(t, 1, "/"), Options{}, Block{Records: append(first, turn(200, 260, served(200, 7, 1)...)...)})
	if got := shown(f, "request"); got != "/ on 2/1, 0 to 160" || f.Arrows != 1 {
		t.Errorf("the requests are %s, with %d arrows", got, f.Arrows)
	}
}
