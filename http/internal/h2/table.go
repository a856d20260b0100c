package h2

// The dynamic table of a decoder (RFC 7541 section 2.3.2): a ring of bytes with the fields as
// they are laid out, "name: value\r\n", and a ring of their places. Both grow when they have to, so
// a table that has seen little is small. The bytes of a field are at most 4 more than its
// name and value, and it counts 32 more, so the ring never needs more than the table's size.

// tableMost is the largest table: offsets in it are 16 bits wide.
const tableMost = 1<<16 - 1

// The rings have powers of two, and no fewer than these.
const (
	leastRing    = 256 // bytes
	leastEntries = 8
)

// lineExtra is how many bytes a line has besides name and value.
const lineExtra = len(": ") + len("\r\n")

// A table is a dynamic table. Its counters run on and wrap around.
type table struct {
	ring     []byte
	from, to uint32 // the bytes in use, counted since the table was made

	entries      []Field // At counts since the table was made
	oldest, next uint32  // the numbers of the oldest entry and of the one to come

	size, max uint32 // of RFC 7541 section 4.1

	changes uint64 // of what blocks mean by its numbers
}

// len returns how many entries there are.
func (t *table) len() uint32 { return t.next - t.oldest }

// entry returns the n-th entry, the newest being 0, or nil.
func (t *table) entry(n uint32) *Field {
	if n >= t.len() {
		return nil
	}
	return &t.entries[(t.next-1-n)&uint32(len(t.entries)-1)]
}

// setMax sets the size that the table may have, and evicts what is too much.
func (t *table) setMax(most uint32) {
	t.changes++
	t.max = most
	t.evict(most)
	if most == 0 {
		t.ring, t.entries = nil, nil
	}
}

// evict removes the oldest entries until the table has at most the given size.
func (t *table) evict(most uint32) {
	for t.size > most {
		e := &t.entries[t.oldest&uint32(len(t.entries)-1)]
		t.size -= uint32(e.size())
		t.from += uint32(e.lineSize())
		t.oldest++
	}
}

// add adds a field: e without its place, and the line. A field that is larger than the table
// empties it (RFC 7541 section 4.4).
func (t *table) add(line []byte, e Field) {
	t.changes++
	size := uint32(len(line) - lineExtra + FieldOverhead)
	if size > t.max {
		t.evict(0)
		return
	}
	t.evict(t.max - size)
	if need := int(t.to-t.from) + len(line); need > len(t.ring) {
		t.growRing(need)
	}
	if int(t.len()) == len(t.entries) {
		t.growEntries()
	}
	e.At = t.to
	at := int(t.to) & (len(t.ring) - 1)
	copy(t.ring, line[copy(t.ring[at:], line):])
	t.to += uint32(len(line))
	t.entries[t.next&uint32(len(t.entries)-1)] = e
	t.next++
	t.size += size
}

// growRing makes the ring large enough for so many bytes.
func (t *table) growRing(need int) {
	size := max(leastRing, len(t.ring))
	for size < need {
		size *= 2
	}
	ring := make([]byte, size)
	for at := t.from; at != t.to; {
		piece := t.ring[int(at)&(len(t.ring)-1):]
		n := copy(ring[int(at)&(size-1):], piece[:min(len(piece), int(t.to-at))])
		at += uint32(n)
	}
	t.ring = ring
}

// growEntries doubles the places for entries.
func (t *table) growEntries() {
	entries := make([]Field, max(leastEntries, 2*len(t.entries)))
	for n := t.oldest; n != t.next; n++ {
		entries[n&uint32(len(entries)-1)] = t.entries[n&uint32(len(t.entries)-1)]
	}
	t.entries = entries
}

// appendRing appends n bytes of a ring from a place on, which counts since the ring was made.
func appendRing(dst, ring []byte, from uint32, n int) []byte {
	at := int(from) & (len(ring) - 1)
	if at+n <= len(ring) {
		return append(dst, ring[at:at+n]...)
	}
	dst = append(dst, ring[at:]...)
	return append(dst, ring[:at+n-len(ring)]...)
}
