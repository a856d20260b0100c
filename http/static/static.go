// Package static serves files: a folder, or one single file. Nothing outside
// the folder is served, whatever is asked for and wherever symbolic links lead.
// Small files are answered from memory, large ones by the kernel.
package static

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/bobbin-http/bobbin/http"
)

// Options are the choices in serving files. The zero value serves.
type Options struct {
	Index    string // served for a folder; "index.html" if empty
	Small    int64  // bytes; files up to here are kept in memory; 256 KiB if 0
	Memory   int64  // bytes for all of those; 64 MiB if 0
	Dotfiles bool   // serve names that begin with a dot; /.well-known/ always is
}

// checkEvery is how long a file in memory is answered before its folder is
// asked again whether it has changed.
const checkEvery = time.Second

// Files serves what is below a folder.
type Files struct {
	root    *os.Root
	only    string // the one file that is served, or ""
	options Options
	cache   cache
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
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	f := &Files{root: root, only: only, options: o}
	if err := f.readable(); err != nil {
		root.Close()
		return nil, err
	}
	if f.options.Index == "" {
		f.options.Index = "index.html"
	}
	if f.options.Small == 0 {
		f.options.Small = 256 << 10
	}
	if f.options.Memory == 0 {
		f.options.Memory = 64 << 20
	}
	f.cache.limit = f.options.Memory
	return f, nil
}

// readable finds out at the start what every visitor would find out otherwise.
func (f *Files) readable() error {
	name := "."
	if f.only != "" {
		name = f.only
	}
	probe, err := f.root.Open(name)
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
func (f *Files) Close() error { return f.root.Close() }

// Serve is the http.Handler.
func (f *Files) Serve(w *http.Response, r *http.Request) error {
	if !r.IsGet() {
		w.Set("Allow", "GET, HEAD")
		return http.StatusMethodNotAllowed
	}
	// A path that was answered from memory before is answered again, as it
	// came: no cleaning, no copy.
	raw := r.PathBytes()
	if e := f.cache.get(raw); e != nil && f.current(e, r.Time()) {
		return w.Give(e.answer)
	}
	path, err := http.CleanPath(nil, raw)
	if err != nil {
		return err
	}
	return f.find(w, r, string(raw), string(path))
}

// current reports whether a file in memory is still the one on the disk. It is
// asked once a second at most.
func (f *Files) current(e *entry, now time.Time) bool {
	if now.Sub(e.checked) < checkEvery {
		return true
	}
	info, err := f.root.Stat(e.name)
	if err != nil || !same(info, e.info) {
		f.cache.remove(e)
		return false
	}
	e.checked = now
	return true
}

// same reports whether two looks at a file saw the same content, as far as its
// identity, size and time tell.
func same(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// find answers with what a clean path names.
func (f *Files) find(w *http.Response, r *http.Request, raw, path string) error {
	name, err := f.nameOf(path)
	if err != nil {
		return err
	}
	file, info, err := f.open(name)
	if err != nil {
		return err
	}
	folder := strings.HasSuffix(path, "/")
	if info.IsDir() {
		file.Close()
		if !folder {
			return redirect(w, r, path+"/")
		}
		name = filepath.Join(name, f.options.Index)
		if file, info, err = f.open(name); err != nil {
			return err
		}
	} else if folder && f.only == "" {
		file.Close()
		return http.StatusNotFound // a file has nothing below it
	}
	if !info.Mode().IsRegular() {
		file.Close()
		return http.StatusForbidden
	}
	return f.give(w, r, raw, name, file, info)
}

// nameOf returns the name of a file below the root.
func (f *Files) nameOf(path string) (string, error) {
	if f.only != "" {
		if path == "/" || path == "/"+f.only {
			return f.only, nil
		}
		return "", http.StatusNotFound
	}
	for segment := range strings.SplitSeq(path[1:], "/") {
		if strings.HasPrefix(segment, ".") && segment != ".well-known" && !f.options.Dotfiles {
			return "", http.StatusNotFound
		}
	}
	name := filepath.FromSlash(strings.Trim(path, "/"))
	if name == "" {
		return ".", nil
	}
	return name, nil
}

// open opens a file for reading, and never waits for one that is a pipe or a
// device.
func (f *Files) open(name string) (*os.File, fs.FileInfo, error) {
	file, err := f.root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, statusOf(err)
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, nil, statusOf(err)
	}
	return file, info, nil
}

// statusOf says what an error of the file system means to a visitor. That
// descriptors have run out is not the visitor's affair, and must not be taken
// for a missing file: caches keep a 404.
func statusOf(err error) error {
	switch {
	case errors.Is(err, fs.ErrPermission):
		return http.StatusForbidden
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return http.StatusServiceUnavailable
	case errors.Is(err, syscall.ENXIO): // a socket, or a pipe without a writer
		return http.StatusForbidden
	case errors.Is(err, syscall.EIO), errors.Is(err, syscall.ENOMEM):
		return err
	}
	return http.StatusNotFound // missing, too long, too many links, or outside
}

// give answers with a file, from memory if it is small.
func (f *Files) give(w *http.Response, r *http.Request, raw, name string, file *os.File, info fs.FileInfo) error {
	if info.Size() > f.options.Small {
		w.Set("Content-Type", TypeByExtension(name))
		w.Set("Last-Modified", lastModified(info, r.Time()))
		return w.SendFile(&openFile{file, file.Fd()}, 0, info.Size())
	}
	defer file.Close()
	body := make([]byte, info.Size())
	if _, err := io.ReadFull(file, body); err != nil {
		return err // it shrank meanwhile
	}
	answer, err := http.Prepare(body,
		[2]string{"Content-Type", TypeByExtension(name)},
		[2]string{"Last-Modified", lastModified(info, r.Time())})
	if err != nil {
		return err
	}
	// Only a file that kept still while it was read is kept.
	if after, err := file.Stat(); err == nil && same(info, after) {
		f.cache.put(&entry{path: raw, name: name, answer: answer, info: info, checked: r.Time()})
	}
	return w.Give(answer)
}

// lastModified is never after the Date of the answer (RFC 9110 section 8.8.2.1).
func lastModified(info fs.FileInfo, now time.Time) string {
	t := info.ModTime()
	if t.After(now) {
		t = now
	}
	return t.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT")
}

// redirect sends a visitor to the same folder with its slash. The target is
// made of the clean path, so that it begins with exactly one slash and is not
// taken for another host.
func redirect(w *http.Response, r *http.Request, path string) error {
	target := string(http.EscapePath(nil, path))
	if query, ok := r.QueryBytes(); ok {
		target += "?" + string(query)
	}
	w.Set("Location", target)
	return http.StatusMovedPermanently
}

// openFile is a file on its way out. The kernel sends from the descriptor while
// file keeps it open.
type openFile struct {
	*os.File
	fd uintptr
}

// Fd returns the descriptor; os.File's own would change its mode at each call.
func (f *openFile) Fd() uintptr { return f.fd }

// Release implements eventloop.File.
func (f *openFile) Release() { f.Close() }
