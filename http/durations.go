package http

import (
	"math/bits"
	"time"

	"github.com/bobbin-http/bobbin/http/internal/h1"
)

// How long requests take and how large bodies are, by method, status, scheme and version.
// That needs times: so it is noted only while the loop is being timed, see
// eventloop.Loop.StartTiming. What is noted stays. No label comes from a client.
//
// A request takes from the turn that found its head complete until the end of the flush in
// which its answer was given to the socket: so the clock is read once for all requests of a
// turn.

// A Series has the requests that had the same labels, since the server was made and while its
// loop was being timed.
type Series struct {
	Method  string // "_OTHER" for one that is not of HTTP itself
	Status  Status
	Scheme  string // "http" or "https"
	Version string // "1.0", "1.1" or "2"
	Other   bool   // the labels are empty: there were too many different ones

	Duration     DurationHistogram // until all of the answer was queued, and the turn's output was flushed
	RequestBody  SizeHistogram     // as it was declared; of one in chunks what has come, framing included
	ResponseBody SizeHistogram     // without framing
	inTurn       uint64            // requests that have begun and ended in this turn
}

// DurationBounds are the upper bounds of all but the last bucket of a DurationHistogram.
var DurationBounds = [...]time.Duration{
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond,
	1 * time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond,
	100 * time.Millisecond, 250 * time.Millisecond, 500 * time.Millisecond,
	1 * time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second,
}

// A DurationHistogram counts durations up to each of DurationBounds, and above the one
// before; the last are above all of them.
type DurationHistogram struct {
	Counts [len(DurationBounds) + 1]uint64
	Sum    time.Duration
}

// add adds a duration n times.
func (h *DurationHistogram) add(d time.Duration, n uint64) {
	i := 0
	for i < len(DurationBounds) && d > DurationBounds[i] {
		i++
	}
	h.Counts[i] += n
	h.Sum += d * time.Duration(n)
}

// SizeBounds are the upper bounds of all but the last bucket of a SizeHistogram, in bytes.
var SizeBounds = [...]int64{256, 1 << 10, 4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20, 64 << 20}

// A SizeHistogram counts sizes as a DurationHistogram does durations.
type SizeHistogram struct {
	Counts [len(SizeBounds) + 1]uint64
	Sum    int64
}

func (h *SizeHistogram) add(n int64) {
	quarters := (bits.Len64(uint64(max(n-1, 0))>>8) + 1) / 2
	h.Counts[min(quarters, len(SizeBounds))]++
	h.Sum += n
}

// seriesKept is how many series there may be, and one more for the rest.
const seriesKept = 256

// durations are the series of a server.
type durations struct {
	last     *Series // the requests before had its labels
	lastKey  uint32
	byLabels map[uint32]*Series
	list     []*Series
	other    *Series

	// Requests that were answered in this turn.
	began   time.Duration // when it began
	waiting bool          // for its end
	quick   []*Series     // with inTurn
	late    []lateRequest // that began earlier
	flushed func(at time.Duration)
}

// A lateRequest is one that has begun in an earlier turn.
type lateRequest struct {
	series *Series
	since  time.Duration
}

// Durations appends all series to dst, in the order in which they came up. It must be
// called on the loop's goroutine.
func (s *Server) Durations(dst []Series) []Series {
	for _, one := range s.series.list {
		dst = append(dst, *one)
	}
	return dst
}

// noteDuration notes a request whose answer is complete, while the loop is being read.
func (x *exchange) noteDuration() {
	s := x.conn.server
	d := &s.series
	h := &x.head
	key := uint32(x.response.status)<<9 | uint32(h.Method)<<3 | x.version()<<1
	if x.conn.conn.Secure() {
		key |= 1
	}
	if key != d.lastKey || d.last == nil {
		d.last, d.lastKey = d.of(key, x), key
	}
	one := d.last
	if !d.waiting {
		d.await(s)
	}
	switch {
	case x.since < d.began:
		d.late = append(d.late, lateRequest{one, x.since})
	case one.inTurn == 0:
		d.quick = append(d.quick, one)
		fallthrough
	default:
		one.inTurn++
	}
	size := max(x.got, h.Length) // the handler may have left it
	one.RequestBody.add(size)
	size = 0
	if w := &x.response; !w.bodiless() {
		size = max(w.bodySize(), w.sent)
	}
	one.ResponseBody.add(size)
}

// versions are the labels of versions, by what exchange.version returns.
var versions = [4]string{"1.0", "1.1", "2"}

// version returns the place of the request's version in versions. That of a request line that
// was not understood is 1.1.
func (x *exchange) version() uint32 {
	switch {
	case x.stream != nil:
		return 2
	case x.head.Minor > 0 || x.head.FieldsAt == 0:
		return 1
	}
	return 0
}

// await waits for the end of the turn, which ends its requests.
func (d *durations) await(s *Server) {
	if d.flushed == nil {
		d.flushed = d.end
	}
	d.began, d.waiting = s.loop.Uptime(), true
	s.loop.AfterFlush(d.flushed)
}

// end notes the durations of the requests of a turn that has flushed its output.
func (d *durations) end(at time.Duration) {
	d.waiting = false
	for _, one := range d.quick {
		one.Duration.add(at-d.began, one.inTurn)
		one.inTurn = 0
	}
	for _, one := range d.late {
		one.series.Duration.add(at-one.since, 1)
	}
	d.quick, d.late = d.quick[:0], d.late[:0]
}

// of returns the series of some labels, after making it if there is room.
func (d *durations) of(key uint32, x *exchange) *Series {
	if one := d.byLabels[key]; one != nil {
		return one
	}
	switch {
	case d.byLabels == nil:
		d.byLabels = make(map[uint32]*Series)
	case len(d.byLabels) == seriesKept:
		if d.other == nil {
			d.other = &Series{Other: true}
			d.list = append(d.list, d.other)
		}
		return d.other
	}
	one := &Series{Status: x.response.status, Method: "_OTHER", Scheme: "http", Version: versions[key>>1&3]}
	if m := h1.Method(key >> 3 & 63); m != h1.MethodOther {
		one.Method = m.String()
	}
	if key&1 != 0 {
		one.Scheme = "https"
	}
	d.byLabels[key] = one
	d.list = append(d.list, one)
	return one
}
