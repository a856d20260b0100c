package inspect

import (
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
)

// Which trouble is there, by rules over the figures of the loops. Each rule finds its
// condition in the time between two looks, or not; a trouble is there when the condition
// has held without a break for a while, and goes some time after it was found last. So a
// single slow moment raises none, and a trouble does not flicker.

const (
	troubleComes = 300 * time.Millisecond
	troubleGoes  = 2 * time.Second

	// A condition that is found again so soon has had no break: looks and the frames of a
	// loop are not in step.
	breakFrom = 150 * time.Millisecond

	// A peer that takes nothing of its answer, or has sent a part of a request, is quiet
	// when so much time has passed. The network needs up to a second at times.
	quietAfter = time.Second

	// Of the time between two looks, in thousandths.
	busyFrom      = 600
	saturatedFrom = 950

	// A timer or deadline is late from here on.
	lateFrom = 50 * time.Millisecond

	// A longer pause between looks is a gap: nothing is concluded from what was before.
	looksApart = 10 * time.Second

	// The verdict has the share and the longest callback of so many looks, a second mostly.
	looksKept = 10
)

// A raised is a trouble that is there.
type raised struct {
	trouble int           // its place in Troubles
	since   time.Duration // on the clock of the looks
	loop    int
	conn    uint32 // whose it is mostly, 0 if it is no connection's
	words   string // one sentence without its dot
}

// A judge applies the rules to the figures of all loops, look by look. It belongs to one
// goroutine.
type judge struct {
	stall  time.Duration // a callback that takes longer is in trouble
	routes []string      // their patterns; index 0 is unused

	at     time.Duration // of the last look
	looked bool
	loops  []loopBefore
	debts  map[connKey]debt
	turn   uint64 // of looks; a debt of an earlier one has ended
	states [TroubleCount]condition

	// The result of the last look.
	level    string // "healthy", "busy", or the ID of the gravest trouble
	words    string // the verdict, one sentence without its dot
	troubles []raised
}

// A loopBefore is what a judge keeps of a loop.
type loopBefore struct {
	noRoom  uint64        // newcomers for which there was no room
	frameAt time.Duration // of the loop's latest frame
	phases  [PhaseCount]int64
	work    [looksKept]int64 // nanoseconds in each of the last looks
	wait    [looksKept]int64
	longest [looksKept]time.Duration
	share   int // of the time since the look before that was work, in thousandths
}

type connKey struct {
	loop int
	conn uint32
}

// A debt is the output that a connection owed when its peer took some last.
type debt struct {
	owed int64
	at   time.Duration
	turn uint64
}

// A condition is one trouble's, from look to look.
type condition struct {
	holds bool          // at the last look
	since time.Duration // since when, without a break
	last  time.Duration // when it was found last
	shown bool
	begun time.Duration // what raised says
	found finding
}

// A finding is the result of a rule at one look.
type finding struct {
	loop  int
	conn  uint32
	words string // "" if the condition does not hold

	stale  bool          // it was found at the look before: no later figures are there
	lasted time.Duration // how long it has been so, if that is less than since the look before; else 0
	silent time.Duration // how long it has been so for certain, also before the first look; else 0
}

// rules has a rule for each trouble, in the order of Troubles. A rule returns the worst
// case that it finds.
var rules = [TroubleCount]func(j *judge, loops []*figures) finding{
	TroubleDescriptors: (*judge).findDescriptors,
	TroubleHolds:       (*judge).findHold,
	TroubleSaturated:   (*judge).findSaturated,
	TroubleLate:        (*judge).findLate,
	TroubleTakes:       (*judge).findTakes,
	TroubleSends:       (*judge).findSends,
}

// look judges all loops. At is the time on a clock that never goes back.
func (j *judge) look(at time.Duration, loops []*figures) {
	if !j.looked || len(loops) != len(j.loops) || at-j.at > looksApart {
		j.begin(at, loops)
	}
	before := j.at
	j.at, j.turn = at, j.turn+1
	for i := range loops {
		j.loops[i].measure(loops[i], int(j.turn%looksKept))
	}
	j.troubles = j.troubles[:0]
	for i, find := range rules {
		c := &j.states[i]
		c.take(before, at, find(j, loops))
		if c.shown {
			f := &c.found
			j.troubles = append(j.troubles, raised{i, c.begun, f.loop, f.conn, f.words})
		}
	}
	for i, f := range loops {
		j.loops[i].noRoom, j.loops[i].frameAt = noRoom(&f.counters), f.frame.At
	}
	for key, d := range j.debts {
		if d.turn != j.turn {
			delete(j.debts, key)
		}
	}
	j.level, j.words = j.verdict()
}

// begin forgets what was before: the first look finds nothing that needs two.
func (j *judge) begin(at time.Duration, loops []*figures) {
	*j = judge{stall: j.stall, routes: j.routes, at: at, looked: true, troubles: j.troubles}
	j.loops = make([]loopBefore, len(loops))
	j.debts = make(map[connKey]debt)
	for i := range loops {
		j.loops[i].phases = phaseTimes(&loops[i].counters)
		j.loops[i].noRoom = noRoom(&loops[i].counters)
	}
}

// take notes whether the condition held between two looks.
func (c *condition) take(before, at time.Duration, f finding) {
	if f.stale {
		return
	}
	if f.words == "" {
		c.holds = c.holds && at-c.last < breakFrom
		if c.shown && at-c.last >= troubleGoes {
			c.shown = false
		}
		return
	}
	if !c.holds {
		c.holds, c.since = true, before
		switch {
		case f.silent > 0:
			c.since = at - f.silent
		case f.lasted > 0:
			c.since = max(before, at-f.lasted)
		}
	}
	c.last, c.found = at, f
	if !c.shown && at-c.since >= troubleComes {
		c.shown, c.begun = true, c.since
	}
}

// measure notes the time that a loop has worked and slept since the look before.
func (b *loopBefore) measure(f *figures, slot int) {
	now := phaseTimes(&f.counters)
	wait := now[PhaseWait] - b.phases[PhaseWait]
	work := int64(0)
	for phase := PhaseWait + 1; phase < PhaseCount; phase++ {
		work += now[phase] - b.phases[phase]
	}
	b.phases = now
	b.work[slot], b.wait[slot], b.longest[slot] = work, wait, f.longest
	b.share = share(work, wait)
}

// share returns the part of work in thousandths, 0 without either.
func share(work, wait int64) int {
	if work <= 0 {
		return 0
	}
	return int(1000 * work / (work + max(wait, 0)))
}

// phaseTimes returns the nanoseconds that a loop has been in each phase.
func phaseTimes(c *eventloop.Counters) (times [PhaseCount]int64) {
	for phase, kind := range phaseKinds {
		times[phase] = c[kind].Sum
	}
	return times
}

// noRoom returns for how many newcomers there was no room at once. The Arg of
// AcceptFailed is 1 for want of descriptors or memory, and 2 for other errors.
func noRoom(c *eventloop.Counters) uint64 {
	failed := &c[eventloop.AcceptFailed]
	return 2*failed.N - uint64(failed.Sum) + c[eventloop.AcceptPaused].N
}
