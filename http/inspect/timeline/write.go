package timeline

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// Processes of the file. A process of a viewer is a group of tracks.
const (
	pidLoop        = 1
	pidConnections = 2
)

// WriteTo writes the file, and ends the timeline: nothing can be added to it any more.
func (b *Builder) WriteTo(to io.Writer) (int64, error) {
	b.finish()
	slices.SortStableFunc(b.events, func(x, y event) int { return compare(&x, &y) })
	lanes := b.assignLanes()
	b.dropHidden()
	b.dropArrows()
	counted := &countingWriter{to: to}
	w := &writer{b: b, w: bufio.NewWriterSize(counted, 64<<10), zero: max(b.summary.from, 0), lanes: lanes}
	for i := range b.events {
		w.zero = min(w.zero, b.events[i].at)
	}
	w.begin()
	w.process(pidLoop, "loop", 1)
	for loop := range b.loops {
		w.track(pidLoop, loop+1, fmt.Sprintf("loop %d", loop), loop)
	}
	if lanes > 0 {
		w.process(pidConnections, "connections"+b.said(), 2)
	}
	order := 1 // of a lane behind the one above
	for _, r := range b.rows {
		order = max(order, int(r.row)+1)
	}
	for lane := range lanes {
		w.track(pidConnections, lane+1, fmt.Sprintf("lane %d", lane+1), lane*order)
	}
	for i, r := range b.rows {
		w.track(pidConnections, lanes+i+1, fmt.Sprintf("lane %d, row %d", r.lane+1, r.row+1), int(r.lane)*order+int(r.row))
	}
	for i := range b.events {
		w.event(&b.events[i])
	}
	w.raw("\n]}\n")
	b.summary.Events = w.lines
	err := w.w.Flush()
	return counted.n, err
}

type countingWriter struct {
	to io.Writer
	n  int64
}

func (c *countingWriter) Write(p []byte) (int, error) {
	n, err := c.to.Write(p)
	c.n += int64(n)
	return n, err
}

// said says which connections are there.
func (b *Builder) said() string {
	switch {
	case b.thin.requests > 1:
		return fmt.Sprintf(", one in %d, and of their requests one in %d", b.thin.connections, b.thin.requests)
	case b.thin.connections > 1:
		return fmt.Sprintf(", one in %d", b.thin.connections)
	}
	return ""
}

// A writer writes lines.
type writer struct {
	b     *Builder
	w     *bufio.Writer
	zero  int64 // the time that is 0 in the file
	lanes int
	lines int
	line  []byte
}

func (w *writer) raw(text string) { w.w.WriteString(text) } // a bufio.Writer keeps its error

// begin writes what is in front of the events.
func (w *writer) begin() {
	b := w.b
	about, _ := json.Marshal(struct { // of strings and numbers, which cannot fail
		Version       string `json:"version"`
		Turns         uint64 `json:"turns"`
		Requests      uint64 `json:"requests"`
		Connections   uint64 `json:"connections"`
		Lost          uint64 `json:"recordsLost"`
		OneIn         uint64 `json:"connectionsOneIn"`
		RequestsOneIn uint64 `json:"requestsOneIn"`
		TurnsOneIn    uint64 `json:"turnsOneIn"`
	}{
		b.hello.Version, b.summary.Turns, b.summary.Requests, b.summary.Connections, b.summary.Lost,
		b.thin.connections, b.thin.requests, b.thin.turns,
	})
	w.raw(`{"displayTimeUnit":"ns","otherData":`)
	w.w.Write(about)
	w.raw(`,"traceEvents":[`)
}

// process and track name a group of tracks, and one of them.
func (w *writer) process(pid int, name string, order int) {
	w.meta("process_name", pid, 0, "name", quoted(name))
	w.meta("process_sort_index", pid, 0, "sort_index", strconv.Itoa(order))
}

func (w *writer) track(pid, tid int, name string, order int) {
	w.meta("thread_name", pid, tid, "name", quoted(name))
	w.meta("thread_sort_index", pid, tid, "sort_index", strconv.Itoa(order))
}

func (w *writer) meta(what string, pid, tid int, key, value string) {
	w.line = fmt.Appendf(w.line[:0], `{"ph":"M","pid":%d,"tid":%d,"name":"%s","args":{"%s":%s}}`, pid, tid, what, key, value)
	w.end()
}

// end writes the line.
func (w *writer) end() {
	separator := ",\n"
	if w.lines == 0 {
		separator = "\n"
	}
	w.raw(separator)
	w.w.Write(w.line)
	w.lines++
}

func quoted(text string) string {
	p, _ := json.Marshal(text) // of a string, which cannot fail
	return string(p)
}
