package main

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http/inspect/feed"
)

// topHello is the greeting of a server with so many loops.
func topHello(loops int) *feed.Hello {
	h := &feed.Hello{
		Schema: feed.Schema, Started: 1, Loops: loops, FrameEvery: 100,
		Phases: []string{"wait", "dispatch", "posted", "timers", "flush", "reap"},
		States: []string{"fresh", "open", "lingering"}, Kinds: []string{"turn"}, Routes: []string{"", "GET /slow", "GET /a\x1b[2J\u202eb"},
		Troubles: []feed.Trouble{{ID: "holds", Name: "handler holds the loop", Text: "Nothing else is served."}, {ID: "sends", Name: "peer sends slowly", Text: "Part of a request is here."}},
		Try:      []feed.Button{},
	}
	for _, name := range []string{"idle", "reading", "handling", "writing", "closing"} {
		h.Activities = append(h.Activities, feed.Word{ID: name, Letter: name[:1]})
	}
	return h
}

// topFrame is the frame of a moment: a quarter of the time is work, and there are as many
// connections as rows.
func topFrame(at time.Duration, loops int, rows ...feed.Row) *feed.Frame {
	f := &feed.Frame{At: at, Wall: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).Add(at), Level: "healthy", Words: "Healthy: 25 % busy, longest callback 0.2 ms", Rows: rows}
	for range loops {
		l := feed.Loop{Requests: uint64(at / time.Millisecond), TurnLongest: 2 * time.Millisecond, TurnMedian: 20 * time.Microsecond, Late: 300 * time.Microsecond, EventsMedian: 2, EventsMost: 30}
		l.Phases = [6]time.Duration{at * 3 / 4, at / 8, 0, at / 40, at / 10, 0}
		f.Loops = append(f.Loops, l)
	}
	for _, r := range rows {
		l := &f.Loops[r.Loop]
		l.Open++
		*[]*int{&l.Idle, &l.Reading, &l.Handling, &l.Writing, &l.Closing}[r.Activity]++
	}
	return f
}

// topView is a view that has seen two seconds of a server.
func topView(p paint, loops int, last func(*feed.Frame), rows ...feed.Row) *view {
	v := &view{paint: p, address: ":8080", tab: -1, at: time.Unix(100, 0)}
	v.greet(topHello(loops))
	for at := time.Duration(0); at <= 2*time.Second; at += 100 * time.Millisecond {
		f := topFrame(at, loops, rows...)
		if last != nil && at == 2*time.Second {
			last(f)
		}
		v.take(f)
	}
	return v
}

var (
	sgr    = regexp.MustCompile("\x1b\\[([0-9;]*)m")
	onInk  = regexp.MustCompile("\x1b\\[4[1-6]m *\x1b\\[49m") // blanks on one of six colours
	topRow = feed.Row{Conn: 12, Activity: 2, State: 1, Requests: 3456, Owed: 1 << 20, Deadline: 4200 * time.Millisecond, Since: 1100 * time.Millisecond, Route: 1, Flags: feed.TLS}
)

