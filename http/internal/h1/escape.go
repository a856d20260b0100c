package h1

import "bytes"

// EscapeAt reports whether an escape begins at p[i] (RFC 3986 section 2.1).
func EscapeAt(p []byte, i int) bool {
	return p[i] == '%' && i+2 < len(p) && isHex(p[i+1]) && isHex(p[i+2])
}

// Unescape returns the byte that the escape at p[i] stands for.
func Unescape(p []byte, i int) byte {
	return byte(hexValues[p[i+1]])<<4 | byte(hexValues[p[i+2]])
}

// Decodable reports whether every percent sign in a path begins an escape.
func Decodable(raw []byte) bool {
	for i := bytes.IndexByte(raw, '%'); i >= 0; {
		if !EscapeAt(raw, i) {
			return false
		}
		next := bytes.IndexByte(raw[i+3:], '%')
		if next < 0 {
			return true
		}
		i += 3 + next
	}
	return true
}

// Decode appends a path to dst with its escapes decoded, and changes nothing else in it.
func Decode(dst, raw []byte) []byte {
	for i := 0; i < len(raw); i++ {
		if EscapeAt(raw, i) {
			dst = append(dst, Unescape(raw, i))
			i += 2
		} else {
			dst = append(dst, raw[i])
		}
	}
	return dst
}

// hexValues are the values of hexadecimal digits, and -1 for all other bytes.
var hexValues = func() (t [256]int8) {
	for c := range t {
		t[c] = -1
	}
	for i := range 10 {
		t['0'+i] = int8(i)
	}
	for i := range 6 {
		t['a'+i], t['A'+i] = int8(10+i), int8(10+i)
	}
	return t
}()

// isHex reports whether c is a hexadecimal digit.
func isHex(c byte) bool { return hexValues[c] >= 0 }
