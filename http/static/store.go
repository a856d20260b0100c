package static

import (
	"bytes"
	"time"

	"github.com/bobbin-http/bobbin/http"
)

// The result of a search becomes an entry, and the cache keeps that unless it has a
// newer one.

// store returns an entry for the result of a search, and keeps it in a cache if it
// may. The caller releases it. The disk was asked at the time given, or later. There
// is no entry if the result says that nothing has changed and the entry that it
// means was evicted meanwhile.
func (f *Files) store(found *found, asked time.Time) *entry {
	f.adopt(found)
	if found.same {
		old := f.cache.peek(found.path)
		if old == nil {
			return nil
		}
		if asked.After(old.checked) {
			old.checked = asked
		}
		return old.retain()
	}
	if found.err == http.StatusNotFound {
		found.contents[identity].body = f.once(found.contents[identity].body)
	}
	e := newEntry(found, asked)
	if f.cache.supersede(e) && f.unsure.supersede(e) {
		f.keep(e, found)
	}
	return e
}

// adopt takes over the folder that a search has found behind the root's path. The
// result of a search that began before the last Forget, or in another folder than
// is served now, is not stable: it is answered and not kept.
func (f *Files) adopt(found *found) {
	if found.generation != f.generation {
		found.stable = false
	}
	switch {
	case found.root == f.root:
	case found.moved:
		// The path leads to another folder now: a site was deployed. Workers may
		// still use the old root; the garbage collector closes it.
		f.clear()
		f.root = found.root
	default:
		found.stable = false
	}
}

// keep puts an entry into a cache. One that was modified recently is not kept: it
// might change once more without a sign of it.
func (f *Files) keep(e *entry, found *found) {
	switch {
	case e.recentlyModified:
	case found.stable:
		f.cache.put(e)
	case found.unsure() && found.generation == f.generation && found.root == f.root:
		f.unsure.put(e)
	}
}

// once returns p, or the same bytes from before, so that a page for errors is in
// memory once.
func (f *Files) once(p []byte) []byte {
	if !bytes.Equal(p, f.page404) {
		f.page404 = p
	}
	return f.page404
}
