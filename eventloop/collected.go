package eventloop

import (
	"fmt"
	"runtime"
	"runtime/metrics"
	"time"
)

// A callback may be slow because garbage is collected: then it works for the collector, or
// has no core. So the report of a stall has how much of the machine the collector took.

// collected returns how many seconds of processor time have been spent on collections that
// have ended. It stops nothing, and any goroutine may call it.
func collected() float64 {
	sample := [1]metrics.Sample{{Name: "/cpu/classes/gc/total:cpu-seconds"}}
	metrics.Read(sample[:])
	if sample[0].Value.Kind() != metrics.KindFloat64 {
		return 0 // a later version of Go does not have it
	}
	return sample[0].Value.Float64()
}

// noteGC computes the collector's part, for a stall at which the watchdog has looked first
// when it had lasted for a period.
func (s *Stall) noteGC(period time.Duration) {
	s.GC = share(collected()-s.collected, s.For-period, runtime.GOMAXPROCS(0))
}

// share returns which part of some processors a number of seconds is, within a time.
func share(seconds float64, within time.Duration, processors int) float64 {
	if seconds <= 0 || within <= 0 {
		return 0
	}
	return min(seconds/(within.Seconds()*float64(processors)), 1)
}

// percent is for the log.
func (s *Stall) percent() string { return fmt.Sprintf("%.0f%%", 100*s.GC) }
