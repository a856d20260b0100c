package eventloop

import "time"

// WallTime returns the time of this turn. The clock is read once a turn.
func (l *Loop) WallTime() time.Time { return l.time }

// Uptime returns how long before this turn the loop was made. For what is kept for
// each connection it takes a third of the memory of a time.Time.
func (l *Loop) Uptime() time.Duration { return l.now }

// WallTimeAt returns the time at which Uptime was d.
func (l *Loop) WallTimeAt(d time.Duration) time.Time { return l.start.Add(d) }

// until is when d will have passed. What lies further ahead than farthest is as good
// as never, and a sum that wrapped would be long ago.
func (l *Loop) until(d time.Duration) time.Duration { return l.now + min(d, farthest) }

const farthest = 100 * 365 * 24 * time.Hour
