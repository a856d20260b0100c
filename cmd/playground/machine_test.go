package main

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http/inspect"
)

// open opens a run, and ends it with the test.
func open(t *testing.T, r run) *play {
	t.Helper()
	p := new(play)
	if err := p.open(r); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.machine.end() })
	return p
}

// must ends the test with an error of a call.
func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// first is the moment that the page shows first.
func first(p *play) moment { return p.machine.moments[p.machine.focus()] }

// TestTheFirstTurnIsAShortRead holds the first thirty seconds of a reader.
func TestTheFirstTurnIsAShortRead(t *testing.T) {
	p := open(t, opening())
	if at := first(p); at.Text != "sends 27 bytes" || len(at.Lanes) != 1 || at.Lanes[0].Sent != 27 || at.Lanes[0].Read != 0 {
		t.Errorf("before the first turn it shows %+v", at)
	}
	must(t, p.step())
	at := first(p)
	if at.Text != "read 7 of 27 bytes" || !at.Short || at.Place != "read" || !strings.Contains(at.Why, "nothing is lost") ||
		at.Lanes[0].Read != 7 || at.Lanes[0].Used != 0 || at.Lanes[0].Activity != "reading" {
		for seed := uint64(1); ; seed++ {
			r := opening()
			r.Seed = seed
			p := open(t, r)
			must(t, p.step())
			if first(p).Text == "read 7 of 27 bytes" && strings.Contains(first(p).Why, "The next event") {
				t.Fatalf("the first turn shows %+v; with the seed %d in opening it would be a short read", at, seed)
			}
		}
	}
}

// TestASeedDecidesARun runs it again, from a link, and back and forth.
func TestASeedDecidesARun(t *testing.T) {
	r := run{Seed: 3, Acts: []act{{0, "reads", 50}, {0, "late", 30}, {2, "slow", 0}, {5, "writes", 60}, {9, "reset", 0}}}
	p := open(t, r)
	var seen []string
	for range 60 {
		must(t, p.step())
		seen = append(seen, p.view(nil))
	}
	again := open(t, r)
	for i, want := range seen {
		must(t, again.step())
		if again.view(nil) != want {
			t.Fatalf("turn %d of the same run is another", i+1)
		}
	}
	for turn := 59; turn > 40; turn-- {
		must(t, p.do("back", ""))
		if p.view(nil) != seen[turn-1] {
			t.Fatalf("turn %d is another when it is come back to", turn)
		}
	}
	linked := new(play)
	must(t, linked.do("open", p.run.String()))
	defer linked.machine.end()
	if linked.view(nil) != p.view(nil) {
		t.Errorf("the link %s leads to another turn", p.run)
	}
	must(t, p.do("restart", "4"))
	for range 10 {
		must(t, p.step())
	}
	if p.machine.kernel.Hash() == 0 || strings.Contains(p.view(nil), `"seed":"3"`) {
		t.Error("another seed has not begun another run")
	}
}

// many runs turns of many seeds, with all clients and misfortunes, and calls look after
// each turn. Begun, if not nil, is called for each seed.
func many(t *testing.T, begun, look func(p *play)) {
	t.Helper()
	for seed := range uint64(40) {
		r := rand.New(rand.NewPCG(seed, 1))
		p := open(t, run{Seed: seed})
		if begun != nil {
			begun(p)
		}
		for range 150 {
			if r.IntN(10) == 0 {
				p.change(knobs[r.IntN(len(knobs))].ID, 10*r.IntN(11))
			}
			if r.IntN(10) == 0 {
				p.change(habits[r.IntN(len(habits))].ID, 0) // refused when there is no room
			}
			if err := p.step(); err != nil {
				t.Fatalf("seed %d: %v", seed, err)
			}
			look(p)
		}
		for _, fault := range p.machine.kernel.Faults() {
			t.Errorf("seed %d: %s", seed, fault)
		}
	}
}

