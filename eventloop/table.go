package eventloop

import "iter"

// A connTable has the connections of a loop by their descriptors.
type connTable struct {
	byFD []*Conn
	open int    // how many there are
	last uint32 // the number of the latest
}

// at returns the connection of a descriptor, or nil.
func (t *connTable) at(fd int) *Conn {
	if fd < len(t.byFD) {
		return t.byFD[fd]
	}
	return nil
}

// linked returns the connection that another names in a list: by its descriptor and
// 1, as 0 names none. Descriptors take half of the memory of pointers.
func (t *connTable) linked(number int32) *Conn {
	if number == 0 {
		return nil
	}
	return t.byFD[number-1]
}

// all goes through the connections, those included that end with this turn.
func (t *connTable) all() iter.Seq[*Conn] {
	return func(yield func(*Conn) bool) {
		for _, c := range t.byFD {
			if c != nil && !yield(c) {
				return
			}
		}
	}
}

// add puts a new connection in, and numbers it.
func (t *connTable) add(c *Conn) {
	t.last++
	c.id = t.last
	fd := int(c.fd)
	for fd >= len(t.byFD) {
		t.byFD = append(t.byFD, make([]*Conn, max(64, len(t.byFD)))...)
	}
	if t.byFD[fd] != nil {
		panic("eventloop: internal error: the kernel gave out a descriptor that is in use")
	}
	t.byFD[fd] = c
	t.open++
}

// remove takes a connection out whose descriptor is closed next.
func (t *connTable) remove(c *Conn) {
	t.byFD[c.fd] = nil
	t.open--
}

// Open returns how many connections there are.
func (l *Loop) Open() int { return l.conns.open }

// Each calls f for each connection that is not yet closed.
func (l *Loop) Each(f func(*Conn)) {
	l.owner.check("Loop.Each")
	for c := range l.conns.all() {
		f(c)
	}
}
