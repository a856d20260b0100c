package eventloop

// The output of a connection that was not sent in the turn in which it was written, or
// could not be staged (stage.go), waits in a queue of pieces: chunks of the loop's memory,
// bytes lent by a protocol, and ranges of files (file.go). The loop hands a chunk out again
// while it is in the processor's cache.

const (
	chunkSize  = 64 << 10
	chunksKept = 64        // of them: 4 MiB
	chunkMin   = 1 << 10   // the least size of a chunk that is made when those are in use
	callSize   = 256 << 10 // bytes of memory in one write call, which is raw and must stay short
	callPieces = 16        // pieces in one write call
)

// A piece is one element of a queue: bytes, or a range of a file.
type piece struct {
	bytes []byte
	chunk bool // bytes is the loop's memory, and may grow
	lent  bool // bytes is the protocol's, and may be lent to other connections, too

	file      Source
	left      int64      // bytes of the file
	cachedTo  int64      // up to here the file was found in memory
	readAhead *readAhead // a worker reads it, if not nil

	at int64 // where the rest begins, in bytes or in the file
}

// An output is the queue of a connection. The first piece may be sent in part.
type output struct {
	pieces []piece // for the socket
	text   []piece // over TLS: written by the protocol, and not encrypted yet
	size   int64   // bytes left in all pieces
	memory int64   // of those, the ones that are in memory and not lent
}

// last returns the chunk at the end of a list of pieces with room for n more bytes,
// after adding one if need be.
func (o *output) last(l *Loop, list *[]piece, n int) *piece {
	k := len(*list)
	if k > 0 {
		p := &(*list)[k-1]
		if p.chunk && cap(p.bytes)-len(p.bytes) >= n {
			return p
		}
	}
	if k < cap(*list) {
		*list = (*list)[:k+1] // one that was released, and is empty
	} else {
		*list = append(*list, piece{})
	}
	p := &(*list)[k]
	p.bytes, p.chunk = l.pools.takeChunk(n), true
	return p
}

// add puts a copy of p behind a list of pieces.
func (o *output) add(l *Loop, list *[]piece, p []byte) {
	last := o.last(l, list, len(p))
	last.bytes = append(last.bytes, p...)
	o.grow(l, int64(len(p)), int64(len(p)))
}

// grow accounts for size bytes that were added, memory of them in memory that is not
// lent.
func (o *output) grow(l *Loop, size, memory int64) {
	o.size += size
	o.memory += memory
	l.output.bytes += memory
}

// send makes one write call for the head of the queue.
func (o *output) send(l *Loop, c *Conn, budget int) (int, error) {
	p, fd := &o.pieces[0], int(c.fd)
	if p.leftover() == 0 {
		o.take(l, &o.pieces, 0) // p is the next one then
	}
	if p.file != nil {
		return c.sendFile(p, budget)
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
		l.pools.iov[n] = rest[:min(len(rest), budget)]
		budget -= len(l.pools.iov[n])
		n++
	}
	sent, err := l.kernel.Writev(fd, l.pools.iov[:n], n < len(o.pieces))
	clear(l.pools.iov[:n])
	return sent, err
}

// sent takes n bytes off the queue, which the socket has taken.
func (o *output) sent(l *Loop, n int) {
	if int64(n) == o.size {
		o.drop(l) // nearly always the socket takes all
		return
	}
	o.take(l, &o.pieces, n)
}

// take takes n bytes off the head of a list of pieces, and then those pieces that have
// nothing in them: room that was reserved and not used.
func (o *output) take(l *Loop, list *[]piece, n int) {
	o.size -= int64(n)
	pieces := *list
	done := 0
	for done < len(pieces) && (n > 0 || pieces[done].leftover() == 0) {
		p := &pieces[done]
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
				l.output.bytes -= int64(k)
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
		rest := copy(pieces, pieces[done:])
		clear(pieces[rest:])
		*list = pieces[:rest]
	}
}

// shrink copies the rest of a chunk into memory of its own size, so that ten thousand
// slow peers hold as much memory as is queued for them and no more.
func (o *output) shrink(l *Loop) {
	p := &o.pieces[0]
	if !p.chunk || cap(p.bytes) < chunkSize || len(p.rest()) > chunkSize/4 {
		return
	}
	rest := append([]byte(nil), p.rest()...)
	l.pools.giveChunk(p.bytes)
	p.bytes, p.at = rest, 0
}

// rest returns the bytes of a piece that are left.
func (p *piece) rest() []byte { return p.bytes[p.at:] }

func (p *piece) release(l *Loop) {
	switch {
	case p.chunk:
		l.pools.giveChunk(p.bytes)
		p.bytes, p.chunk, p.at = nil, false, 0
		return
	case p.lent:
		l.output.endLoan(p.bytes)
	case p.readAhead != nil:
		p.readAhead.orphan = true // a worker is reading from it
	case p.file != nil:
		l.giveBack(p.file)
	}
	*p = piece{}
}

// leftover returns how many bytes are left of a piece.
func (p *piece) leftover() int64 {
	if p.file != nil {
		return p.left
	}
	return int64(len(p.rest()))
}

// sizeOf returns how many bytes are left of some pieces.
func sizeOf(pieces []piece) int {
	n := int64(0)
	for i := range pieces {
		n += pieces[i].leftover()
	}
	return int(n)
}

// drop releases all pieces.
func (o *output) drop(l *Loop) {
	l.output.bytes -= o.memory
	for i := range o.pieces {
		o.pieces[i].release(l)
	}
	o.pieces, o.size, o.memory = o.pieces[:0], 0, 0
	if len(o.text) > 0 {
		for i := range o.text {
			o.text[i].release(l)
		}
		o.text = o.text[:0]
	}
}

// dropText releases the pieces that are not encrypted yet.
func (o *output) dropText(l *Loop) {
	for i := range o.text {
		p := &o.text[i]
		n, memory := p.leftover(), int64(0)
		if p.file == nil && !p.lent {
			memory = n
		}
		o.grow(l, -n, -memory)
		p.release(l)
	}
	o.text = o.text[:0]
}
