package negotiate

import (
	"bytes"
	"strings"
)

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

// Lists reports whether a list has an option or a directive, ignoring case and the value
// of the directive.
func Lists(list, name string) bool {
	for element := range strings.SplitSeq(list, ",") {
		element, _, _ = strings.Cut(element, "=")
		if EqualFold(strings.Trim(element, blanks), name) {
			return true
		}
	}
	return false
}

// IsBlank reports whether c is optional whitespace (RFC 9110 section 5.6.3).
func IsBlank(c byte) bool { return c == ' ' || c == '\t' }
