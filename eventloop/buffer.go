package eventloop

import (
	"errors"
	"io"

	"github.com/bobbin-http/bobbin"
)

// What a connection has to say waits in a queue of pieces: chunks of the
// loop's memory, bytes lent by a protocol, and ranges of files. In the usual
// case there is one chunk, filled in dispatch and empty again in flush of the
// same turn, and the loop hands out the same warm one again.

const (
	chunkSize  = 64 << 10
	chunksKept = 64        // of them: 4 MiB
	chunkMin   = 1 << 10   // what is made when they are all in use
	callSize   = 256 << 10 // of memory in one write call, which is raw and must stay short
	callPieces = 16        // in one write call
)

// A piece is one element of a queue: bytes, or a range of a file.
type piece struct {
	bytes []byte
	chunk bool // bytes is the loop's memory, and may grow
	lent  bool // bytes is the protocol's, and perhaps lent to others too

	file      File
	left      int64 // of the file
	cachedTo  int64 // up to where a worker has read it just now
	readAhead *readAhead
	asked     int64 // in ticks, whether it has changed

	at int64 // where the rest begins, in bytes or in the file
}

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

// output is a queue of pieces, the first of them partly sent perhaps.
type output struct {
	pieces []piece
	size   int64 // bytes left in all of them
	memory int64 // of those, the ones that are in memory and not lent
}

// last returns the chunk at the end of the queue with room for n more bytes,
// after adding one if need be.
func (o *output) last(l *Loop, n int) *piece {
	k := len(o.pieces)
	if k > 0 {
		p := &o.pieces[k-1]
		if p.chunk && cap(p.bytes)-len(p.bytes) >= n {
			return p
		}
	}
	if k < cap(o.pieces) {
		o.pieces = o.pieces[:k+1] // one that was released, and is empty
	} else {
		o.pieces = append(o.pieces, piece{})
	}
	p := &o.pieces[k]
	p.bytes, p.chunk = l.takeChunk(n), true
	return p
}

