package static

import (
	"crypto/rand"
	"math"

	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// boundary stands between several ranges. It is random, so that no file can contain
// it on purpose.
var boundary = rand.Text()

// A Range field selects bytes of a file (RFC 9110 section 14). A malformed field is
// ignored (section 14.2). So is one that asks for more ranges than any program does.
// Ranges that overlap or touch are one, so that no answer has more bytes of a file than
// the file: attackers ask for the same range a thousand times.

// maxRanges is how many ranges one request may ask for. zsync and other programs that
// update a large file ask for some dozens.
const maxRanges = 256

// A byteRange is size bytes of a file from offset on.
type byteRange struct{ offset, size int64 }

func (r byteRange) end() int64 { return r.offset + r.size }

// wanted is the outcome of a Range field.
type wanted uint8

const (
	all    wanted = iota // answer as if there were no such field
	some                 // 206, with the ranges
	noSuch               // 416: there are ranges, and none of them in the file
)

// parseRanges parses a Range field for a file of a size. The ranges are in the order of
// the field, in the memory of space if they fit.
func parseRanges(space []byteRange, field []byte, size int64) ([]byteRange, wanted) {
	rest, ok := cutUnit(field)
	if !ok || size == 0 {
		return nil, all
	}
	list, outside, asked := space[:0], false, 0
	for len(rest) > 0 {
		var element []byte
		if element, rest, _ = negotiate.NextElement(rest); len(element) == 0 {
			continue // an empty element of a list means nothing
		}
		if asked++; asked > maxRanges {
			return nil, all
		}
		r, ok := parseRange(element, size)
		switch {
		case !ok:
			return nil, all
		case r.size == 0:
			outside = true
		default:
			list = addRange(list, r)
		}
	}
	switch {
	case len(list) > 0:
		return list, some
	case outside:
		return nil, noSuch
	}
	return nil, all // an empty list
}

// cutUnit cuts "bytes=" off the field, in any case of letters.
func cutUnit(field []byte) (list []byte, ok bool) {
	const unit = "bytes="
	if len(field) < len(unit) || !negotiate.SameFold(field[:len(unit)], unit) {
		return nil, false
	}
	return field[len(unit):], true
}

// parseRange parses "5-9", "5-" or "-5". The size is 0 for a range behind the end of
// the file, and for the last 0 bytes.
func parseRange(p []byte, size int64) (r byteRange, ok bool) {
	first, digits := number(p)
	p = p[digits:]
	if len(p) == 0 || p[0] != '-' {
		return r, false
	}
	last, more := number(p[1:])
	if more < len(p)-1 {
		return r, false
	}
	switch {
	case digits == 0 && more == 0:
		return r, false
	case digits == 0: // the last n bytes
		n := min(last, size)
		return byteRange{size - n, n}, true
	case more == 0:
		last = math.MaxInt64
	case last < first:
		return r, false
	}
	if first >= size {
		return r, true
	}
	return byteRange{first, min(last, size-1) - first + 1}, true
}

// number parses the digits at the beginning of p and returns their count, too. A
// number that is too large becomes the largest int64: it must not wrap around.
func number(p []byte) (n int64, digits int) {
	for digits < len(p) && '0' <= p[digits] && p[digits] <= '9' {
		d := int64(p[digits] - '0')
		if n > (math.MaxInt64-d)/10 {
			n = math.MaxInt64
		} else {
			n = n*10 + d
		}
		digits++
	}
	return n, digits
}

// addRange adds a range to a list in which no two touch. It becomes one with those that
// it touches, in the place of the first.
func addRange(list []byteRange, r byteRange) []byteRange {
	at, n := -1, 0
	for _, other := range list {
		if other.offset > r.end() || r.offset > other.end() {
			list[n] = other
			n++
			continue
		}
		end := max(other.end(), r.end())
		r.offset = min(other.offset, r.offset)
		r.size = end - r.offset
		if at < 0 {
			at = n
			n++
		}
	}
	if at < 0 {
		return append(list, r)
	}
	list[at] = r
	return list[:n]
}
