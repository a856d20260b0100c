package http

import (
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http/internal/route"
)

// Inspect implements eventloop.Inspected.
func (c *conn) Inspect(info *eventloop.ConnInfo) {
	info.Requests = uint32(c.requests)
	info.Accepted = c.since
	switch c.phase {
	case inHead, inBody, discarding:
		info.Activity = eventloop.Reading
	case answering:
		info.Activity = eventloop.Handling
	case betweenRequests:
		if c.x != nil { // this very moment
			info.Activity = eventloop.Handling
		}
	}
	if info.Activity == eventloop.Handling {
		info.Handled = 1
	}
	if x := c.x; x != nil {
		info.Since = x.since
	}
	if r := c.route(); r != nil {
		info.Route = uint32(r.Number) + 1
	}
}

// route returns the pattern of the request that is being served, or with which a tunnel has
// begun; nil if there is none.
func (c *conn) route() *route.Pattern {
	if c.x != nil {
		return c.x.route
	}
	if t := c.tunnel(); t != nil {
		return t.began.route
	}
	return nil
}

// Inspect implements eventloop.Inspected.
func (p *watching) Inspect(info *eventloop.ConnInfo) { p.c.Inspect(info) }

// Inspect implements eventloop.Inspected. A tunnel is open until one side ends it.
func (p *tunneling) Inspect(info *eventloop.ConnInfo) {
	p.conn.Inspect(info)
	info.Since = p.since
}

var (
	_ eventloop.Inspected = (*conn)(nil)
	_ eventloop.Inspected = (*watching)(nil)
	_ eventloop.Inspected = (*tunneling)(nil)
)

// Gauges are what a server holds at a moment, beside its eventloop.Gauges.
type Gauges struct {
	Bodies   int64 // bytes of request bodies in memory
	Offloads int64 // requests that wait for work of theirs
	Slow     int   // connections that are watched because their client takes an answer slowly
	Free     int   // requests' memory that is kept to be used again, in requests
}

// Gauges returns what the server holds now. It must be called on the loop's goroutine.
func (s *Server) Gauges() Gauges {
	return Gauges{Bodies: s.bodies.held, Offloads: s.offloads.Total(), Slow: len(s.slow), Free: len(s.free)}
}

// Loops returns the loops of the servers.
func (s Servers) Loops() eventloop.Loops { return s.loops() }

// Snapshots is eventloop.Loops.Snapshots.
func (s Servers) Snapshots(within time.Duration) []*eventloop.Snapshot {
	return s.loops().Snapshots(within)
}
