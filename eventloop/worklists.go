package eventloop

// Worklists are the connections that the phases of a turn go through. A phase goes as far
// as its list did when the turn, or the phase, began: what a callback adds belongs to the
// next round.
type worklists struct {
	again []*Conn // have something left over from before, for dispatch
	due   int     // how many of them this turn has still to handle
	at    int     // how many it has handled

	dirty stage // stage.go, for flush: have output, are to be watched, or to be finished
}

// any reports whether there is something to do in the next turn.
func (w *worklists) any() bool { return len(w.again)+len(w.dirty.spans) > 0 }

// markAgain has dispatch handle a connection although the kernel reports nothing
// about it.
func (w *worklists) markAgain(c *Conn) {
	if !c.inAgain && c.state != Dead {
		c.inAgain = true
		w.again = append(w.again, c)
	}
}

// nextAgain takes one that is due.
func (w *worklists) nextAgain() *Conn {
	c := w.again[w.at]
	w.again[w.at] = nil
	w.at++
	if w.due--; w.due == 0 {
		w.again, w.at = without(w.again, w.at), 0
	}
	return c
}

// markDirty has flush write to a connection.
func (w *worklists) markDirty(c *Conn) { w.dirty.mark(c) }

// without takes the first n off a list. They are zero already.
func without[T any](list []T, n int) []T {
	if len(list) == n {
		return list[:0]
	}
	rest := copy(list, list[n:])
	clear(list[rest:])
	return list[:rest]
}
