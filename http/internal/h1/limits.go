package h1

// Limits bound a request's head and the framing of its body. Package http fills
// them from its own Limits, where the defaults are.
type Limits struct {
	EmptyLines  int // before a request line
	RequestLine int // bytes of method, target and version
	FieldLine   int // bytes of one field, name and value
	FieldBytes  int // bytes of all fields, trailers too
	FieldCount  int // fields, trailers too

	ChunkExtension int // bytes behind one chunk size
	ChunkOverhead  int // bytes of framing beyond those that are carried
}

// MaxFields is how many fields a head can have, whatever Limits say.
const MaxFields = 100

// MaxHead is what a head may come to with every limit at its largest: offsets
// into a head are 16 bits wide, see span.
const MaxHead = 1<<16 - 1

// fieldCount returns how many fields a head may have.
func fieldCount(l *Limits) int { return min(l.FieldCount, MaxFields) }
