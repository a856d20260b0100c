package eventloop

// Pools are the memory of a loop that is handed out and taken back. They belong to
// its goroutine, so that they need no lock.
type pools struct {
	scratch []byte // what one read call fills
	plain   []byte // what TLS makes of it
	iov     [callPieces][]byte

	chunks  [][]byte
	made    int // chunks, those in use included
	outputs freeList[output]
	inputs  freeList[input]
	loans   freeList[loan]
}

// A freeList keeps what may be used again, chunksKept at most.
type freeList[T any] []*T

func (f *freeList[T]) take() *T {
	if n := len(*f); n > 0 {
		last := (*f)[n-1]
		*f = (*f)[:n-1]
		return last
	}
	return new(T)
}

func (f *freeList[T]) give(one *T) {
	if len(*f) < chunksKept {
		*f = append(*f, one)
	}
}

func (p *pools) init(limits Limits) { p.scratch = make([]byte, limits.ReadBudget) }

// takeChunk returns empty memory with room for n bytes at least. There are not
// more than chunksKept chunks of the usual size: a protocol that writes to thousands
// of connections at once has small ones, which fit what is written.
func (p *pools) takeChunk(n int) []byte {
	if k := len(p.chunks); k > 0 && n <= chunkSize {
		chunk := p.chunks[k-1]
		p.chunks = p.chunks[:k-1]
		return chunk
	}
	if n > chunkSize || p.made == chunksKept {
		return make([]byte, 0, max(n, chunkMin))
	}
	p.made++
	return make([]byte, 0, chunkSize)
}

// giveChunk puts memory back. Sizes out of the ordinary are left to the garbage
// collector.
func (p *pools) giveChunk(chunk []byte) {
	if cap(chunk) == chunkSize && len(p.chunks) < chunksKept {
		p.chunks = append(p.chunks, chunk[:0])
	}
}

func (p *pools) takeOutput() *output { return p.outputs.take() }

// giveOutput and giveInput keep the small ones: a free list must not hold what one
// greedy peer made it grow to.
func (p *pools) giveOutput(o *output) {
	if cap(o.pieces) <= 64 && cap(o.text) <= 64 {
		p.outputs.give(o)
	}
}

func (p *pools) takeInput() *input { return p.inputs.take() }

func (p *pools) giveInput(i *input) {
	i.p, i.at = i.p[:0], 0
	if cap(i.p) <= chunkSize {
		p.inputs.give(i)
	}
}

func (p *pools) takeLoan() *loan { return p.loans.take() }

func (p *pools) giveLoan(to *loan) {
	*to = loan{}
	p.loans.give(to)
}
