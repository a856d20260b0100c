package main

import (
	"encoding/json"
	"os"
	"slices"
	"testing"
	"time"
)

// TestBrowserMeasuresThePage measures what the inspector's page costs its browser, with
// 1,000 idle connections: script and tasks from a trace, in time of the processor, and the
// heap after a collection. It judges nothing, because the machine that runs it is any:
//
//	BOBBIN_MEASURE=10s go test ./cmd/bobbin -run BrowserMeasures -v
//
// The aims are 4 ms of script for 95 of 100 frames, no task above 50 ms, and after ten
// minutes (BOBBIN_MEASURE=10m) the heap of the second minute.
func TestBrowserMeasuresThePage(t *testing.T) {
	t.Parallel()
	span, err := time.ParseDuration(os.Getenv("BOBBIN_MEASURE"))
	if err != nil {
		t.Skip("BOBBIN_MEASURE, which says how long, is not set to a duration")
	}
	p := start(t, "")
	idleClients(t, p, 1000)
	tab := xrayed(t, p)
	tab.until("the lanes have a past", `minute.last > 100`)
	const traced = 10 * time.Second
	t.Log(tab.heap())
	tab.call("Tracing.start", map[string]any{"transferMode": "ReportEvents", "traceConfig": map[string]any{
		"includedCategories": []string{"devtools.timeline", "disabled-by-default-devtools.timeline", "toplevel"}, "recordMode": "recordAsMuchAsPossible"}}, nil)
	<-time.After(min(span, traced))
	tab.call("Tracing.end", nil, nil)
	for !tab.reported("Tracing.tracingComplete") {
		tab.text("1") // until its answer is here, what was said before it is
	}
	script, longest := tab.costs()
	if len(script) == 0 {
		t.Fatal("the trace has no script")
	}
	t.Logf("script in a tenth of a second: median %.1f ms, p95 %.1f ms, most %.1f ms; longest task %.1f ms",
		script[len(script)/2], script[len(script)*95/100], script[len(script)-1], longest)
	for end := time.Now().Add(span - traced); time.Now().Before(end); {
		<-time.After(min(time.Minute, time.Until(end)))
		t.Log(tab.heap())
	}
}

// heap tells the size of the page's heap and how many nodes it has.
func (p *tab) heap() string {
	p.call("HeapProfiler.collectGarbage", nil, nil)
	var got struct {
		Metrics []struct {
			Name  string
			Value float64
		}
	}
	p.call("Performance.getMetrics", nil, &got)
	said := make(map[string]float64)
	for _, m := range got.Metrics {
		if slices.Contains([]string{"JSHeapUsedSize", "Nodes"}, m.Name) {
			said[m.Name] = m.Value
		}
	}
	raw, _ := json.Marshal(said)
	return string(raw)
}

// reported says whether there was such an event.
func (p *tab) reported(method string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.ContainsFunc(p.events, func(e event) bool { return e.Method == method })
}

// A traced is an event of a trace, in microseconds.
type traced struct {
	Name          string
	Ts, Dur, Tdur float64
	Tid           int
}

// costs sums up the script of each tenth of a second, sorted, and finds the longest task,
// in milliseconds of the thread that runs the script.
func (p *tab) costs() (script []float64, longest float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []traced
	threads := make(map[int]int)
	for _, e := range p.events {
		var piece struct{ Value []traced }
		if e.Method != "Tracing.dataCollected" || json.Unmarshal(e.Params, &piece) != nil {
			continue
		}
		all = append(all, piece.Value...)
	}
	for _, e := range all {
		if e.Name == "FunctionCall" {
			threads[e.Tid]++
		}
	}
	page := 0
	for thread, n := range threads {
		if n > threads[page] {
			page = thread
		}
	}
	slices.SortFunc(all, func(a, b traced) int { return int(a.Ts - b.Ts) })
	tenths, end := make(map[int]float64), 0.0
	for _, e := range all {
		switch {
		case e.Tid != page:
		case e.Name == "RunTask" || e.Name == "ThreadControllerImpl::RunTask":
			longest = max(longest, e.Tdur/1000)
		case e.Name == "FunctionCall" && e.Ts >= end: // one within another counts once
			end = e.Ts + e.Dur
			tenths[int(e.Ts/100_000)] += e.Tdur / 1000
		}
	}
	for _, ms := range tenths {
		script = append(script, ms)
	}
	slices.Sort(script)
	return script, longest
}
