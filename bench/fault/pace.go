package main

import "time"

// A pace is how many bytes an even reader may take as time goes on. What it could
// not take in time is forgiven beyond a second's worth: a reader that makes up
// for a pause in one gulp would not be even.
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

// took notes that n bytes were taken.
func (p *pace) took(n int) { p.budget -= float64(n) }
