package http

import "bytes"

// What the server answers by itself, where no handler is asked: to a head that is
// malformed, too large or too slow, to methods and expectations that it does not
// serve, to "OPTIONS *", to plain HTTP where HTTPS is spoken. Config.Middleware goes
// around these answers as it goes around those of the handler, so that one log has
// every answer, and one rate limit counts every request.

// around puts the middleware around the handler, and around the answers for which
// there is none.
func (s *Server) around(m Middleware) {
	h := s.handler
	s.hooked = true
	s.handler = m(func(w *Response, r *Request) error {
		if w.x.head.instead {
			return w.x.failed
		}
		return h(w, r)
	})
}

// answerInstead answers in place of the handler.
func (c *conn) answerInstead(why *refusal) {
	c.answer(c.x.askInstead(why))
}

// askInstead asks the middleware, if there is any, what is answered in place of the
// handler.
func (x *exchange) askInstead(why *refusal) error {
	if !x.conn.server.hooked {
		return why
	}
	x.head.instead, x.failed = true, why
	err := x.call()
	x.conn.closeAfter = x.conn.closeAfter || x.panicked
	return err
}

// refuseHead refuses a request whose head, which p begins with, is not understood,
// and ends the conversation: what follows might be part of it.
func (c *conn) refuseHead(p []byte, why *refusal) {
	x := c.x
	x.raw = x.head.leaveLine(p)
	c.closeAfter = true
	c.peerWillClose = false // whatever it said, it may be sending
	c.answerInstead(why)
}

// lineMax is how much is kept of a request line that is not understood, which may
// be anything: enough to tell by whom such lines are sent.
const lineMax = 1 << 10

// leaveLine forgets all of a refused head but the request line, as far as that was
// understood, and returns the bytes that hold it. What the fields said of a body
// would make it seem that one follows.
func (h *head) leaveLine(p []byte) []byte {
	from, to := h.size, h.first
	if h.first == 0 { // the line itself was not understood
		rest := p[min(from, len(p)):]
		rest = rest[:min(len(rest), lineMax)]
		if end := bytes.IndexAny(rest, "\r\n"); end >= 0 {
			rest = rest[:end]
		}
		to = from + len(rest)
		if int(h.methodName.to) > to {
			h.method, h.methodName = methodOther, span{}
		}
		if int(h.target.to) > to {
			h.target = span{}
		}
	}
	h.requestInfo = requestInfo{
		size: from, length: -1, first: h.first,
		method: h.method, methodName: h.methodName, minor: h.minor,
		form: h.form, target: h.target, path: h.path, query: h.query, hasQuery: h.hasQuery, plain: h.plain,
	}
	return p[:min(to, len(p))]
}

// LineBytes returns the request line as it was sent, without the end of the line and
// without a copy. Of a request that was refused before its line was understood, it
// is what came of that, a kilobyte at most.
func (r *Request) LineBytes() []byte {
	r.use("LineBytes")
	h, p := &r.x.head, r.x.raw
	if h.first == 0 {
		return p[min(h.size, len(p)):]
	}
	return p[h.methodName.from : h.first-2]
}

// Refused returns why the server answers the request itself, and asks no handler; nil
// for all others. Only Config.Middleware sees such requests. Of one whose head was
// refused there are no fields, and as much of the method and the target as was
// understood: Method may return "", and Path "/".
func (r *Request) Refused() error {
	if why := r.x.failed; r.x.head.instead && why.status >= 400 {
		return why
	}
	return nil
}
