package h1

// Limits bound the head of a request and the framing of its body. Package http fills
// them from its own Limits, which have the defaults.
type Limits struct {
	EmptyLines  int // before a request line
	RequestLine int // bytes of method, target and version
	FieldLine   int // bytes of one field, name and value
	FieldBytes  int // bytes of all fields, including trailers
	FieldCount  int // fields, including trailers

	ChunkExtension int // bytes behind one chunk size
	ChunkOverhead  int // bytes of framing beyond those of the data
}

// MaxFields is the most fields that a head can have, whatever Limits allow.
const MaxFields = 100

// MaxHead is the largest size of a head, whatever Limits allow: a Span has 16 bits for
// an offset.
const MaxHead = 1<<16 - 1

// fieldCount returns the number of fields that a head may have.
func fieldCount(l *Limits) int { return min(l.FieldCount, MaxFields) }

// lineEnd returns where a request line that begins at from must have ended. CR LF is
// not counted against the limit.
func lineEnd(from int, l *Limits) int { return from + l.RequestLine + 2 }

// fieldEnd returns where a field that begins at from must have ended; first is where
// the fields begin. CR LF is not counted against the limit of a field, nor is the last,
// empty line counted against the limit of all fields.
func fieldEnd(from, first int, l *Limits) int {
	return min(from+l.FieldLine, first+l.FieldBytes) + 2
}
