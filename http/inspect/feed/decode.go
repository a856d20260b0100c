package feed

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"time"
)

// How the JSON of the two events becomes values. Numbers stand in arrays without names, so
// each array has its length checked, and each number that is a place in a list.

// strictly decodes one JSON value with no field that is not known.
func strictly(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("there is more behind the end")
	}
	return nil
}

// A SchemaError is the error of a stream with another format.
type SchemaError struct{ Schema int }

// Error implements error.
func (e *SchemaError) Error() string {
	return fmt.Sprintf("feed: the server sends schema %d, and this program reads %d: use the program of the server's version", e.Schema, Schema)
}

func decodeHello(data []byte) (*Hello, error) {
	var only struct{ Schema int }
	if err := json.Unmarshal(data, &only); err == nil && only.Schema != Schema {
		return nil, &SchemaError{only.Schema}
	}
	h := &Hello{}
	if err := strictly(data, h); err != nil {
		return nil, fmt.Errorf("feed: hello: %w", err)
	}
	switch {
	case h.Loops < 1 || h.FrameEvery < 1:
		return nil, errors.New("feed: hello: there are no loops, or no frames")
	case h.You != nil && len(h.You) != 2:
		return nil, errors.New("feed: hello: you is not a loop and a connection")
	case len(h.Phases) != len(Loop{}.Phases) || len(h.Activities) != activities:
		return nil, fmt.Errorf("feed: hello: %d phases and %d activities", len(h.Phases), len(h.Activities))
	case len(h.States) == 0 || len(h.Kinds) == 0 || len(h.Routes) == 0 || h.Troubles == nil || h.Try == nil:
		return nil, errors.New("feed: hello: a list is missing")
	}
	return h, nil
}

const activities = 5

// A wireFrame is a frame as it is sent. What is missing or null is nil.
type wireFrame struct {
	N       *uint64    `json:"n"`
	T       *float64   `json:"t"`
	W       *int64     `json:"w"`
	Skip    *uint64    `json:"skip"`
	Gap     *int64     `json:"gap"`
	V       []string   `json:"v"`
	Tr      [][]any    `json:"tr"`
	Held    [][]int64  `json:"held"`
	C       [][]uint64 `json:"c"`
	G       [][]int64  `json:"g"`
	Rows    [][]int64  `json:"rows"`
	Strip   [][]int64  `json:"strip"`
	More    *int       `json:"more"`
	Records [][]int64  `json:"rec"`
	Lost    *uint64    `json:"lost"`
}

// The most of each in a frame.
const (
	rowsMost    = 200
	runsMost    = 2000
	recordsMost = 400
)

func decodeFrame(h *Hello, data []byte) (*Frame, error) {
	var w wireFrame
	err := errors.New("it comes before hello")
	if h != nil {
		err = strictly(data, &w)
	}
	if err == nil {
		err = w.check(h)
	}
	if err != nil {
		return nil, fmt.Errorf("feed: frame: %w", err)
	}
	r := &numbers{hello: h}
	f := w.read(r)
	if r.err != nil {
		return nil, fmt.Errorf("feed: frame: %w", r.err)
	}
	return f, nil
}

// check looks for what is missing, too long or out of range.
func (w *wireFrame) check(h *Hello) error {
	missing := []bool{w.N == nil, w.T == nil, w.W == nil, w.Skip == nil, w.Gap == nil, w.More == nil, w.Lost == nil}
	absent := []bool{w.Tr == nil, w.Held == nil, w.Rows == nil, w.Strip == nil, w.Records == nil}
	switch {
	case slices.Contains(missing, true):
		return errors.New("a number is missing")
	case slices.Contains(absent, true):
		return errors.New("a list is missing")
	case len(w.V) != 2:
		return errors.New("the verdict is not two words")
	case len(w.C) != h.Loops || len(w.G) != h.Loops:
		return fmt.Errorf("there are %d loops, and counters of %d and gauges of %d", h.Loops, len(w.C), len(w.G))
	case len(w.Rows) > rowsMost || len(w.Strip) > runsMost || len(w.Records) > recordsMost:
		return errors.New("a list is too long")
	case *w.T < 0 || *w.T > math.MaxInt64/1e7 || *w.Gap < 0 || *w.Gap > math.MaxInt64/10_000_000 || *w.More < 0:
		return errors.New("a time or a number is out of range")
	}
	return nil
}

// read takes the numbers out of the lists.
func (w *wireFrame) read(r *numbers) *Frame {
	f := &Frame{
		Number: *w.N, At: time.Duration(math.Round(*w.T*1000)) * time.Microsecond, Wall: time.UnixMilli(*w.W), Skipped: *w.Skip,
		Gap: time.Duration(*w.Gap) * time.Millisecond, Level: w.V[0], Words: w.V[1], More: *w.More, Lost: *w.Lost,
	}
	h := r.hello
	for _, list := range w.Tr {
		f.Troubles = append(f.Troubles, r.raised(list))
	}
	for _, list := range w.Held {
		r.begin("held", list, 2)
		f.Held = append(f.Held, Held{r.place(h.Loops), r.time(time.Millisecond)})
	}
	for i := range w.C {
		f.Loops = append(f.Loops, r.loop(w.C[i], w.G[i]))
	}
	for _, list := range w.Rows {
		f.Rows = append(f.Rows, r.row(list))
	}
	for _, list := range w.Strip {
		r.begin("strip", list, 2)
		f.Strip = append(f.Strip, Run{r.place(activities), int(r.count())})
	}
	for _, list := range w.Records {
		r.begin("rec", list, 6)
		f.Records = append(f.Records, Record{r.time(time.Microsecond), r.place(len(h.Kinds)), r.place(h.Loops), r.number(), r.number(), r.next()})
	}
	return f
}

