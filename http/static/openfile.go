package static

import (
	"bytes"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
)

// A file that is too large for memory stays open, and answers are sent from it. The
// head of an answer promises one version of the file; this file decides whether the
// bytes that follow are of that version. docs/files.md says what a client sees.

// An openFile is a file that answers are sent from, several at a time perhaps. It is
// an eventloop.Source, and belongs to the loop, except for ReadAt. The descriptor
// stays valid while the file is open.
type openFile struct {
	readerAt
	fd   uintptr // or noFD
	path string  // that it is asked for by
	copy bool    // see Options.Copy
	uses int     // by its entry, and by answers

	promised    fs.FileInfo // the version that is sent
	first, tail []byte      // both ends of that version

	seen   fs.FileInfo   // the file when it was compared last
	seenAt time.Duration // when that was, by the loop's clock
}

// sampleSize is how much of each end of a large file is remembered.
const sampleSize = 4 << 10

// compareEvery is how often a file is compared with the promised version while it is
// sent, so that a client does not wait for an answer that will be cut off.
const compareEvery = 100 * time.Millisecond

// noFD stands for a descriptor where there is no file of the kernel, which says of this
// number that nothing of it is in memory.
const noFD = ^uintptr(0)

func newOpenFile(v *content, path string) *openFile {
	f := &openFile{
		readerAt: v.file, fd: noFD, path: path, copy: v.copy, uses: 1,
		promised: v.stat, first: v.first, tail: v.tail, seen: v.stat,
	}
	if file, ok := v.file.(*os.File); ok {
		f.fd = file.Fd()
	}
	return f
}

// sampleOf reads both ends of a file.
func sampleOf(f io.ReaderAt, size int64) (first, tail []byte) {
	read := func(at int64) []byte {
		p := make([]byte, min(sampleSize, size))
		n, _ := f.ReadAt(p, at) // bytes that cannot be read will differ the next time
		return p[:n]
	}
	return read(0), read(max(0, size-sampleSize))
}

// Fd returns the descriptor. The method of os.File would change its mode at each
// call.
func (f *openFile) Fd() uintptr { return f.fd }

// Place implements eventloop.Source.
func (f *openFile) Place() string { return f.path }

// Next implements eventloop.Source. Bytes that go through memory are compared after
// they were read, so that only bytes of the promised version are sent. A range that
// the kernel sends is compared now and then, before the last part, and by Intact
// after it.
func (f *openFile) Next(p eventloop.Part) ([]byte, error) {
	switch {
	case !p.Cached():
		return nil, eventloop.ErrCold
	case f.copy, p.InMemory:
		text, err := p.Read()
		if err == nil && !f.Intact() {
			return nil, eventloop.ErrChanged
		}
		return text, err
	case !p.Last && p.Now-f.seenAt < compareEvery:
		return nil, nil
	case !f.Intact():
		return nil, eventloop.ErrChanged
	}
	f.seenAt = p.Now
	return nil, nil
}

// Intact implements eventloop.Source. A file that has grown, such as a log, or whose
// time has changed, is not cut off in the middle of an answer: it is compared by both
// ends of the promised version. Only with Options.Copy a change of its time is enough,
// because that promises bytes of one version.
func (f *openFile) Intact() bool {
	info, err := f.Stat()
	switch {
	case err != nil || info.Size() < f.promised.Size():
		return false
	case same(info, f.seen):
		return true
	case f.copy && info.Size() == f.seen.Size() && !info.ModTime().Equal(f.seen.ModTime()):
		return false
	}
	first, tail := sampleOf(f, f.promised.Size())
	if !bytes.Equal(first, f.first) || !bytes.Equal(tail, f.tail) {
		return false
	}
	f.seen = info
	return true
}

// current reports whether the file is exactly the version that was found, so that a
// new answer may promise it. A file that was moved or removed is.
func (f *openFile) current() bool {
	info, err := f.Stat()
	return err == nil && same(info, f.promised)
}

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

var _ eventloop.Source = (*openFile)(nil)
