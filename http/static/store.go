package static

import (
	"bytes"
	"time"

	"github.com/bobbin-http/bobbin/http"
)

// store keeps what the disk has said, and returns the entry for it, which is to
// be released. It was asked when the request was taken up, or later. If the disk
// has said that nothing has changed, and what it was has been forgotten
// meanwhile, there is none.
func (f *Files) store(found *found, asked time.Time) *entry {
	if found.generation != f.generation {
		found.stable = false // it may be from before
	}
	if found.root != f.root {
		if found.moved {
			// The folder's name leads elsewhere now: somebody has deployed.
			// What workers still use is closed by the garbage collector.
			f.clear()
			f.root = found.root
		} else {
			found.stable = false // it comes from where it led before
		}
	}
	old := f.cache.get([]byte(found.path))
	switch {
	case found.same && old == nil:
		return nil
	case found.same:
		if asked.After(old.checked) {
			old.checked = asked
		}
		return old.retain()
	case found.err == http.StatusNotFound:
		found.contents[identity].body = f.once(found.contents[identity].body)
	}
	e := newEntry(found, asked)
	if old != nil {
		if old.checked.After(asked) {
			return e // the disk was slow with this, and has said something else since
		}
		f.cache.remove(old)
	}
	switch before := f.unsure.get([]byte(e.path)); {
	case before == nil:
	case before.checked.After(asked):
		return e
	default:
		f.unsure.remove(before)
	}
	switch {
	case e.recentlyModified:
	case found.stable:
		f.cache.put(e)
	case found.unsure() && found.generation == f.generation && found.root == f.root:
		f.unsure.put(e)
	}
	return e
}

// once returns p, or what was the same before.
func (f *Files) once(p []byte) []byte {
	if !bytes.Equal(p, f.page404) {
		f.page404 = p
	}
	return f.page404
}
