package eventloop

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
