package static

import (
	"strings"
)

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

var codingNames = [codings]string{"identity", "br", "zstd", "gzip"}

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

// weights are what a client says it takes, in thousandths.
type weights struct {
	of    [codings]int16
	named [codings]bool
	star  int16 // for what is not named, or -1
	any   bool  // there was an Accept-Encoding field
}

// accept reads one Accept-Encoding field (RFC 9110 section 12.5.3). What is
// malformed in it is passed over.
func (w *weights) accept(field string) {
	if !w.any {
		*w = weights{star: -1, any: true}
	}
	for element := range strings.SplitSeq(field, ",") {
		name, parameters, _ := strings.Cut(element, ";")
		q := weight(parameters)
		switch name = strings.ToLower(strings.Trim(name, " \t")); name {
		case "*":
			w.star = q
		case "x-gzip": // an old name (RFC 9110 section 8.4.1.3)
			w.set(gzip, q)
		default:
			for c, known := range codingNames {
				if name == known {
					w.set(coding(c), q)
				}
			}
		}
	}
}

func (w *weights) set(c coding, q int16) { w.of[c], w.named[c] = q, true }

// weight reads ";q=0.5". What is no weight counts as 0: it was meant as one.
func weight(parameters string) int16 {
	name, value, ok := strings.Cut(strings.Trim(parameters, " \t"), "=")
	if !ok {
		if parameters == "" {
			return 1000
		}
		return 0
	}
	if !strings.EqualFold(strings.TrimRight(name, " \t"), "q") {
		return 0
	}
	value = strings.Trim(value, " \t")
	whole, fraction, _ := strings.Cut(value, ".")
	if whole != "0" && whole != "1" || len(fraction) > 3 {
		return 0
	}
	q := int16(0)
	for i := range 3 {
		d := int16(0)
		if i < len(fraction) {
			if fraction[i] < '0' || fraction[i] > '9' {
				return 0
			}
			d = int16(fraction[i] - '0')
		}
		q = q*10 + d
	}
	if whole == "1" {
		if q > 0 {
			return 0
		}
		return 1000
	}
	return q
}

// for returns the weight of a coding. What is not mentioned is not taken,
// except for identity, which always is unless it is refused by name or by "*".
func (w *weights) weigh(c coding) int16 {
	switch {
	case !w.any:
		if c == identity {
			return 1000
		}
		return 0
	case w.named[c]:
		return w.of[c]
	case w.star >= 0:
		return w.star
	case c == identity:
		return 1 // behind everything that was asked for
	}
	return 0
}

// choose returns the coding that the client likes best of those there are, and
// false if it takes none of them.
func (w *weights) choose(there [codings]bool) (coding, bool) {
	best, most := identity, int16(0)
	for c := identity + 1; c < codings; c++ {
		if q := w.weigh(c); there[c] && q > most {
			best, most = c, q
		}
	}
	if q := w.weigh(identity); there[identity] && q > most {
		best, most = identity, q
	}
	return best, most > 0
}

// Compressible reports whether files of a type get smaller. What is packed
// already does not.
func Compressible(contentType string) bool {
	t, _, _ := strings.Cut(contentType, ";")
	switch {
	case strings.HasPrefix(t, "text/"), strings.HasSuffix(t, "+xml"), strings.HasSuffix(t, "+json"):
		return true
	}
	switch t {
	case "application/javascript", "application/json", "application/xml", "application/wasm", "application/rtf",
		"application/manifest+json", "application/vnd.ms-fontobject", "application/x-javascript",
		"font/ttf", "font/otf", "font/collection", "image/bmp", "image/x-icon", "image/vnd.microsoft.icon":
		return true
	}
	return false
}
