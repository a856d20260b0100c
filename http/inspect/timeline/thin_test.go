package timeline

import (
	"fmt"
	"slices"
	"testing"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/inspect/timeline/check"
)

// TestOneLongConnectionKeepsWithinTheBound has a single one make all of the events.
func TestOneLongConnectionKeepsWithinTheBound(t *testing.T) {
	b := New(words(t, 1, "/"), Options{Events: LeastEvents})
	for i := range 20_000 {
		b.Add(&Block{Records: turn(100*i, 100*i+60, served(100*i, 7, uint32(i+1))...)})
		if len(b.events) > LeastEvents {
			t.Fatalf("%d events after %d turns", len(b.events), i)
		}
	}
	f, s := written(t, b)
	if s.Requests != 20_000 || s.Turns != 20_000 || s.RequestsOneIn < 2 || s.TurnsOneIn < 2 || f.Arrows == 0 {
		t.Errorf("%+v, and %d arrows", s, f.Arrows)
	}
	if len(f.Events) < LeastEvents/4 {
		t.Errorf("only %d events are left", len(f.Events))
	}
	if want := fmt.Sprint("connections, one in ", s.OneIn, ", and of their requests one in ", s.RequestsOneIn); !slices.ContainsFunc(f.Events, func(e *check.Event) bool { return e.Args["name"] == want }) {
		t.Errorf("the file does not say %q", want)
	}
}

// TestConnectionsAreThereWhole has many, of which few are shown with all of their requests.
func TestConnectionsAreThereWhole(t *testing.T) {
	b := New(words(t, 1, "/"), Options{Events: 2000})
	at := 0
	for conn := range uint32(1000) {
		for number := range uint32(3) {
			b.Add(&Block{Records: turn(at, at+60, served(at, conn+1, number+1)...)})
			at += 100
		}
		b.Add(&Block{Records: []eventloop.Record{rec(at, eventloop.ClosedDone, conn+1, 0, 4)}})
	}
	f, s := written(t, b)
	if s.OneIn < 2 || s.RequestsOneIn != 1 || len(f.Slices("connection")) < 1000/s.OneIn/2 {
		t.Errorf("%+v, with %d connections", s, len(f.Slices("connection")))
	}
	for _, c := range f.Slices("connection") {
		if len(c.Children) != 3 || c.Tid != 1 {
			t.Errorf("%s on lane %d has %d requests", c.Name, c.Tid, len(c.Children))
		}
	}
}

// TestWhatTookLongStays has one turn of a second among many of few microseconds.
func TestWhatTookLongStays(t *testing.T) {
	b := New(words(t, 1, "/"), Options{Events: LeastEvents})
	at := 0
	for i := range 5000 {
		if i == 2345 {
			b.Add(&Block{Records: turn(at, at+1_000_000, rec(at, http.HandlerBegan, 9, 1, 0), rec(at+900_000, http.HandlerEnded, 9, 1, 1), rec(at+900_000, eventloop.Callback, 9, 0, 1))})
			at += 1_000_000
		}
		b.Add(&Block{Records: turn(at, at+60, served(at, 7, uint32(i+1))...)})
		at += 100
	}
	f, s := written(t, b)
	longest := f.Longest()
	if longest.For < 899e6 || longest.Cat != "handler" || longest.Parent == nil || longest.Parent.Parent == nil || s.TurnsOneIn < 2 {
		t.Errorf("the longest slice is %s of category %s, %d ns; %+v", longest.Name, longest.Cat, longest.For, s)
	}
}
