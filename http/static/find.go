package static

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"time"

	"github.com/bobbin-http/bobbin/http"
)

// A search finds the file that a path names. It runs on a worker: everything here
// may wait for a disk, and shares nothing with the loop.
type search struct {
	root       *root
	only       string // see Files
	options    *Options
	path       string    // clean
	generation int       // see Files
	known      fileID    // of the path's entry in the cache, if there is one
	asked      time.Time // the disk is asked then, or later

	page     bool       // Options.Fallback is served if there is no file
	fallback fileID     // of that file's entry in the cache
	list     *listQuery // the page of a listing that is asked for, or nil
	listed   string     // the name of the folder that it lists
}

// A found is the result of a search.
type found struct {
	path       string
	root       *root // the folder that was searched
	moved      bool  // root has replaced the one of the search
	generation int   // as in the search
	same       bool  // the version is known, and nothing else is set
	stable     bool  // the result may be kept

	err      error       // the reason why no file is served: a Status, or the system's error
	redirect string      // the path to redirect to, or ""
	folder   string      // the name of the folder to list, or ""
	listed   fs.FileInfo // of that folder, or of the one of which this is a listing

	fileID
	injected    bool // Options.Inject was appended
	contentType string
	stored      coding // in which the file is stored; see kind.go
	fields      [][2]string
	contents    [codings]content // by coding; compressed is the file itself
}

// run is called on the worker.
func (s *search) run() *found {
	f := &found{path: s.path, root: s.root.reopen(), generation: s.generation}
	f.moved = f.root != s.root
	s.root = f.root
	if s.list != nil {
		f.path += s.list.key()
		f.err = s.listPage(f)
		return f
	}
	f.err = s.resolve(f)
	if f.err == http.StatusNotFound && s.page {
		*f = found{path: s.options.pathOf(s.options.Fallback), root: s.root, moved: f.moved, generation: s.generation}
		s.path, s.known = f.path, s.fallback
		f.err = s.load(f, s.options.Fallback)
	}
	if f.err == http.StatusNotFound || f.err == http.StatusServiceUnavailable {
		s.errorPage(f)
	}
	return f
}

// resolve finds the file that the path names and loads it.
func (s *search) resolve(f *found) error {
	name, err := s.nameOf(s.path)
	if err != nil {
		return err
	}
	folder := strings.HasSuffix(s.path, "/")
	file, info, err := s.open(name)
	if err == http.StatusNotFound && s.options.CleanURLs && !folder && s.only == "" {
		return s.loadPage(f, name)
	}
	if err != nil {
		return err
	}
	if !info.IsDir() {
		if folder && s.only == "" {
			file.Close()
			return http.StatusNotFound // a file has nothing below it
		}
		return s.loadOpen(f, name, file, info)
	}
	defer file.Close()
	if !folder {
		if s.options.CleanURLs {
			if err := s.pageBeside(f, name); err != http.StatusNotFound {
				return err
			}
		}
		f.redirect = s.path + "/"
		return nil
	}
	return s.index(f, name, file)
}

// index loads a folder's index, or lists the folder.
func (s *search) index(f *found, name string, folder fs.File) error {
	index, file, info, err := s.openIndex(name)
	if err == nil {
		return s.loadOpen(f, index, file, info)
	}
	if err != http.StatusNotFound {
		return err
	}
	if !s.options.Listing {
		if !s.options.CleanURLs || name == "." {
			return http.StatusNotFound
		}
		page, _, err := s.openPage(name)
		if err == nil {
			page.Close()
			f.redirect = strings.TrimSuffix(s.path, "/")
		}
		return err
	}
	if info, err = folder.Stat(); err != nil {
		return statusOf(err)
	}
	f.folder, f.listed = name, info
	return nil
}

