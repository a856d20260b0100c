package main

import "time"

// A pace is the number of bytes that an even reader may take over time. Unused
// allowance beyond a second is lost, because a reader that makes up for a pause in
// one gulp is not even.
type pace struct {
	rate   int // bytes a second
	budget float64
	last   time.Duration
}

// allow returns how many bytes may be taken at a moment, counted from the start.
func (p *pace) allow(now time.Duration) int {
	p.budget += float64(p.rate) * (now - p.last).Seconds()
	p.budget = min(p.budget, float64(p.rate))
	p.last = now
	return int(p.budget)
}

// took counts n bytes.
func (p *pace) took(n int) { p.budget -= float64(n) }
