package eventloop

import (
	"errors"
	"io"

	"github.com/bobbin-http/bobbin"
)

// A File is a file that a connection sends from.
type File interface {
	bobbin.File

	// Release is called once, by the loop, when the file is no longer needed:
	// its range was sent, or the connection is over.
	Release()
}

// A Versioned is a File that can tell whether it still is what it was when it was
// promised. It is asked now and then, and before and after the last range that is
// sent, and a connection whose file has changed is reset: half of one version and
// half of another is worse than nothing.
type Versioned interface {
	File
	Unchanged() bool
}

// A NeedsCopy is a File that may have to be read and written instead of being sent
// by the kernel: what the kernel sends is not copied, so that bytes which are on
// their way already change when somebody writes to the file or cuts it off.
type NeedsCopy interface {
	File
	Copy() bool
}

// A Placed is a File that knows where it is, so that reads which hang there leave
// workers to others.
type Placed interface {
	File
	Place() string // see Job.Place
}

// placeOf returns the place of a file, if that is known.
func placeOf(f File) string {
	if p, ok := f.(Placed); ok {
		return p.Place()
	}
	return ""
}

// revalidate reports whether a file has changed, if it is time to ask: before the last
// range, so that what is complete was not mixed, and now and then, so that nobody
// waits for the end of what will be cut off.
func (l *Loop) revalidate(p *piece, last bool) bool {
	if !last && p.asked == l.ticks {
		return false
	}
	p.asked = l.ticks
	return changed(p.file)
}

// changed reports whether a file says that it is not what was promised.
func changed(f File) bool {
	s, ok := f.(Versioned)
	return ok && !s.Unchanged()
}

// copyFile sends some of a file by way of the loop's buffer. Only what is known
// to be of the version that was promised leaves it.
func (l *Loop) copyFile(fd int, p *piece, n int64) (int, error) {
	text, err := l.readFile(p, n)
	if err != nil {
		return 0, err
	}
	return l.kernel.Write(fd, text, int64(len(text)) < p.left)
}

// readFile reads some of the next n bytes of a file into the loop's buffer.
func (l *Loop) readFile(p *piece, n int64) ([]byte, error) {
	got, err := p.file.ReadAt(l.scratch[:min(n, int64(len(l.scratch)))], p.at)
	switch {
	case got == 0 && (err == nil || err == io.EOF), got > 0 && changed(p.file):
		return nil, errShrunk
	case got == 0:
		return nil, err
	}
	return l.scratch[:got], nil
}

// A readAhead is the read-ahead of a range of a file, from the disk into the
// kernel's memory.
type readAhead struct {
	file   File
	orphan bool // the connection is gone, and the file is ours to release
}

// readAheadStep is how much is read at a time, into memory that nobody looks at.
const readAheadStep = 256 << 10

// prefetch reports whether the next n bytes of the file that p sends are in the
// kernel's memory. If not, they are read elsewhere, and the connection is
// written to again when they are there. Without this, one cold file would keep
// everybody waiting for the disk.
func (l *Loop) prefetch(c *Conn, p *piece, n int64) bool {
	if p.readAhead != nil {
		return false
	}
	if p.at+n <= p.cachedTo || l.kernel.Cached(p.file, p.at, int(n)) {
		return true
	}
	f, from, to := &readAhead{file: p.file}, p.at, p.at+n
	p.readAhead = f
	l.OffloadJob(Job{
		Lane: LaneReads, Client: c.Client(), Place: placeOf(p.file),
		Work: func() {
			buf := make([]byte, min(n, readAheadStep))
			for at := from; at < to; {
				got, err := f.file.ReadAt(buf[:min(int64(len(buf)), to-at)], at)
				at += int64(got)
				if err != nil || got == 0 {
					break // the send will meet the same
				}
			}
		},
		Reply: func(err error) {
			if f.orphan {
				return
			}
			if errors.Is(err, ErrWorkerTimeout) {
				c.Abort(err) // the worker is still reading
				return
			}
			c.outQueue().pieces[0].fetched(to) // it is still the one being sent
			f.file = nil
			l.touch(c)
		},
		Over: func() {
			switch {
			case f.file == nil:
			case f.orphan:
				f.file.Release()
			default:
				c.outQueue().pieces[0].fetched(to) // the connection is about to be closed
			}
		},
	})
	return false
}

// fetched notes that a worker is back, which has read up to some place.
func (p *piece) fetched(to int64) { p.readAhead, p.cachedTo = nil, to }

// errCold means that a file has to be read from the disk first. A worker does
// that, and has the connection written to again.
var errCold = errors.New("eventloop: a file is not in memory")

// errShrunk means that a file ended before the range that was promised, or was
// changed. What the peer has got cannot be completed, and must not be padded.
var errShrunk = io.ErrUnexpectedEOF
