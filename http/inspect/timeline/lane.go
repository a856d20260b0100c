package timeline

import "slices"

// What a connection's records make of its lane: the requests, one behind the other, and those of
// HTTP/2 also one beside the other.

// find returns a request that is open, or nil.
func (c *connection) find(number uint32) *request {
	for i := range c.requests {
		if c.requests[i].number == number {
			return &c.requests[i]
		}
	}
	return nil
}

// only returns the number of the request that is open, 0 if there is none or more than one.
func (c *connection) only() uint32 {
	if len(c.requests) != 1 {
		return 0
	}
	return c.requests[0].number
}

// read notes bytes, and when their read began.
func (c *connection) read(n, begun int64, inTurn bool) {
	c.in += n
	c.readAt, c.seen = begun, inTurn
}

// wrote notes bytes that the socket has taken. Among several requests it is not known whose they
// are.
func (c *connection) wrote(n, at int64) {
	c.out += n
	c.unwritten += n
	several := len(c.requests) > 1
	for i := range c.requests {
		r := &c.requests[i]
		switch {
		case !several:
			r.written += n
			r.end = at
		case !r.sent:
			r.end = at
			r.sent = r.status != 0
		}
	}
}

// flushed notes the end of a write. Of several requests, those whose answers are complete end
// with it.
func (c *connection) flushed(b *Builder, at int64) {
	if len(c.requests) == 1 {
		c.requests[0].end = at
		return
	}
	c.endThose(b, at, func(r *request) bool {
		if r.sent {
			r.end = at
		}
		return r.sent
	})
}

// part notes that the beginning of a request is here, and more is to come.
func (c *connection) part() {
	if c.partAt < 0 {
		c.partAt = c.readAt
	}
}

// begins begins a request, whose head is here. Those before it end: at their last write if they
// were written, else now, because they are in a pipeline. Those of HTTP/2 without an answer go on.
func (c *connection) begins(b *Builder, number uint32, at int64) {
	if c.find(number) != nil || slices.Contains(c.gone, number) {
		return
	}
	begun := c.readAt
	if c.partAt >= 0 {
		begun = c.partAt
	}
	c.endThose(b, at, func(r *request) bool { return !c.streams || r.status != 0 || r.doubtful })
	begun = min(max(begun, c.ended, c.begin), at)
	c.partAt = -1
	c.requests = append(c.requests, request{number: number, begin: begun, end: at})
	b.thin.deepened(c)
	if c.seen && len(c.arrows) < mostArrows {
		c.arrows = append(c.arrows, arrow{request: number, read: c.readAt, handler: -1})
	}
}

// handled notes that a handler begins.
func (c *connection) handled(b *Builder, number uint32, at int64) {
	if c.find(number) == nil {
		c.seen = false
		c.begins(b, number, at) // recording began between the two
	}
	r := c.find(number)
	if r == nil {
		return // it was reset, and its handler has not heard of that
	}
	for i := len(c.arrows) - 1; i >= 0 && !r.handled; i-- {
		if c.arrows[i].request == number {
			c.arrows[i].handler = at
			break
		}
	}
	r.handled = true
	r.end = at
}

// unhandled notes that the handler of a request is no slice.
func (c *connection) unhandled(number uint32) {
	for i := range c.arrows {
		if c.arrows[i].request == number {
			c.arrows[i].handler = -1
		}
	}
}

// routed notes the route of a request.
func (c *connection) routed(number, route uint32, at int64) {
	if r := c.find(number); r != nil {
		r.route, r.end = route, at
	}
}

// answered notes that the answer is complete, though not written.
func (c *connection) answered(b *Builder, number uint32, status uint16, at int64) {
	c.begins(b, number, at) // unless it has: a request without a head that can be read
	c.served++
	if r := c.find(number); r != nil { // else it was reset, which its handler heard later
		r.status, r.end = status, max(r.end, at)
	}
}

// waits reports whether a request has no answer yet, and others are written meanwhile.
func (c *connection) waits(number uint32) bool {
	r := c.find(number)
	return r != nil && r.status == 0 && len(c.requests) > 1
}

// reset notes that a stream was reset, which ends its request.
func (c *connection) reset(b *Builder, number uint32, at int64) {
	c.streams = true
	if c.find(number) == nil {
		return
	}
	c.endThose(b, at, func(r *request) bool { return r.number == number })
	if len(c.gone) == mostRows {
		c.gone = c.gone[:copy(c.gone, c.gone[1:])]
	}
	c.gone = append(c.gone, number)
}

// doubt notes that records were lost: requests may have ended.
func (c *connection) doubt() {
	for i := range c.requests {
		c.requests[i].doubtful = true
	}
}

// endRequests ends all requests with the connection.
func (c *connection) endRequests(b *Builder, at int64) {
	c.endThose(b, at, func(*request) bool { return true })
}

// endThose ends some requests.
func (c *connection) endThose(b *Builder, now int64, ends func(*request) bool) {
	kept := c.requests[:0]
	for _, r := range c.requests {
		if ends(&r) {
			c.endRequest(b, &r, now)
		} else {
			kept = append(kept, r)
		}
	}
	c.requests = kept
}

// endRequest adds the slice of a request, which ended at its last write, and at the latest now.
func (c *connection) endRequest(b *Builder, r *request, now int64) {
	end := now
	if (r.written > 0 || r.sent) && r.status != 0 {
		end = min(r.end, now)
	}
	c.ended = max(c.ended, end, r.begin)
	b.put(event{what: aRequest, at: r.begin, dur: max(end-r.begin, 0), loop: c.loop, conn: c, request: r.number, route: r.route, status: r.status, arg: r.written})
}
