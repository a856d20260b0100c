package eventloop

import (
	"errors"
	"io"
	"time"

	"github.com/bobbin-http/bobbin"
)

// A connection that sends a file has a range of it in its queue. Each time that there
// is room for more, the file is asked for the next part of the range and gives one of
// four answers: bytes, the range itself, cold, or changed. The loop acts on the
// answer and knows no more about files. Which version was promised, and whether the
// kernel may send it, is known where files are: http/static/openfile.go.

// A File is a file that a connection sends from. One that is no Source is sent by the
// kernel, and is not looked at for changes.
type File interface {
	bobbin.File

	// Release is called once, on the loop, when the file is not needed any more:
	// its range was sent, or the connection has ended.
	Release()
}

// A Source is a File that decides for each part of a range how it is sent.
type Source interface {
	File

	// Next is called on the loop before each part, and answers by its results:
	//
	//	bytes    bytes that Part.Read has read: the loop sends them
	//	range    no bytes and no error: the kernel sends the part from the file
	//	cold     ErrCold: a worker reads the part, then Next is called again
	//	changed  ErrChanged: the connection is reset; another error ends it, too
	Next(Part) ([]byte, error)

	// Intact is called when the kernel has sent the last part. It reports whether
	// the file still is what was promised; if not, the connection is reset.
	Intact() bool

	// Place is where the file lies, as a path; see Job.Place.
	Place() string
}

// ErrCold is the answer of a Source that a part is not in memory.
var ErrCold = errors.New("eventloop: a part of a file is not in memory")

// ErrChanged is the answer of a Source that its file has ended early, or is another
// version than was promised: what the peer has got cannot be completed, and half of
// each of two versions is worse than a reset. A kernel says the same about a file
// that ends early.
var ErrChanged = io.ErrUnexpectedEOF

// A Part is the next bytes of a range.
type Part struct {
	Offset   int64         // where it begins in the file
	Size     int64         // the most bytes that may be sent now
	Last     bool          // the range ends with it
	InMemory bool          // the kernel cannot send it: it is encrypted before
	Now      time.Duration // the time of this turn, as Loop.Uptime returns it

	loop  *Loop
	piece *piece
	ahead int64 // bytes of the range that are looked for in memory at a time
}

// Cached reports whether the part is in memory, so that sending it does not wait for
// a disk. The kernel is asked about more than the part, and not again while its
// answer covers the next ones.
func (p Part) Cached() bool {
	if p.Offset+p.Size <= p.piece.cachedTo {
		return true
	}
	if !p.loop.kernel.Cached(p.piece.file, p.Offset, int(p.ahead)) {
		return false
	}
	p.piece.cachedTo = p.Offset + p.ahead
	return true
}

// Read reads the beginning of the part into the loop's memory, where it is valid
// until the loop reads again.
func (p Part) Read() ([]byte, error) {
	scratch := p.loop.pools.scratch
	n, err := p.piece.file.ReadAt(scratch[:min(p.Size, int64(len(scratch)))], p.Offset)
	switch {
	case n > 0:
		return scratch[:n], nil
	case err == nil || err == io.EOF:
		return nil, ErrChanged
	}
	return nil, err
}

// nextPart asks the file of a piece for its next part, of size bytes at most. It returns
// bytes, or how many bytes the kernel sends, or an error. After ErrCold the connection
// is written to again when a worker has read the part.
func (c *Conn) nextPart(p *piece, size int64, inMemory bool) (bytes []byte, n int64, err error) {
	if p.readAhead != nil {
		return nil, 0, ErrCold
	}
	l := c.loop
	size = min(size, p.left)
	ahead := min(p.left, int64(l.limits.WriteBudget))
	bytes, err = c.askFile(p, Part{
		Offset: p.at, Size: size, Last: size == p.left, InMemory: inMemory, Now: l.clock.now,
		loop: l, piece: p, ahead: ahead,
	})
	if err == ErrCold {
		c.readAhead(p, ahead)
	}
	return bytes, size, err
}

// askFile asks a file, which is the program's. A panic in it costs the connection.
func (c *Conn) askFile(p *piece, part Part) (bytes []byte, err error) {
	defer c.recoverFile(&err)
	return p.file.Next(part)
}

// recoverFile, deferred, makes an error of a panic in a file.
func (c *Conn) recoverFile(err *error) {
	if r := recover(); r != nil {
		c.loop.record(Panicked, c, 0)
		c.loop.LogPanic("panic in a file that is sent", r)
		*err = errPanic
	}
}

// giveBack releases a file.
func (l *Loop) giveBack(f File) {
	defer l.recovered()
	f.Release()
}

// sendFile sends the next part of a file.
func (c *Conn) sendFile(p *piece, budget int) (int, error) {
	l, fd := c.loop, int(c.fd)
	bytes, n, err := c.nextPart(p, int64(budget), false)
	switch {
	case err != nil:
		return 0, err
	case bytes != nil:
		return l.kernel.Write(fd, bytes, int64(len(bytes)) < p.left)
	}
	return c.sendRange(p, int(n))
}

// sendRange has the kernel send n bytes of a file, which is the program's: some kernels read
// from it by its methods. A panic in it costs the connection.
func (c *Conn) sendRange(p *piece, n int) (sent int, err error) {
	defer c.recoverFile(&err)
	sent, err = c.loop.kernel.SendFile(int(c.fd), p.file, p.at, n)
	if int64(sent) == p.left && !p.file.Intact() {
		err = ErrChanged
	}
	return sent, err
}

// A plainFile is a File that is no Source.
type plainFile struct{ File }

func (f plainFile) Next(p Part) ([]byte, error) {
	switch {
	case !p.Cached():
		return nil, ErrCold
	case p.InMemory:
		return p.Read()
	}
	return nil, nil
}

func (plainFile) Intact() bool  { return true }
func (plainFile) Place() string { return "" }

// sourceOf returns a File as a Source.
func sourceOf(f File) Source {
	if s, ok := f.(Source); ok {
		return s
	}
	return plainFile{f}
}
