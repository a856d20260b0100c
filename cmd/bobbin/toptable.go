package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/http/inspect/feed"
)

// The figures of bobbin top: sparklines, sums, what connections do, and the most important
// of them.

// sparklines shows lag, turn and events per wait: figures of the last second, and a bar for
// each second before.
func (v *view) sparklines(width int) (lines []*line) {
	seconds := v.minute.seconds
	times, events := scale{1e3, 1e10}, scale{1, 1e4}
	nanos := func(n float64) string { return nanosText(time.Duration(n)) }
	for _, row := range []struct {
		name string
		scale
		write     func(float64) string
		mid, most func(figuresOf) float64 // mid may be nil
	}{
		{"turn", times, nanos, func(f figuresOf) float64 { return f.turn }, func(f figuresOf) float64 { return f.turnMost }},
		{"held", times, nanos, func(f figuresOf) float64 { return f.held }, func(f figuresOf) float64 { return f.heldMost }},
		{"lag", times, nanos, nil, func(f figuresOf) float64 { return f.late }},
		{"events per wait", events, countText, func(f figuresOf) float64 { return f.events }, func(f figuresOf) float64 { return f.eventsMost }},
	} {
		now := seconds[len(seconds)-1].figures(v.tab)
		if len(seconds) > 1 && row.most(now) == 0 {
			now = seconds[len(seconds)-2].figures(v.tab) // it has just begun
		}
		most := row.most(now)
		l := v.line(width).text(row.name).fill(17)
		if row.mid != nil {
			l.text("p50 ").text(orDash(min(row.mid(now), most), row.write))
		}
		l.fill(30).text("max ").text(orDash(most, row.write)).fill(43)
		n := min(len(seconds), width-l.width)
		for _, s := range seconds[len(seconds)-max(n, 0):] {
			l.text(string(row.bar(row.most(s.figures(v.tab)))))
		}
		lines = append(lines, l)
	}
	return lines
}

// orDash writes a figure, or that there is none.
func orDash(n float64, write func(float64) string) string {
	if n <= 0 {
		return "–"
	}
	return write(n)
}

// sums shows what the loops have done in the last second.
func (v *view) sums(f *feed.Frame, width int) []*line {
	per := func(of func(*feed.Loop) float64) float64 { return v.minute.rate(v.tab, of) }
	sum := func(of func(*feed.Loop) float64) float64 { return total(f, v.tab, of) }
	return v.flow(width, labelled, "", []item{
		{words: "requests " + countText(per(func(l *feed.Loop) float64 { return float64(l.Requests) })) + "/s"},
		{words: "turns " + countText(per(func(l *feed.Loop) float64 { return float64(l.Turns) })) + "/s"},
		{words: "read " + bytesText(per(func(l *feed.Loop) float64 { return float64(l.BytesRead) })) + "/s"},
		{words: "written " + bytesText(per(func(l *feed.Loop) float64 { return float64(l.BytesWritten) })) + "/s"},
		{words: "owed " + bytesText(sum(func(l *feed.Loop) float64 { return float64(l.Owed) }))},
		{words: "ended badly " + countText(sum(func(l *feed.Loop) float64 { return float64(l.Failed) }))},
		{words: "refused " + countText(sum(func(l *feed.Loop) float64 { return float64(l.Refused) }))},
		{words: "stalls " + countText(sum(func(l *feed.Loop) float64 { return float64(l.Stalls) }))},
	})
}

// eachLoop shows how busy each of several loops is, or since when it does not answer.
func (v *view) eachLoop(f *feed.Frame, width int) []*line {
	if len(f.Loops) < 2 {
		return nil
	}
	var items []item
	for i := range f.Loops {
		words := fmt.Sprintf("%d: ", i)
		held := slices.IndexFunc(f.Held, func(h feed.Held) bool { return h.Loop == i })
		shares, measured := v.minute.shares(i)
		switch {
		case held >= 0:
			words += "no answer for " + spanText(f.Held[held].For)
		case measured:
			words += shareText(1-shares[0]) + " busy"
		default:
			words += "–"
		}
		items = append(items, item{words: words})
	}
	return v.flow(width, labelled, "loops", items)
}

// activities shows how many connections do what.
func (v *view) activities(f *feed.Frame, width int) []*line {
	items := []item{{words: nounText(int(total(f, v.tab, func(l *feed.Loop) float64 { return float64(l.Open) })), "connection")}}
	for i, n := range activityCounts(f, v.tab) {
		word := v.hello.Activities[i]
		items = append(items, item{hues[i], word.Letter, word.ID + " " + countText(n)})
	}
	return v.flow(width, 0, "", items)
}

