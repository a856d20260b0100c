package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/http/inspect/feed"
)

// What bobbin top shows, as lines. The verdict, the troubles, and all names of things are
// the server's: they come with its stream.

// A view is what is known, and what the person has chosen to see. It belongs to one
// goroutine.
type view struct {
	paint
	address string
	hello   *feed.Hello
	minute  minute
	tab     int // the loop that is shown, -1 for all

	at     time.Time // now
	last   time.Time // when the last frame came
	paused time.Time // since when; zero if it is not
	lost   string    // why there is no stream, "" while there is one
}

// staleFrom is how long frames may stay out before that is told.
const staleFrom = 1500 * time.Millisecond

// greet takes a first event over.
func (v *view) greet(h *feed.Hello) {
	if v.hello == nil || v.hello.Started != h.Started || v.hello.Loops != h.Loops {
		v.minute, v.tab = minute{}, -1
	}
	v.hello, v.lost, v.last = h, "", v.at
}

// take takes a frame.
func (v *view) take(f *feed.Frame) {
	v.last = v.at
	if v.paused.IsZero() {
		v.minute.add(f)
	}
}

// frame is the newest one, nil before there is one.
func (v *view) frame() *feed.Frame { return v.minute.newest() }

// state says whether what is shown is what happens. Stale means that it is not, and that
// the person has not wanted that.
func (v *view) state() (words string, stale bool) {
	age := v.at.Sub(v.last)
	switch {
	case v.frame() == nil && v.lost == "":
		return "connecting", false
	case v.lost != "":
		return "reconnecting, last frame " + spanText(age.Round(100*time.Millisecond)) + " ago", true
	case age >= staleFrom:
		return "no frame for " + spanText(age.Round(100*time.Millisecond)) + ": the loop is held, or the way to it", true
	case !v.paused.IsZero():
		return "paused for " + spanText(v.at.Sub(v.paused).Round(time.Second)), false
	}
	return "live", false
}

// A block is lines that are shown together or not at all.
type block struct {
	lines  []*line
	weight int  // those with more are shown first; sentences are cut off rather than left out
	apart  bool // an empty line belongs before it, if there is room
}

// sentences is the weight of the verdict, and of the line that says that it is old.
const sentences = 9

// draw returns the lines of a screen, at most height of them. Each begins and ends in the
// terminal's own colours.
func (v *view) draw(width, height int) []string {
	lines := []*line{v.title(width)}
	room := height - 1
	if height >= 8 {
		room-- // for the keys
	}
	shown, rows, gaps := v.choose(width, height, room)
	for _, b := range shown {
		if b.apart && gaps > 0 {
			lines = append(lines, v.line(width))
			gaps--
		}
		lines = append(lines, b.lines...)
	}
	if rows > 0 {
		lines = append(lines, v.live().table(v.frame(), width, rows)...)
	}
	if height >= 8 {
		for len(lines) < height-1 {
			lines = append(lines, v.line(width))
		}
		lines = append(lines, v.keys(width))
	}
	var drawn []string
	for _, l := range lines[:min(len(lines), height)] {
		drawn = append(drawn, string(l.b))
	}
	return drawn
}

// choose chooses the blocks that are shown, and how many connections and empty lines.
func (v *view) choose(width, height, room int) (shown []block, rows, gaps int) {
	made := v.blocks(width)
	chosen := make([]bool, len(made))
	for weight := sentences; weight > 0; weight-- {
		for i := range made {
			b := &made[i]
			if b.weight != weight {
				continue
			}
			if weight == sentences {
				b.lines = b.lines[:min(len(b.lines), room)]
			}
			if len(b.lines) > 0 && len(b.lines) <= room {
				chosen[i], room = true, room-len(b.lines)
			}
		}
	}
	for i, b := range made {
		if chosen[i] {
			shown = append(shown, b)
		}
	}
	f := v.frame()
	if f == nil || room < 2 {
		return shown, 0, 0
	}
	rows = max(len(v.rowsOf(f)), 1)
	gaps = min(max(room-1-rows, 0), 2)
	if height >= 30 {
		gaps = min(2, room-2)
	}
	return shown, min(rows, room-1-gaps), gaps
}

// live returns the view with its colours if what it shows is live, and else without.
func (v *view) live() *view {
	shown := *v
	if _, stale := v.state(); stale {
		shown.colours = false
	}
	return &shown
}

func (v *view) line(width int) *line { return &line{paint: v.paint, most: width} }

// title says what is looked at, and whether it is live.
func (v *view) title(width int) *line {
	l := v.line(width).text("bobbin top " + v.address)
	if v.hello != nil && v.hello.Loops > 1 {
		shown := fmt.Sprintf(", %d loops", v.hello.Loops)
		if v.tab >= 0 {
			shown = fmt.Sprintf(", loop %d of %d", v.tab, v.hello.Loops)
		}
		l.text(shown)
	}
	words, stale := v.state()
	if stale {
		return l // it has a line of its own
	}
	return l.text("  ").fill(width - v.measure(words)).text(words)
}

