// Package static serves files: a folder, or one single file. Nothing outside
// the folder is served, whatever is asked for and wherever symbolic links lead.
// Small files are answered from memory, large ones by the kernel, and nobody
// waits for another's disk.
//
// What is asked of the disk is asked on a worker (find.go), and what it says is
// kept as an entry (entry.go) in a cache that forgets by SIEVE (cache.go). What
// an entry answers depends on the request's conditions (condition.go), on the
// codings that the client takes (coding.go) and on ranges (ranges.go).
package static

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/bobbin-http/bobbin/http"
)

// checkEvery is how long a file in memory is answered before its folder is
// asked again whether it has changed. From half of that on it is asked in the
// background.
const checkEvery = time.Second

// Files serves what is below a folder. Like the loop that calls it, it belongs
// to one goroutine.
type Files struct {
	path       string // of the folder
	only       string // the one file that is served, or ""
	options    Options
	root       *root
	cache      cache
	unsure     cache // what is answered only while the disk cannot be asked
	asked      map[string]*asking
	generation int    // how often
	page404    []byte // the latest, so that it is kept once

	counters Counters
}

// Open returns a server of the files at a path: those below a folder, or the
// one that it names, which is served as / and as its own name.
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
	f := &Files{path: path, only: only, options: o}
	f.options.fill()
	f.options.private = newPrivacy(path, o.Private)
	if err := f.options.private.refuse(filepath.Join(path, only), info); err != nil {
		return nil, err
	}
	f.cache.limit = f.options.Memory
	f.unsure.limit = f.options.Memory / 16
	if f.root, err = openRoot(path, f.options.Symlinks); err != nil {
		return nil, err
	}
	if err := f.readable(); err != nil {
		f.root.close()
		return nil, err
	}
	return f, nil
}

// readable finds out at the start what every visitor would find out otherwise.
func (f *Files) readable() error {
	name := "."
	if f.only != "" {
		name = f.only
	}
	probe, err := f.root.open(name)
	if err != nil {
		return err
	}
	defer probe.Close()
	if name == "." {
		if _, err = probe.Readdirnames(1); err == io.EOF {
			err = nil
		}
	}
	return err
}

// Close gives the folder back. Answers under way are not touched.
func (f *Files) Close() error {
	f.clear()
	return f.root.close()
}

// Forget has everything asked of the disk again, for those who know that it has
// changed.
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
		return notForFiles(w)
	}
	// Entries have clean paths. A path without an escape that is found among
	// them is clean.
	raw := r.PathBytes()
	if bytes.IndexByte(raw, '%') < 0 {
		if e := f.cache.get(raw); e != nil {
			return f.answerOrCheck(w, r, e)
		}
	}
	path, err := r.CleanPathBytes(nil)
	if err != nil {
		return err
	}
	if e := f.cache.get(path); e != nil {
		return f.answerOrCheck(w, r, e)
	}
	return f.find(w, r, string(path), f.options.Missing)
}

// ServeAs answers a request as if it had asked for a path, which is decoded
// already. It is for rewriting: what the client asked for stays what it sees.
func (f *Files) ServeAs(w *http.Response, r *http.Request, path string) error {
	if m := r.Method(); m != http.MethodGet && m != http.MethodHead {
		return notForFiles(w)
	}
	clean, err := http.CleanPath(nil, http.EscapePath(nil, path))
	if err != nil {
		return err
	}
	if e := f.cache.get(clean); e != nil {
		return f.answerOrCheck(w, r, e)
	}
	return f.find(w, r, string(clean), nil)
}

func notForFiles(w *http.Response) error {
	w.Add("Allow", "GET, HEAD")
	return http.StatusMethodNotAllowed
}

// answerOrCheck answers with an entry, after asking the disk about it if that
// was done too long ago.
func (f *Files) answerOrCheck(w *http.Response, r *http.Request, e *entry) error {
	switch age := r.Time().Sub(e.checked); {
	case !e.current():
		return f.find(w, r, e.path, f.options.Missing)
	case age < checkEvery/2:
	case age < checkEvery:
		f.checkAhead(r, e)
	default:
		return f.find(w, r, e.path, f.options.Missing)
	}
	return f.answer(w, r, e)
}

// wantsPage reports whether a browser asks for a page, as opposed to a script
// or a picture, by what it accepts and by the extension of the name.
func wantsPage(r *http.Request, path string) bool {
	if ext := filepath.Ext(path); ext != "" && ext != ".html" && ext != ".htm" {
		return false
	}
	return bytes.Contains(r.HeaderBytes("accept"), []byte("text/html"))
}
