package negotiate

import "bytes"

// SameFold compares a name with one in lower case.
func SameFold(p []byte, lower string) bool {
	return len(p) == len(lower) && (len(p) == 0 || p[0]|0x20 == lower[0]|0x20) && sameRest(p, lower)
}

// sameRest is sameFold for two of one length, which may well be the same.
func sameRest(p []byte, lower string) bool {
	for i, b := range p {
		if 'A' <= b && b <= 'Z' {
			b |= 0x20
		}
		if i >= len(lower) || b != lower[i] {
			return false
		}
	}
	return true
}

// NextElement splits a list at its first comma (RFC 9110 section 5.6.1), and
// reports whether there was one. Elements may be empty.
func NextElement(v []byte) (element, rest []byte, again bool) {
	element, rest, again = bytes.Cut(v, comma)
	for len(element) > 0 && IsBlank(element[0]) {
		element = element[1:]
	}
	for len(element) > 0 && IsBlank(element[len(element)-1]) {
		element = element[:len(element)-1]
	}
	return element, rest, again
}

var comma = []byte(",")

func IsBlank(c byte) bool { return c == ' ' || c == '\t' }
