package http

// The server answers some requests itself, without a handler: heads that are malformed,
// too large or too slow, methods and expectations that it does not serve, "OPTIONS *",
// and plain HTTP on an HTTPS port. Config.Middleware wraps these answers as it wraps
// those of the handler, so that one log has every answer, and one rate limit counts
// every request.

// around wraps the handler in the middleware, and the server's own answers with it.
func (s *Server) around(m Middleware) {
	h := s.handler
	s.hooked = true
	s.handler = m(func(w *Response, r *Request) error {
		if w.x.instead {
			return w.x.failed
		}
		return h(w, r)
	})
}

// answerInstead answers in place of the handler.
func (c *conn) answerInstead(why *refusal) {
	c.handlerReturned(c.x.askInstead(why))
}

// askInstead calls the middleware, if there is any, with the server's own answer in
// place of the handler's.
func (x *exchange) askInstead(why *refusal) error {
	if !x.conn.server.hooked {
		return why
	}
	x.instead, x.failed = true, why
	return x.call()
}

// refuseHead refuses a request with a bad head, at the beginning of p. The answer is the
// last, because the bytes behind it might be part of the request.
func (c *conn) refuseHead(p []byte, why *refusal) {
	x := c.x
	x.raw = x.head.KeepLine(p)
	c.closeAfter = true
	c.peerWillClose = false // it may be sending in spite of its promise
	c.answerInstead(why)
}

// LineBytes returns the request line as it was sent, without the end of the line and
// without a copy. If the line itself was refused, it is the beginning of the request, a
// kilobyte at most.
func (r *Request) LineBytes() []byte {
	r.use("LineBytes")
	h, p := &r.x.head, r.x.raw
	if h.First == 0 {
		return p[min(h.Size, len(p)):]
	}
	return p[h.MethodName.From : h.First-2]
}

// Refused returns the reason why the server answers the request itself, without a
// handler; nil for all other requests. Only Config.Middleware sees such requests. A
// request whose head was refused has no fields, and the method and the target only as
// far as they were understood: Method may return "", and Path "/".
func (r *Request) Refused() error {
	if why := r.x.failed; r.x.instead && why.Status >= 400 {
		return why
	}
	return nil
}
