package h1

// tokenChars are the characters of a token, such as a name (RFC 9110 section 5.6.2).
var tokenChars = charsOf("!#$%&'*+-.^_`|~")

// NameChars are the characters of a registered name, besides escapes (RFC 3986 section
// 3.2.2).
var NameChars = charsOf("-._~" + "!$&'()*+,;=")

// charsOf returns a table of letters, digits and others.
func charsOf(others string) (t [256]bool) {
	for i := range 10 {
		t['0'+i] = true
	}
	for i := range 26 {
		t['a'+i], t['A'+i] = true, true
	}
	for _, c := range []byte(others) {
		t[c] = true
	}
	return t
}

// skip returns the place of the first byte, from i on, that is not one of chars. It
// tests for the end of p at every fourth byte only.
func skip(p []byte, i int, chars *[256]bool) int {
	for ; uint(i)+4 <= uint(len(p)); i += 4 {
		q := p[i : i+4 : i+4]
		switch {
		case !chars[q[0]]:
			return i
		case !chars[q[1]]:
			return i + 1
		case !chars[q[2]]:
			return i + 2
		case !chars[q[3]]:
			return i + 3
		}
	}
	for i < len(p) && chars[p[i]] {
		i++
	}
	return i
}

// ones has a 1 in each of its bytes.
const ones = 0x0101010101010101

// isDigit reports whether c is a decimal digit.
func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// inValue reports whether c may be in the value of a field (RFC 9110 section 5.5).
func inValue(c byte) bool { return c >= ' ' && c != 0x7f || c == '\t' }

// IsToken reports whether s is a token (RFC 9110 section 5.6.2).
func IsToken[T string | []byte](s T) bool {
	for i := range len(s) {
		if !tokenChars[s[i]] {
			return false
		}
	}
	return len(s) > 0
}

// IsFieldValue reports whether s may be the value of a field.
func IsFieldValue(s string) bool {
	for i := range len(s) {
		if !inValue(s[i]) {
			return false
		}
	}
	return true
}
