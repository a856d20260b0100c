package http

import (
	"cmp"
	"slices"
)

// The requests that a stop waits for.

// An unfinished request was open when the server was stopped.
type unfinished struct {
	conn uint32 // its number
	line string // method and path, or "" if they are not known
}

// noteUnfinished notes a connection that has a request at a stop.
func (s *Server) noteUnfinished(c *conn) {
	if s.unfinished == nil {
		s.unfinished = make(map[*conn]unfinished)
	}
	s.unfinished[c] = unfinished{c.conn.ID(), s.lineOf(c)}
}

// lineOf returns method and path of the request of a connection, or "".
func (s *Server) lineOf(c *conn) string {
	a := s.slow[c]
	switch {
	case c.x != nil:
		return string(c.x.appendLine(nil))
	case a != nil && len(a.line) > 0:
		return string(a.line)
	}
	if t, ok := c.conn.Protocol().(*tunneling); ok {
		return t.began.line
	}
	return ""
}

// Unfinished returns, after Stop, the number of connections whose requests are still to be
// answered, and the methods and paths of up to 20 of them, the oldest connection first.
// Before, there are none. It must be called on the loop.
func (s *Server) Unfinished() (connections int, requests []string) {
	all := make([]unfinished, 0, len(s.unfinished))
	for c, u := range s.unfinished {
		if c.phase != closing || c.conn.Buffered() > 0 { // else the answer has been sent, and its client is to close
			all = append(all, u)
		}
	}
	slices.SortFunc(all, func(a, b unfinished) int { return cmp.Compare(a.conn, b.conn) })
	for _, u := range all {
		if u.line != "" && len(requests) < cutMax {
			requests = append(requests, u.line)
		}
	}
	return len(all), requests
}
