package http

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

// askInstead asks the middleware, if there is any, what is answered in place of the
// handler.
func (x *exchange) askInstead(why *refusal) error {
	if !x.conn.server.hooked {
		return why
	}
	x.instead, x.failed = true, why
	return x.call()
}

// refuseHead refuses a request whose head, which p begins with, is not understood,
// and ends the conversation: what follows might be part of it.
func (c *conn) refuseHead(p []byte, why *refusal) {
	x := c.x
	x.raw = x.head.KeepLine(p)
	c.closeAfter = true
	c.peerWillClose = false // whatever it said, it may be sending
	c.answerInstead(why)
}

// LineBytes returns the request line as it was sent, without the end of the line and
// without a copy. Of a request that was refused before its line was understood, it
// is what came of that, a kilobyte at most.
func (r *Request) LineBytes() []byte {
	r.use("LineBytes")
	h, p := &r.x.head, r.x.raw
	if h.First == 0 {
		return p[min(h.Size, len(p)):]
	}
	return p[h.MethodName.From : h.First-2]
}

// Refused returns why the server answers the request itself, and asks no handler; nil
// for all others. Only Config.Middleware sees such requests. Of one whose head was
// refused there are no fields, and as much of the method and the target as was
// understood: Method may return "", and Path "/".
func (r *Request) Refused() error {
	if why := r.x.failed; r.x.instead && why.Status >= 400 {
		return why
	}
	return nil
}
