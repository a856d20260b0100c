package inspect

import (
	"runtime/metrics"
	"strconv"
	"time"

	"github.com/bobbin-http/bobbin/http"
)

// The parts of the metrics that are not a loop's: series of requests, the cache of files,
// the process and the Go runtime.

// FileCounters are those of a cache of files since it was made, as static.Files counts
// them.
type FileCounters struct {
	Hits      uint64 // requests for files that were in memory
	Misses    uint64 // questions to the disk
	Evictions uint64
	Bytes     int64 // of memory, now
}

// A Process is what the operating system tells of this process. What it does not tell is
// 0, and left out of the metrics.
type Process struct {
	CPU         time.Duration // in user and in system mode
	Started     time.Time
	Resident    int64 // bytes in RAM
	Virtual     int64 // bytes of address space
	Descriptors int   // open ones
}

// seriesLabels are the labels of metrics of requests.
const seriesLabels = "http_request_method, http_response_status_code, url_scheme, network_protocol_version"

// eachSeries calls write for the requests of all loops together that have the same labels.
func (all *snapshot) eachSeries(write func(one *http.Series, labels []string)) {
	if all.series == nil {
		all.series = mergeSeries(all.loops)
	}
	for i := range all.series {
		one := &all.series[i]
		method, status := one.Method, strconv.Itoa(int(one.Status))
		if one.Other {
			method, status = "_OTHER", "_OTHER"
		}
		write(one, []string{"http_request_method", method, "http_response_status_code", status, "url_scheme", one.Scheme, "network_protocol_version", one.Version})
	}
}

// mergeSeries adds up the series of all loops.
func mergeSeries(loops []*sample) (merged []http.Series) {
	type key struct {
		method, scheme, version string
		status                  http.Status
		other                   bool
	}
	at := make(map[key]int)
	for _, s := range loops {
		if s == nil {
			continue
		}
		for i := range s.series {
			one := &s.series[i]
			k := key{one.Method, one.Scheme, one.Version, one.Status, one.Other}
			to, ok := at[k]
			if !ok {
				at[k] = len(merged)
				merged = append(merged, *one)
				continue
			}
			m := &merged[to]
			for b, n := range one.Duration.Counts {
				m.Duration.Counts[b] += n
			}
			m.Duration.Sum += one.Duration.Sum
			addSizes(&m.RequestBody, &one.RequestBody)
			addSizes(&m.ResponseBody, &one.ResponseBody)
		}
	}
	return merged
}

func addSizes(to, from *http.SizeHistogram) {
	for b, n := range from.Counts {
		to.Counts[b] += n
	}
	to.Sum += from.Sum
}

// sizes writes a histogram of bytes.
func (t *text) sizes(h *http.SizeHistogram, labels []string) {
	var buckets []bucket
	for i, bound := range http.SizeBounds {
		buckets = append(buckets, bucket{float64(bound), h.Counts[i]})
	}
	t.histogram(buckets, h.Counts[len(buckets)], float64(h.Sum), labels...)
}

// fileSums writes a figure of the cache of files, if there is one.
func fileSums(of func(f *FileCounters) uint64) func(*text, *snapshot) {
	return func(t *text, all *snapshot) {
		if all.inspector.config.Files != nil {
			t.count(all.sum(func(s *sample) uint64 { return of(&s.files) }))
		}
	}
}

// ofProcess writes what the system tells of the process.
func ofProcess(of func(p *Process) float64) func(*text, *snapshot) {
	return func(t *text, all *snapshot) {
		ask := all.inspector.config.Process
		if ask == nil {
			return
		}
		if all.process == nil {
			p := ask()
			all.process = &p
		}
		if x := of(all.process); x > 0 {
			t.value(x)
		}
	}
}

// ofRuntime writes a figure of the Go runtime by its name in runtime/metrics.
func ofRuntime(name string) func(*text, *snapshot) {
	return func(t *text, _ *snapshot) {
		one := []metrics.Sample{{Name: name}}
		metrics.Read(one)
		if one[0].Value.Kind() == metrics.KindUint64 {
			t.count(one[0].Value.Uint64())
		}
	}
}
