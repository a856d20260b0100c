package static

import (
	"bytes"
	"io/fs"
	"os"
)

// openFile is a file that answers are sent from, several at a time perhaps. The
// kernel sends from the descriptor while File keeps it open. It belongs to the
// loop, except for ReadAt.
type openFile struct {
	*os.File
	fd   uintptr
	copy bool
	info fs.FileInfo // of the version that is promised
	last fs.FileInfo // of the latest look
	uses int
	at   string // the path it is asked for by

	first, tail []byte // of that version
}

// sample is how much of either end of a large file is remembered.
const sample = 4 << 10

func newOpenFile(v *content, at string) *openFile {
	return &openFile{copy: v.copy, File: v.file, fd: v.file.Fd(), info: v.info, last: v.info, uses: 1, at: at, first: v.first, tail: v.tail}
}

// sampleOf reads both ends of a file.
func sampleOf(f *os.File, size int64) (first, tail []byte) {
	read := func(at int64) []byte {
		p := make([]byte, min(sample, size))
		n, _ := f.ReadAt(p, at) // what cannot be read is another the next time, too
		return p[:n]
	}
	return read(0), read(max(0, size-sample))
}

// Fd returns the descriptor; os.File's own would change its mode at each call.
func (f *openFile) Fd() uintptr { return f.fd }

// Place implements eventloop.Placed.
func (f *openFile) Place() string { return f.at }

// Copy implements eventloop.NeedsCopy.
func (f *openFile) Copy() bool { return f.copy }

// Release implements eventloop.File.
func (f *openFile) Release() {
	if f.uses--; f.uses == 0 {
		f.Close()
	}
}

func (f *openFile) retain() *openFile {
	f.uses++
	return f
}

// current reports whether the file is still the version that was found. One that
// was moved or removed is: it is asked for by its descriptor.
func (f *openFile) current() bool {
	info, err := f.Stat()
	return err == nil && same(info, f.info)
}

// Unchanged implements eventloop.Versioned. A file that has grown, such as a log,
// may still begin with what was promised, and is not cut off in the middle if
// both ends of that are what they were.
func (f *openFile) Unchanged() bool {
	info, err := f.Stat()
	switch {
	case err != nil || info.Size() < f.info.Size():
		return false
	case same(info, f.last):
		return true
	case info.Size() == f.last.Size():
		return false
	}
	first, tail := sampleOf(f.File, f.info.Size())
	if !bytes.Equal(first, f.first) || !bytes.Equal(tail, f.tail) {
		return false
	}
	f.last = info
	return true
}
