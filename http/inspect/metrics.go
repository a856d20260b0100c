package inspect

import (
	"strings"
	"sync/atomic"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// The metrics: each loop takes a sample of its own figures when it is asked to, and the
// loop that was asked writes all of them. Watching is work, so the connection of a scrape
// is left out of all counters.

// meterStays is how long after the last scrape a loop goes on to stamp times.
const meterStays = time.Minute

// A sample is what the metrics tell of one loop at one moment. It is not changed any more
// when it is published.
type sample struct {
	counters eventloop.Counters
	gauges   eventloop.Gauges
	bodies   int64 // bytes of request bodies in memory
	limit    int   // of connections

	states  [eventloop.Activities]int // connections by what they do, without those that are left out
	active  [2]int                    // requests that a handler has, over plain HTTP and over TLS
	blocked int                       // connections above the high-water mark

	times eventloop.Histograms

	series  []http.Series
	files   FileCounters
	limited uint64 // of the first loop only
}

// A meter takes the samples of one loop. Most of it belongs to the loop's
// goroutine.
type meter struct {
	inspector *Inspector
	number    int
	server    *http.Server

	// For any goroutine.
	published atomic.Pointer[sample] // the latest

	stop func() // ends timing; nil while the loop takes no times for metrics
	last time.Duration
	rows []eventloop.ConnInfo
}

// take publishes a sample.
func (m *meter) take() {
	l := m.server.Loop()
	m.last = l.Uptime()
	m.begin(l)
	s := &sample{
		counters: l.Counters(), gauges: l.Gauges(), bodies: m.server.Gauges().Bodies, limit: l.Limits().Conns,
		times: l.Histograms(), series: m.server.Durations(nil),
	}
	m.rows = connections(l, m.rows[:0])
	for i := range m.rows {
		s.count(&m.rows[i])
	}
	if f := m.inspector.config.Files; f != nil {
		s.files = f(m.number)
	}
	if f := m.inspector.config.Limited; f != nil && m.number == 0 {
		s.limited = f()
	}
	m.published.Store(s)
}

// count counts one connection.
func (s *sample) count(row *eventloop.ConnInfo) {
	if row.LeftOut {
		return
	}
	s.states[row.Activity]++
	if row.Full {
		s.blocked++
	}
	scheme := 0
	if row.TLS {
		scheme = 1
	}
	s.active[scheme] += int(row.Handled)
}

// begin has the loop stamp times, until there was no scrape for a while.
func (m *meter) begin(l *eventloop.Loop) {
	if m.stop != nil {
		return
	}
	m.stop = l.StartTiming()
	var check func()
	check = func() {
		l.LeaveOut()
		if rest := m.last + meterStays - l.Uptime(); rest > 0 {
			l.After(rest, check)
			return
		}
		m.stop()
		m.stop, m.rows = nil, nil
	}
	l.After(meterStays, check)
}

// metrics answers /-/metrics.
func (v *visit) metrics() error {
	i := v.inspector
	open := prefersOpenMetrics(accepted(v.r))
	take := func(number int) { i.meters[number].take() }
	return v.askAll(take, func(w *http.Response, said []loopState) error {
		s := snapshot{inspector: i, said: said}
		for number := range i.servers {
			s.loops = append(s.loops, i.meters[number].published.Load())
		}
		kind := "text/plain; version=0.0.4; charset=utf-8"
		if open {
			kind = "application/openmetrics-text; version=1.0.0; charset=utf-8"
		}
		w.Add("Content-Type", kind)
		return w.WriteNoCopy(s.write(nil, open))
	})
}

// accepted returns the Accept fields of a request.
func accepted(r *http.Request) (fields []string) {
	for name, value := range r.Headers() {
		if negotiate.EqualFold(name, "accept") {
			fields = append(fields, value)
		}
	}
	return fields
}

// prefersOpenMetrics reports whether a client takes OpenMetrics 1.0 rather than the text
// of Prometheus, by its Accept fields (RFC 9110 section 12.5.1). That has the second place
// if both are as welcome, and is what clients get that want neither.
func prefersOpenMetrics(fields []string) bool {
	open, text, textIs := 0, 0, 0
	for element := range strings.SplitSeq(strings.Join(fields, ","), ",") {
		kind, q, version := readRange(element)
		exact := 0
		switch kind {
		case "application/openmetrics-text":
			if version == "" || version == "1.0.0" {
				open = max(open, q)
			}
		case "text/plain":
			exact = 3
		case "text/*":
			exact = 2
		case "*/*":
			exact = 1
		}
		if exact > textIs || exact == textIs && exact > 0 && q > text {
			text, textIs = q, exact
		}
	}
	return open > 0 && open >= text
}

// readRange reads a media range, such as "text/plain;version=0.0.4;q=0.5".
func readRange(element string) (kind string, q int, version string) {
	kind, parameters, _ := strings.Cut(element, ";")
	q = 1000
	for p := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		switch strings.ToLower(name) {
		case "q":
			q = thousandths(value)
		case "version":
			version = strings.Trim(value, `"`)
		}
	}
	return strings.ToLower(strings.TrimSpace(kind)), q, version
}

// thousandths reads a weight; one that is malformed counts as 0 (RFC 9110 section 12.4.2).
func thousandths(s string) int {
	whole, part, _ := strings.Cut(strings.TrimSpace(s), ".")
	if len(part) > 3 || strings.Trim(part, "0123456789") != "" {
		return 0
	}
	q := 0
	for i := range 3 {
		q *= 10
		if i < len(part) {
			q += int(part[i] - '0')
		}
	}
	switch whole {
	case "0":
		return q
	case "1":
		if q == 0 {
			return 1000
		}
	}
	return 0
}