// TestTopShows has a line of the screen for each thing that may be wrong or right.
func TestTopShows(t *testing.T) {
	bare := paint{unicode: true}
	slow := func(f *feed.Frame) {
		f.Level, f.Words = "holds", "Handler holds the loop: GET /slow on connection 12 took 204 ms"
		f.Troubles = []feed.Raised{{Trouble: 0, Since: 500 * time.Millisecond, Conn: 12, Words: f.Words}, {Trouble: 1, Since: time.Second, Conn: 7, Words: "Peer sends slowly: connection 7"}}
	}
	tests := []struct {
		name string
		view *view
		want []string // in this order
	}{
		{"the verdict comes first", topView(bare, 1, nil, topRow), []string{"bobbin top :8080", "live\n", "  Healthy: 25 % busy, longest callback 0.2 ms\n", "turn    ["}},
		{"a trouble is told in the words of the page, with its age and what it means", topView(bare, 1, slow, topRow),
			[]string{"▲ Handler holds the loop: GET /slow on connection 12 took 204 ms\n", "  for 1.5 s: Nothing else is served.\n", "▲ Peer sends slowly: connection 7, for 1.0 s\n"}},
		{"a terminal without Unicode has other signs", topView(paint{}, 1, slow, topRow), []string{"! Handler holds the loop", "p50 20 us"}},
		{"the turn is a bar of letters, and six shares", topView(bare, 1, nil, topRow),
			[]string{"turn    [dddddddd" + "tfffffff" + strings.Repeat(" ", 54) + "]", "w wait 75 %", "d dispatch 13 %", "p posted 0 %", "t timers 3 %", "f flush 10 %", "r reap 0 %"}},
		{"figures have units", topView(bare, 1, nil, topRow), []string{"turn             p50 20 µs    max 2 ms", "lag                           max 300 µs", "events per wait  p50 2        max 30", "requests 1,000/s"}},
		{"connections are counted by their activity", topView(bare, 1, nil, topRow, feed.Row{Conn: 13, State: 1, Deadline: -1}), []string{"2 connections  i idle 1  r reading 0  h handling 1  w writing 0  c closing 0"}},
		{"a connection has its letter, number, requests, bytes owed, deadline, time and route", topView(bare, 1, nil, topRow, feed.Row{Conn: 13, State: 2, Deadline: -1}),
			[]string{" number  requests     owed  deadline      for  route\n", " h        12     3,456     1 MB     4.2 s    1.1 s  GET /slow, TLS\n", " i        13         0      0 B         –     0 ms  lingering\n"}},
		{"a number stays with its unit", topView(bare, 1, func(f *feed.Frame) {
			slow(f)
			f.Troubles[1].Words = "Peer sends slowly: connection 7 has sent part of a request in a while"
		}, topRow), []string{"in a while, for\n  1.0 s\n"}},
		{"those that watch come last", topView(bare, 1, nil, feed.Row{Conn: 1, Flags: feed.You | feed.LeftOut, State: 1}, topRow), []string{" h        12 ", "this is you"}},
		{"no connection at all is told", topView(bare, 1, nil), []string{"0 connections", "   no connections\n"}},
		{"several loops have a line, and connections their loop", topView(bare, 2, func(f *feed.Frame) { f.Held = []feed.Held{{Loop: 1, For: 2 * time.Second}} }, topRow),
			[]string{"bobbin top :8080, 2 loops", "loops   0: 25 % busy  1: no answer for 2.0 s", " h      0/12 ", "Tab next loop"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			screen := strings.Join(test.view.draw(80, 24), "\n")
			for rest := screen; len(test.want) > 0; test.want = test.want[1:] {
				_, after, found := strings.Cut(rest, test.want[0])
				if !found {
					t.Fatalf("%q is not there:\n%s", test.want[0], screen)
				}
				rest = after
			}
		})
	}
}

// TestTopSaysWhenItIsNotLive has what is shown of frames that are old.
func TestTopSaysWhenItIsNotLive(t *testing.T) {
	tests := []struct {
		name string
		make func(v *view)
		want string
	}{
		{"frames stay out", func(v *view) { v.at = v.at.Add(2100 * time.Millisecond) }, "▲ no frame for 2.1 s: the loop is held, or the way to it"},
		{"the stream is lost", func(v *view) { v.lost, v.at = "the server stops", v.at.Add(4*time.Second) }, "▲ reconnecting, last frame 4.0 s ago: the server stops"},
		{"the person has paused it", func(v *view) { v.paused, v.at = v.at, v.at.Add(time.Second); v.last = v.at }, "paused for 1.0 s"},
		{"and it is lost, which is more important", func(v *view) { v.paused, v.lost = v.at, "the stream has ended" }, "▲ reconnecting, last frame 0 ms ago: the stream has ended"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			v := topView(paint{colours: true, unicode: true}, 1, nil, topRow)
			test.make(v)
			screen := strings.Join(v.draw(80, 24), "\n")
			bare := strings.ReplaceAll(screen, "\x1b[43m \x1b[49m", "▲")
			_, stale := v.state()
			if !strings.Contains(bare, test.want) || !strings.Contains(bare, "Healthy: 25 % busy") || stale && sgr.MatchString(bare) {
				t.Errorf("%q", screen)
			}
		})
	}
}

// TestAPauseKeepsTheMoment has figures that stand still, and go on from the newest.
func TestAPauseKeepsTheMoment(t *testing.T) {
	v := topView(paint{}, 1, nil, topRow)
	v.paused = v.at
	v.take(topFrame(9*time.Second, 1))
	if f := v.frame(); f.At != 2*time.Second {
		t.Errorf("a frame of %v is shown", f.At)
	}
	v.paused = time.Time{}
	v.take(topFrame(10*time.Second, 1))
	if f := v.frame(); f.At != 10*time.Second {
		t.Errorf("a frame of %v is shown", f.At)
	}
	if s := v.minute.seconds; len(s) != 3+8+1 || s[5] != nil {
		t.Errorf("the pause is no gap: %v", s)
	}
}

// TestAnotherServerBeginsAnew has counters that go back.
func TestAnotherServerBeginsAnew(t *testing.T) {
	v := topView(paint{}, 2, nil, topRow)
	v.tab = 1
	h := topHello(2)
	h.Started = 2
	v.greet(h)
	if v.frame() != nil || v.tab != -1 {
		t.Error("something of the server before is left")
	}
	v.take(topFrame(3*time.Second, 2))
	if n := v.minute.rate(-1, func(l *feed.Loop) float64 { return float64(l.Requests) }); n != 0 {
		t.Errorf("%v requests a second of one frame", n)
	}
}

