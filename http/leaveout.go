package http

// LeaveOut leaves the request out of all figures of the server, because watching is work:
// it is for the pages and the metrics that show the server itself. Its connection is left
// out, too, until a request comes on it that is not. It must be called on the loop, before
// the handler returns.
func (r *Request) LeaveOut() {
	r.use("LeaveOut")
	r.x.conn.conn.LeaveOut()
}
