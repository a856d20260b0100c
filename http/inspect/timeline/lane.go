package timeline

// What a connection's records make of its lane: the requests, one behind the other.

// read notes bytes, and when their read began.
func (c *connection) read(n, begun int64, inTurn bool) {
	c.in += n
	c.readAt, c.seen = begun, inTurn
}

// wrote notes bytes that the socket has taken.
func (c *connection) wrote(n, at int64) {
	c.out += n
	c.unwritten += n
	c.request.written += n
	c.request.end = at
}

// part notes that the beginning of a request is here, and more is to come.
func (c *connection) part() {
	if c.partAt < 0 {
		c.partAt = c.readAt
	}
}

// begins begins a request, whose head is here. The one before ends: at its last write if it
// was written, else now, because it is in a pipeline.
func (c *connection) begins(b *Builder, number uint32, at int64) {
	if c.request.number == number {
		return
	}
	begun := c.readAt
	if c.partAt >= 0 {
		begun = c.partAt
	}
	before := c.request
	c.endRequest(b, at)
	if before.number != 0 {
		begun = max(begun, min(max(before.end, before.begin), at))
		if before.written == 0 {
			begun = at
		}
	}
	begun = min(max(begun, c.begin), at)
	c.partAt = -1
	c.request = request{number: number, begin: begun, end: at}
	if c.seen && len(c.arrows) < mostArrows {
		c.arrows = append(c.arrows, arrow{request: number, read: c.readAt, handler: -1})
	}
}

// handled notes that a handler begins.
func (c *connection) handled(b *Builder, number uint32, at int64) {
	if c.request.number != number {
		c.seen = false
		c.begins(b, number, at) // recording began between the two
	}
	if n := len(c.arrows); n > 0 && c.arrows[n-1].request == number && !c.request.handled {
		c.arrows[n-1].handler = at
	}
	c.request.handled = true
	c.request.end = at
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
	if c.request.number == number {
		c.request.route, c.request.end = route, at
	}
}

// answered notes that the answer is complete, though not written.
func (c *connection) answered(b *Builder, number uint32, status uint16, at int64) {
	if c.request.number != number {
		c.begins(b, number, at) // a request without a head that can be read
	}
	c.served++
	c.request.status, c.request.end = status, max(c.request.end, at)
}

// endRequest adds the slice of the request, which ended at its last write, and at the
// latest now.
func (c *connection) endRequest(b *Builder, now int64) {
	r := c.request
	c.request = request{}
	if r.number == 0 {
		return
	}
	end := now
	if r.written > 0 && r.status != 0 {
		end = min(r.end, now)
	}
	b.put(event{what: aRequest, at: r.begin, dur: max(end-r.begin, 0), loop: c.loop, conn: c, request: r.number, route: r.route, status: r.status, arg: r.written})
}
