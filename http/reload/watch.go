package reload

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
)

// How changes are found: the kernel reports them, or the folder is walked at intervals.
// In both ways the folder itself is looked at: a build tool may remove it and make it
// anew, or a symbolic link may lead to another one.

// lookEvery is the interval between two looks. Pages are notified within half a second of
// a change, also where it is found by a walk.
const lookEvery = 200 * time.Millisecond

// walkMax is the largest number of files in a walk.
const walkMax = 100_000

// Start begins to watch a folder, which may be a symbolic link to one. What cannot be
// watched is logged once. It is called before the loop runs or on its goroutine.
func (r *Reloader) Start(loop *eventloop.Loop, folder string) error {
	r.loop, r.folder = loop, folder
	if r.leader != nil {
		return nil
	}
	if _, err := os.Stat(folder); err != nil {
		return err
	}
	r.watch()
	r.lookSoon()
	return nil
}

// Close ends the watching.
func (r *Reloader) Close() {
	r.closed = true
	if r.look != nil {
		r.look.Stop()
	}
	if r.timer != nil {
		r.timer.Stop()
	}
	if r.unwatch != nil {
		r.unwatch()
	}
}

// watch has the kernel report changes, or else the looks walk.
func (r *Reloader) watch() {
	if r.unwatch != nil {
		r.unwatch()
		r.unwatch = nil
	}
	r.stale, r.walks, r.seen = false, false, nil
	target, err := filepath.EvalSymlinks(r.folder)
	if err == nil {
		r.watched, err = os.Stat(target)
	}
	if err != nil {
		r.watched = nil // it is not there at the moment
		return
	}
	r.unwatch, err = r.loop.WatchFolder(target, func(path string) {
		r.stale = r.stale || path == "" // the watch may have ended
		r.changed(path)
	})
	if err == nil {
		return
	}
	r.walks = true
	if !errors.Is(err, errors.ErrUnsupported) && !r.warned {
		r.warned = true
		r.log().Warn("the system does not watch the folder, so it is looked at several times a second", "error", err)
	}
}

// A look is the result of a worker.
type look struct {
	folder fs.FileInfo // nil if there is none
	files  map[string]stamp
}

// lookSoon looks at the folder after a while, on a worker, and then again.
func (r *Reloader) lookSoon() {
	r.look = r.loop.After(lookEvery, func() {
		walks := r.walks
		var found look
		r.loop.Offload(func() { found = lookAt(r.folder, walks) }, func(error) {
			if r.closed {
				return
			}
			r.compareFolder(&found)
			if walks && r.walks {
				if r.seen != nil {
					r.compare(found.files)
				}
				r.seen = found.files
			}
			r.lookSoon()
		})
	})
}

// compareFolder begins a new watch if the folder is another one.
func (r *Reloader) compareFolder(found *look) {
	switch {
	case found.folder == nil && r.watched == nil:
	case found.folder == nil, r.watched == nil, !os.SameFile(found.folder, r.watched), r.stale:
		r.watch()
		r.changed("")
	}
}

// lookAt is called on a worker.
func lookAt(folder string, walks bool) (found look) {
	target, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return found
	}
	if found.folder, err = os.Stat(target); err != nil {
		return look{}
	}
	if walks {
		found.files = walk(target)
	}
	return found
}

// compare finds the changes between two walks.
func (r *Reloader) compare(now map[string]stamp) {
	for path, s := range now {
		if before, ok := r.seen[path]; !ok || before != s {
			r.changed(path)
		}
	}
	for path := range r.seen {
		if _, ok := now[path]; !ok {
			r.changed(path)
		}
	}
}

// walk returns the stamps of all files below a folder except hidden ones. A folder that
// cannot be read has none.
func walk(folder string) map[string]stamp {
	all := make(map[string]stamp)
	filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return nil // removed meanwhile, or unreadable
		case path != folder && d.Name()[0] == '.':
			if d.IsDir() {
				return fs.SkipDir
			}
			return nil
		case len(all) >= walkMax:
			return fs.SkipAll
		case d.Type().IsRegular():
			if info, err := d.Info(); err == nil {
				all[path] = stamp{info.Size(), info.ModTime()}
			}
		}
		return nil
	})
	return all
}
