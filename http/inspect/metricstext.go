package inspect

import (
	"strconv"
	"strings"

	"github.com/bobbin-http/bobbin/eventloop"
)

// The two text formats: that of Prometheus, version 0.0.4, and OpenMetrics 1.0.

// A text is a page of metrics that is being written.
type text struct {
	open   bool // OpenMetrics
	p      []byte
	family *family
}

// head begins a family. OpenMetrics names a counter without "_total", and has a type for
// information.
func (t *text) head(f *family) {
	t.family = f
	name, kind, help := f.name, f.kind, f.fullHelp()
	switch {
	case t.open && kind == "info":
		name = strings.TrimSuffix(name, "_info")
	case t.open && kind == "counter":
		name = strings.TrimSuffix(name, "_total")
	case kind == "info":
		kind = "gauge"
	}
	t.p = append(t.p, "# HELP "+name+" "...)
	t.escape(help, t.open)
	t.p = append(t.p, "\n# TYPE "+name+" "+kind+"\n"...)
}

// name begins a line. Labels are names and values in turn.
func (t *text) name(suffix string, labels ...string) {
	t.p = append(append(t.p, t.family.name...), suffix...)
	for i := 0; i+1 < len(labels); i += 2 {
		separator := byte(',')
		if i == 0 {
			separator = '{'
		}
		t.p = append(append(append(t.p, separator), labels[i]...), '=', '"')
		t.escape(labels[i+1], true)
		t.p = append(t.p, '"')
	}
	if len(labels) > 0 {
		t.p = append(t.p, '}')
	}
	t.p = append(t.p, ' ')
}

// escape writes a text; in 0.0.4, a quotation mark in a help is as it is.
func (t *text) escape(s string, quotes bool) {
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\\':
			t.p = append(t.p, '\\', '\\')
		case c == '\n':
			t.p = append(t.p, '\\', 'n')
		case c == '"' && quotes:
			t.p = append(t.p, '\\', '"')
		default:
			t.p = append(t.p, c)
		}
	}
}

func (t *text) count(n uint64, labels ...string) {
	t.name("", labels...)
	t.p = append(strconv.AppendUint(t.p, n, 10), '\n')
}

func (t *text) value(x float64, labels ...string) {
	t.name("", labels...)
	t.number(x)
}

func (t *text) number(x float64) {
	t.p = append(strconv.AppendFloat(t.p, x, 'g', -1, 64), '\n')
}

// A bucket is one of a histogram: how many values there were up to a bound, and above that
// of the bucket before.
type bucket struct {
	bound float64
	n     uint64
}

// histogram writes a histogram. Above is how many values are above all bounds.
func (t *text) histogram(buckets []bucket, above uint64, sum float64, labels ...string) {
	n := uint64(0)
	all := append(labels[:len(labels):len(labels)], "le", "")
	for _, b := range buckets {
		n += b.n
		all[len(all)-1] = t.bound(b.bound)
		t.name("_bucket", all...)
		t.p = append(strconv.AppendUint(t.p, n, 10), '\n')
	}
	all[len(all)-1] = "+Inf"
	t.name("_bucket", all...)
	t.p = append(strconv.AppendUint(t.p, n+above, 10), '\n')
	t.name("_sum", labels...)
	t.number(sum)
	t.name("_count", labels...)
	t.p = append(strconv.AppendUint(t.p, n+above, 10), '\n')
}

// bound returns a bound as a label. OpenMetrics wants a dot or an exponent in it.
func (t *text) bound(x float64) string {
	s := strconv.FormatFloat(x, 'g', -1, 64)
	if t.open && !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

// loopTimes writes one of the loop's histograms of nanoseconds as seconds: each second
// power of two from a microsecond to 17 seconds.
func (t *text) loopTimes(h *eventloop.Histogram, labels ...string) {
	const first, last = 10, 34
	var buckets []bucket
	i, above := 0, uint64(0)
	for bits := first; bits <= last; bits += 2 {
		b := bucket{bound: float64(uint64(1)<<bits) / 1e9}
		for ; i <= bits; i++ {
			b.n += h.Counts[i]
		}
		buckets = append(buckets, b)
	}
	for ; i < len(h.Counts); i++ {
		above += h.Counts[i]
	}
	t.histogram(buckets, above, float64(h.Sum)/1e9, labels...)
}

// loopCounts writes one of whole numbers: 0, 1, up to 3, up to 7 and so on.
func (t *text) loopCounts(h *eventloop.Histogram, labels ...string) {
	const last = 12
	var buckets []bucket
	above := uint64(0)
	for i, n := range h.Counts {
		if i <= last {
			buckets = append(buckets, bucket{float64(uint64(1)<<i - 1), n})
		} else {
			above += n
		}
	}
	t.histogram(buckets, above, float64(h.Sum), labels...)
}
