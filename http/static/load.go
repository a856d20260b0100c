package static

import (
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/bobbin-http/bobbin/http"
)

// A search loads a file in one version: small files into memory, large ones as an
// open file. It does not load a version again that the cache has.

// A fileID tells one version of a file, and of its siblings, from another.
type fileID struct {
	name     string // below the root, "" for none
	info     fs.FileInfo
	siblings [codings]fs.FileInfo // its compressed siblings, by coding
}

// A content is a file in one coding: in memory, or open.
type content struct {
	info fs.FileInfo
	body []byte
	tag  string // the ETag is made of it and of the coding
	weak bool   // the ETag is weak
	file readerAt
	stat fs.FileInfo // of file
	copy bool        // see Options.Copy

	digest string // of the content, "" if it was not made

	first, tail []byte // both ends of file
}

// A readerAt is an open file that can be read from anywhere: in a folder, in the program,
// or a copy of one from elsewhere.
type readerAt interface {
	fs.File
	io.ReaderAt
}

// load opens a file and loads it.
func (s *search) load(f *found, name string) error {
	file, info, err := s.open(name)
	if err != nil {
		return err
	}
	return s.loadOpen(f, name, file, info)
}

// loadOpen loads an open file into f, unless its version is known already.
func (s *search) loadOpen(f *found, name string, file fs.File, info fs.FileInfo) error {
	if !info.Mode().IsRegular() {
		file.Close()
		return http.StatusForbidden
	}
	f.fileID = fileID{name: name, info: info}
	kind, fields, err := s.kindOf(name)
	if err != nil {
		file.Close()
		return err
	}
	f.fields = fields
	if Compressible(kind.contentType) && kind.stored == identity && s.only == "" {
		for c := identity + 1; c < codings; c++ {
			f.siblings[c] = s.regular(name + suffixes[c])
		}
	}
	if f.fileID.same(&s.known) {
		file.Close()
		f.same = true
		return nil
	}
	if err := s.loadContent(&f.contents[identity], file, info); err != nil {
		return err
	}
	f.info = f.contents[identity].info // of the version that was read
	f.examine(kind)
	if v := &f.contents[identity]; s.injects(f) && v.body != nil && takesMore(f.contentType) {
		v.body = append(v.body, s.options.Inject...)
		v.tag += "-more"
		f.injected = true
	}
	for c := identity + 1; c < codings; c++ {
		if f.siblings[c] != nil && !f.injected && f.stored == identity {
			s.loadSibling(f, c)
		}
	}
	f.stable = true
	return nil
}

// injects reports whether a page is to get Options.Inject.
func (s *search) injects(f *found) bool {
	o := s.options
	return o.Inject != "" && strings.HasPrefix(f.contentType, "text/html") && (o.MayInject == nil || o.MayInject(s.path, f.fields, f.contents[identity].body))
}

// loadSibling loads a compressed sibling of a file. One that has gone meanwhile, or
// is older than the file, is ignored.
func (s *search) loadSibling(f *found, c coding) {
	if outdated(f.siblings[c], f.info) {
		s.options.outdated.warn(s.options.Log, f.name+suffixes[c], f.name)
		return
	}
	file, info, err := s.open(f.name + suffixes[c])
	if err != nil {
		return
	}
	if err := s.loadContent(&f.contents[c], file, info); err != nil {
		f.contents[c] = content{}
	}
}

// readTries is how often a file is read that changes while it is being read.
const readTries = 5

// loadContent reads a small file, or keeps a large one open. It reads one version of the
// file, or fails.
func (s *search) loadContent(v *content, opened fs.File, info fs.FileInfo) error {
	file, ok := opened.(*os.File)
	if !ok {
		return s.loadForeign(v, opened, info)
	}
	if info.Size() > s.options.Small {
		*v = content{info: info, stat: info, file: file, copy: s.options.Copy}
		v.first, v.tail = sampleOf(file, info.Size())
		v.setTag(s.asked)
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
			v.setTag(s.asked)
			return nil
		}
		if info = after; info.Size() > s.options.Small {
			break
		}
	}
	return http.StatusServiceUnavailable // another program is writing it
}

// regular returns the information of a regular file, or nil if name is not one.
func (s *search) regular(name string) fs.FileInfo {
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

// same reports whether both are about the same versions.
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

// Close closes the open files of a result that is not used.
func (f *found) Close() error {
	for _, v := range f.contents {
		if v.file != nil {
			v.file.Close()
		}
	}
	return nil
}
