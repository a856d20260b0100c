// Package load makes requests: by wrk where that does, and by itself where wrk
// does not. The generators of its own are run as processes of their own, on the
// client's core, by the very program that is running (see Job).
package load

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// An Outcome is what a load saw of the server.
type Outcome struct {
	Requests int64   // answered
	Bytes    int64   // read, also of answers that were not complete; 0 is "not told"
	Seconds  float64 // that it took

	// Latencies. Each load says what it means by that; 0 is "not told".
	P50, P99, P999 time.Duration
	Worst          time.Duration

	// Late is how late the generator itself was with one request of a hundred,
	// of those that it could have sent in time. It is contained in the
	// latencies.
	Late time.Duration

	// Open is how many idle connections the server still had at the end.
	Open int

	// Failed counts what went wrong, by what it was.
	Failed map[string]int64
}

// OtherStatus is what Failed calls answers that are not the ones that were
// checked.
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

// Trouble is what went wrong, in words, or "".
func (o *Outcome) Trouble() string {
	var words []string
	for what, n := range o.Failed {
		words = append(words, fmt.Sprintf("%d %s", n, what))
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}
