package http

// each calls functions of the program's. A panic in one costs the connection, and keeps no
// other one from being called.
func (c *conn) each(list []func()) {
	for _, f := range list {
		c.conn.Guard(f)
	}
}
