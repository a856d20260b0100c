package eventloop

import "math/bits"

// A Histogram counts values by their size: Counts[0] those below 1, and Counts[i] those
// from 1<<(i-1) to below 1<<i, the last one all above. So it has nanoseconds up to nine
// minutes, and adding to it costs a few instructions. The zero value is empty.
type Histogram struct {
	Counts [HistogramSize]uint64
	Sum    int64 // of the values
}

// HistogramSize is how many sizes a Histogram distinguishes.
const HistogramSize = 40

// Add counts one value.
func (h *Histogram) Add(n int64) {
	h.Counts[min(bits.Len64(uint64(max(n, 0))), HistogramSize-1)]++
	h.Sum += n
}

// Count returns how many values there are.
func (h *Histogram) Count() uint64 {
	n := uint64(0)
	for _, count := range h.Counts {
		n += count
	}
	return n
}

// Merge adds all values of another one.
func (h *Histogram) Merge(other *Histogram) {
	for i, n := range other.Counts {
		h.Counts[i] += n
	}
	h.Sum += other.Sum
}

// Since returns what was added after before was a copy of h.
func (h *Histogram) Since(before *Histogram) Histogram {
	d := *h
	for i, n := range before.Counts {
		d.Counts[i] -= n
	}
	d.Sum -= before.Sum
	return d
}

// Quantile returns a value that the given part of all values, 0.5 for half, does not
// exceed by more than its bucket: the middle of the bucket in which it lies. It is 0 if
// there is none.
func (h *Histogram) Quantile(part float64) int64 {
	total := h.Count()
	rank := uint64(part * float64(total))
	rank = min(rank, max(total, 1)-1)
	for i, n := range h.Counts {
		if rank < n {
			return middle(i)
		}
		rank -= n
	}
	return 0
}

// Max returns an upper bound of all values: the end of the last bucket in use, 0 if there
// is none.
func (h *Histogram) Max() int64 {
	for i := HistogramSize - 1; i > 0; i-- {
		if h.Counts[i] > 0 {
			return 1<<i - 1
		}
	}
	return 0
}

// middle returns the middle of a bucket.
func middle(i int) int64 {
	if i < 2 {
		return int64(i)
	}
	return 3 << (i - 2)
}
