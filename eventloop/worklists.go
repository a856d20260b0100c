package eventloop

// Worklists are the connections that the phases of a turn go through. A list is taken
// before it is walked: what a callback adds belongs to the next round. The list that
// was walked is kept for its memory.
type worklists struct {
	again []*Conn // have something left over from before, for dispatch
	dirty []*Conn // for flush: have output, are to be watched, or to be finished

	againWalked []*Conn
	dirtyWalked []*Conn
}

// any reports whether there is something to do in the next turn.
func (w *worklists) any() bool { return len(w.again)+len(w.dirty) > 0 }

// markAgain has dispatch handle a connection although the kernel reports nothing
// about it.
func (w *worklists) markAgain(c *Conn) {
	if !c.inAgain && c.state != Dead {
		c.inAgain = true
		w.again = append(w.again, c)
	}
}

// takeAgain returns the list for dispatch.
func (w *worklists) takeAgain() []*Conn {
	list := w.again
	if len(list) > 0 {
		w.again = w.againWalked[:0]
	}
	return list
}

// reuseAgain gives that list back.
func (w *worklists) reuseAgain(list []*Conn) {
	clear(list)
	w.againWalked = list[:0]
}

// markDirty has flush write to a connection.
func (w *worklists) markDirty(c *Conn) {
	if !c.dirty {
		c.dirty = true
		w.dirty = append(w.dirty, c)
	}
}

// full reports whether so many connections have something to write that there is no
// chunk of memory for one more.
func (w *worklists) full() bool { return len(w.dirty) >= chunksKept }

// takeDirty returns the list for flush.
func (w *worklists) takeDirty() []*Conn {
	list := w.dirty
	w.dirty = w.dirtyWalked[:0]
	return list
}

// reuseDirty gives that list back.
func (w *worklists) reuseDirty(list []*Conn) {
	clear(list)
	w.dirtyWalked = list[:0]
}
