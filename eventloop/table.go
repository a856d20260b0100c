package eventloop

import "iter"

// A connTable has the connections of a loop by their descriptors, in pages: it grows
// without a copy, and takes little more than a pointer for each connection.
type connTable struct {
	pages []connPage
	spare *[pageSize]*Conn // an empty page, kept for the next that is needed
	open  int              // how many there are
	last  uint32           // the number of the latest
}

// A connPage has the places of neighbouring descriptors.
type connPage struct {
	at   *[pageSize]*Conn // emptyPage while there are none
	open int              // how many there are
}

// pageSize is the number of descriptors on a page. Larger ones would be rounded up by the
// allocator, which puts a header before more than 512 bytes with pointers.
const pageSize = 64

// emptyPage stands for each page without connections. It is never written to.
var emptyPage [pageSize]*Conn

// at returns the connection of a descriptor, or nil.
func (t *connTable) at(fd int) *Conn {
	if p := uint(fd) / pageSize; p < uint(len(t.pages)) {
		return t.pages[p].at[uint(fd)%pageSize]
	}
	return nil
}

// linked returns the connection that another names in a list: by its descriptor and
// 1, as 0 names none. Descriptors take half of the memory of pointers.
func (t *connTable) linked(number int32) *Conn { return t.at(int(number) - 1) }

// all goes through the connections, those included that end with this turn.
func (t *connTable) all() iter.Seq[*Conn] {
	return func(yield func(*Conn) bool) {
		for i := range t.pages {
			if t.pages[i].open == 0 {
				continue
			}
			for _, c := range t.pages[i].at {
				if c != nil && !yield(c) {
					return
				}
			}
		}
	}
}

// add numbers a new connection, and puts it in.
func (t *connTable) add(c *Conn) {
	t.last++
	c.id = t.last
	t.put(c)
}

// put puts a connection in.
func (t *connTable) put(c *Conn) {
	fd := int(c.fd)
	for fd/pageSize >= len(t.pages) {
		t.pages = append(t.pages, connPage{at: &emptyPage})
	}
	page := &t.pages[fd/pageSize]
	if page.open == 0 {
		if page.at = t.spare; page.at == nil {
			page.at = new([pageSize]*Conn)
		}
		t.spare = nil
	}
	if page.at[fd%pageSize] != nil {
		panic("eventloop: internal error: the kernel gave out a descriptor that is in use")
	}
	page.at[fd%pageSize] = c
	page.open++
	t.open++
}

// remove takes a connection out whose descriptor is closed next. An empty page is given
// back, but for one: a loop with a connection now and then allocates no page for each.
func (t *connTable) remove(c *Conn) {
	page := &t.pages[c.fd/pageSize]
	page.at[c.fd%pageSize] = nil
	page.open--
	if page.open == 0 {
		t.spare, page.at = page.at, &emptyPage
	}
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