// numbers takes the numbers of one array after the other, and keeps the first error.
type numbers struct {
	hello *Hello
	what  string
	list  []int64
	err   error
}

// begin begins an array with so many numbers.
func (r *numbers) begin(what string, list []int64, n int) {
	r.what, r.list = what, list
	if len(list) != n {
		r.fail("has %d numbers, not %d", len(list), n)
	}
}

func (r *numbers) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(r.what+" "+format, args...)
	}
}

func (r *numbers) next() int64 {
	if len(r.list) == 0 {
		return 0 // begin has failed
	}
	n := r.list[0]
	r.list = r.list[1:]
	return n
}

// count takes a number from 0 on.
func (r *numbers) count() int64 {
	n := r.next()
	if n < 0 {
		r.fail("has %d, which is less than 0", n)
	}
	return n
}

// place takes a place in a list of so many.
func (r *numbers) place(of int) int {
	n := r.count()
	if n >= int64(of) {
		r.fail("has place %d in a list of %d", n, of)
	}
	return int(n)
}

// number takes the number of a connection or a request.
func (r *numbers) number() uint32 {
	n := r.count()
	if n > math.MaxUint32 {
		r.fail("has number %d", n)
	}
	return uint32(n)
}

// time takes a time from 0 on.
func (r *numbers) time(unit time.Duration) time.Duration { return r.span(r.count(), unit) }

func (r *numbers) span(n int64, unit time.Duration) time.Duration {
	if n > math.MaxInt64/int64(unit) {
		r.fail("has a time of %d", n)
	}
	return time.Duration(n) * unit
}

// raised takes a trouble, whose last value is its words.
func (r *numbers) raised(list []any) Raised {
	var of []int64
	for _, value := range list[:max(len(list), 1)-1] {
		n, ok := value.(float64)
		if !ok || n != math.Trunc(n) || math.Abs(n) > 1<<53 {
			n = -1
		}
		of = append(of, int64(n))
	}
	r.begin("tr", of, 4)
	words, ok := "", len(list) > 0
	if ok {
		words, ok = list[len(list)-1].(string)
	}
	if !ok {
		r.fail("does not end with words")
	}
	return Raised{r.place(len(r.hello.Troubles)), r.time(time.Millisecond), r.place(r.hello.Loops), r.number(), words}
}

// loop takes the counters and gauges of a loop.
func (r *numbers) loop(c []uint64, g []int64) (l Loop) {
	counters := []*uint64{
		&l.Turns, &l.Events, &l.Callbacks, &l.Requests, &l.Accepted, &l.Closed, &l.Failed, &l.Refused,
		&l.BytesRead, &l.BytesWritten, &l.NotNow, &l.Stalls,
	}
	if r.what = "c"; len(c) != len(counters)+len(l.Phases) {
		r.fail("has %d numbers, not %d", len(c), len(counters)+len(l.Phases))
		return l
	}
	for i, to := range counters {
		*to = c[i]
	}
	for i := range l.Phases {
		l.Phases[i] = time.Duration(min(c[len(counters)+i], math.MaxInt64))
	}
	r.begin("g", g, 16)
	for _, to := range []*int{&l.Open, &l.Idle, &l.Reading, &l.Handling, &l.Writing, &l.Closing} {
		*to = int(r.count())
	}
	l.Owed, l.Longest, l.LongestConn = r.count(), r.time(1), r.number()
	l.LongestRoute, l.Late = uint32(r.place(len(r.hello.Routes))), r.time(1)
	l.TurnMedian, l.TurnLongest = r.time(1), r.time(1)
	l.EventsMedian, l.EventsMost = int(r.count()), int(r.count())
	l.HeldMedian = r.time(1)
	return l
}

// row takes a connection.
func (r *numbers) row(list []int64) Row {
	h := r.hello
	r.begin("rows", list, 12)
	row := Row{
		Loop: r.place(h.Loops), Conn: r.number(), Activity: r.place(activities), State: r.place(len(h.States)),
		Requests: r.number(), Owed: r.count(),
	}
	if n := r.next(); n < -1 {
		r.fail("has a deadline of %d", n)
	} else {
		row.Deadline = r.span(n, time.Millisecond)
	}
	row.Since = r.time(time.Millisecond)
	row.Route = r.place(len(h.Routes))
	row.Flags = Flags(r.place(int(LeftOut) << 1))
	row.Age = r.time(time.Millisecond)
	row.Streams = r.streams()
	return row
}

// streams takes three bits for each place.
func (r *numbers) streams() (s Streams) {
	n := r.place(1 << (3 * len(s)))
	for i := range s {
		if s[i] = uint8(n >> (3 * i) & 7); s[i] > activities {
			r.fail("has activity %d in a stream", s[i]-1)
		}
	}
	return s
}
