package eventloop

import "errors"

// A part of a file that is not in memory is read by a worker first, from the disk
// into the kernel's memory. Otherwise one cold file would have every connection of
// the loop wait for the disk.

// A readAhead is a part that a worker reads.
type readAhead struct {
	file     Source
	from, to int64
	ended    bool // the worker is back
	orphan   bool // the connection has ended before: the file is to be released
}

// readAheadStep is how much is read at a time, into memory that is not used.
const readAheadStep = 256 << 10

// readAhead has a worker read the next n bytes of a file. The connection is written
// to again when that is done.
func (c *Conn) readAhead(p *piece, n int64) {
	a := &readAhead{file: p.file, from: p.at, to: p.at + n}
	p.readAhead = a
	c.loop.OffloadJob(Job{
		Lane: LaneReads, Client: c.Client(), Place: a.file.Place(),
		Work: a.run,
		Reply: func(err error) {
			switch {
			case a.orphan:
			case errors.Is(err, ErrWorkerTimeout):
				c.Abort(err) // the worker is still reading
			default:
				a.end(c)
				c.markOutput()
			}
		},
		Over: func() {
			switch {
			case a.ended:
			case a.orphan:
				a.file.Release()
			default:
				a.end(c) // the connection is about to be closed
			}
		},
	})
}

// run reads the part, on the worker. It keeps no error: sending the part meets the
// same.
func (a *readAhead) run() {
	p := make([]byte, min(a.to-a.from, readAheadStep))
	for at := a.from; at < a.to; {
		n, err := a.file.ReadAt(p[:min(int64(len(p)), a.to-at)], at)
		at += int64(n)
		if err != nil || n == 0 {
			return
		}
	}
}

// end lets the connection send the part, which is still the first of its queue.
func (a *readAhead) end(c *Conn) {
	a.ended = true
	p := c.sending()
	p.readAhead, p.cachedTo = nil, a.to
}
