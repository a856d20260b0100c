package load

import (
	"math"
	"testing"
	"time"
)

func TestAHistogramIsNeverOffByMoreThanAHundredth(t *testing.T) {
	for d := time.Duration(0); d < math.MaxInt64/2; d += 1 + d/7 {
		got := upper(bucket(d))
		if got < d || float64(got-d) > float64(d)/100 {
			t.Fatalf("%d ns are counted as %d ns", d, got)
		}
	}
	var h histogram
	h.add(math.MaxInt64) // and finds room for anything
	h.add(-1)
}

func TestQuantiles(t *testing.T) {
	var h histogram
	if h.quantile(0.5) != 0 {
		t.Error("a histogram of nothing tells a time")
	}
	for i := 1; i <= 1000; i++ {
		h.add(time.Duration(i)) // exact below 256 ns
	}
	tests := []struct {
		name string
		part float64
		want time.Duration
	}{
		{"the least of all is within any part", 0, 1},
		{"a tenth is within a tenth", 0.1, 100},
		{"a part that divides no time takes the next", 0.1001, 101},
		{"all are within the worst", 1, 1000},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := h.quantile(test.part); got != test.want {
				t.Errorf("%v of the times are within %d ns, want %d", test.part, got, test.want)
			}
		})
	}
}
