package inspect

import (
	"fmt"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
)

// The six rules, and the verdict in words.

// findDescriptors: newcomers found no room since the last look, or all room is taken.
func (j *judge) findDescriptors(loops []*figures) (f finding) {
	for i := range loops {
		v := loops[i]
		switch {
		case len(v.rows) >= v.limits.Conns:
			return finding{loop: i, words: fmt.Sprintf("Out of descriptors: %s%d of %d connections are open, so newcomers wait or idle ones make room", on(loops, i), len(v.rows), v.limits.Conns)}
		case noRoom(&v.counters) > j.loops[i].noRoom:
			f = finding{loop: i, words: fmt.Sprintf("Out of descriptors: %snewcomers find no room beside %s", on(loops, i), count(len(v.rows), "open connection"))}
		}
	}
	return f
}

// findHold: a callback took longer than a stall, or a loop does not answer at all.
func (j *judge) findHold(loops []*figures) (f finding) {
	longest := max(j.stall, 1) - 1
	for i := range loops {
		v := loops[i]
		if v.silent > longest {
			longest = v.silent
			f = finding{loop: i, silent: longest, words: fmt.Sprintf("Handler holds the loop: %sno turn for %s", on(loops, i), took(longest))}
		}
		if v.silent == 0 && v.longest > longest {
			longest = v.longest
			by := "a timer or a posted function"
			if v.longestConn != 0 {
				by = j.whose(v.longestConn, v.longestRoute)
			}
			f = finding{
				loop: i, conn: v.longestConn, stale: j.stale(i, v), lasted: longest,
				words: fmt.Sprintf("Handler holds the loop: %s%s took %s", on(loops, i), by, took(longest)),
			}
		}
	}
	return f
}

// stale reports whether a loop has made no frame since the look before.
func (j *judge) stale(i int, v *figures) bool { return v.frame.At == j.loops[i].frameAt }

// findSaturated: a loop hardly slept.
func (j *judge) findSaturated(loops []*figures) (f finding) {
	most := saturatedFrom - 1
	for i := range loops {
		if b := &j.loops[i]; loops[i].silent == 0 && b.share > most {
			most = b.share
			f = finding{loop: i, words: fmt.Sprintf("Saturated: %s%s busy, so each request waits for those before it", on(loops, i), percent(most))}
		}
	}
	return f
}

// findLate: a timer or a deadline ran late, and not because of a handler that holds the
// loop.
func (j *judge) findLate(loops []*figures) (f finding) {
	if j.states[TroubleHolds].shown {
		return f
	}
	late := lateFrom - 1
	for i := range loops {
		if v := loops[i]; v.silent == 0 && v.late > late {
			late = v.late
			f = finding{loop: i, stale: j.stale(i, v), words: fmt.Sprintf("Timers late: %sby up to %s", on(loops, i), took(late))}
		}
	}
	return f
}

// findTakes: an answer is queued, and its peer has taken nothing of it for a while.
func (j *judge) findTakes(loops []*figures) finding {
	var worst struct {
		finding
		quiet time.Duration
		owed  int64
	}
	n := 0
	for i := range loops {
		for r := range loops[i].rows {
			row := &loops[i].rows[r]
			if row.Activity != eventloop.Writing || row.Owed == 0 || row.LeftOut {
				continue
			}
			d := j.owing(connKey{i, row.ID}, row.Owed)
			if quiet := j.at - d.at; quiet >= quietAfter {
				n++
				if quiet > worst.quiet {
					worst.loop, worst.conn, worst.quiet, worst.owed = i, row.ID, quiet, row.Owed
				}
			}
		}
	}
	if n > 0 {
		worst.words = fmt.Sprintf("Peer does not read: %sconnection %d has left %s for %s%s", on(loops, worst.loop), worst.conn, size(worst.owed), took(worst.quiet), others(n))
	}
	return worst.finding
}

// owing notes what a connection owes, and returns since when it has not become less.
func (j *judge) owing(key connKey, owed int64) debt {
	d, ok := j.debts[key]
	if !ok || owed < d.owed {
		d.at = j.at
	}
	d.owed, d.turn = owed, j.turn
	j.debts[key] = d
	return d
}

// findSends: a part of a request is here, and the rest has not come for a while.
func (j *judge) findSends(loops []*figures) finding {
	var worst struct {
		finding
		age time.Duration
	}
	n := 0
	for i := range loops {
		v := loops[i]
		for r := range v.rows {
			row := &v.rows[r]
			if row.Activity != eventloop.Reading || row.LeftOut {
				continue
			}
			if age := j.at - v.offset - row.Since; age >= quietAfter {
				n++
				if age > worst.age {
					worst.loop, worst.conn, worst.age = i, row.ID, age
				}
			}
		}
	}
	if n > 0 {
		worst.words = fmt.Sprintf("Peer sends slowly: %sconnection %d has sent part of a request in %s%s", on(loops, worst.loop), worst.conn, took(worst.age), others(n))
	}
	return worst.finding
}

// verdict returns the level and the sentence.
func (j *judge) verdict() (level, words string) {
	if len(j.troubles) > 0 {
		first := &j.troubles[0]
		return Troubles[first.trouble].ID, first.words
	}
	most, longest := 0, time.Duration(0)
	for i := range j.loops {
		b := &j.loops[i]
		var work, wait int64
		for slot := range looksKept {
			work, wait = work+b.work[slot], wait+b.wait[slot]
			longest = max(longest, b.longest[slot])
		}
		most = max(most, share(work, wait))
	}
	level, words = "healthy", "Healthy"
	if most >= busyFrom {
		level, words = "busy", "Busy"
	}
	which := ""
	if len(j.loops) > 1 {
		which = fmt.Sprintf("the busiest of %d loops is ", len(j.loops))
	}
	return level, fmt.Sprintf("%s: %s%s busy, longest callback %s", words, which, percent(most), took(longest))
}

// whose names a connection, by the route of its request if that is known.
func (j *judge) whose(conn, route uint32) string {
	if route != 0 && int(route) < len(j.routes) && j.routes[route] != "" {
		return fmt.Sprintf("%s on connection %d", j.routes[route], conn)
	}
	return fmt.Sprintf("connection %d", conn)
}

// on names a loop where there are several.
func on(loops []*figures, i int) string {
	if len(loops) == 1 {
		return ""
	}
	return fmt.Sprintf("on loop %d ", i)
}

// others says how many more are in the same trouble.
func others(n int) string {
	if n == 1 {
		return ""
	}
	return ", and " + count(n-1, "other")
}

// count returns a number and its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// percent returns thousandths as percents.
func percent(thousandths int) string { return fmt.Sprintf("%d %%", (thousandths+5)/10) }

// took returns a duration with two digits at least, in ms below a second.
func took(d time.Duration) string {
	ms := float64(d) / float64(time.Millisecond)
	switch {
	case d < 10*time.Millisecond:
		return fmt.Sprintf("%.1f ms", ms)
	case d < time.Second:
		return fmt.Sprintf("%.0f ms", ms)
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%.0f s", d.Seconds())
}

// size returns bytes in a unit that suits.
func size(n int64) string {
	const units = "kMGTPE"
	if n < 1000 {
		return fmt.Sprintf("%d bytes", n)
	}
	x, unit := float64(n)/1000, 0
	for x >= 999.5 && unit+1 < len(units) {
		x, unit = x/1000, unit+1
	}
	s := fmt.Sprintf("%.1f", x)
	if x >= 9.95 {
		s = fmt.Sprintf("%.0f", x)
	}
	return strings.TrimSuffix(s, ".0") + " " + units[unit:unit+1] + "B"
}
