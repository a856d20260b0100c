package static

import (
	"io/fs"
	"time"

	"github.com/bobbin-http/bobbin/http"
)

// A cache holds answers by the path that was asked for, up to a number of
// bytes. It forgets by SIEVE (Zhang et al., NSDI 2024): entries stand in the
// order in which they came, a hand walks from the oldest to the newest, spares
// those that were asked for since it last came by, and takes the first that was
// not. A hit costs one store, and a scan through all files does not push out
// what is asked for again and again.
type cache struct {
	limit  int64
	size   int64
	byPath map[string]*entry
	newest *entry
	oldest *entry
	hand   *entry
}

type entry struct {
	path    string // as it was asked for
	name    string // of the file, below the root
	answer  *http.Prepared
	info    fs.FileInfo
	checked time.Time // when the disk was last asked
	visited bool
	newer   *entry
	older   *entry
}

// overhead is what an entry takes beside its answer and its names.
const overhead = 256

func (e *entry) size() int64 {
	return int64(e.answer.Size()+len(e.path)+len(e.name)) + overhead
}

func (c *cache) get(path []byte) *entry {
	e := c.byPath[string(path)]
	if e != nil {
		e.visited = true
	}
	return e
}

func (c *cache) put(e *entry) {
	if old := c.byPath[e.path]; old != nil {
		c.remove(old)
	}
	if e.size() > c.limit {
		return
	}
	for c.size+e.size() > c.limit {
		c.evict()
	}
	if c.byPath == nil {
		c.byPath = make(map[string]*entry)
	}
	c.byPath[e.path] = e
	c.size += e.size()
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
	for e.visited {
		e.visited = false
		if e = e.newer; e == nil {
			e = c.oldest
		}
	}
	c.hand = e
	c.remove(e)
}

func (c *cache) remove(e *entry) {
	if c.byPath[e.path] != e {
		return
	}
	delete(c.byPath, e.path)
	c.size -= e.size()
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
}