// TestLanesAreWhatTheLoopSays compares them at the end of each turn. Within a turn they
// are made of records.
func TestLanesAreWhatTheLoopSays(t *testing.T) {
	seen := map[string]int{}
	compare := func(p *play, info eventloop.ConnInfo) {
		l := p.machine.laneOf(info.ID)
		if l == nil {
			t.Errorf("seed %d, turn %d: connection %d has no lane", p.run.Seed, p.run.Turn, info.ID)
			return
		}
		v := l.view()
		seen[v.Activity]++
		if v.State != info.State.String() || v.Activity != info.Activity.String() || l.queued-l.written != int(info.Owed) || v.Full != info.Full {
			t.Errorf("seed %d, turn %d: the lane %+v is of the connection %+v", p.run.Seed, p.run.Turn, v, info)
		}
		if !(l.sent >= l.read && l.read >= l.used && l.queued >= l.written && l.written >= l.taken) {
			t.Errorf("seed %d, turn %d: counts go up: %+v", p.run.Seed, p.run.Turn, v)
		}
	}
	many(t, func(p *play) {
		p.machine.kernel.Every = func() { // on the loop, whose turn is over
			for _, info := range p.machine.loop.Connections(nil) {
				compare(p, info)
			}
		}
	}, func(p *play) {
		if t.Failed() {
			t.FailNow()
		}
	})
	for _, name := range []string{"idle", "reading", "writing", "closing"} {
		if seen[name] == 0 {
			t.Errorf("no connection was %s: %v", name, seen)
		}
	}
}

// TestEveryMomentHasItsWordsAndItsCode also finds places that no moment needs.
func TestEveryMomentHasItsWordsAndItsCode(t *testing.T) {
	used := map[string]bool{}
	many(t, nil, func(p *play) {
		for _, at := range p.machine.moments {
			used[at.Place], used[at.Cause] = true, true
			if _, known := places[at.Place]; !known || at.Text == "" || at.Why == "" {
				t.Fatalf("seed %d, turn %d: %+v is not told, or not shown", p.run.Seed, p.run.Turn, at)
			}
			if at.Turn != p.run.Turn && at.Turn != p.run.Turn+1 || at.Phase < 0 || at.Phase > 5 || at.Turn == p.run.Turn+1 && at.Phase != 0 {
				t.Fatalf("seed %d, turn %d: %+v is in the wrong place of a turn", p.run.Seed, p.run.Turn, at)
			}
		}
		if !slices.IsSortedFunc(p.machine.moments, func(a, b moment) int { return (a.Turn-b.Turn)*10 + a.Phase - b.Phase }) {
			t.Fatalf("seed %d, turn %d: phases are out of order", p.run.Seed, p.run.Turn)
		}
	})
	for _, name := range slices.Sorted(maps.Keys(places)) {
		if !used[name] {
			t.Errorf("no moment shows the place %q", name)
		}
	}
}

