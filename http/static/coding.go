package static

import "github.com/bobbin-http/bobbin/http/internal/negotiate"

// A coding is a content coding (RFC 9110 section 8.4.1). They are in the order in
// which the server prefers them.
type coding uint8

const (
	identity coding = iota // not compressed
	brotli
	zstd
	gzip
	codings
)

// codingNames are the names of the codings, and "*", in the order of
// negotiate.Weights.
var codingNames = [codings + 1]string{"identity", "br", "zstd", "gzip", "*"}

// suffixes are added to a file's name to find its compressed siblings.
var suffixes = [codings]string{"", ".br", ".zst", ".gz"}

func (c coding) String() string { return codingNames[c] }

// An Encoder compresses into one coding. Several workers may call it at a time.
type Encoder struct {
	Coding string // "gzip" or "zstd"
	Encode func(dst, src []byte) []byte
}

// encodeMin is the size of the smallest file that is compressed. A smaller one is one
// packet in either case.
const encodeMin = 1 << 10

// Compressible reports whether files of a type become smaller. Types that are
// compressed already do not.
func Compressible(contentType string) bool { return negotiate.Compressible(contentType) }
