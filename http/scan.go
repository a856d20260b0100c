package http

import (
	"encoding/binary"
	"math/bits"
)

// Scanning eight bytes at a time, without unsafe: the arithmetic marks the high
// bit of each byte that has to be looked at. The lowest mark is exact; those
// above it may be false, and are not used.

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// scanValue returns where the bytes that a field's value may have end: at a
// control character other than a tab, at DEL, or at the end of p. Bytes above
// 0x7f pass (obs-text, RFC 9110 section 5.5).
func scanValue(p []byte, i int) int {
	for i+8 <= len(p) {
		x := binary.LittleEndian.Uint64(p[i:])
		y := x ^ 0x7f*ones
		marks := ((x-0x20*ones)&^x | (y-ones)&^y) & highs
		if marks == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(marks) >> 3
		if p[i] != '\t' {
			return i
		}
		i++
	}
	for i < len(p) && (p[i] >= 0x20 && p[i] != 0x7f || p[i] == '\t') {
		i++
	}
	return i
}

// scanTarget returns where the bytes that a target may have end: at anything
// that is not a visible ASCII character, or at the end of p.
func scanTarget(p []byte, i int) int {
	for i+8 <= len(p) {
		x := binary.LittleEndian.Uint64(p[i:])
		marks := ((x - 0x21*ones) | x | (x + ones)) & highs
		if marks == 0 {
			i += 8
			continue
		}
		// A borrow or a carry can only come from a byte that is marked itself.
		return i + bits.TrailingZeros64(marks)>>3
	}
	for i < len(p) && p[i] > 0x20 && p[i] < 0x7f {
		i++
	}
	return i
}

// tokens are the characters of a token (RFC 9110 section 5.6.2).
var tokens = func() (t [256]bool) {
	for _, c := range "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" {
		t[c] = true
	}
	return t
}()

// scanToken returns where a token ends.
func scanToken(p []byte, i int) int {
	for i < len(p) && tokens[p[i]] {
		i++
	}
	return i
}

func isToken(s string) bool {
	for i := range len(s) {
		if !tokens[s[i]] {
			return false
		}
	}
	return s != ""
}

func isFieldValue(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 && s[i] != '\t' || s[i] == 0x7f {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// hexValue returns the value of a hexadecimal digit, or -1.
func hexValue(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// trim takes blanks off both ends.
func trim(p []byte) []byte {
	for len(p) > 0 && isBlank(p[0]) {
		p = p[1:]
	}
	for len(p) > 0 && isBlank(p[len(p)-1]) {
		p = p[:len(p)-1]
	}
	return p
}

// element cuts the first element off a list with commas (RFC 9110 section
// 5.6.1), blanks trimmed. Empty elements are the caller's to judge.
func element(list []byte) (first, rest []byte, more bool) {
	for i, c := range list {
		if c == ',' {
			return trim(list[:i]), list[i+1:], true
		}
	}
	return trim(list), nil, false
}