// activityCounts returns how many connections are in each activity, by its place.
func activityCounts(f *feed.Frame, tab int) (n [5]float64) {
	for i, of := range []func(*feed.Loop) int{
		func(l *feed.Loop) int { return l.Idle }, func(l *feed.Loop) int { return l.Reading }, func(l *feed.Loop) int { return l.Handling },
		func(l *feed.Loop) int { return l.Writing }, func(l *feed.Loop) int { return l.Closing },
	} {
		n[i] = total(f, tab, func(l *feed.Loop) float64 { return float64(of(l)) })
	}
	return n
}

// rowsOf returns the connections of the loop that is shown, the most important first. Those
// that watch come last.
func (v *view) rowsOf(f *feed.Frame) []feed.Row {
	var clients, watchers []feed.Row
	for _, r := range f.Rows {
		switch {
		case v.tab >= 0 && r.Loop != v.tab:
		case r.Flags&feed.LeftOut != 0:
			watchers = append(watchers, r)
		default:
			clients = append(clients, r)
		}
	}
	return append(clients, watchers...)
}

// forAtLeast is the width from which the table has the time in an activity.
const forAtLeast = 66

// table shows so many connections, behind the names of its columns.
func (v *view) table(f *feed.Frame, width, most int) []*line {
	rows := v.rowsOf(f)
	head := v.line(width).fill(3).right("number", 9).right("requests", 10).right("owed", 9).right("deadline", 10)
	if width >= forAtLeast {
		head.right("for", 9)
	}
	head.text("  route")
	open := int(total(f, v.tab, func(l *feed.Loop) float64 { return float64(l.Open) }))
	if shown := min(len(rows), most); shown < open {
		head.text(fmt.Sprintf("   (%d of %s)", shown, countText(float64(open))))
	}
	lines := []*line{head}
	if len(rows) == 0 {
		return append(lines, v.line(width).fill(3).text("no connections"))
	}
	for _, r := range rows[:min(len(rows), most)] {
		lines = append(lines, v.row(&r, width))
	}
	return lines
}

// row shows a connection.
func (v *view) row(r *feed.Row, width int) *line {
	number := fmt.Sprint(r.Conn)
	if v.hello.Loops > 1 {
		number = fmt.Sprintf("%d/%d", r.Loop, r.Conn)
	}
	deadline := "–"
	if r.Deadline >= 0 {
		deadline = spanText(r.Deadline)
	}
	l := v.line(width).mark(hues[r.Activity], " ", 1).text(v.hello.Activities[r.Activity].Letter).fill(3)
	l.right(number, 9).right(countText(float64(r.Requests)), 10).right(bytesText(float64(r.Owed)), 9).right(deadline, 10)
	if width >= forAtLeast {
		l.right(spanText(r.Since), 9)
	}
	return l.text("  ").text(v.about(r))
}

// about says what else is known of a connection.
func (v *view) about(r *feed.Row) string {
	var words []string
	if r.Flags&feed.You != 0 {
		words = append(words, "this is you")
	}
	if r.Route != 0 {
		words = append(words, v.hello.Routes[r.Route])
	}
	if state := v.hello.States[r.State]; state != "open" && state != v.hello.Activities[r.Activity].ID {
		words = append(words, state)
	}
	if r.Flags&feed.LeftOut != 0 {
		return strings.Join(append(words, "left out of all figures"), ", ")
	}
	for _, flag := range []struct {
		flag  feed.Flags
		words string
	}{{feed.TLS, "TLS"}, {feed.Full, "back-pressure"}, {feed.Paused, "paused"}} {
		if r.Flags&flag.flag != 0 {
			words = append(words, flag.words)
		}
	}
	return strings.Join(words, ", ")
}

// summary is the whole state in one line, for what is no screen.
func (v *view) summary() string {
	f := v.frame()
	words, stale := v.state()
	if f == nil || stale {
		if v.lost != "" {
			words += ": " + v.lost
		}
		return v.cleaned(words)
	}
	b := f.Words
	for _, r := range f.Troubles {
		if r.Words != f.Words {
			b += "; " + r.Words
		}
	}
	b += "; " + connectionsText(activityCounts(f, -1), func(i int) string { return v.hello.Activities[i].ID })
	requests := v.minute.rate(-1, func(l *feed.Loop) float64 { return float64(l.Requests) })
	owed := total(f, -1, func(l *feed.Loop) float64 { return float64(l.Owed) })
	return v.cleaned(f.Wall.Format("15:04:05 ") + b + fmt.Sprintf("; %s requests/s; %s owed", countText(requests), bytesText(owed)))
}
