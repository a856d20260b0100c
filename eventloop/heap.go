package eventloop

// A heapItem knows whether it comes before another, and where it stands in a heap.
type heapItem[T any] interface {
	before(other T) bool
	setIndex(i int) // -1 when it is taken out
}

// An indexedHeap has its first item at index 0, and can change or remove any other,
// because each item knows its index.
type indexedHeap[T heapItem[T]] []T

// push puts an item in.
func (h *indexedHeap[T]) push(item T) {
	*h = append(*h, item)
	i := len(*h) - 1
	item.setIndex(i)
	h.up(i)
}

// remove takes out the item at an index.
func (h *indexedHeap[T]) remove(i int) T {
	last := len(*h) - 1
	h.swap(i, last)
	item := (*h)[last]
	var none T
	(*h)[last] = none
	*h = (*h)[:last]
	item.setIndex(-1)
	if i < last {
		h.fix(i)
	}
	return item
}

// fix moves the item at an index to where it belongs, after it was changed.
func (h *indexedHeap[T]) fix(i int) {
	if !h.down(i) {
		h.up(i)
	}
}

func (h *indexedHeap[T]) swap(i, j int) {
	list := *h
	list[i], list[j] = list[j], list[i]
	list[i].setIndex(i)
	list[j].setIndex(j)
}

func (h *indexedHeap[T]) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !(*h)[i].before((*h)[parent]) {
			return
		}
		h.swap(i, parent)
		i = parent
	}
}

// down reports whether the item has moved.
func (h *indexedHeap[T]) down(i int) bool {
	list, from := *h, i
	for {
		child := 2*i + 1
		if child >= len(list) {
			return i > from
		}
		if right := child + 1; right < len(list) && list[right].before(list[child]) {
			child = right
		}
		if !list[child].before(list[i]) {
			return i > from
		}
		h.swap(i, child)
		i = child
	}
}
