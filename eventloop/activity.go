package eventloop

import "time"

// What a loop knows of each of its connections at a moment, for a page or a list that
// shows them. It is read from the tables that are there: nothing is kept for it.

// An Activity is what a connection is doing.
type Activity uint8

const (
	Idle       Activity = iota // between two requests, or nothing has come yet
	Reading                    // part of a request is here, or a TLS handshake is under way
	Handling                   // a handler has the request: it runs, waits, or holds the answer open
	Writing                    // output is queued, and the peer has to take it
	Ending                     // closing or lingering
	Activities                 // how many there are
)

// activities are the words for them.
var activities = [Activities]string{"idle", "reading", "handling", "writing", "closing"}

// String returns the activity as a word.
func (a Activity) String() string { return activities[a] }

// A ConnInfo is a connection as it is now.
type ConnInfo struct {
	ID       uint32
	State    State
	Activity Activity
	TLS      bool          // its handshake included
	Full     bool          // back-pressure
	Paused   bool          // it is not read from, because its protocol wants nothing
	LeftOut  bool          // see Conn.LeaveOut
	Untried  bool          // this turn's flush has yet to give the socket all that is owed
	Requests uint32        // answered
	Route    uint32        // of the request that is handled: its place in http.Router.Patterns, from 1; 0 for none
	Owed     int64         // bytes queued
	Deadline time.Duration // since the loop was made, 0 for none
	Since    time.Duration // when its activity began, as well as the loop knows; since the loop was made
	Accepted time.Duration // since the loop was made, 0 if its protocol does not know
	Handled  uint32        // requests that a handler has: one at most, but for HTTP/2

	// Streams has what the requests of a connection do that carries several: 1 and the
	// Activity of each in its place, and 0 for a place that no request has. A request keeps
	// its place. Those for which there was no place are not here.
	Streams [4]uint8
}

// An Inspected is a Protocol that knows what is done on its connection. Inspect gets what
// the loop knows, and changes Activity, Requests, Route, Since, Accepted, Handled and Streams,
// and adds to Owed what streams have queued.
type Inspected interface {
	Inspect(info *ConnInfo)
}

// Connections appends all connections to dst. It must be called on the loop's goroutine,
// and allocates nothing if dst has room.
func (l *Loop) Connections(dst []ConnInfo) []ConnInfo {
	l.owner.check("Loop.Connections")
	for c := range l.conns.all() {
		dst = append(dst, ConnInfo{})
		c.describe(&dst[len(dst)-1]) // where it is, because what goes to an interface escapes
	}
	return dst
}

// describe fills in the connection as it is now.
func (c *Conn) describe(info *ConnInfo) {
	*info = ConnInfo{
		ID: c.id, State: c.state, TLS: c.tls != nil, Full: c.Full(), Paused: c.paused, LeftOut: c.LeftOut(),
		Owed: c.Buffered(), Deadline: c.deadline, Since: ticksAt(c.idleSince),
	}
	if p, ok := c.protocol.(Inspected); ok {
		p.Inspect(info)
	}
	switch {
	case c.state >= Closing:
		info.Activity, info.Since = Ending, ticksAt(c.heldSince)
	case info.Owed > 0 && !c.writable:
		info.Activity, info.Since = Writing, ticksAt(c.heldSince)
	case c.place != 0 && info.Owed <= int64(c.loop.limits.WriteBudget):
		info.Untried = true
	case info.Owed > 0 && info.Activity != Handling:
		info.Activity = Writing // part of it in each turn
	}
}

// Inspect implements Inspected.
func (h *handshake) Inspect(info *ConnInfo) {
	info.TLS, info.Activity = true, Reading
	info.Since, info.Accepted = h.since, h.since
}

// ticksAt returns the time of what Conn keeps as a tick and 1, negative or not; 0 for none.
func ticksAt(ticks int32) time.Duration {
	if ticks < 0 {
		ticks = -ticks
	}
	return time.Duration(max(ticks-1, 0)) * tick
}
