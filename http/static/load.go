package static

import (
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/bobbin-http/bobbin/http"
)

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

// Close gives back what is open, of an answer that nobody is left to hear.
func (f *found) Close() error {
	for _, v := range f.contents {
		if v.file != nil {
			v.file.Close()
		}
	}
	return nil
}
