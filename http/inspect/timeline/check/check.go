// Package check reads a timeline as a viewer does, and says what a viewer would stumble
// over. It is for tests.
package check

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// An Event is a line of a timeline.
type Event struct {
	Ph, Name, Cat, S, BP string
	Pid, Tid             int
	ID                   *uint64
	Args                 map[string]any

	At, For int64       // nanoseconds; -1 for an event without a time
	RawTs   json.Number `json:"ts"`
	RawDur  json.Number `json:"dur"`

	Parent   *Event // the slice in which a slice is
	Children []*Event
}

// Arg returns a number of the event's arguments, 0 if there is none.
func (e *Event) Arg(key string) int64 {
	n, _ := e.Args[key].(float64)
	return int64(n)
}

// A File is a timeline that was read.
type File struct {
	Events []*Event
	Other  map[string]any // its otherData
	Arrows int
}

// Slices returns the slices of a category.
func (f *File) Slices(cat string) (list []*Event) {
	for _, e := range f.Events {
		if e.Ph == "X" && e.Cat == cat {
			list = append(list, e)
		}
	}
	return list
}

// Longest returns the longest slice of a loop that has no other in it.
func (f *File) Longest() *Event {
	var longest *Event
	for _, e := range f.Events {
		if e.Ph == "X" && e.Pid == 1 && len(e.Children) == 0 && (longest == nil || e.For > longest.For) {
			longest = e
		}
	}
	return longest
}

// Read reads a timeline. The error tells of the first thing that is wrong.
func Read(r io.Reader) (*File, error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<22)
	f := &File{}
	var err error
	for n := 0; lines.Scan() && err == nil; n++ {
		line := lines.Bytes()
		switch {
		case n == 0:
			err = f.first(line)
		case string(line) == "]}":
			if lines.Scan() {
				return nil, fmt.Errorf("there is something behind the end")
			}
			return f, f.check()
		default:
			err = f.add(bytes.TrimSuffix(line, []byte(",")))
		}
		if err != nil {
			return nil, fmt.Errorf("line %d, %s: %w", n+1, line, err)
		}
	}
	return nil, fmt.Errorf("the file does not end: %v", lines.Err())
}

// first reads what is in front of the events.
func (f *File) first(line []byte) error {
	var head struct {
		DisplayTimeUnit string
		OtherData       map[string]any
		TraceEvents     []any
	}
	if err := json.Unmarshal(append(bytes.Clone(line), "]}"...), &head); err != nil {
		return err
	}
	f.Other = head.OtherData
	if head.DisplayTimeUnit != "ns" || head.TraceEvents == nil {
		return fmt.Errorf("it is no head")
	}
	return nil
}

// add reads an event.
func (f *File) add(line []byte) (err error) {
	e := &Event{At: -1}
	if err := json.Unmarshal(line, e); err != nil {
		return err
	}
	if e.Ph == "M" {
		if len(e.Args) != 1 {
			return fmt.Errorf("%d arguments", len(e.Args))
		}
	} else if e.At, err = nanoseconds(string(e.RawTs)); err != nil {
		return err
	}
	if e.Ph == "X" {
		if e.For, err = nanoseconds(string(e.RawDur)); err != nil {
			return err
		}
	}
	f.Events = append(f.Events, e)
	return nil
}

// nanoseconds reads microseconds with three decimals.
func nanoseconds(text string) (int64, error) {
	whole, part, _ := strings.Cut(text, ".")
	if len(part) != 3 {
		return 0, fmt.Errorf("%q has not three decimals", text)
	}
	n, err := strconv.ParseInt(whole+part, 10, 64)
	if err == nil && n < 0 {
		err = fmt.Errorf("%q is negative", text)
	}
	return n, err
}

type trackID struct{ pid, tid int }

