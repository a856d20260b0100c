package eventloop

import "slices"

// Turns is a queue that serves its clients in turn: one item of each, however many
// items a client has put in, and the items of one client in their order. The
// zero value is empty. It belongs to one goroutine and has no limit: Len and LenOf
// are for the caller's, and DropLast makes room at the cost of the client that
// waits for most.
type Turns[T comparable] struct {
	lines   map[Client]*queue[T]
	order   []*queue[T] // the next one first
	waiting Tally
}

// A queue has the items of one client.
type queue[T comparable] struct {
	who   Client
	items []T
}

// Len returns how many items wait.
func (t *Turns[T]) Len() int { return int(t.waiting.Total()) }

// LenOf returns how many items of a client wait.
func (t *Turns[T]) LenOf(who Client) int { return int(t.waiting.Of(who)) }

// Push puts an item behind those of its client. A client that waits for nothing
// else has its turn after all others have had one.
func (t *Turns[T]) Push(who Client, item T) {
	l := t.lines[who]
	if l == nil {
		if t.lines == nil {
			t.lines = make(map[Client]*queue[T])
		}
		l = &queue[T]{who: who}
		t.lines[who] = l
		t.order = append(t.order, l)
	}
	l.items = append(l.items, item)
	t.waiting.Add(who, 1)
}

// Pop takes out the next client's first item; ok is false if none waits.
func (t *Turns[T]) Pop() (item T, ok bool) {
	return t.PopIf(func(Client) bool { return true })
}

// PopIf is Pop among the clients that may have a turn. Those that may not keep
// their place.
func (t *Turns[T]) PopIf(may func(Client) bool) (item T, ok bool) {
	for i := 0; i < len(t.order); {
		l := t.order[i]
		if len(l.items) > 0 && !may(l.who) {
			i++
			continue
		}
		t.skip(i)
		if len(l.items) == 0 {
			continue
		}
		var none T
		item, l.items[0] = l.items[0], none
		l.items = l.items[1:]
		t.waiting.Add(l.who, -1)
		if len(l.items) > 0 {
			t.order = append(t.order, l)
		} else {
			delete(t.lines, l.who)
		}
		return item, true
	}
	if len(t.order) == 0 {
		t.order = nil
	}
	return item, false
}

// skip takes a client out of the order.
func (t *Turns[T]) skip(i int) {
	if i > 0 {
		t.order = slices.Delete(t.order, i, i+1)
		return
	}
	t.order[0] = nil
	t.order = t.order[1:]
}

// Remove takes an item of a client out, wherever it stands.
func (t *Turns[T]) Remove(who Client, item T) {
	l := t.lines[who]
	if l == nil {
		return
	}
	i := slices.Index(l.items, item)
	if i < 0 {
		return
	}
	l.items = slices.Delete(l.items, i, i+1)
	t.waiting.Add(who, -1)
	if len(l.items) == 0 {
		delete(t.lines, who)
		t.skip(slices.Index(t.order, l))
	}
}

// DropLast takes out the latest item of the client that waits for most.
func (t *Turns[T]) DropLast() (item T, ok bool) {
	who, n := t.waiting.Most()
	if n == 0 {
		return item, false
	}
	l := t.lines[who]
	last := len(l.items) - 1
	var none T
	item, l.items[last] = l.items[last], none
	l.items = l.items[:last]
	t.waiting.Add(who, -1)
	if last == 0 {
		delete(t.lines, who)
		t.skip(slices.Index(t.order, l))
	}
	return item, true
}