// send makes one write call for what is at the head of the queue.
func (o *output) send(l *Loop, c *Conn, budget int) (int, error) {
	p, fd := &o.pieces[0], int(c.fd)
	if p.file != nil {
		n := min(p.left, int64(budget))
		if !l.prefetch(c, p, n) {
			return 0, errCold
		}
		if f, ok := p.file.(NeedsCopy); ok && f.Copy() {
			return l.copyFile(fd, p, n)
		}
		if l.revalidate(p, n == p.left) {
			return 0, errShrunk
		}
		sent, err := l.kernel.SendFile(fd, p.file, p.at, int(n))
		if int64(sent) == p.left && changed(p.file) {
			err = errShrunk
		}
		return sent, err
	}
	budget = min(budget, callSize)
	rest := p.rest()
	if len(o.pieces) == 1 || len(rest) >= budget || o.pieces[1].file != nil {
		return l.kernel.Write(fd, rest[:min(len(rest), budget)], len(o.pieces) > 1)
	}
	n := 0
	for i := range o.pieces {
		p := &o.pieces[i]
		if n == callPieces || budget == 0 || p.file != nil {
			break
		}
		rest := p.rest()
		l.iov[n] = rest[:min(len(rest), budget)]
		budget -= len(l.iov[n])
		n++
	}
	sent, err := l.kernel.Writev(fd, l.iov[:n], n < len(o.pieces))
	clear(l.iov[:n])
	return sent, err
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

// sent takes n bytes off the head of the queue.
func (o *output) sent(l *Loop, n int) {
	if int64(n) == o.size {
		o.drop(l) // which is all of it, as nearly always
		return
	}
	o.size -= int64(n)
	done := 0
	for n > 0 {
		p := &o.pieces[done]
		if p.file != nil {
			p.at += int64(n)
			p.left -= int64(n)
			if p.left > 0 {
				break
			}
			n = 0
		} else {
			k := min(n, len(p.rest()))
			if !p.lent {
				o.memory -= int64(k)
				l.memory -= int64(k)
			}
			n -= k
			p.at += int64(k)
			if len(p.rest()) > 0 {
				break
			}
		}
		p.release(l)
		done++
	}
	if done > 0 {
		rest := copy(o.pieces, o.pieces[done:])
		clear(o.pieces[rest:])
		o.pieces = o.pieces[:rest]
	}
}

// shrink copies what a slow peer left of a chunk into memory of its own size,
// so that ten thousand of them hold what they have to say and no more.
func (o *output) shrink(l *Loop) {
	p := &o.pieces[0]
	if !p.chunk || cap(p.bytes) < chunkSize || len(p.rest()) > chunkSize/4 {
		return
	}
	rest := append([]byte(nil), p.rest()...)
	l.giveChunk(p.bytes)
	p.bytes, p.at = rest, 0
}

// rest is what is left of bytes.
func (p *piece) rest() []byte { return p.bytes[p.at:] }

func (p *piece) release(l *Loop) {
	switch {
	case p.chunk:
		l.giveChunk(p.bytes)
		p.bytes, p.chunk, p.at = nil, false, 0
		return
	case p.lent:
		l.endLoan(p.bytes)
	case p.readAhead != nil:
		p.readAhead.orphan = true // a worker is reading from it
	case p.file != nil:
		p.file.Release()
	}
	*p = piece{}
}

// drop releases everything.
func (o *output) drop(l *Loop) {
	l.memory -= o.memory
	for i := range o.pieces {
		o.pieces[i].release(l)
	}
	o.pieces, o.size, o.memory = o.pieces[:0], 0, 0
}

// takeChunk returns empty memory with room for n bytes at least. There are not
// more than chunksKept chunks of the usual size: whoever speaks to thousands at
// once has small ones, which fit what is said.
func (l *Loop) takeChunk(n int) []byte {
	if k := len(l.chunks); k > 0 && n <= chunkSize {
		p := l.chunks[k-1]
		l.chunks = l.chunks[:k-1]
		return p
	}
	if n > chunkSize || l.made == chunksKept {
		return make([]byte, 0, max(n, chunkMin))
	}
	l.made++
	return make([]byte, 0, chunkSize)
}

// giveChunk puts memory back. Sizes out of the ordinary are left to the garbage
// collector.
func (l *Loop) giveChunk(p []byte) {
	if cap(p) == chunkSize && len(l.chunks) < chunksKept {
		l.chunks = append(l.chunks, p[:0])
	}
}

func (l *Loop) takeOutput() *output {
	if k := len(l.outputs); k > 0 {
		o := l.outputs[k-1]
		l.outputs = l.outputs[:k-1]
		return o
	}
	return &output{}
}

func (l *Loop) giveOutput(o *output) {
	if len(l.outputs) < chunksKept && cap(o.pieces) <= 64 {
		l.outputs = append(l.outputs, o)
	}
}

// input is what was read and not yet used.
type input struct {
	p  []byte
	at int // p[:at] has been used
}

func (i *input) rest() []byte { return i.p[i.at:] }

// add puts more behind the rest, in place of what has been used if that makes
// room.
func (i *input) add(p []byte) {
	if i.at > 0 && len(i.p)+len(p) > cap(i.p) {
		i.p = i.p[:copy(i.p, i.p[i.at:])]
		i.at = 0
	}
	i.p = append(i.p, p...)
}

func (l *Loop) takeInput() *input {
	if k := len(l.inputs); k > 0 {
		i := l.inputs[k-1]
		l.inputs = l.inputs[:k-1]
		return i
	}
	return &input{}
}

// giveInput keeps the small ones: a free list must not hold what one greedy
// peer made it grow to.
func (l *Loop) giveInput(i *input) {
	i.p, i.at = i.p[:0], 0
	if len(l.inputs) < chunksKept && cap(i.p) <= chunkSize {
		l.inputs = append(l.inputs, i)
	}
}

// errCold means that a file has to be read from the disk first. A worker does
// that, and has the connection written to again.
var errCold = errors.New("eventloop: a file is not in memory")

// errShrunk means that a file ended before the range that was promised, or was
// changed. What the peer has got cannot be completed, and must not be padded.
var errShrunk = io.ErrUnexpectedEOF
