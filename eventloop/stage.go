package eventloop

// Nearly all output is made and sent within one turn. It is staged: it waits in one arena of
// the loop, each connection's bytes behind another's, and flush writes it from there. What
// the socket does not take at once goes on in a queue of the connection's own (output.go),
// and so does what is written while there is one: bytes that are lent, files, and all text
// over TLS. Bytes in the arena come before those in the queue, and are never encrypted.

const (
	arenaSize = chunkSize     // fits in the processor's cache
	arenaFull = arenaSize / 2 // sockets are written to early
)

// A span is a connection that flush is to go through, and what is staged for it: bytes of
// the arena.
type span struct {
	conn     *Conn
	from, to int32
}

// A stage is the list for flush with its arena.
type stage struct {
	spans []span
	arena []byte // what is staged
	holds uint8  // the place of the connection that has reserved and not committed; 0 if none has; noSpan during flush
}

// noSpan is the place of a connection behind more others than a place can count.
const noSpan = 255

func (s *stage) init() { s.arena = make([]byte, 0, arenaSize) }

// mark has flush go through a connection.
func (s *stage) mark(c *Conn) {
	if c.place == 0 {
		s.spans = append(s.spans, span{conn: c})
		c.place = uint8(min(len(s.spans), noSpan))
	}
}

// full reports whether connections are to be written to before the others are read.
func (s *stage) full() bool { return len(s.spans) >= chunksKept || len(s.arena) >= arenaFull }

// reserve returns room for n more bytes of a connection, or nil if they cannot be staged.
func (s *stage) reserve(c *Conn, n int) []byte {
	end := len(s.arena)
	if s.holds != 0 || cap(s.arena)-end < n {
		return nil
	}
	s.mark(c)
	if c.place == noSpan {
		return nil
	}
	switch sp := &s.spans[int(c.place)-1]; {
	case sp.from == sp.to:
		sp.from, sp.to = int32(end), int32(end)
	case int(sp.to) != end:
		return nil // another's bytes are behind its own
	}
	s.holds = c.place
	return s.arena[end:end:cap(s.arena)]
}

// commit stages n bytes, which were put into what reserve has returned. It returns how many
// are staged for the connection.
func (s *stage) commit(c *Conn, n int) int {
	if s.holds != c.place || s.holds-1 >= noSpan-1 { // or it holds nothing, or is flushed
		panic("eventloop: Commit without a Reserve before it")
	}
	s.holds = 0
	sp := &s.spans[int(c.place)-1]
	sp.to += int32(n)
	s.arena = s.arena[:sp.to]
	return int(sp.to - sp.from)
}

// staged returns what is staged for a connection.
func (s *stage) staged(c *Conn) []byte {
	if c.place == 0 || c.place == noSpan {
		return nil
	}
	sp := s.spans[int(c.place)-1]
	return s.arena[sp.from:sp.to]
}

// take returns what is staged for a connection, and takes it off.
func (s *stage) take(c *Conn) []byte {
	p := s.staged(c)
	if len(p) > 0 {
		sp := &s.spans[int(c.place)-1]
		sp.to = sp.from
	}
	return p
}

// begin begins a walk through the list, and returns how many connections are on it. What
// is marked meanwhile belongs to the next.
func (s *stage) begin() int {
	s.holds = noSpan
	return len(s.spans)
}

// next takes the i-th connection off the list, with what is staged for it.
func (s *stage) next(i int) (c *Conn, staged []byte) {
	sp := &s.spans[i]
	c, staged = sp.conn, s.arena[sp.from:sp.to]
	*sp = span{}
	c.place = 0
	return c, staged
}

// end ends a walk through n connections.
func (s *stage) end(n int) {
	s.holds = 0
	s.arena = s.arena[:0]
	s.spans = without(s.spans, n)
	for i, sp := range s.spans {
		sp.conn.place = uint8(min(i+1, noSpan))
	}
}
