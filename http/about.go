package http

import "github.com/bobbin-http/bobbin/eventloop"

// The request in a line of the log: its request line, and the pattern of its route.

// about returns the request and its route, as pairs of log/slog.
func (x *exchange) about() []any {
	return []any{"request", x.request.line(), "route", x.request.Pattern()}
}

// About implements eventloop.Informer, for a panic in a function that was given to a Held, a
// Tunnel, or to middleware.
func (c *conn) About() []any {
	if c.x == nil {
		return nil
	}
	return c.x.about()
}

// About implements eventloop.Informer. Most tunnels have no exchange any more.
func (p *tunneling) About() []any {
	if p.conn.x != nil {
		return p.conn.About()
	}
	pattern := ""
	if r := p.began.route; r != nil {
		pattern = r.Text
	}
	return []any{"request", p.began.line, "route", pattern}
}

var (
	_ eventloop.Informer = (*conn)(nil)
	_ eventloop.Informer = (*tunneling)(nil)
)
