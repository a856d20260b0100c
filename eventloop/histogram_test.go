package eventloop

import "testing"

func TestAHistogramKeepsTheSizeOfValues(t *testing.T) {
	var h Histogram
	if h.Quantile(0.5) != 0 || h.Max() != 0 || h.Count() != 0 {
		t.Error("an empty one has values")
	}
	for _, row := range []struct {
		name   string
		n      int64
		bucket int
	}{
		{"nothing is the first", 0, 0},
		{"less than nothing is, too", -5, 0},
		{"one is the second", 1, 1},
		{"up to below a power of two they are alike", 1023, 10},
		{"from there they are the next", 1024, 11},
		{"all that is large is the last", 1 << 62, HistogramSize - 1},
	} {
		before := h
		h.Add(row.n)
		if d := h.Since(&before); d.Counts[row.bucket] != 1 || d.Count() != 1 || d.Sum != row.n {
			t.Errorf("%s: %v", row.name, d)
		}
	}
	for _, row := range []struct {
		name          string
		values        []int64
		half, most    int64
		nearlyAll     int64
		countsOfTwice uint64
	}{
		{"of one value all are in its bucket", []int64{1000}, 768, 1023, 768, 2},
		{"half of many small and one large is small", []int64{10, 11, 12, 13, 5000}, 12, 8191, 6144, 10},
		{"of two the second is the half", []int64{1, 100}, 96, 127, 96, 4},
		{"zeros are zero", []int64{0, 0, 0}, 0, 0, 0, 6},
	} {
		var h Histogram
		for _, n := range row.values {
			h.Add(n)
		}
		if h.Quantile(0.5) != row.half || h.Max() != row.most || h.Quantile(1) != row.nearlyAll || h.Quantile(0.99) != row.nearlyAll {
			t.Errorf("%s: half %d, all %d, 99 %% %d, at most %d", row.name, h.Quantile(0.5), h.Quantile(1), h.Quantile(0.99), h.Max())
		}
		twice, sum := h, h.Sum
		if h.Merge(&twice); h.Count() != row.countsOfTwice || h.Sum != 2*sum {
			t.Errorf("%s: merged with itself it has %d values of %d", row.name, h.Count(), h.Sum)
		}
	}
}
