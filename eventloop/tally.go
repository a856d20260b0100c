package eventloop

// A Tally counts what each client holds of one resource, and knows which holds
// most. The zero value is empty. It belongs to one goroutine; a change costs the
// logarithm of the number of clients.
type Tally struct {
	total    int64
	byClient map[Client]*holding
	heap     indexedHeap[*holding]
	spare    *holding // of a client that was forgotten
}

// A holding is what one client holds.
type holding struct {
	who   Client
	n     int64
	index int // in the heap
}

// Add adds n, which may be negative, to what a client holds. A client that holds
// nothing is forgotten.
func (t *Tally) Add(who Client, n int64) {
	if n == 0 {
		return
	}
	t.total += n
	h := t.byClient[who]
	switch {
	case h == nil:
		if t.byClient == nil {
			t.byClient = make(map[Client]*holding)
		}
		if h = t.spare; h == nil {
			h = new(holding)
		}
		t.spare = nil
		h.who, h.n = who, n
		t.byClient[who] = h
		t.heap.push(h)
		return
	case h.n+n == 0:
		t.heap.remove(h.index)
		delete(t.byClient, who)
		t.spare = h
		return
	}
	h.n += n
	t.heap.fix(h.index)
}

// Of returns what a client holds.
func (t *Tally) Of(who Client) int64 {
	if h := t.byClient[who]; h != nil {
		return h.n
	}
	return 0
}

// Admits reports whether a client may take one more of a resource of which there
// are so many. Below three quarters each may. In the last quarter a client may while
// it holds fewer than are free: so one that holds much is refused, one that holds
// none is not before the very last is taken, and a few greedy clients leave some for
// others, however they share. Of fewer than four there is no last quarter.
func (t *Tally) Admits(who Client, most int64) bool {
	free := most - t.total
	return free > most/4 || free > 0 && t.Of(who) < free
}

// Most returns the client that holds most, and how much that is; 0 if no client
// holds anything.
func (t *Tally) Most() (who Client, n int64) {
	if len(t.heap) == 0 {
		return Client{}, 0
	}
	return t.heap[0].who, t.heap[0].n
}

// Total returns what all clients hold together.
func (t *Tally) Total() int64 { return t.total }

// Clients returns how many clients hold something.
func (t *Tally) Clients() int { return len(t.heap) }

// before and setIndex implement heapItem, the largest first.
func (h *holding) before(other *holding) bool { return h.n > other.n }
func (h *holding) setIndex(i int)             { h.index = i }
