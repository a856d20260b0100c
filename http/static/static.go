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

// Options are the choices in serving files. The zero value serves.
type Options struct {
	Index    []string // served for a folder, the first that there is; index.html if empty
	Dotfiles bool     // serve names that begin with a dot; /.well-known/ always is
	Symlinks Symlinks // which are followed; those that stay inside the folder if 0
	Listing  bool     // show what is in a folder without an index

	// CleanURLs answers /about with about.html, where there is no file about.
	CleanURLs bool

	// Fallback is the file that is served, with status 200, to whoever wants a
	// page that is not there: for applications that do their own routing. A
	// missing script or picture is still missing.
	Fallback string

	// Missing answers in place of a 404, if it is not nil. It may call ServeAs,
	// which does not lead back here.
	Missing http.Handler

	// Private are paths of files that are never served and never listed, if they, or
	// links to them, lie in the folder: what configures the server. Of a folder all
	// files in it are meant.
	Private []string

	// Types are by extension, in lower case and without a dot; they go before
	// those that TypeByExtension knows.
	Types map[string]string

	// Fields returns more fields for the answer to a path, such as
	// Cache-Control. It is called when a file is read, not for each request,
	// and on another goroutine than the loop's.
	Fields func(path string) [][2]string

	// Encoders compress what is text, is not in the folder in compressed form
	// already, and is not larger than EncodeMax.
	Encoders  []Encoder
	EncodeMax int64 // bytes; 8 MiB if 0

	// Copy has large files read and written. They are sent by the kernel
	// otherwise, which costs less, but what is on its way then changes when
	// somebody overwrites the file or cuts it off, instead of putting another
	// in its place.
	Copy bool

	// Inject is put behind each page of HTML that is small enough for memory.
	Inject string

	Small  int64 // bytes; files up to here are kept in memory; 256 KiB if 0
	Memory int64 // bytes for all of those; 64 MiB if 0

	private privacy
}

// Symlinks says which symbolic links are followed.
type Symlinks uint8

const (
	LinksInside Symlinks = iota // those that lead to something in the folder
	NoLinks
	AllLinks
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

// fill puts the defaults where nothing was said.
func (o *Options) fill() {
	if len(o.Index) == 0 {
		o.Index = []string{"index.html"}
	}
	if o.Small == 0 {
		o.Small = 256 << 10
	}
	if o.Memory == 0 {
		o.Memory = 64 << 20
	}
	if o.EncodeMax == 0 {
		o.EncodeMax = 8 << 20
	}
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

// wantsPage reports whether a browser asks for a page, as opposed to a script
// or a picture, by what it accepts and by the extension of the name.
func wantsPage(r *http.Request, path string) bool {
	if ext := filepath.Ext(path); ext != "" && ext != ".html" && ext != ".htm" {
		return false
	}
	return bytes.Contains(r.HeaderBytes("accept"), []byte("text/html"))
}
