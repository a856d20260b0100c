package ws

import "unicode/utf8"

// A UTF8 checks a text that comes in pieces. A piece may end within a character. The zero
// value is for the beginning of a text.
type UTF8 struct {
	tail [utf8.UTFMax]byte // of a character that is incomplete
	n    uint8             // bytes in tail
}

// Add reports whether the text can be valid with p behind it. An octet that cannot be
// right is found at once, also within a character.
func (u *UTF8) Add(p []byte) bool {
	for u.n > 0 && len(p) > 0 {
		u.tail[u.n] = p[0]
		u.n++
		p = p[1:]
		if !utf8.FullRune(u.tail[:u.n]) {
			continue
		}
		if c, size := utf8.DecodeRune(u.tail[:u.n]); c == utf8.RuneError && size == 1 {
			return false
		}
		u.n = 0
	}
	end := wholeCharacters(p)
	if !utf8.Valid(p[:end]) {
		return false
	}
	u.n += uint8(copy(u.tail[u.n:], p[end:]))
	return true
}

// Complete reports whether the text does not end within a character.
func (u *UTF8) Complete() bool { return u.n == 0 }

// wholeCharacters returns how much of p lies before a character that is incomplete.
func wholeCharacters(p []byte) int {
	for i := len(p) - 1; i >= 0 && i > len(p)-utf8.UTFMax; i-- {
		if !utf8.RuneStart(p[i]) {
			continue
		}
		if !utf8.FullRune(p[i:]) {
			return i
		}
		break
	}
	return len(p)
}
