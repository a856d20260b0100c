package static

import "github.com/bobbin-http/bobbin/http/internal/negotiate"

// A coding is a way in which a file can be compressed on its way (RFC 9110
// section 8.4.1), in the order in which they are preferred.
type coding uint8

const (
	identity coding = iota // not at all
	brotli
	zstd
	gzip
	codings
)

// codingNames are those of the codings, and "*", as negotiate.Weights has them.
var codingNames = [codings + 1]string{"identity", "br", "zstd", "gzip", "*"}

// suffixes are those of compressed files that lie beside a file.
var suffixes = [codings]string{"", ".br", ".zst", ".gz"}

func (c coding) String() string { return codingNames[c] }

// An Encoder compresses. It is called on workers, several at a time perhaps.
type Encoder struct {
	Coding string // "gzip" or "zstd"
	Encode func(dst, src []byte) []byte
}

// encodeMin is the smallest file that is compressed: below that, the answer
// is one packet either way.
const encodeMin = 1 << 10

// Compressible reports whether files of a type get smaller. What is packed
// already does not.
func Compressible(contentType string) bool { return negotiate.Compressible(contentType) }
