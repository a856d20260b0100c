// Package static serves the files of a folder, of an fs.FS, or one single file. It serves
// nothing outside of the folder, whatever the path and wherever symbolic links
// lead. Small files are answered from memory, large ones are sent by the kernel,
// and no client waits for the disk of another.
//
// A request runs through these files: static.go looks for an entry in the cache;
// ask.go has a worker ask the disk if there is none, or an old one; find.go, load.go and
// kind.go run on that worker; store.go makes an entry of the result (entry.go) and
// keeps it in a cache that evicts by SIEVE (cache.go); answer.go answers with it,
// by the request's conditions (condition.go), the codings that the client takes
// (coding.go, accept.go) and ranges (ranges.go). A large file is sent from openfile.go.
// What times tell is in times.go, and what an fs.FS needs in fsys.go. A folder without an index
// is listed by listing.go, and downloaded by archive.go.
package static

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// checkEvery is how long an entry is answered before the disk is asked again
// whether its file has changed. From half of that time on, a worker asks while the
// entry is still answered.
const checkEvery = time.Second

// Files serves the files of a folder. It belongs to the goroutine of one loop.
type Files struct {
	path       string         // of the folder, "" for an FS
	lane       eventloop.Lane // of questions
	only       string         // the one file that is served, or ""
	options    Options
	root       *root
	cache      cache
	unsure     cache              // entries that are answered only while the disk does not answer
	asked      map[string]*asking // questions on their way, by question.key
	generation int                // counts Forget
	accepts    acceptCache
	page404    []byte // the latest page for a 404, which its entries share

	counters Counters
}

// Open returns a server of the files below a folder. If path names a file, that
// alone is served, as / and by its own name.
func Open(path string, o Options) (*Files, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	only := ""
	if !info.IsDir() {
		if !info.Mode().IsRegular() {
			return nil, &fs.PathError{Op: "serve", Path: path, Err: errors.New("neither a folder nor a file")}
		}
		path, only = filepath.Split(filepath.Clean(path))
		if path == "" {
			path = "."
		}
	}
	f := &Files{path: path, only: only, options: o, lane: eventloop.LaneLookups}
	f.options.private = newPrivacy(path, o.Private)
	if err := f.options.private.refuse(filepath.Join(path, only), info); err != nil {
		return nil, err
	}
	if f.root, err = openRoot(path, f.options.Symlinks); err != nil {
		return nil, err
	}
	if err := f.open(); err != nil {
		f.root.close()
		return nil, err
	}
	return f, nil
}

// open completes a Files whose root is open.
func (f *Files) open() (err error) {
	f.options.fill()
	if f.options.Prefix, err = checkPrefix(f.options.Prefix); err != nil {
		return err
	}
	f.cache.limit = f.options.Memory
	f.unsure.limit = f.options.Memory / 16
	return f.checkReadable()
}

// checkReadable reports at the start an error that every request would meet later.
func (f *Files) checkReadable() error {
	name := "."
	if f.only != "" {
		name = f.only
	}
	probe, err := f.root.open(name)
	if err != nil {
		return err
	}
	defer probe.Close()
	if folder, ok := probe.(fs.ReadDirFile); ok && name == "." {
		if _, err = folder.ReadDir(1); err == io.EOF {
			err = nil
		}
	}
	return err
}

// Close closes the folder. Answers that are being sent go on.
func (f *Files) Close() error {
	f.clear()
	return f.root.close()
}

// Forget empties the cache, for a caller that knows that files have changed.
func (f *Files) Forget() {
	f.clear()
	f.generation++
}

func (f *Files) clear() {
	f.cache.clear()
	f.unsure.clear()
}

// Serve is the http.Handler.
func (f *Files) Serve(w *http.Response, r *http.Request) error {
	if m := r.Method(); m != http.MethodGet && m != http.MethodHead {
		return http.MethodNotAllowed(w, r, "GET, HEAD")
	}
	// Entries are stored under clean paths, so a path without an escape that
	// finds one is clean.
	raw := r.PathBytes()
	if bytes.IndexByte(raw, '%') < 0 {
		if e := f.cache.get(raw); e != nil {
			return f.answerOrCheck(w, r, e, f.options.Missing)
		}
	}
	path, err := r.CleanPathBytes(nil)
	if err != nil {
		return err
	}
	if e := f.cache.get(path); e != nil {
		return f.answerOrCheck(w, r, e, f.options.Missing)
	}
	return f.find(w, r, string(path), f.options.Missing)
}

// ServeAs answers a request as if its target were path, which is decoded already.
// It is for rules that rewrite: the client is not redirected.
func (f *Files) ServeAs(w *http.Response, r *http.Request, path string) error {
	if m := r.Method(); m != http.MethodGet && m != http.MethodHead {
		return http.MethodNotAllowed(w, r, "GET, HEAD")
	}
	clean, err := http.CleanPath(nil, http.EscapePath(nil, path))
	if err != nil {
		return err
	}
	if e := f.cache.get(clean); e != nil {
		return f.answerOrCheck(w, r, e, nil)
	}
	return f.find(w, r, string(clean), nil)
}

// answerOrCheck answers with an entry. The disk is asked first if the entry was
// checked too long ago.
func (f *Files) answerOrCheck(w *http.Response, r *http.Request, e *entry, missing http.Handler) error {
	switch age := r.Time().Sub(e.checked); {
	case !e.current():
		return f.find(w, r, e.path, missing)
	case age < checkEvery/2:
	case age < checkEvery:
		f.checkAhead(r, e)
	default:
		return f.find(w, r, e.path, missing)
	}
	return f.answer(w, r, e)
}
