package inspect

import (
	"slices"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// A frame as it is sent: JSON, written by hand into memory that is used again, because it
// is made ten times a second for each watcher on the loop that serves clients. Its values
// are absolute, so that one that is skipped costs nothing.

const (
	frameMost   = 64 << 10 // bytes
	recordsMost = 400
)

// Flags of a row.
const (
	flagYou = 1 << iota
	flagTLS
	flagFull
	flagPaused
	flagLeftOut
)

// A frame is made of the figures of all loops, first for all watchers, then for each.
type frame struct {
	station *station
	number  uint64
	now     time.Duration // since the first loop was made

	all     []*figures
	judge   judge
	chosen  choices
	rows    connSet
	strip   []uint64 // those that are not chosen: when they were accepted, and the activity
	more    int      // those in neither
	records uint64   // in the figures

	common []byte // what is the same for all watchers
	b      []byte
}

// look takes the figures that the sources show, judges them, and chooses the rows.
func (f *frame) look(s *station) {
	if f.station == nil {
		f.station = s
		f.judge = judge{stall: s.inspector.config.Stall, routes: append([]string{""}, s.inspector.config.Routes...)}
	}
	f.number++
	f.now = s.loop.WallTime().Sub(s.base)
	f.all, f.records = f.all[:0], 0
	for _, source := range s.sources {
		f.all = append(f.all, source.shown)
		fig := source.shown
		f.records += uint64(len(fig.records)) + fig.lost
		if n := len(fig.records); n > 0 {
			f.now = max(f.now, fig.offset+fig.records[n-1].At) // whose stamp is finer than the time of a turn
		}
	}
	f.judge.look(f.now, f.all)
	f.choose()
	f.common = f.appendLoops(f.appendVerdict(f.common[:0]))
}

// at returns the time of the frame by the clock of a loop.
func (f *frame) at(fig *figures) time.Duration { return f.now - fig.offset }

// choose chooses the rows, and puts the other connections into the strip.
func (f *frame) choose() {
	f.chosen, f.strip, f.more = f.chosen[:0], f.strip[:0], 0
	f.rows = connSet{}
	for i := range f.judge.troubles {
		if r := &f.judge.troubles[i]; r.conn != 0 {
			f.rows.add(r.loop, r.conn)
		}
	}
	for _, fig := range f.all {
		for i := range fig.rows {
			c := &fig.rows[i]
			r := rank(c, f.at(fig))
			if f.rows.has(fig.loop, c.ID) && !c.LeftOut {
				r = rankOf(inTrouble, int64(1<<56-1)-int64(c.Accepted))
			}
			f.chosen.offer(choice{r, int32(fig.loop), int32(i)})
		}
	}
	f.chosen.sort()
	f.rows = connSet{}
	for _, c := range f.chosen {
		f.rows.add(int(c.loop), f.all[c.loop].rows[c.row].ID)
	}
	for _, fig := range f.all {
		for i := range fig.rows {
			c := &fig.rows[i]
			switch {
			case c.LeftOut || f.rows.has(fig.loop, c.ID):
			case len(f.strip) == stripMost:
				f.more++
			default:
				f.strip = append(f.strip, uint64(c.Accepted)<<3|uint64(c.Activity))
			}
		}
	}
	slices.Sort(f.strip)
}

// build returns the event for one watcher. It is valid until the next call.
func (f *frame) build(w *watcher) []byte {
	b := append(f.b[:0], "event: frame\ndata: {\"n\":"...)
	b = appendInt(b, f.number)
	b = appendMicros(append(b, `,"t":`...), f.now)
	b = appendInt(append(b, `,"w":`...), f.station.loop.WallTime().UnixMilli())
	b = appendInt(append(b, `,"skip":`...), w.skipped)
	b = appendInt(append(b, `,"gap":`...), w.gap.Milliseconds())
	b = append(b, f.common...)
	b = f.appendRows(b, w)
	b = f.appendStrip(b)
	b = f.appendRecords(b, w)
	f.b = append(b, "}\n\n"...)
	return f.b
}

// appendVerdict appends the verdict, the troubles, and the loops that do not answer.
func (f *frame) appendVerdict(b []byte) []byte {
	b = appendText(append(b, `,"v":[`...), f.judge.level)
	b = appendText(append(b, ','), f.judge.words)
	b = append(b, `],"tr":[`...)
	for i := range f.judge.troubles {
		r := &f.judge.troubles[i]
		b = appendList(separate(b, i), int64(r.trouble), r.since.Milliseconds(), int64(r.loop), int64(r.conn))
		b = appendText(append(b[:len(b)-1], ','), r.words)
		b = append(b, ']')
	}
	b = append(b, `],"held":[`...)
	n := 0
	for _, fig := range f.all {
		if fig.silent >= heldFrom {
			b = appendList(separate(b, n), int64(fig.loop), fig.silent.Milliseconds())
			n++
		}
	}
	return append(b, ']')
}

// heldFrom is how long a loop may leave a station without an answer before it is told.
const heldFrom = time.Second

// appendLoops appends the counters and the gauges of each loop.
func (f *frame) appendLoops(b []byte) []byte {
	b = append(b, `,"c":[`...)
	for i, fig := range f.all {
		c := &fig.counters
		b = appendList(separate(b, i),
			int64(c[eventloop.Turn].N), c[eventloop.Turn].Sum, int64(c[eventloop.Callback].N),
			int64(c.Sum(http.Done2xx, http.Done5xx)), int64(c[eventloop.Accepted].N), int64(c.Closed()), int64(c.Failed()), int64(c[eventloop.Refused].N),
			c[eventloop.Read].Sum, c[eventloop.Wrote].Sum, int64(c[eventloop.ReadNotNow].N+c[eventloop.WriteNotNow].N), int64(c[eventloop.CallbackStalled].N),
			c[eventloop.WaitEnded].Sum, c[eventloop.DispatchEnded].Sum, c[eventloop.PostedEnded].Sum,
			c[eventloop.TimersEnded].Sum, c[eventloop.FlushEnded].Sum, c[eventloop.ReapEnded].Sum)
	}
	b = append(b, `],"g":[`...)
	for i, fig := range f.all {
		var open, owed int64
		var by [eventloop.Activities]int64
		for k := range fig.rows {
			if c := &fig.rows[k]; !c.LeftOut {
				open++
				owed += c.Owed
				by[c.Activity]++
			}
		}
		n := &fig.latest
		turns := n.frame.TurnTimes.Since(&n.before.TurnTimes)
		events := n.frame.Events.Since(&n.before.Events)
		callbacks := n.frame.Callbacks.Since(&n.before.Callbacks)
		b = appendList(separate(b, i), open, by[eventloop.Idle], by[eventloop.Reading], by[eventloop.Handling], by[eventloop.Writing], by[eventloop.Ending],
			owed, int64(n.longest), int64(n.longestConn), f.route(n.longestRoute), int64(n.late),
			turns.Quantile(0.5), int64(n.longestTurn), events.Quantile(0.5), int64(n.mostEvents), callbacks.Quantile(0.5))
	}
	return append(b, ']')
}

// appendRows appends the rows that are chosen.
func (f *frame) appendRows(b []byte, w *watcher) []byte {
	b = append(b, `,"rows":[`...)
	for i, c := range f.chosen {
		fig := f.all[c.loop]
		row, at := &fig.rows[c.row], f.at(fig)
		deadline := int64(-1)
		if row.Deadline > 0 {
			deadline = max(row.Deadline-at, 0).Milliseconds()
		}
		b = appendList(separate(b, i), int64(c.loop), int64(row.ID), int64(row.Activity), int64(row.State), int64(row.Requests), row.Owed,
			deadline, max(at-row.Since, 0).Milliseconds(), f.route(row.Route), flagsOf(row, int(c.loop) == w.loop && row.ID == w.conn),
			max(at-row.Accepted, 0).Milliseconds(), streamsOf(row))
	}
	return append(b, ']')
}

// streamsOf returns ConnInfo.Streams as a number of three bits for each place, the first the lowest.
func streamsOf(c *eventloop.ConnInfo) (n int64) {
	for place, is := range c.Streams {
		n |= int64(is) << (3 * place)
	}
	return n
}

// route returns the place of a route in the greeting: 0, which is none, if the site has
// not told its routes.
func (f *frame) route(n uint32) int64 {
	if int(n) > len(f.station.inspector.config.Routes) {
		return 0
	}
	return int64(n)
}

// flagsOf returns the flags of a row.
func flagsOf(c *eventloop.ConnInfo, you bool) (flags int64) {
	for _, flag := range []struct {
		is   bool
		flag int64
	}{{you, flagYou}, {c.TLS, flagTLS}, {c.Full, flagFull}, {c.Paused, flagPaused}, {c.LeftOut, flagLeftOut}} {
		if flag.is {
			flags |= flag.flag
		}
	}
	return flags
}

// appendStrip appends the other connections, by age, as runs of the same activity.
func (f *frame) appendStrip(b []byte) []byte {
	b = append(b, `,"strip":[`...)
	more, runs := f.more, 0
	for i := 0; i < len(f.strip); {
		activity, from := f.strip[i]&7, i
		for i < len(f.strip) && f.strip[i]&7 == activity {
			i++
		}
		if runs == runsMost || !f.room(b, 30) {
			more += len(f.strip) - from
			break
		}
		b = appendList(separate(b, runs), int64(activity), int64(i-from))
		runs++
	}
	return appendInt(append(b, `],"more":`...), more)
}

// room reports whether there is room for n more bytes, and for the end.
func (f *frame) room(b []byte, n int) bool { return len(b)+n+100 <= frameMost }

// appendRecords appends the latest records of the loops and of the connections in rows, by
// loop, the oldest first. Each loop has an equal part.
func (f *frame) appendRecords(b []byte, w *watcher) []byte {
	b = append(b, `,"rec":[`...)
	shown := 0
	for i, fig := range f.all {
		from := f.firstRecord(fig, (recordsMost-shown)/(len(f.all)-i))
		at := f.at(fig)
		for _, r := range fig.records[from:] {
			if !f.shows(fig, &r) || !f.room(b, 100) {
				continue
			}
			b = appendList(separate(b, shown), max(at-r.At, 0).Microseconds(), int64(r.Kind), int64(fig.loop), int64(r.Conn), int64(r.Request), r.Arg)
			shown++
		}
	}
	return appendInt(append(b, `],"lost":`...), f.records+w.missed-uint64(shown))
}

// firstRecord returns where the latest records of a loop begin, of which n are shown.
func (f *frame) firstRecord(fig *figures, n int) int {
	i := len(fig.records)
	for i > 0 && n > 0 {
		i--
		if f.shows(fig, &fig.records[i]) {
			n--
		}
	}
	return i
}

func (f *frame) shows(fig *figures, r *eventloop.Record) bool {
	return r.Conn == 0 || f.rows.has(fig.loop, r.Conn)
}
