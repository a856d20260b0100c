package load

import (
	"math/bits"
	"time"
)

// A histogram counts times in buckets that widen with the time, like HdrHistogram:
// each power of two is divided into 128, so that results are at most 0.8 % too large,
// from a nanosecond to centuries. Its size is fixed, and counting allocates nothing.
type histogram struct {
	counts [58 << fineness]int64
	total  int64
	worst  time.Duration
}

const fineness = 7 // bits of a time that are kept below its highest

// bucket returns the bucket of a time. Below 256 ns each has a bucket to itself.
func bucket(d time.Duration) int {
	n := uint64(max(d, 0))
	shift := max(0, bits.Len64(n)-fineness-1)
	return shift<<fineness + int(n>>shift)
}

// upper returns the longest time of a bucket.
func upper(b int) time.Duration {
	shift := max(0, b>>fineness-1)
	return time.Duration((int64(b-shift<<fineness)+1)<<shift - 1)
}

func (h *histogram) add(d time.Duration) {
	h.counts[bucket(d)]++
	h.total++
	h.worst = max(h.worst, d)
}

// quantile returns the time within which that part of all was done, 0.99 for p99.
func (h *histogram) quantile(part float64) time.Duration {
	if h.total == 0 {
		return 0
	}
	// The smallest count that is at least that part of all.
	rank := max(1, int64(part*float64(h.total)+0.999999))
	var seen int64
	for b, n := range h.counts {
		if seen += n; seen >= rank {
			return min(upper(b), h.worst)
		}
	}
	return h.worst
}

func (h *histogram) tell(o *Outcome) {
	o.P50, o.P99, o.P999, o.Worst = h.quantile(0.50), h.quantile(0.99), h.quantile(0.999), h.worst
}
