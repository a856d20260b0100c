package negotiate

import "bytes"

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

// IsBlank reports whether c is optional whitespace (RFC 9110 section 5.6.3).
func IsBlank(c byte) bool { return c == ' ' || c == '\t' }
