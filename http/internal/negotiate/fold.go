// Package negotiate reads the preferences of a client: weights of codings, types that can
// be compressed, entity tags. It also compares names. It is pure.
package negotiate

// SameFold compares a name with one in lower case, as EqualFold does. It is short where
// most names differ: in their lengths or their first letters.
func SameFold(p []byte, lower string) bool {
	return len(p) == len(lower) && (len(p) == 0 || p[0]|0x20 == lower[0]|0x20) && sameRest(p, lower)
}

// sameRest is SameFold for two of one length, which may well be the same.
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

// EqualFold reports whether two names differ in the case of ASCII letters at most.
// Names in HTTP are ASCII: that the Kelvin sign is a k elsewhere does not count
// (RFC 9110 section 5.6.2).
func EqualFold[A, B string | []byte](a A, b B) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range len(a) {
		if x, y := a[i], b[i]; x != y && (lower(x) != lower(y)) {
			return false
		}
	}
	return true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		c |= 0x20
	}
	return c
}