// check holds the events against each other.
func (f *File) check() error {
	named, open := map[trackID]bool{}, map[trackID][]*Event{}
	arrows := map[uint64]*Event{}
	last := int64(-1)
	for i, e := range f.Events {
		id := trackID{e.Pid, e.Tid}
		var err error
		if e.At < last {
			err = fmt.Errorf("it is before the one in front of it")
		}
		last = e.At
		if !named[id] && e.Ph != "M" {
			err = fmt.Errorf("its track has no name")
		}
		for n := len(open[id]); e.Ph != "M" && n > 0 && open[id][n-1].At+open[id][n-1].For < e.At; n-- {
			open[id] = open[id][:n-1]
		}
		if err == nil {
			switch e.Ph {
			case "M":
				named[id] = named[id] || e.Name == "thread_name"
			case "X":
				err = e.nest(open, id)
			case "s", "t", "f":
				err = e.arrow(arrows, open[id])
				if e.Ph == "f" {
					f.Arrows++
				}
			case "C":
				if len(e.Args) != 1 {
					err = fmt.Errorf("a counter has one value")
				}
			case "i":
				if e.S != "t" && e.S != "g" {
					err = fmt.Errorf("an instant has a scope")
				}
			default:
				err = fmt.Errorf("it is of no known kind")
			}
		}
		if err != nil {
			return fmt.Errorf("event %d, %+v: %w", i, *e, err)
		}
	}
	for id, e := range arrows {
		return fmt.Errorf("arrow %d has no end: %+v", id, *e)
	}
	return f.checkTurns()
}

// nest puts a slice into the one that is open. Touching is not being in.
func (e *Event) nest(open map[trackID][]*Event, id trackID) error {
	stack := open[id]
	for len(stack) > 0 {
		top := stack[len(stack)-1]
		if e.At < top.At+top.For || e.For == 0 && e.At == top.At {
			break
		}
		stack = stack[:len(stack)-1]
	}
	if len(stack) > 0 {
		top := stack[len(stack)-1]
		if e.For > 1 && e.At+e.For >= top.At+top.For {
			return fmt.Errorf("it does not end before %s %s, in which it begins", top.Cat, top.Name)
		}
		e.Parent = top
		top.Children = append(top.Children, e)
	}
	open[id] = append(stack, e)
	return nil
}

// arrow follows an arrow. Each of its events is in a slice of its track.
func (e *Event) arrow(arrows map[uint64]*Event, stack []*Event) error {
	if e.ID == nil {
		return fmt.Errorf("an arrow has a number")
	}
	before := arrows[*e.ID]
	if (e.Ph == "s") != (before == nil) {
		return fmt.Errorf("its beginning is not in front of it, or it begins twice")
	}
	if before != nil && (before.Ph == e.Ph || before.Name != e.Name || before.Cat != e.Cat) {
		return fmt.Errorf("it goes on as another: %+v", *before)
	}
	arrows[*e.ID] = e
	in := ""
	for _, s := range stack {
		if s.At <= e.At && e.At <= s.At+s.For {
			in += s.Cat + " "
		}
	}
	want := map[string]string{"s": "callback", "t": "handler", "f": "write"}[e.Ph]
	if !strings.Contains(in, want) {
		return fmt.Errorf("it is in %q, not in a slice of category %s", in, want)
	}
	if e.Ph == "f" {
		delete(arrows, *e.ID)
		if e.BP != "e" {
			return fmt.Errorf("an end binds to the slice around it")
		}
	}
	return nil
}

// checkTurns adds up the phases of each turn. They are all of it, within 1 %.
func (f *File) checkTurns() error {
	for _, turn := range f.Slices("turn") {
		if turn.For == 0 {
			continue // another that is as short is in it, by their order
		}
		sum := int64(0)
		for _, phase := range turn.Children {
			if phase.Cat != "phase" {
				return fmt.Errorf("%s %s is in a turn, and in no phase", phase.Cat, phase.Name)
			}
			sum += phase.For
		}
		// A phase may end a nanosecond early, so that ends do not coincide.
		if difference := turn.For - sum; difference < 0 || difference*100 > turn.For && difference > int64(len(turn.Children)) {
			return fmt.Errorf("the phases of turn %d add up to %d ns, and it took %d", turn.Arg("turn"), sum, turn.For)
		}
	}
	return nil
}