// TestTopFitsItsTerminal draws screens of all sizes with names that would break out of
// theirs. Colours are in blank cells only, so that words have the contrast that the terminal
// gives them.
func TestTopFitsItsTerminal(t *testing.T) {
	evil := "\x1b[31mred\x9b2J\r\n\a\u202e\u0085表\x00\xff"
	last := func(f *feed.Frame) {
		f.Level, f.Words = "holds", "Handler holds the loop: "+evil+strings.Repeat(" long", 40)
		f.Troubles = []feed.Raised{{Words: f.Words}, {Trouble: 1, Words: evil}}
	}
	odd := topRow
	odd.Route = 2
	for _, p := range []paint{{true, true}, {true, false}, {false, true}, {false, false}} {
		v := topView(p, 3, last, topRow, odd)
		v.address, v.lost = evil, evil
		for _, lost := range []string{"", evil} {
			v.lost = lost
			for width := 1; width <= 200; width += 1 + width/13 {
				for height := 1; height <= 70; height += 1 + height/9 {
					lines := v.draw(width, height)
					if len(lines) > height {
						t.Fatalf("%dx%d: %d lines", width, height, len(lines))
					}
					if lost == "" && height > 1 && width > 10 && !strings.Contains(lines[1], " Handler") {
						t.Fatalf("%dx%d: the verdict is not the first: %q", width, height, lines[1])
					}
					for _, l := range lines {
						words := onInk.ReplaceAllStringFunc(l, func(s string) string { return sgr.ReplaceAllString(s, "") })
						if v.measure(words) > width || words != v.cleaned(words) || !p.colours && words != l {
							t.Fatalf("%dx%d: %q", width, height, l)
						}
					}
				}
			}
		}
	}
}

// FuzzTopLine has texts of a server that are not to reach the terminal as they are.
func FuzzTopLine(f *testing.F) {
	for _, s := range []string{"GET /slow", "\x1b[2J", "\xc2\x9b", "表\u0301", "a\u2028b", "\xff"} {
		f.Add(s, uint8(10), true)
	}
	f.Fuzz(func(t *testing.T, s string, most uint8, unicode bool) {
		l := (&line{paint: paint{true, unicode}, most: int(most)}).text(s)
		if l.width > l.most || l.measure(string(l.b)) != l.width || strings.ContainsAny(string(l.b), "\x1b\r\n\b\t\x7f\u009b\u202e") {
			t.Errorf("%q: %q, %d cells of %d", s, l.b, l.width, l.most)
		}
		for _, part := range l.wrap(s, int(most)) {
			if strings.Contains(part, "\n") {
				t.Errorf("%q", part)
			}
		}
	})
}

// TestFiguresAreWrittenAsThePageWritesThem has those of http/inspect/page/words.js.
func TestFiguresAreWrittenAsThePageWritesThem(t *testing.T) {
	for _, test := range []struct{ got, want string }{
		{countText(9412), "9,412"}, {countText(1234567), "1,234,567"}, {countText(12), "12"},
		{bytesText(0), "0 B"}, {bytesText(999), "999 B"}, {bytesText(1000), "1 kB"}, {bytesText(1 << 20), "1 MB"}, {bytesText(16.4e6), "16 MB"}, {bytesText(2.5e15), "2,500 TB"},
		{nanosText(999), "999 ns"}, {nanosText(3100), "3.1 µs"}, {nanosText(184 * time.Microsecond), "184 µs"}, {nanosText(2500 * time.Millisecond), "2.5 s"},
		{spanText(412 * time.Millisecond), "412 ms"}, {spanText(2100 * time.Millisecond), "2.1 s"}, {spanText(60 * time.Second), "60 s"}, {spanText(3 * time.Minute), "3 min"}, {spanText(3 * time.Hour), "3 h"}, {spanText(72 * time.Hour), "3 days"},
		{shareText(0), "0 %"}, {shareText(0.004), "< 1 %"}, {shareText(0.254), "25 %"},
		{nounText(1, "connection"), "1 connection"}, {nounText(1200, "connection"), "1,200 connections"},
		{fmt.Sprint(lettersOf([]string{"wait", "dispatch", "delay", "a", "a"})), "[w d e a ?]"},
		{string(scale{1e3, 1e10}.bar(0)) + string(scale{1e3, 1e10}.bar(1)) + string(scale{1e3, 1e10}.bar(1e12)), " ▁█"},
	} {
		if test.got != test.want {
			t.Errorf("%q, not %q", test.got, test.want)
		}
	}
}