// TestAVisitorsRequestGoesThroughTheTurn looks for the phase of each moment of it, and for
// what its connection is doing then.
func TestAVisitorsRequestGoesThroughTheTurn(t *testing.T) {
	p := open(t, run{Seed: 1})
	must(t, p.step())
	var got []string
	for _, at := range p.machine.moments {
		if at.Turn == 1 {
			got = append(got, fmt.Sprintf("%s: %s, %s", inspect.Phases[at.Phase].ID, at.Text, at.Lanes[0].Activity))
		}
	}
	want := []string{
		"wait: connects, ",
		"wait: sends 27 bytes, ",
		"wait: wakes up with 1 event, ",
		"dispatch: accepted as descriptor 4, idle",
		"dispatch: read 27 of 27 bytes, reading",
		"dispatch: head of 27 bytes, handling",
		"dispatch: handler began, handling",
		"dispatch: handler ended, route 1, handling",
		"dispatch: done 200, writing",
		fmt.Sprintf("flush: wrote %d of %[1]d bytes, idle", p.machine.lanes[0].queued),
		"flush: fresh -> open, idle",
	}
	if !slices.Equal(got, want) {
		t.Errorf("the first turn is\n%s\nand should be\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestPhasesAreThoseOfTheInspector compares the numbers here with the words there.
func TestPhasesAreThoseOfTheInspector(t *testing.T) {
	for phase, id := range map[int]string{phaseWait: "wait", phaseDispatch: "dispatch", phasePosted: "posted", phaseTimers: "timers", phaseFlush: "flush", phaseReap: "reap"} {
		if inspect.Phases[phase].ID != id {
			t.Errorf("phase %d is %s there, and %s here", phase, inspect.Phases[phase].ID, id)
		}
	}
	if len(inspect.Phases) != len(phaseEnds) {
		t.Errorf("%d phases are there, and %d here", len(inspect.Phases), len(phaseEnds))
	}
}

// TestNothingIsLostHoweverARequestIsCut reads the answers of visitors.
func TestNothingIsLostHoweverARequestIsCut(t *testing.T) {
	answers, pieces := 0, 0
	for seed := range uint64(20) {
		p := open(t, run{Seed: seed, Acts: []act{{0, "reads", 100}, {0, "late", 50}, {0, "hints", 50}, {0, "writes", 50}}})
		for range 200 {
			must(t, p.step())
			for _, at := range p.machine.moments {
				if at.Short && at.Turn == p.run.Turn {
					pieces++
				}
			}
			for _, l := range p.machine.lanes {
				if !l.answered() {
					continue
				}
				answers++
				if !bytes.HasPrefix(l.received, []byte("HTTP/1.1 200 OK\r\n")) || !bytes.HasSuffix(l.received, []byte("\r\n\r\nhello, world\n")) {
					t.Fatalf("seed %d: the answer is %q", seed, l.received)
				}
			}
		}
	}
	if answers < 100 || pieces < 1000 {
		t.Errorf("only %d answers and %d pieces were seen", answers, pieces)
	}
}

// TestEachClientMeetsItsFate looks for what each kind of client is there to show.
func TestEachClientMeetsItsFate(t *testing.T) {
	for _, row := range []struct{ client, text string }{
		{"visitor", "done 200"},
		{"slow", "back-pressure on"},
		{"slow", "back-pressure off"},
		{"slow", "short write"},
		{"reset", "the read fails: the client has reset the connection"},
		{"reset", eventloopKind(eventloop.FailedReset)},
		{"half", "18 bytes wait for more"},
		{"half", "done 408"},
		{"half", "open -> closing"},
	} {
		t.Run(row.client+" sees "+row.text, func(t *testing.T) {
			p := open(t, run{Seed: 1, Acts: []act{{0, row.client, 0}}})
			for range 100 {
				must(t, p.step())
				if slices.ContainsFunc(p.machine.moments, func(at moment) bool { return strings.HasPrefix(at.Text, row.text) }) {
					return
				}
			}
			t.Error("it does not, in 100 turns")
		})
	}
}

func eventloopKind(kind eventloop.Kind) string {
	l, err := eventloop.New(eventloop.Config{})
	if err != nil {
		return fmt.Sprint(err)
	}
	return l.Describe(&eventloop.Record{Kind: kind})
}

// TestBoundsAreSaid holds that a run has an end, and the page no more lanes than it shows.
func TestBoundsAreSaid(t *testing.T) {
	p := open(t, run{Seed: 1})
	for range maxLanes - 1 {
		must(t, p.do("slow", ""))
	}
	if err := p.do("slow", ""); err == nil || !strings.Contains(err.Error(), "room for no more") {
		t.Errorf("a client too many: %v", err)
	}
	if !strings.Contains(p.view(nil), `"full":true`) {
		t.Error("the view does not say that it is full")
	}
	must(t, p.do("restart", "1"))
	p.run.Turn = maxTurns
	if err := p.step(); err == nil || !strings.Contains(err.Error(), "restart it") {
		t.Errorf("a turn too many: %v", err)
	}
	must(t, p.do("restart", "1"))
	for i := range maxActs {
		must(t, p.do([]string{"reads", "writes"}[i%2], "=10"))
	}
	if err := p.do("reads", "=20"); err == nil || !strings.Contains(err.Error(), "restart it") {
		t.Errorf("a change too many: %v", err)
	}
}

// TestAChangeGivesUpWhatWasToCome goes back, and does something else.
func TestAChangeGivesUpWhatWasToCome(t *testing.T) {
	p := open(t, run{Seed: 1})
	must(t, p.step())
	must(t, p.do("slow", ""))
	must(t, p.do("back", ""))
	if got := p.run.String(); got != "seed=1&do=1:slow&turn=0" {
		t.Errorf("after going back it is %s", got)
	}
	must(t, p.do("reads", "=40"))
	must(t, p.do("reads", "=50")) // the same pull of the slider
	if got := p.run.String(); got != "seed=1&do=0:reads=50&turn=0" {
		t.Errorf("after a change it is %s", got)
	}
}
