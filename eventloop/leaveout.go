package eventloop

// Watching a loop is work, too: a page that shows it, and a program that collects its
// figures, have connections of their own. They are left out of what they show.

// LeaveOut leaves the connection out of all counters and records from now on, until
// CountIn. It must be called on the loop's goroutine.
func (c *Conn) LeaveOut() {
	c.loop.owner.check("Conn.LeaveOut")
	c.leftOut = true
}

// LeftOut reports whether the connection is left out of all figures.
func (c *Conn) LeftOut() bool { return c.leftOut }
