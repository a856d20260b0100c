package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// On SIGQUIT the program tells its state and ends: what each loop and its connections do,
// the latest records, and the stacks of all goroutines. Without us Go would tell the last
// alone.

// exitQuit is Go's own exit status after SIGQUIT.
const exitQuit = 2

// Limits of a dump.
const (
	dumpAsks        = time.Second     // how long a loop may take to answer
	dumpWithin      = 5 * time.Second // how long the dump may take to be written
	dumpConnections = 100             // of each loop, those that wait longest
	dumpRecords     = 50              // of each loop, the latest
	dumpStacks      = 16 << 20        // bytes
)

// quit writes a dump and ends the program. A reader of standard error that takes nothing does
// not keep it.
func (s *site) quit(servers http.Servers) {
	written := make(chan struct{})
	go func() {
		defer close(written)
		s.dump(os.Stderr, servers)
	}()
	select {
	case <-written:
	case <-time.After(dumpWithin):
	}
	os.Exit(exitQuit)
}

// dump writes the state of all loops. A loop that does not answer is held: its stack, among
// those below, says by what.
func (s *site) dump(w io.Writer, servers http.Servers) {
	s.trace.ship()
	list := servers.Snapshots(dumpAsks)
	fmt.Fprintf(w, "bobbin: SIGQUIT: the state of each loop (%d), then all goroutines\n%s", len(servers), versionLine())
	var rings []ring
	for number, snapshot := range list {
		var text bytes.Buffer
		if snapshot == nil {
			fmt.Fprintf(&text, "\nloop %d does not answer: a callback holds it, see its stack below, or it has ended\n", number)
		} else {
			describeLoop(&text, number, snapshot, servers[number].Loop(), s.routes())
			rings = append(rings, ring{number, snapshot.Wall, snapshot.Records})
		}
		w.Write(text.Bytes())
	}
	fmt.Fprintf(w, "\ngoroutines\n\n")
	w.Write(allStacks())
	s.trace.dumped(rings)
}

// routes are the names of routes, by their number.
func (s *site) routes() []string { return s.inspector.Hello().Routes }

// allStacks returns the stacks of all goroutines.
func allStacks() []byte {
	for size := 1 << 20; ; size *= 2 {
		p := make([]byte, size)
		if n := runtime.Stack(p, true); n < size || size >= dumpStacks {
			return p[:n]
		}
	}
}

// describeLoop tells of one loop.
func describeLoop(w io.Writer, number int, s *eventloop.Snapshot, l *eventloop.Loop, routes []string) {
	g := &s.Gauges
	fmt.Fprintf(w, "\nloop %d: up %v, %d turns, %d requests answered, %d connections, %d bytes owed, %d workers busy, %d jobs wait, %d posted, %d timers",
		number, s.At.Round(time.Millisecond), s.Counters[eventloop.Turn].N, s.Counters.Sum(http.Done2xx, http.Done5xx), len(s.Connections),
		g.Owed, g.Workers, g.Jobs, g.Posted, g.Timers)
	if s.Stopping {
		fmt.Fprint(w, ", stopping")
	}
	fmt.Fprintln(w)
	slices.SortStableFunc(s.Connections, func(a, b eventloop.ConnInfo) int {
		if (a.Activity == eventloop.Idle) != (b.Activity == eventloop.Idle) {
			return map[bool]int{true: 1, false: -1}[a.Activity == eventloop.Idle]
		}
		return int(a.Since - b.Since)
	})
	for _, c := range s.Connections[:min(len(s.Connections), dumpConnections)] {
		describeConn(w, &c, s.At, routes)
	}
	if more := len(s.Connections) - dumpConnections; more > 0 {
		fmt.Fprintf(w, "  and %d more connections\n", more)
	}
	latest := s.Records[max(len(s.Records)-dumpRecords, 0):]
	fmt.Fprintf(w, "  the latest %d records\n", len(latest))
	for i := range latest {
		r := &latest[i]
		fmt.Fprintf(w, "    +%.6fs", r.At.Seconds())
		if r.Conn != 0 {
			fmt.Fprintf(w, " conn %d", r.Conn)
		}
		if r.Request != 0 {
			fmt.Fprintf(w, " request %d", r.Request)
		}
		fmt.Fprintf(w, ": %s\n", l.Describe(r))
	}
}

// describeConn tells of one connection.
func describeConn(w io.Writer, c *eventloop.ConnInfo, now time.Duration, routes []string) {
	fmt.Fprintf(w, "  conn %d: %s for %v, %s, %d requests answered", c.ID, c.Activity, (now - c.Since).Round(time.Millisecond), c.State, c.Requests)
	if c.Route > 0 && int(c.Route) < len(routes) {
		fmt.Fprintf(w, ", route %s", routes[c.Route])
	}
	if c.Owed > 0 {
		fmt.Fprintf(w, ", %d bytes owed", c.Owed)
	}
	if c.Deadline > 0 {
		fmt.Fprintf(w, ", deadline in %v", (c.Deadline - now).Round(time.Millisecond))
	}
	for _, is := range []struct {
		it   bool
		text string
	}{{c.TLS, "TLS"}, {c.Full, "back-pressure"}, {c.Paused, "paused"}, {c.LeftOut, "watches"}} {
		if is.it {
			fmt.Fprintf(w, ", %s", is.text)
		}
	}
	fmt.Fprintln(w)
}