// pageBeside loads blog.html for /blog, if the folder blog has no page of its own. It
// returns 404 if the folder goes first.
func (s *search) pageBeside(f *found, folder string) error {
	switch _, file, _, err := s.openIndex(folder); err {
	case nil:
		file.Close()
		return http.StatusNotFound
	case http.StatusForbidden:
		return http.StatusNotFound
	case http.StatusNotFound:
		return s.loadPage(f, folder)
	default:
		return err // of the disk; and browsers keep a redirect
	}
}

// openIndex opens the first index of a folder that can be opened. The error is 404 if there
// is none, or the reason why it is not known.
func (s *search) openIndex(folder string) (name string, file fs.File, info fs.FileInfo, err error) {
	for _, index := range s.options.Index {
		name = inFolder(folder, index)
		if file, info, err = s.open(name); err != http.StatusNotFound {
			return name, file, info, err
		}
	}
	return "", nil, nil, http.StatusNotFound
}

// openPage opens the page of a name without its extension; see Options.CleanURLs. A
// folder is no page.
func (s *search) openPage(name string) (fs.File, fs.FileInfo, error) {
	file, info, err := s.open(name + ".html")
	if err == nil && info.IsDir() {
		file.Close()
		return nil, nil, http.StatusNotFound
	}
	return file, info, err
}

// loadPage loads it.
func (s *search) loadPage(f *found, name string) error {
	file, info, err := s.openPage(name)
	if err != nil {
		return err
	}
	return s.loadOpen(f, name+".html", file, info)
}

// unsure reports whether the result is answered again only while the disk does not
// answer: there is no file whose version would tell whether it still holds.
func (f *found) unsure() bool {
	return f.redirect != "" || f.folder != "" || f.err == http.StatusNotFound || f.err == http.StatusForbidden
}

// nameOf returns the name below the root that a path stands for.
func (s *search) nameOf(path string) (string, error) {
	path, ok := s.options.below(path)
	switch {
	case !ok:
		return "", http.StatusNotFound
	case s.only == "":
	case path == "/" || path == "/"+s.only:
		return s.only, nil
	default:
		return "", http.StatusNotFound
	}
	for segment := range strings.SplitSeq(path[1:], "/") {
		if hidden(segment, s.options) {
			return "", http.StatusNotFound
		}
	}
	name := strings.Trim(path, "/")
	if name == "" {
		return ".", nil
	}
	return name, nil
}

// hidden reports whether a name is not served because it begins with a dot.
func hidden(name string, o *Options) bool {
	return strings.HasPrefix(name, ".") && name != ".well-known" && !o.Dotfiles
}

// open opens a file that may be served. Its error is a Status, or the system's.
func (s *search) open(name string) (fs.File, fs.FileInfo, error) {
	file, err := s.root.open(name)
	if err != nil {
		return nil, nil, s.statusOf(name, err)
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, nil, s.statusOf(name, err)
	}
	if s.options.private.holds(name, info, s.asked) {
		file.Close()
		return nil, nil, http.StatusNotFound
	}
	return file, info, nil
}

// errorPage replaces the plain text of an error by the site's own page: 404.html,
// 503.html or 50x.html.
func (s *search) errorPage(f *found) {
	status, ok := f.err.(http.Status)
	if !ok || s.only != "" {
		return
	}
	names := []string{fmt.Sprintf("%d.html", int(status))}
	if status >= 500 {
		names = append(names, "50x.html")
	}
	defer func(path string) { s.path = path }(s.path)
	for _, name := range names {
		var page found
		s.path = s.options.pathOf(name) // whose kind the page has
		if s.load(&page, name) == nil && page.contents[identity].body != nil {
			f.contents[identity].body = page.contents[identity].body
			f.contentType = page.contentType
			return
		}
		page.Close()
	}
}

// statusOf returns the status for an error of the file system, or of an FS.
func (s *search) statusOf(name string, err error) error {
	if s.root.fsys != nil {
		return statusIn(name, err)
	}
	return statusOf(err)
}

// statusOf returns the status for an error of the file system. A lack of
// descriptors is 503 and never 404, because caches keep a 404.
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
