// Package load makes requests: with wrk where that is enough, and with its own
// generators otherwise. These run as processes of their own, on the client's core, by
// the same program (see Job).
package load

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// An Outcome is the result of a load.
type Outcome struct {
	Requests int64   // answered
	Bytes    int64   // read, also of incomplete answers; 0 if unknown
	Seconds  float64 // of the load

	// Latencies. Each load defines them; 0 if unknown.
	P50, P99, P999 time.Duration
	Worst          time.Duration

	// Late is the p99 of the generator's own lateness, among requests that it could
	// have sent in time. The latencies include it.
	Late time.Duration

	// Open is the number of idle connections at the end.
	Open int

	// Failed counts failures by kind.
	Failed map[string]int64
}

// OtherStatus is the kind of answers with another status than the checked one.
const OtherStatus = "answers with another status"

func (o *Outcome) fail(what string, n int64) {
	if n == 0 {
		return
	}
	if o.Failed == nil {
		o.Failed = make(map[string]int64)
	}
	o.Failed[what] += n
}

// Trouble lists the failures, or returns "".
func (o *Outcome) Trouble() string {
	var words []string
	for what, n := range o.Failed {
		words = append(words, fmt.Sprintf("%d %s", n, what))
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}
