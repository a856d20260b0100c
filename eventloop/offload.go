package eventloop

import (
	"errors"
	"fmt"
)

// Work that waits for a disk, or takes long, is done elsewhere, so that the loop
// can go on with the others. What it finds out is told to the loop like
// everything that comes from other goroutines: as a posted function.

// ErrPanicked is what Offload's reply is given when the work panicked.
var ErrPanicked = errors.New("eventloop: panic in offloaded work")

// Offload has a worker do work that is on no client's account and that may take as
// long as it likes, and then reply on the loop; OffloadJob is for all other work.
// Work must touch nothing of the loop's; reply runs exactly once, unless the loop
// ends before, and err is nil or, wrapped, ErrPanicked. It must be called on the
// loop's goroutine.
func (l *Loop) Offload(work func(), reply func(err error)) {
	l.OffloadJob(Job{Work: work, Reply: reply, NoTimeout: true})
}

// run does the work. A panic of it must not end the process.
func (j *job) run(l *Loop) (err error) {
	defer func() {
		if r := recover(); r != nil {
			l.LogPanic("panic in offloaded work", r)
			err = fmt.Errorf("%w: %v", ErrPanicked, r)
		}
	}()
	j.Work()
	return nil
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
