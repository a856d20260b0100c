package http

import (
	"errors"
	"net/netip"
	"reflect"

	"github.com/bobbin-http/bobbin/http/internal/h1"
)

// A server that runs may get another handler, another middleware and other limits, when a
// program reads its configuration again. Connections stay open, and requests that have begun
// are finished by what they began with.

// SetHandler replaces the handler and the middleware of all requests that begin from now on,
// on connections that are open, too: none of them meets one of the old and one of the new.
// The middleware may be nil. It must be called before Run, or on the loop's goroutine, by
// Loop.Post for example.
func (s *Server) SetHandler(h Handler, m Middleware) error {
	switch {
	case h == nil && s.connect != nil: // it serves CONNECT alone
		h = func(*Response, *Request) error { return StatusNotFound }
	case h == nil:
		return errors.New("http: Config.Handler is nil: set a function, or the Serve of a Router")
	}
	s.place = placeOf(h)
	if s.connect != nil {
		h = withConnect(h, s.connect)
	}
	s.hooked = m != nil
	if s.hooked {
		h = wrap(h, m)
	}
	s.handler = h
	return nil
}

// SetProxyProtocol replaces Config.ProxyProtocol, for connections that are accepted from now on;
// nil expects no header. It must be called before Run, or on the loop's goroutine.
func (s *Server) SetProxyProtocol(expected func(listener string, peer netip.Addr) bool) {
	s.proxyProtocol = expected
}

// SetLimits replaces the limits. Connections that are open meet them when they ask for more.
// Limits of which the server has made use for good are kept: memory for reading, the queues
// between loops, the workers for handshakes, and what clients of HTTP/2 were told when they
// connected. Kept has their names, if they were to change. It must be called on the loop's
// goroutine.
func (s *Server) SetLimits(limits Limits) (kept []string, err error) {
	next := limits.withDefaults()
	if err := next.check(); err != nil {
		return nil, err
	}
	for _, one := range [...]struct {
		name   string
		now    int
		wanted *int
	}{
		{"Streams", s.limits.Streams, &next.Streams},
		{"StreamWindow", s.limits.StreamWindow, &next.StreamWindow},
		{"StreamWindowMost", s.limits.StreamWindowMost, &next.StreamWindowMost},
		{"ConnWindow", s.limits.ConnWindow, &next.ConnWindow},
		{"ConnWindowMost", s.limits.ConnWindowMost, &next.ConnWindowMost},
	} {
		if *one.wanted != one.now {
			*one.wanted = one.now
			kept = append(kept, one.name)
		}
	}
	kept = append(kept, s.loop.SetLimits(next.ofLoop())...)
	copyLoopFields(reflect.ValueOf(&next).Elem(), reflect.ValueOf(s.loop.Limits()))
	s.limits, s.parsing = next, next.parsing()
	s.fields = h1.FieldCache{} // what it has was read by the old limits
	return kept, nil
}
