package static

// A cache holds entries by path, up to a number of bytes. It evicts by SIEVE (Zhang
// et al., NSDI 2024): entries are in the order in which they came, a hand moves
// from the oldest to the newest, passes over those that were hit since it passed
// last, and evicts the first that was not. A hit costs one store, and a scan
// through all files does not evict popular ones.
type cache struct {
	limit  int64
	size   int64
	byPath map[string]*entry
	newest *entry
	oldest *entry
	hand   *entry

	visits  uint64 // of entries that are gone
	evicted uint64
}

// hits returns how often get has found an entry.
func (c *cache) hits() uint64 {
	n := c.visits
	for e := c.oldest; e != nil; e = e.newer {
		n += e.visits
	}
	return n
}

func (c *cache) get(path []byte) *entry {
	e := c.byPath[string(path)]
	if e != nil {
		e.visits++
	}
	return e
}

// peek is get for what is no request.
func (c *cache) peek(path string) *entry { return c.byPath[path] }

func (c *cache) put(e *entry) {
	if old := c.byPath[e.path]; old != nil {
		c.remove(old)
	}
	if e.bytes > c.limit {
		return
	}
	for c.size+e.bytes > c.limit {
		c.evict()
	}
	e.retain()
	if c.byPath == nil {
		c.byPath = make(map[string]*entry)
	}
	c.byPath[e.path] = e
	c.size += e.bytes
	e.older = c.newest
	if c.newest != nil {
		c.newest.newer = e
	} else {
		c.oldest = e
	}
	c.newest = e
}

func (c *cache) evict() {
	e := c.hand
	if e == nil {
		e = c.oldest
	}
	for e.visits != e.passed {
		e.passed = e.visits
		if e = e.newer; e == nil {
			e = c.oldest
		}
	}
	c.hand = e
	c.evicted++
	c.remove(e)
}

func (c *cache) remove(e *entry) {
	if c.byPath[e.path] != e {
		return
	}
	delete(c.byPath, e.path)
	c.size -= e.bytes
	c.visits += e.visits
	if c.hand == e {
		c.hand = e.newer
	}
	if e.newer != nil {
		e.newer.older = e.older
	} else {
		c.newest = e.older
	}
	if e.older != nil {
		e.older.newer = e.newer
	} else {
		c.oldest = e.newer
	}
	e.newer, e.older = nil, nil
	e.release()
}

// supersede removes the entry whose place e takes. It reports false if that entry is
// from a later look at the disk, so that e is not kept: the disk was slow with it.
func (c *cache) supersede(e *entry) bool {
	old := c.peek(e.path)
	if old == nil {
		return true
	}
	if old.checked.After(e.checked) {
		return false
	}
	c.remove(old)
	return true
}

// grow counts n bytes that were added to an entry, which may have been evicted.
func (c *cache) grow(e *entry, n int64) {
	if c.byPath[e.path] != e {
		return
	}
	c.size += n
	for c.size > c.limit {
		c.evict()
	}
}

// clear removes all entries.
func (c *cache) clear() {
	for c.oldest != nil {
		c.remove(c.oldest)
	}
}
