package main

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// A run is everything that decides what is on the page. Its text is the fragment of the
// page's address, so a link leads to the very same turn:
//
//	seed=7&do=0:reads=50,3:slow&turn=5
type run struct {
	Seed uint64
	Acts []act
	Turn int // turns that were run
}

// An act is a change that the reader of the page has made.
type act struct {
	Turn  int    // after so many turns
	What  string // the ID of a habit, whose client is added, or of a knob
	Value int    // of the knob, in percent
}

// A knob sets odds of the simulated kernel.
type knob struct {
	ID   string // in a link
	Name string
	Text string
	set  func(luck *sim.Luck, percent int)
}

// Some of the odds stay below 1,000: a machine that never has room would never go on.
var knobs = []knob{
	{"reads", "short reads", "A read returns fewer bytes than there are.",
		func(l *sim.Luck, n int) { l.ShortRead, l.LateBytes = 5*n, 10*n }},
	{"writes", "short writes", "A write takes fewer bytes than it could, or none.",
		func(l *sim.Luck, n int) { l.ShortWrite, l.FullWrite = 8*n, 4*n }},
	{"hints", "empty events", "An event comes, and there is nothing to read.",
		func(l *sim.Luck, n int) { l.NotNow, l.Spurious = 7*n, 2*n }},
	{"late", "late events", "An event comes one wait later.",
		func(l *sim.Luck, n int) { l.Delayed = 10 * n }},
}

// Bounds of a run, so that every link opens within a moment.
const (
	maxTurns = 2000
	maxActs  = 200
)

// opening is the run of a page without a fragment. Its first turn reads 7 of 27 bytes,
// which a test holds.
func opening() run { return run{Seed: 8, Acts: []act{{What: "reads", Value: 50}}} }

// String returns the run as a fragment.
func (r run) String() string {
	var acts []string
	for _, a := range r.Acts {
		text := fmt.Sprintf("%d:%s", a.Turn, a.What)
		if knobOf(a.What) != nil {
			text += fmt.Sprintf("=%d", a.Value)
		}
		acts = append(acts, text)
	}
	text := fmt.Sprintf("seed=%d", r.Seed)
	if len(acts) > 0 {
		text += "&do=" + strings.Join(acts, ",")
	}
	return text + fmt.Sprintf("&turn=%d", r.Turn)
}

// parseRun reads a fragment. An empty one is the opening.
func parseRun(fragment string) (run, error) {
	if fragment == "" {
		return opening(), nil
	}
	var r run
	values, err := url.ParseQuery(fragment)
	if err != nil {
		return r, fmt.Errorf("the link is damaged: %w", err)
	}
	for name := range values {
		if !slices.Contains([]string{"seed", "do", "turn"}, name) {
			return r, fmt.Errorf("the link has %q, and a link has seed, do and turn", name)
		}
	}
	if r.Seed, err = strconv.ParseUint(values.Get("seed"), 10, 64); err != nil {
		return r, fmt.Errorf("the seed of the link is %q: it must be a whole number from 0 to 18446744073709551615", values.Get("seed"))
	}
	if text := values.Get("turn"); text != "" {
		if r.Turn, err = strconv.Atoi(text); err != nil || r.Turn < 0 || r.Turn > maxTurns {
			return r, fmt.Errorf("the turn of the link is %q: it must be a number from 0 to %d", text, maxTurns)
		}
	}
	if values.Get("do") == "" {
		return r, nil
	}
	for _, text := range strings.Split(values.Get("do"), ",") {
		a, err := parseAct(text)
		if err != nil {
			return r, err
		}
		if r.Acts = append(r.Acts, a); len(r.Acts) > maxActs {
			return r, fmt.Errorf("the link has more than %d changes", maxActs)
		}
	}
	if !slices.IsSortedFunc(r.Acts, func(a, b act) int { return a.Turn - b.Turn }) {
		return r, fmt.Errorf("the changes in the link are not in the order of their turns")
	}
	return r, nil
}

// parseAct reads one change, such as "0:reads=50" or "3:slow".
func parseAct(text string) (a act, err error) {
	turn, what, ok := strings.Cut(text, ":")
	if a.Turn, err = strconv.Atoi(turn); !ok || err != nil || a.Turn < 0 || a.Turn > maxTurns {
		return a, fmt.Errorf("the change %q in the link does not begin with a turn", text)
	}
	name, value, hasValue := strings.Cut(what, "=")
	a.What = name
	switch {
	case habitOf(name) != nil && !hasValue:
		return a, nil
	case knobOf(name) == nil:
		return a, fmt.Errorf("the change %q in the link is neither a client nor a misfortune that this page has", text)
	}
	if a.Value, err = strconv.Atoi(value); err != nil || a.Value < 0 || a.Value > 100 {
		return a, fmt.Errorf("the change %q in the link needs a value from 0 to 100", text)
	}
	return a, nil
}

func knobOf(id string) *knob {
	if i := slices.IndexFunc(knobs, func(k knob) bool { return k.ID == id }); i >= 0 {
		return &knobs[i]
	}
	return nil
}

func habitOf(id string) *habit {
	if i := slices.IndexFunc(habits, func(h habit) bool { return h.ID == id }); i >= 0 {
		return &habits[i]
	}
	return nil
}
