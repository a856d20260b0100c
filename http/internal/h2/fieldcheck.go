package h2

import "encoding/binary"

// Names and values of fields (RFC 9113 section 8.2.1). A field that is refused makes its
// message malformed, and the block is decoded to its end. What HTTP/1.1 forbids besides is
// left to the parser that reads the fields afterwards.

// marks are what is wrong with a field, in the lower bits, and whether it is a pseudo-field. The
// dynamic table keeps them, so that a field is checked once.
type marks uint8

const (
	faultNone marks = iota
	faultEmptyName
	faultUpperCase
	faultName
	faultControl // the first that is about the value
	faultBlanks

	markPseudo marks = 0x80
)

// fault returns what is wrong.
func (m marks) fault() marks { return m &^ markPseudo }

// ofName returns what other fields with the same name share.
func (m marks) ofName() marks {
	if m.fault() >= faultControl {
		return m & markPseudo
	}
	return m
}

// malformed are the errors of the faults.
var malformed = [...]*Error{
	faultEmptyName: streamError(ProtocolError, "a field has no name"),                     // RFC 9113 section 8.2.1
	faultUpperCase: streamError(ProtocolError, "the name of a field has upper case"),      // RFC 9113 section 8.2.1
	faultName:      streamError(ProtocolError, "a field has a name that is not a token"),  // RFC 9113 section 8.2.1
	faultControl:   streamError(ProtocolError, "a field value holds NUL, CR or LF"),       // RFC 9113 section 8.2.1
	faultBlanks:    streamError(ProtocolError, "a field value begins or ends with blank"), // RFC 9113 section 8.2.1
}

// errPseudoLate is why a block is malformed as a whole.
var errPseudoLate = streamError(ProtocolError, "a pseudo-field is behind other fields") // RFC 9113 section 8.3

// lowerToken are the characters of a token but for upper case (RFC 9110 section 5.6.2).
var lowerToken = makeLowerToken()

func makeLowerToken() (t [256]bool) {
	for _, c := range []byte("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz") {
		t[c] = true
	}
	return t
}

// checkName returns what is wrong with a name. A pseudo-field begins with a colon.
func checkName(name []byte) marks {
	if len(name) > 0 && name[0] == ':' {
		name = name[1:]
	}
	if len(name) == 0 {
		return faultEmptyName
	}
	for _, c := range name {
		if lowerToken[c] {
			continue
		}
		if isUpper(c) {
			return faultUpperCase
		}
		return faultName
	}
	return faultNone
}

// checkValue returns what is wrong with a value. It looks at eight bytes at once for one below
// 0x10, and then at each.
func checkValue(value []byte) marks {
	if len(value) == 0 {
		return faultNone
	}
	if isBlank(value[0]) || isBlank(value[len(value)-1]) {
		return faultBlanks
	}
	const ones = 0x0101010101010101
	p := value
	for len(p) >= 8 {
		x := binary.LittleEndian.Uint64(p)
		if (x-0x10*ones)&^x&(0x80*ones) != 0 {
			break
		}
		p = p[8:]
	}
	for _, c := range p {
		if c == 0 || c == '\r' || c == '\n' {
			return faultControl
		}
	}
	return faultNone
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }
func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }
func isLower(c byte) bool { return 'a' <= c && c <= 'z' }
func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// toLower returns c, or its lower case if it is a letter in upper case.
func toLower(c byte) byte {
	if isUpper(c) {
		c |= 0x20
	}
	return c
}
