package eventloop

// Open returns how many connections there are.
func (l *Loop) Open() int { return l.open }

// Each calls f for each connection that is not yet closed.
func (l *Loop) Each(f func(*Conn)) {
	l.own("Loop.Each")
	for _, c := range l.conns {
		if c != nil {
			f(c)
		}
	}
}

// connAt returns the connection that a descriptor is, or nil.
func (l *Loop) connAt(fd int) *Conn {
	if fd < len(l.conns) {
		return l.conns[fd]
	}
	return nil
}

// affordable is how many connections so many descriptors allow each of some loops:
// some are for listeners, logs and the kernel itself, and a quarter of the rest for
// files.
func affordable(descriptors, loops int) int {
	reserve := min(64, descriptors/4)
	return max((descriptors-reserve)*3/4/max(loops, 1), 8)
}
