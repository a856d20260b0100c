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
// ignored (section 14.2). So is one that asks for many ranges, or for ranges that
// overlap: attackers use those to have a server send a file a thousand times.

// maxRanges is how many ranges one request may ask for.
const maxRanges = 16

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

// parseRanges parses a Range field for a file of a size and appends the ranges to
// dst, in the order of the field. Two that touch are joined.
func parseRanges(dst []byteRange, field []byte, size int64) ([]byteRange, wanted) {
	list, ok := cutUnit(field)
	if !ok || size == 0 {
		return dst, all
	}
	from, outside, asked := len(dst), false, 0
	for len(list) > 0 {
		var element []byte
		if element, list, _ = negotiate.NextElement(list); len(element) == 0 {
			continue // an empty element of a list means nothing
		}
		if asked++; asked > maxRanges {
			return dst[:from], all
		}
		r, ok := parseRange(element, size)
		switch {
		case !ok:
			return dst[:from], all
		case r.size == 0:
			outside = true
		case len(dst) > from && dst[len(dst)-1].end() == r.offset:
			dst[len(dst)-1].size += r.size
		default:
			dst = append(dst, r)
		}
	}
	switch {
	case overlap(dst[from:]):
		return dst[:from], all
	case len(dst) > from:
		return dst, some
	case outside:
		return dst, noSuch
	}
	return dst, all // an empty list
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

// overlap reports whether two of the ranges have a byte in common. With at most
// maxRanges of them, every pair can be compared.
func overlap(list []byteRange) bool {
	for i, a := range list {
		for _, b := range list[i+1:] {
			if a.offset < b.end() && b.offset < a.end() {
				return true
			}
		}
	}
	return false
}
