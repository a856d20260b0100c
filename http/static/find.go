package static

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/bobbin-http/bobbin/http"
)

// What does a path name? A search finds out, on a worker: everything here may
// wait for a disk, and shares nothing with the loop.

// A search is the question.
type search struct {
	root       *root
	only       string
	options    *Options
	path       string // clean
	generation int    // see Files
	known      fileID // what was found the last time, if that is still remembered

	page     bool       // if nothing is found, Options.Fallback would do
	fallback fileID     // of that
	list     *listQuery // it is about a page of a listing, or nil
	listed   string     // which is of this folder
}

// A found is the answer.
type found struct {
	path       string
	root       *root // it was found below
	moved      bool  // which is another than before
	generation int   // as in the search
	same       bool  // nothing has changed since the last time
	stable     bool  // it may be remembered

	err      error       // why nothing is served; a Status, or the machine's
	redirect string      // where it is, or ""
	folder   string      // what is in it is to be listed, or ""
	listed   fs.FileInfo // of that, or of the folder of which this is a listing

	fileID
	injected    bool // what is answered is more than what lies on the disk
	contentType string
	fields      [][2]string
	contents    [codings]content // by coding; identity is the file itself
}

// fileID are what tells one version of a file from another.
type fileID struct {
	name string // below the root, "" for none
	info fs.FileInfo
	// The forms that lie beside it, by coding.
	siblings [codings]fs.FileInfo
}

// A content is one form of a file: in memory, or open.
type content struct {
	info fs.FileInfo
	body []byte
	tag  string // of what is not a file
	file *os.File
	copy bool // file is not to be sent by the kernel

	first, tail []byte // of file
}

// run asks the disk.
func (s *search) run() *found {
	f := &found{path: s.path, root: s.root.again(), generation: s.generation}
	f.moved = f.root != s.root
	s.root = f.root
	if s.list != nil {
		f.path += s.list.key()
		f.err = s.listPage(f)
		return f
	}
	f.err = s.resolve(f)
	if f.err == http.StatusNotFound && s.page {
		*f = found{path: "/" + s.options.Fallback, root: s.root, moved: f.moved, generation: s.generation}
		s.path, s.known = f.path, s.fallback
		f.err = s.load(f, s.options.Fallback)
	}
	if f.err == http.StatusNotFound || f.err == http.StatusServiceUnavailable {
		s.errorPage(f)
	}
	return f
}

// resolve finds what the path names and loads it.
func (s *search) resolve(f *found) error {
	name, err := s.nameOf(s.path)
	if err != nil {
		return err
	}
	folder := strings.HasSuffix(s.path, "/")
	file, info, err := s.open(name)
	if err == http.StatusNotFound && s.options.CleanURLs && !folder && s.only == "" {
		name += ".html"
		file, info, err = s.open(name)
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
		f.redirect = s.path + "/"
		return nil
	}
	return s.index(f, name, file)
}

// index loads a folder's index, or lists the folder.
func (s *search) index(f *found, name string, folder *os.File) error {
	for _, index := range s.options.Index {
		if name != "." {
			index = name + "/" + index
		}
		file, info, err := s.open(index)
		if err == nil {
			return s.loadOpen(f, index, file, info)
		}
		if err != http.StatusNotFound {
			return err
		}
	}
	if !s.options.Listing {
		return http.StatusNotFound
	}
	info, err := folder.Stat()
	if err != nil {
		return statusOf(err)
	}
	f.folder, f.listed = name, info
	return nil
}

// unsure reports whether what was found may be answered only while the disk cannot
// be asked: there is nothing to tell whether it is still so.
func (f *found) unsure() bool {
	return f.redirect != "" || f.folder != "" || f.err == http.StatusNotFound || f.err == http.StatusForbidden
}

// load opens and loads a file.
func (s *search) load(f *found, name string) error {
	file, info, err := s.open(name)
	if err != nil {
		return err
	}
	return s.loadOpen(f, name, file, info)
}

// loadOpen takes an open file into f, unless it is the one that is known.
func (s *search) loadOpen(f *found, name string, file *os.File, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		file.Close()
		return http.StatusForbidden
	}
	f.fileID = fileID{name: name, info: info}
	f.contentType = s.typeOf(name)
	if Compressible(f.contentType) && s.only == "" {
		for c := identity + 1; c < codings; c++ {
			f.siblings[c] = s.peek(name + suffixes[c])
		}
	}
	if f.fileID.same(&s.known) {
		file.Close()
		f.same = true
		return nil
	}
	if s.options.Fields != nil {
		f.fields = s.options.Fields(s.path)
	}
	if err := s.take(&f.contents[identity], file, info); err != nil {
		return err
	}
	f.info = f.contents[identity].info // of what was read, which may have changed since
	if v := &f.contents[identity]; s.options.Inject != "" && v.body != nil && strings.HasPrefix(f.contentType, "text/html") {
		v.body = append(v.body, s.options.Inject...)
		f.injected = true
	}
	for c := identity + 1; c < codings; c++ {
		if f.siblings[c] != nil && !f.injected {
			s.takeSiblings(f, c)
		}
	}
	f.stable = true
	return nil
}

