package h2

// The syntax of structured fields (RFC 9651 section 4.2), as far as a dictionary needs it: all
// types are recognised, so that a member that is not known does not hide the ones behind it.
// Only integers and booleans have a value.

// An sfKind is the type of a value.
type sfKind uint8

const (
	sfOther sfKind = iota
	sfInteger
	sfBoolean
)

// An sfValue is a value of a dictionary.
type sfValue struct {
	kind   sfKind
	number int64 // of an integer; 1 for a true boolean
}

// An sfScanner reads p from i on. Its methods report false at a syntax error.
type sfScanner struct {
	p []byte
	i int
}

// atEnd reports whether all is read.
func (s *sfScanner) atEnd() bool { return s.i >= len(s.p) }

// peek returns the next byte, or 0 at the end: no syntax has that.
func (s *sfScanner) peek() byte {
	if s.atEnd() {
		return 0
	}
	return s.p[s.i]
}

// take skips the next byte if it is c.
func (s *sfScanner) take(c byte) bool {
	if s.peek() != c || s.atEnd() {
		return false
	}
	s.i++
	return true
}

// skip skips bytes while is is true of them, and returns them.
func (s *sfScanner) skip(is func(c byte) bool) []byte {
	from := s.i
	for !s.atEnd() && is(s.p[s.i]) {
		s.i++
	}
	return s.p[from:s.i]
}

// skipSpaces skips spaces.
func (s *sfScanner) skipSpaces() { s.skip(func(c byte) bool { return c == ' ' }) }

// nextMember skips the comma between members. A comma at the end is an error.
func (s *sfScanner) nextMember() bool {
	blank := func(c byte) bool { return c == ' ' || c == '\t' }
	s.skip(blank)
	if s.atEnd() {
		return true
	}
	if !s.take(',') {
		return false
	}
	s.skip(blank)
	return !s.atEnd()
}

// key reads the name of a member or a parameter.
func (s *sfScanner) key() ([]byte, bool) {
	if c := s.peek(); !isLower(c) && c != '*' {
		return nil, false
	}
	return s.skip(func(c byte) bool {
		return isLower(c) || isDigit(c) || c == '_' || c == '-' || c == '.' || c == '*'
	}), true
}

// member reads an item or an inner list.
func (s *sfScanner) member() (sfValue, bool) {
	if !s.take('(') {
		return s.item()
	}
	for {
		s.skipSpaces()
		if s.take(')') {
			return sfValue{}, true
		}
		if _, ok := s.item(); !ok || !s.parameters() {
			return sfValue{}, false
		}
		if c := s.peek(); c != ' ' && c != ')' {
			return sfValue{}, false
		}
	}
}

// parameters skips the parameters of an item or an inner list.
func (s *sfScanner) parameters() bool {
	for s.take(';') {
		s.skipSpaces()
		if _, ok := s.key(); !ok {
			return false
		}
		if !s.take('=') {
			continue
		}
		if _, ok := s.item(); !ok {
			return false
		}
	}
	return true
}

// item reads one value.
func (s *sfScanner) item() (v sfValue, ok bool) {
	switch c := s.peek(); {
	case c == '-' || isDigit(c):
		return s.number()
	case c == '?':
		return s.boolean()
	case c == '"':
		return v, s.quoted()
	case c == ':':
		s.i++
		s.skip(func(c byte) bool {
			return isLower(c|0x20) || isDigit(c) || c == '+' || c == '/' || c == '='
		})
		return v, s.take(':')
	case c == '@':
		s.i++
		date, ok := s.number()
		return v, ok && date.kind == sfInteger
	case c == '%':
		s.i++
		return v, s.displayString()
	case isLower(c|0x20) || c == '*':
		s.skip(func(c byte) bool { return lowerToken[c] || isLower(c|0x20) || c == ':' || c == '/' })
		return v, true
	}
	return v, false
}

// number reads an integer of at most 15 digits, or skips a decimal of at most 12 and 3.
func (s *sfScanner) number() (v sfValue, ok bool) {
	negative := s.take('-')
	digits := s.skip(isDigit)
	if len(digits) == 0 || len(digits) > 15 {
		return v, false
	}
	if s.take('.') {
		fraction := s.skip(isDigit)
		return v, len(digits) <= 12 && len(fraction) >= 1 && len(fraction) <= 3
	}
	for _, c := range digits {
		v.number = v.number*10 + int64(c-'0')
	}
	if negative {
		v.number = -v.number
	}
	v.kind = sfInteger
	return v, true
}

// boolean reads ?0 or ?1.
func (s *sfScanner) boolean() (sfValue, bool) {
	s.i++
	c := s.peek()
	s.i++
	return sfValue{sfBoolean, int64(c & 1)}, c == '0' || c == '1'
}

// quoted skips a string, in which a backslash stands only before a quote and itself.
func (s *sfScanner) quoted() bool {
	s.i++
	for !s.atEnd() {
		c := s.p[s.i]
		s.i++
		switch {
		case c == '"':
			return true
		case c < ' ' || c > '~':
			return false
		case c == '\\' && !s.take('"') && !s.take('\\'):
			return false
		}
	}
	return false
}

// displayString skips a string with escapes as in %"f%c3%bc". It does not check that these are
// UTF-8, which would tell nothing about the other members.
func (s *sfScanner) displayString() bool {
	if !s.take('"') {
		return false
	}
	isHex := func(c byte) bool { return isDigit(c) || 'a' <= c && c <= 'f' }
	for !s.atEnd() {
		c := s.p[s.i]
		s.i++
		switch {
		case c == '"':
			return true
		case c < ' ' || c > '~':
			return false
		case c == '%':
			if len(s.p)-s.i < 2 || !isHex(s.p[s.i]) || !isHex(s.p[s.i+1]) {
				return false
			}
			s.i += 2
		}
	}
	return false
}
