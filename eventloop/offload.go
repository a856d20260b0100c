package eventloop

import (
	"errors"
	"fmt"
	"runtime/debug"
)

// Work that waits for a disk, or takes long, is done elsewhere, so that the loop
// can go on with the others. What it finds out is told to the loop like
// everything that comes from other goroutines: as a posted function.

// ErrPanicked is what Offload's reply is given when the work panicked.
var ErrPanicked = errors.New("eventloop: panic in offloaded work")

// Offload has work run on a goroutine of its own, and then reply on the loop.
// Limits.Workers run at a time; more wait for their turn. Work must touch
// nothing of the loop's; reply runs exactly once, unless the loop ends before,
// and err is nil or, wrapped, ErrPanicked. It must be called on the loop's
// goroutine.
func (l *Loop) Offload(work func(), reply func(err error)) {
	l.own("Loop.Offload")
	l.works = append(l.works, job{work, reply})
	l.hire()
}

// A job is work and what follows it.
type job struct {
	work  func()
	reply func(error)
}

// hire starts waiting jobs as far as there is room.
func (l *Loop) hire() {
	for l.working < l.limits.Workers && len(l.works) > 0 {
		j := l.works[0]
		l.works[0] = job{}
		l.works = l.works[1:]
		l.working++
		l.kernel.Work(func(func()) { l.toil(j) })
	}
	if len(l.works) == 0 {
		l.works = nil
	}
}

// toil runs elsewhere.
func (l *Loop) toil(j job) {
	err := j.run()
	// What was promised is told even if others have posted too much.
	l.mail.put(func() {
		l.working--
		l.hire()
		j.reply(err)
	}, false)
	_ = l.kernel.Wake() // a loop that has ended needs none
}

// run does the work. A panic of it must not end the process.
func (j *job) run() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v\n%s", ErrPanicked, r, debug.Stack())
		}
	}()
	j.work()
	return nil
}

// A fetch is the read-ahead of a range of a file, from the disk into the
// kernel's memory.
type fetch struct {
	file   File
	orphan bool // the connection is gone, and the file is ours to release
}

// fetchStep is how much is read at a time, into memory that nobody looks at.
const fetchStep = 256 << 10

// warm reports whether the next n bytes of the file that p sends are in the
// kernel's memory. If not, they are read elsewhere, and the connection is
// written to again when they are there. Without this, one cold file would keep
// everybody waiting for the disk.
func (l *Loop) warm(c *Conn, p *piece, n int64) bool {
	if p.fetch != nil {
		return false
	}
	if p.at+n <= p.warm || l.kernel.Cached(p.file, p.at, int(n)) {
		return true
	}
	f, from, to := &fetch{file: p.file}, p.at, p.at+n
	p.fetch = f
	l.Offload(func() {
		buf := make([]byte, min(n, fetchStep))
		for at := from; at < to; {
			got, err := f.file.ReadAt(buf[:min(int64(len(buf)), to-at)], at)
			at += int64(got)
			if err != nil || got == 0 {
				break // whoever sends it will meet the same
			}
		}
	}, func(error) {
		if f.orphan {
			f.file.Release()
			return
		}
		p := &c.queue().pieces[0] // it is still the one being sent
		p.fetch, p.warm = nil, to
		l.touch(c)
	})
	return false
}