// takeSiblings takes a compressed form that lies beside a file. If it is gone by
// now, or older than the file, it is none.
func (s *search) takeSiblings(f *found, c coding) {
	if f.siblings[c].ModTime().Before(f.info.ModTime()) {
		return
	}
	file, info, err := s.open(f.name + suffixes[c])
	if err != nil {
		return
	}
	if err := s.take(&f.contents[c], file, info); err != nil {
		f.contents[c] = content{}
	}
}

// readTries is how often a file is read that changes while it is.
const readTries = 5

// take reads a small file, or keeps a large one open. What is read is one
// version of it, or nothing.
func (s *search) take(v *content, file *os.File, info fs.FileInfo) error {
	if info.Size() > s.options.Small {
		*v = content{info: info, file: file, copy: s.options.Copy}
		v.first, v.tail = sampleOf(file, info.Size())
		return nil
	}
	defer file.Close()
	for range readTries {
		body := make([]byte, info.Size())
		_, err := io.ReadFull(io.NewSectionReader(file, 0, info.Size()), body)
		if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
			return statusOf(err)
		}
		after, errStat := file.Stat()
		if errStat != nil {
			return statusOf(errStat)
		}
		if err == nil && same(info, after) {
			*v = content{info: info, body: body}
			return nil
		}
		if info = after; info.Size() > s.options.Small {
			break
		}
	}
	return http.StatusServiceUnavailable // somebody is writing it
}

// peek looks at a file that need not exist, and need not be a file.
func (s *search) peek(name string) fs.FileInfo {
	file, info, err := s.open(name)
	if err != nil {
		return nil
	}
	file.Close()
	if !info.Mode().IsRegular() {
		return nil
	}
	return info
}

// same reports whether nothing has changed.
func (f *fileID) same(other *fileID) bool {
	if f.name == "" || f.name != other.name || !same(f.info, other.info) {
		return false
	}
	for c := range f.siblings {
		a, b := f.siblings[c], other.siblings[c]
		if (a == nil) != (b == nil) || a != nil && !same(a, b) {
			return false
		}
	}
	return true
}

// same reports whether two looks at a file saw the same content, as far as its
// identity, size and time tell.
func same(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime())
}

// nameOf returns the name of a file below the root.
func (s *search) nameOf(path string) (string, error) {
	if s.only != "" {
		if path == "/" || path == "/"+s.only {
			return s.only, nil
		}
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

// hidden reports whether a name is not to be served.
func hidden(name string, o *Options) bool {
	return strings.HasPrefix(name, ".") && name != ".well-known" && !o.Dotfiles
}

// typeOf returns the Content-Type of a name.
func (s *search) typeOf(name string) string {
	if len(s.options.Types) > 0 {
		if at := strings.LastIndexByte(name, '.'); at >= 0 {
			if t, ok := s.options.Types[strings.ToLower(name[at+1:])]; ok {
				return t
			}
		}
	}
	return TypeByExtension(name)
}

// open opens a file. Its error is a Status, or the machine's.
func (s *search) open(name string) (*os.File, fs.FileInfo, error) {
	file, err := s.root.open(name)
	if err != nil {
		return nil, nil, statusOf(err)
	}
	info, err := file.Stat()
	if err != nil {
		file.Close()
		return nil, nil, statusOf(err)
	}
	if s.options.private.holds(name, info) {
		file.Close()
		return nil, nil, http.StatusNotFound
	}
	return file, info, nil
}

// errorPage puts the site's own page for an error in place of the plain text:
// 404.html, 503.html or 50x.html.
func (s *search) errorPage(f *found) {
	status, ok := f.err.(http.Status)
	if !ok || s.only != "" {
		return
	}
	names := []string{fmt.Sprintf("%d.html", int(status))}
	if status >= 500 {
		names = append(names, "50x.html")
	}
	for _, name := range names {
		var page found
		if s.load(&page, name) == nil && page.contents[identity].body != nil {
			f.contents[identity].body = page.contents[identity].body
			f.contentType = page.contentType
			return
		}
		page.Close()
	}
}

// Close gives back what is open, of an answer that nobody is left to hear.
func (f *found) Close() error {
	for _, v := range f.contents {
		if v.file != nil {
			v.file.Close()
		}
	}
	return nil
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