func (v *view) keys(width int) *line {
	keys := "q quit   space pause"
	if !v.paused.IsZero() {
		keys = "q quit   space go on"
	}
	if v.hello != nil && v.hello.Loops > 1 {
		keys += "   Tab next loop"
	}
	return v.line(width).text(keys)
}

// blocks makes what is shown above the table, from top to bottom.
func (v *view) blocks(width int) (made []block) {
	if words, stale := v.state(); stale || v.frame() == nil && v.lost != "" {
		if v.lost != "" {
			words += ": " + v.lost
		}
		made = append(made, block{v.sentence(width, yellow, "▲", words), sentences, false})
	}
	f := v.frame()
	if f == nil {
		return made
	}
	v = v.live()
	return append(append(made, v.verdict(f, width)...),
		block{v.turn(width), 6, true},
		block{v.sparklines(width), 5, false},
		block{v.sums(f, width), 4, false},
		block{v.eachLoop(f, width), 3, false},
		block{v.activities(f, width), 7, true})
}

// sentence writes words behind a mark, in as many lines as they need.
func (v *view) sentence(width int, c colour, letter, words string) (lines []*line) {
	for i, part := range v.wrap(words, max(width-2, 1)) {
		l := v.line(width)
		if i == 0 {
			l.mark(c, letter, 1)
		}
		lines = append(lines, l.fill(2).text(part))
	}
	return lines
}

// verdict shows the sentence about everything, and the troubles, whose sentences begin with
// their names. What the gravest one means is told if there is room.
func (v *view) verdict(f *feed.Frame, width int) []block {
	c, letter := red, "▲"
	switch f.Level {
	case "healthy":
		c, letter = green, " "
	case "busy":
		c, letter = yellow, " "
	}
	made := []block{{v.sentence(width, c, letter, f.Words), sentences, false}}
	for _, r := range f.Troubles {
		if v.tab >= 0 && r.Loop != v.tab {
			continue
		}
		trouble, lasted := v.hello.Troubles[r.Trouble], "for "+spanText(max(f.At-r.Since, 0))
		if r.Words == f.Words { // it is the verdict
			made = append(made, block{v.sentence(width, plain, " ", lasted+": "+trouble.Text), 2, false})
			continue
		}
		made = append(made, block{v.sentence(width, red, "▲", r.Words+", "+lasted), 8, false})
	}
	return made
}

// hues are the colours of phases and activities by their places. The first of each is none:
// asleep, and idle.
var hues = [...]colour{plain, cyan, yellow, magenta, blue, green}

// turn shows the part of the last second in each phase, as a bar and in figures.
func (v *view) turn(width int) []*line {
	shares, measured := v.minute.shares(v.tab)
	letters := lettersOf(v.hello.Phases)
	var items []item
	for i, name := range v.hello.Phases {
		words := name + " –"
		if measured {
			words = name + " " + shareText(shares[i])
		}
		items = append(items, item{hues[i], letters[i], words})
	}
	bar := v.line(width).text("turn ").fill(labelled).text("[")
	cells := max(width-labelled-2, 0)
	for i, n := range parts(shares, cells) {
		if n > 0 {
			bar.text(letters[i+1]).mark(hues[i+1], letters[i+1], n-1)
			cells -= n
		}
	}
	bar.text(strings.Repeat(" ", cells)).text("]")
	return append([]*line{bar}, v.flow(width, labelled, "", items)...)
}

// labelled is where figures begin, behind their name.
const labelled = 8

// parts gives each phase but the first, in which the loop sleeps, its part of the cells. A
// phase that took time has one at least.
func parts(shares [6]float64, cells int) (n [5]int) {
	left := cells
	for i := range n {
		if shares[i+1] <= 0 {
			continue
		}
		n[i] = min(max(int(shares[i+1]*float64(cells)), 1), left)
		left -= n[i]
	}
	return n
}

// lettersOf gives each name the first of its letters that no name before it has.
func lettersOf(names []string) (letters []string) {
	for _, name := range names {
		letter := "?"
		for _, r := range name {
			if s := string(r); !strings.Contains(strings.Join(letters, ""), s) {
				letter = s
				break
			}
		}
		letters = append(letters, letter)
	}
	return letters
}

// An item is a mark with words.
type item struct {
	colour colour
	letter string // "" for words without a mark
	words  string
}

// flow puts items beside and below one another, behind a label.
func (v *view) flow(width, indent int, label string, items []item) (lines []*line) {
	l := v.line(width).text(label).fill(indent)
	begun := false
	for _, it := range items {
		need := v.measure(it.words)
		if it.letter != "" {
			need += 3
		}
		apart := "  "
		if it.letter != "" {
			apart = " " // and the mark
		}
		switch {
		case begun && l.width+len(apart)+need > width:
			lines = append(lines, l)
			l = v.line(width).fill(indent)
		case begun:
			l.text(apart)
		}
		if it.letter != "" {
			l.mark(it.colour, " ", 1).text(it.letter + " ")
		}
		l.text(it.words)
		begun = true
	}
	return append(lines, l)
}
