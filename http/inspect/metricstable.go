package inspect

import (
	"runtime"
	"strconv"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// All metrics, in one table: the page that Prometheus reads, and the table in
// docs/watching.md, are made from it. Names of requests are those of OpenTelemetry, so that
// dashboards are at hand. No label comes from a client.

// A family is one metric with all its labels.
type family struct {
	name   string // with "_total" if it is a counter
	kind   string // counter, gauge, histogram or info
	labels string // their names, for the docs
	help   string
	timed  bool // needs time stamps
	write  func(t *text, s *snapshot)
}

// timedHelp is in the help of metrics that need time stamps.
const timedHelp = " Time stamps are taken from the first scrape until a minute without one; in between, it stands still."

func (f *family) fullHelp() string {
	if f.timed {
		return f.help + timedHelp
	}
	return f.help
}

// A snapshot is what one page is made of.
type snapshot struct {
	inspector *Inspector
	loops     []*sample   // by number; nil for a loop that has never answered
	said      []loopState // to this scrape; if it has not answered, its sample is older

	series  []http.Series // of all loops, when they were asked for
	process *Process      // likewise
}

// write appends the page.
func (s *snapshot) write(p []byte, open bool) []byte {
	t := &text{open: open, p: p}
	for i := range families {
		before := len(t.p)
		t.head(&families[i])
		head := len(t.p)
		families[i].write(t, s)
		if len(t.p) == head { // nothing to tell
			t.p = t.p[:before]
		}
	}
	if open {
		t.p = append(t.p, "# EOF\n"...)
	}
	return t.p
}

// sums writes one value for all loops together.
func sums(of func(s *sample) uint64, labels ...string) func(*text, *snapshot) {
	return func(t *text, all *snapshot) { t.count(all.sum(of), labels...) }
}

func (all *snapshot) sum(of func(s *sample) uint64) (n uint64) {
	for _, s := range all.loops {
		if s != nil {
			n += of(s)
		}
	}
	return n
}

// perLoop writes something for each loop, with its label.
func perLoop(write func(t *text, s *sample, loop string)) func(*text, *snapshot) {
	return func(t *text, all *snapshot) {
		for number, s := range all.loops {
			if s != nil {
				write(t, s, strconv.Itoa(number))
			}
		}
	}
}

// records counts the records of some kinds.
func records(kinds ...eventloop.Kind) func(*sample) uint64 {
	return func(s *sample) (n uint64) {
		for _, kind := range kinds {
			n += s.counters[kind].N
		}
		return n
	}
}

// argsOf sums up the Arg of a kind of records.
func argsOf(kind eventloop.Kind) func(*sample) uint64 {
	return func(s *sample) uint64 { return uint64(s.counters[kind].Sum) }
}

// families are all metrics.
var families = []family{
	{"http_server_requests_total", "counter", "class",
		"Requests that were answered, by the first digit of the status.", false,
		func(t *text, all *snapshot) {
			for i, class := range []string{"2xx", "3xx", "4xx", "5xx"} {
				t.count(all.sum(records(http.Done2xx+eventloop.Kind(i))), "class", class)
			}
		}},
	{"http_server_active_requests", "gauge", "url_scheme",
		"Requests that a handler has.", false,
		func(t *text, all *snapshot) {
			for i, scheme := range []string{"http", "https"} {
				t.count(all.sum(func(s *sample) uint64 { return uint64(s.active[i]) }), "url_scheme", scheme)
			}
		}},
	{"http_server_request_duration_seconds", "histogram", seriesLabels,
		"Time from a complete head until all of the answer was queued.", true,
		func(t *text, all *snapshot) {
			all.eachSeries(func(one *http.Series, labels []string) {
				var buckets []bucket
				for i, bound := range http.DurationBounds {
					buckets = append(buckets, bucket{bound.Seconds(), one.Duration.Counts[i]})
				}
				t.histogram(buckets, one.Duration.Counts[len(buckets)], one.Duration.Sum.Seconds(), labels...)
			})
		}},
	{"http_server_request_body_size_bytes", "histogram", seriesLabels,
		"Bodies of requests.", true,
		func(t *text, all *snapshot) {
			all.eachSeries(func(one *http.Series, labels []string) { t.sizes(&one.RequestBody, labels) })
		}},
	{"http_server_response_body_size_bytes", "histogram", seriesLabels,
		"Bodies of answers.", true,
		func(t *text, all *snapshot) {
			all.eachSeries(func(one *http.Series, labels []string) { t.sizes(&one.ResponseBody, labels) })
		}},
	{"bobbin_ratelimited_total", "counter", "",
		"Requests that were answered by 429, for --limit-rate.", false,
		func(t *text, all *snapshot) {
			if all.inspector.config.Limited != nil {
				t.count(all.sum(func(s *sample) uint64 { return s.limited }))
			}
		}},

	{"bobbin_connections", "gauge", "state",
		"Open connections, by what they do. Those that watch the server are left out of this and of all counters.", false,
		func(t *text, all *snapshot) {
			for activity := range eventloop.Activities {
				t.count(all.sum(func(s *sample) uint64 { return uint64(s.states[activity]) }), "state", activity.String())
			}
		}},
	{"bobbin_connections_limit", "gauge", "",
		"Connections that may be open at once.", false,
		sums(func(s *sample) uint64 { return uint64(s.limit) })},
	{"bobbin_connections_accepted_total", "counter", "",
		"Connections that were accepted.", false,
		sums(records(eventloop.Accepted))},
	{"bobbin_connections_closed_total", "counter", "reason",
		"Connections that have ended.", false,
		func(t *text, all *snapshot) {
			for kind := eventloop.ClosedDone; kind <= eventloop.LeftLoop; kind++ {
				t.count(all.sum(records(kind)), "reason", all.inspector.servers[0].Loop().KindInfo(kind).Name)
			}
		}},
	{"bobbin_connections_refused_total", "counter", "",
		"Newcomers that were reset, because their client holds all that it may.", false,
		sums(records(eventloop.Refused))},
	{"bobbin_accept_errors_total", "counter", "reason",
		"Newcomers that could not be accepted at once.", false,
		func(t *text, all *snapshot) {
			exhausted := all.sum(func(s *sample) uint64 {
				failed := s.counters[eventloop.AcceptFailed]
				return 2*failed.N - uint64(failed.Sum)
			})
			t.count(exhausted, "reason", "descriptors")
			t.count(all.sum(records(eventloop.AcceptPaused)), "reason", "connections")
			t.count(all.sum(records(eventloop.AcceptFailed))-exhausted, "reason", "other")
		}},
	{"bobbin_write_blocked_connections", "gauge", "",
		"Connections that owe more than the high-water mark, and are not read from.", false,
		sums(func(s *sample) uint64 { return uint64(s.blocked) })},
	{"bobbin_received_bytes_total", "counter", "",
		"Bytes that were read from connections, before decryption.", false,
		sums(argsOf(eventloop.Read))},
	{"bobbin_sent_bytes_total", "counter", "",
		"Bytes that were written to connections, after encryption.", false,
		sums(argsOf(eventloop.Wrote))},
	{"bobbin_buffers_bytes", "gauge", "kind",
		"Memory in use: queued output, what workers prepare for it, bodies of requests, TLS handshakes.", false,
		func(t *text, all *snapshot) {
			t.count(all.sum(func(s *sample) uint64 { return uint64(s.gauges.Owed) }), "kind", "output")
			t.count(all.sum(func(s *sample) uint64 { return uint64(s.gauges.Reserved) }), "kind", "reserved")
			t.count(all.sum(func(s *sample) uint64 { return uint64(s.bodies) }), "kind", "bodies")
			t.count(all.sum(func(s *sample) uint64 { return uint64(s.gauges.HandshakeBytes) }), "kind", "handshakes")
		}},
	{"bobbin_tls_handshakes_total", "counter", "resumed",
		"TLS handshakes that succeeded.", false,
		func(t *text, all *snapshot) {
			t.count(all.sum(records(eventloop.TLSHandshake)), "resumed", "false")
			t.count(all.sum(records(eventloop.TLSResumed)), "resumed", "true")
		}},
	{"bobbin_tls_handshakes_pending", "gauge", "",
		"TLS handshakes that are under way.", false,
		sums(func(s *sample) uint64 { return uint64(s.gauges.Handshakes) })},

	{"bobbin_workers", "gauge", "state",
		"Workers: busy ones, and those that hang and were replaced.", false,
		func(t *text, all *snapshot) {
			t.count(all.sum(func(s *sample) uint64 { return uint64(s.gauges.Workers) }), "state", "busy")
			t.count(all.sum(func(s *sample) uint64 { return uint64(s.gauges.WorkersLost) }), "state", "lost")
		}},
	{"bobbin_jobs_waiting", "gauge", "",
		"Jobs that wait for a worker.", false,
		sums(func(s *sample) uint64 { return uint64(s.gauges.Jobs) })},
	{"bobbin_handlers_off_loop", "gauge", "",
		"Handlers that run on goroutines of their own.", false,
		sums(func(s *sample) uint64 { return uint64(s.gauges.Tasks) })},
	{"bobbin_streams_reset_total", "counter", "",
		"Streams of HTTP/2 that were reset, by their client or by the server.", false,
		sums(records(http.StreamReset))},
	{"bobbin_panics_total", "counter", "",
		"Panics of protocols and handlers that ended a connection.", false,
		sums(records(eventloop.Panicked))},
	{"bobbin_file_cache_hits_total", "counter", "",
		"Requests for files that were found in memory.", false, fileSums(func(f *FileCounters) uint64 { return f.Hits })},
	{"bobbin_file_cache_misses_total", "counter", "",
		"Questions to the disk, for files that were not in memory or had to be checked.", false, fileSums(func(f *FileCounters) uint64 { return f.Misses })},
	{"bobbin_file_cache_evictions_total", "counter", "",
		"Files that made room in memory for others.", false, fileSums(func(f *FileCounters) uint64 { return f.Evictions })},
	{"bobbin_file_cache_bytes", "gauge", "",
		"Memory that files take.", false, fileSums(func(f *FileCounters) uint64 { return uint64(f.Bytes) })},

	{"bobbin_loop_up", "gauge", "loop",
		"1 if the loop has answered within a second. If a handler holds it, or it has ended, this is 0, and its other metrics are as they were.", false,
		func(t *text, all *snapshot) {
			for number, is := range all.said {
				up := uint64(0)
				if is == loopAnswered {
					up = 1
				}
				t.count(up, "loop", strconv.Itoa(number))
			}
		}},
	{"bobbin_loop_turns_total", "counter", "loop",
		"Turns of the loop.", false,
		perLoop(func(t *text, s *sample, loop string) { t.count(s.counters[eventloop.Turn].N, "loop", loop) })},
	{"bobbin_loop_events_total", "counter", "loop",
		"Events that the kernel has reported.", false,
		perLoop(func(t *text, s *sample, loop string) { t.count(uint64(s.counters[eventloop.Turn].Sum), "loop", loop) })},
	{"bobbin_loop_stalls_total", "counter", "loop",
		"Callbacks that held the loop longer than the watchdog allows, 100 ms.", false,
		perLoop(func(t *text, s *sample, loop string) { t.count(s.counters[eventloop.CallbackStalled].N, "loop", loop) })},
	{"bobbin_loop_events_per_wait", "histogram", "loop",
		"Events that one wait has returned.", true,
		perLoop(func(t *text, s *sample, loop string) { t.loopCounts(&s.times.Events, "loop", loop) })},
	{"bobbin_loop_time_seconds_total", "counter", "loop, phase",
		"Time in each phase of the turn; wait is the time asleep.", true,
		perLoop(func(t *text, s *sample, loop string) {
			for phase, ns := range phaseTimes(&s.counters) {
				t.value(float64(ns)/1e9, "loop", loop, "phase", Phases[phase].ID)
			}
		})},
	{"bobbin_loop_turn_seconds", "histogram", "loop",
		"Time of a turn, without its wait.", true,
		perLoop(func(t *text, s *sample, loop string) { t.loopTimes(&s.times.TurnTimes, "loop", loop) })},
	{"bobbin_loop_lag_seconds", "histogram", "loop",
		"Time from the moment a timer was due until it ran.", true,
		perLoop(func(t *text, s *sample, loop string) { t.loopTimes(&s.times.Lags, "loop", loop) })},

	{"bobbin_build_info", "info", "version, goversion, goos",
		"What runs here.", false,
		func(t *text, all *snapshot) {
			t.count(1, "version", all.inspector.config.Version, "goversion", runtime.Version(), "goos", runtime.GOOS)
		}},
	{"process_cpu_seconds_total", "counter", "",
		"Processor time of the process, in user and in system mode.", false,
		ofProcess(func(p *Process) float64 { return p.CPU.Seconds() })},
	{"process_start_time_seconds", "gauge", "",
		"When the process started, in seconds since 1970.", false,
		ofProcess(func(p *Process) float64 { return float64(p.Started.UnixMilli()) / 1e3 })},
	{"process_resident_memory_bytes", "gauge", "",
		"Memory of the process that is in RAM; on Linux.", false,
		ofProcess(func(p *Process) float64 { return float64(p.Resident) })},
	{"process_virtual_memory_bytes", "gauge", "",
		"Address space of the process; on Linux.", false,
		ofProcess(func(p *Process) float64 { return float64(p.Virtual) })},
	{"process_open_fds", "gauge", "",
		"Descriptors that are open; on Linux.", false,
		ofProcess(func(p *Process) float64 { return float64(p.Descriptors) })},
	{"process_max_fds", "gauge", "",
		"Descriptors that may be open.", false,
		func(t *text, _ *snapshot) { t.count(uint64(bobbin.Descriptors())) }},
	{"go_goroutines", "gauge", "",
		"Goroutines of the process.", false, ofRuntime("/sched/goroutines:goroutines")},
	{"go_memory_bytes", "gauge", "",
		"Memory that the Go runtime has taken from the system.", false, ofRuntime("/memory/classes/total:bytes")},
	{"go_heap_objects_bytes", "gauge", "",
		"Memory of objects on the heap, dead ones that are not yet collected included.", false, ofRuntime("/memory/classes/heap/objects:bytes")},
	{"go_gc_cycles_total", "counter", "",
		"Collections of garbage.", false, ofRuntime("/gc/cycles/total:gc-cycles")},
}
