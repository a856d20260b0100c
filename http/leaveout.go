package http

// LeaveOut leaves the request out of all figures of the server, because watching is work:
// it is for the pages and the metrics that show the server itself. Its connection is left
// out, too, until a request comes on it that is not: a proxy may send requests of both kinds
// on one connection, and a browser may open a page and watch it. A connection that had
// requests of clients before stays counted. LeaveOut must be called on the loop, before the
// handler returns.
func (r *Request) LeaveOut() {
	r.use("LeaveOut")
	c := r.x.conn
	c.conn.LeaveOut(uint32(c.requests) + 1)
}
