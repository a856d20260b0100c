package http

import (
	"github.com/bobbin-http/bobbin/http/internal/h1"
	"github.com/bobbin-http/bobbin/http/internal/proxyproto"
)

// The server answers some requests itself, without a handler: heads that are malformed,
// too large or too slow, methods and expectations that it does not serve, "OPTIONS *",
// and plain HTTP on an HTTPS port. Config.Middleware wraps these answers as it wraps
// those of the handler, so that one log has every answer, and one rate limit counts
// every request.

// wrap wraps a handler in middleware, and the server's own answers with it.
func wrap(h Handler, m Middleware) Handler {
	return m(func(w *Response, r *Request) error {
		if w.x.instead {
			return w.x.failed
		}
		return h(w, r)
	})
}

// answerInstead answers a request for which no handler is called. A client that is
// refused may not keep its promise to send nothing more.
func (c *conn) answerInstead(why *refusal) {
	if why != errAllOptions {
		c.peerWillClose = false
	}
	c.handlerReturned(c.x.askInstead(why))
}

// askInstead calls the middleware, if there is any, with the server's own answer in
// place of the handler's.
func (x *exchange) askInstead(why *refusal) error {
	s := x.conn.server
	if s.hooked || s.errors != nil {
		x.instead, x.failed = true, why
	}
	if s.hooked {
		return x.call()
	}
	return why
}

// refuseHead refuses a request with a bad head, at the beginning of p. The answer is the
// last, because the bytes behind it might be part of the request.
func (c *conn) refuseHead(p []byte, why *refusal) {
	c.conn.CountIn()
	x := c.x
	x.raw = x.head.KeepLine(p)
	c.closeAfter = true
	c.answerInstead(why)
}

// readOther goes on with bytes that begin no request of HTTP/1: it has HTTP/2 go on, closes, or
// refuses a head. It returns how many of them it has used.
func (c *conn) readOther(p []byte, why *h1.Refusal) int {
	switch {
	case c.beginsH2(p):
		c.releaseExchange()
		return c.switchToH2(p)
	case c.requests == 0 && proxyproto.Begins(p):
		c.server.loop.Warn("a PROXY header comes from a peer of which none is expected: see --proxy-protocol and --trust, or http.Config.ProxyProtocol",
			"peer", peerName(c.conn.Peer().Addr()))
		c.refuseHead(p, errUnexpectedHeader)
	case why == h1.ErrVersion && c.speaksOther(p):
		c.end()
	default:
		c.refuseHead(p, (*refusal)(why))
	}
	return len(p)
}

// speaksOther reports whether a client begins a connection in a protocol that is no HTTP at all: a
// line of three words whose first is no method and whose last does not begin with H. Such a
// client would take an answer for something else, so it gets none.
func (c *conn) speaksOther(p []byte) bool {
	h := &c.x.head
	if c.requests > 0 || h.Method != h1.MethodOther || h.Target.To == 0 {
		return false
	}
	return p[h.Target.To+1]|0x20 != 'h' // the first byte alone, so that it matters not how the line was cut
}

// end closes a connection without an answer.
func (c *conn) end() {
	c.releaseExchange()
	c.enterClosing()
	c.conn.Close()
}

// refuseRest refuses a request whose head will not be complete. If the bytes so far
// are wrong, that is the reason: a head that trickles in is parsed when it is complete.
func (c *conn) refuseRest(why *refusal) {
	c.takeReader()
	c.x = c.server.takeExchange(c)
	p := c.conn.Rest()
	if found := c.x.head.Parse(p, &c.server.parsing); found != h1.NeedMore {
		why = (*refusal)(found)
	}
	if why == (*refusal)(h1.ErrVersion) && c.speaksOther(p) {
		c.end()
		return
	}
	c.refuseHead(p, why)
}

// LineBytes returns the request line as it was sent, without the end of the line and
// without a copy. If the line itself was refused, it is the beginning of the request, a
// kilobyte at most.
func (r *Request) LineBytes() []byte {
	r.use("LineBytes")
	h, p := &r.x.head, r.x.raw
	if h.FieldsAt == 0 {
		return p[min(h.Size, len(p)):]
	}
	return p[h.MethodName.From : h.FieldsAt-2]
}

// Refused returns the reason why the server answers the request itself, without a
// handler; nil for all other requests. Only Config.Middleware and Config.ErrorHandler see
// such requests. A request whose head was refused has no fields, and the method and the
// target only as far as they were understood: Method may return "", and Path "/".
func (r *Request) Refused() error {
	if why := r.x.failed; r.x.instead && why.Status >= 400 {
		return why
	}
	return nil
}

// The reasons for which requests are refused, beside the parser's. The client reads them
// behind the status.
var (
	errAllOptions      = newRefusal(StatusNoContent, "") // the answer to OPTIONS *
	errUnknownMethod   = newRefusal(StatusNotImplemented, "no such method here")
	errMethodNotServed = newRefusal(StatusMethodNotAllowed, "not for an origin server")
	errExpectation     = newRefusal(StatusExpectationFailed, "only 100-continue can be expected")
	errEndedInHead     = newRefusal(StatusBadRequest, "the connection ended inside a head")
	errEndedInBody     = newRefusal(StatusBadRequest, "the connection ended inside a body")
	errSlowHead        = newRefusal(StatusRequestTimeout, "the head took too long")
	errSlowBody        = newRefusal(StatusRequestTimeout, "the body took too long")
	errBodyTooLarge    = newRefusal(StatusContentTooLarge, "the body is too large")
	errSlowHandler     = newRefusal(StatusServiceUnavailable, "it takes too long, try again later")
	errSlowWorker      = newRefusal(StatusServiceUnavailable, "what it waits for does not answer, try again later")
	errBusy            = newRefusal(StatusServiceUnavailable, "too many bodies at once, try again")
)

// A refusal is an h1.Refusal as an error in which errors.As finds a Status. Every refusal
// is a variable, so that refusing costs no memory and tests can compare it.
type refusal h1.Refusal

// newRefusal makes a refusal.
func newRefusal(s Status, reason string) *refusal { return &refusal{int(s), reason} }

// Error returns the status and the reason.
func (r *refusal) Error() string {
	status := Status(r.Status).Error()
	if r.Reason == "" {
		return status
	}
	return status + ": " + r.Reason
}

// Unwrap lets errors.As find the status.
func (r *refusal) Unwrap() error { return Status(r.Status) }
