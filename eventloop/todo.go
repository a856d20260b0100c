package eventloop

// touch has flush come by.
func (l *Loop) touch(c *Conn) {
	if !c.dirty {
		c.dirty = true
		l.dirty = append(l.dirty, c)
	}
}

// queueAgain has dispatch come by although the kernel has no news.
func (l *Loop) queueAgain(c *Conn) {
	if !c.inAgain && c.state != Dead {
		c.inAgain = true
		l.again = append(l.again, c)
	}
}
