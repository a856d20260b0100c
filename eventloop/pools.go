package eventloop

// Pools are the memory of a loop that is handed out and taken back. They belong to
// its goroutine, so that they need no lock.
type pools struct {
	scratch []byte // what one read call fills
	plain   []byte // what TLS makes of it
	iov     [callPieces][]byte

	chunks  [][]byte
	made    int // chunks, those in use included
	outputs []*output
	inputs  []*input
	loans   []*loan
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

func (p *pools) takeOutput() *output {
	if k := len(p.outputs); k > 0 {
		o := p.outputs[k-1]
		p.outputs = p.outputs[:k-1]
		return o
	}
	return &output{}
}

func (p *pools) giveOutput(o *output) {
	if len(p.outputs) < chunksKept && cap(o.pieces) <= 64 && cap(o.text) <= 64 {
		p.outputs = append(p.outputs, o)
	}
}

func (p *pools) takeInput() *input {
	if k := len(p.inputs); k > 0 {
		i := p.inputs[k-1]
		p.inputs = p.inputs[:k-1]
		return i
	}
	return &input{}
}

// giveInput keeps the small ones: a free list must not hold what one greedy
// peer made it grow to.
func (p *pools) giveInput(i *input) {
	i.p, i.at = i.p[:0], 0
	if len(p.inputs) < chunksKept && cap(i.p) <= chunkSize {
		p.inputs = append(p.inputs, i)
	}
}

func (p *pools) takeLoan() *loan {
	if k := len(p.loans); k > 0 {
		to := p.loans[k-1]
		p.loans = p.loans[:k-1]
		return to
	}
	return &loan{}
}

func (p *pools) giveLoan(to *loan) {
	*to = loan{}
	if len(p.loans) < chunksKept {
		p.loans = append(p.loans, to)
	}
}
