package http

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// What do the fields of a head say? Every one is checked and remembered; five
// are understood here, because they decide where the request ends, whom it is
// for and how the conversation goes on. The others are the handler's.

// Why a field is refused.
var (
	errFieldLine  = &refusal{StatusRequestHeaderFieldsTooLarge, "a field is too long"}        // RFC 6585 section 5
	errFieldBytes = &refusal{StatusRequestHeaderFieldsTooLarge, "the fields are too long"}    // RFC 6585 section 5
	errFieldCount = &refusal{StatusRequestHeaderFieldsTooLarge, "too many fields"}            // RFC 6585 section 5
	errFold       = &refusal{StatusBadRequest, "a field begins with a blank or is folded"}    // RFC 9112 section 5.2
	errFieldName  = &refusal{StatusBadRequest, "a field has a name that is not a token"}      // RFC 9110 section 5.1
	errNoName     = &refusal{StatusBadRequest, "a field has no name"}                         // RFC 9112 section 5
	errBlankName  = &refusal{StatusBadRequest, "a blank before the colon of a field"}         // RFC 9112 section 5.1
	errNoColon    = &refusal{StatusBadRequest, "a line without a colon"}                      // RFC 9112 section 5
	errFieldValue = &refusal{StatusBadRequest, "a field holds a control character"}           // RFC 9110 section 5.5
	errTwoHosts   = &refusal{StatusBadRequest, "more than one Host field"}                    // RFC 9112 section 3.2
	errHost       = &refusal{StatusBadRequest, "the Host field is not a host"}                // RFC 9112 section 3.2
	errLength     = &refusal{StatusBadRequest, "the Content-Length is not a number"}          // RFC 9112 section 6.3
	errLengths    = &refusal{StatusBadRequest, "more than one Content-Length field"}          // RFC 9112 section 6.3
	errHugeLength = &refusal{StatusBadRequest, "the Content-Length is more than can be"}      // RFC 9112 section 6.3
	errCoding     = &refusal{StatusBadRequest, "the only Transfer-Encoding is chunked, once"} // RFC 9112 section 6.1
	errCodings    = &refusal{StatusBadRequest, "more than one Transfer-Encoding field"}       // RFC 9112 section 6.1
	errNotChunked = &refusal{StatusNotImplemented, "the only Transfer-Encoding is chunked"}   // RFC 9112 section 6.1
	errOldChunked = &refusal{StatusBadRequest, "there is no Transfer-Encoding in HTTP/1.0"}   // RFC 9112 section 6.1
)

// tokenChars are what names are made of (RFC 9110 section 5.6.2).
var tokenChars = charsOf("!#$%&'*+-.^_`|~")

// readFields reads up to and with the empty line (RFC 9112 section 5).
func (h *head) readFields(p []byte, l *Limits) *refusal {
	for most := fieldCount(l); ; {
		end := lineEnd(h.size, h.first, l)
		q := p[:min(len(p), end)]
		last, why := h.readField(q, most)
		if why == needMore && len(q) == end {
			if end == h.first+l.FieldBytes+2 {
				return errFieldBytes
			}
			return errFieldLine
		}
		if why != nil || last {
			return why
		}
	}
}

// readField reads one field and the end of its line, or the empty line that is the
// last. There may be as many fields as most.
func (h *head) readField(p []byte, most int) (last bool, why *refusal) {
	i := h.size
	if i >= len(p) {
		return false, needMore
	}
	if p[i] == '\r' {
		if why = endOfLine(p, i); why != nil {
			return false, why
		}
		h.size = i + 2
		return true, nil
	}
	n := h.nfields
	if n >= most || n >= len(h.fields) {
		return false, errFieldCount
	}
	f := &h.fields[n]

	i = endOfName(p, i)
	if i >= len(p) {
		return false, needMore
	}
	if p[i] != ':' || i == h.size {
		return false, badName(p[i], i == h.size)
	}
	f.name = between(h.size, i)

	i++
	for i < len(p) && isBlank(p[i]) {
		i++
	}
	from := i
	i = endOfValue(p, i)
	if i+1 >= len(p) || p[i] != '\r' || p[i+1] != '\n' {
		return false, badEnd(p, i)
	}
	to := i
	for to > from && isBlank(p[to-1]) {
		to--
	}
	f.value = between(from, to)
	if why = h.interpretField(p, f); why != nil {
		return false, why
	}
	h.nfields, h.size = n+1, i+2
	return false, nil
}

// badEnd says what is wrong where the value of a field ends without CR LF.
func badEnd(p []byte, i int) *refusal {
	if i >= len(p) {
		return needMore
	}
	if p[i] != '\r' && p[i] != '\n' {
		return errFieldValue
	}
	return endOfLine(p, i)
}

// endOfName returns where the first byte stands, from i on, that is not part of a
// token. Names are letters and dashes, with few exceptions. It looks at eight of
// those at once: t-'a' and t-'{' are made by adding, so that the highest bit says
// whether t is as large; nothing is carried, unless a byte is above ASCII, and
// then what comes behind it does not matter.
func endOfName(p []byte, i int) int {
	for uint(i)+8 <= uint(len(p)) {
		x := binary.LittleEndian.Uint64(p[i : i+8])
		t := x | 0x20*ones
		letters := (t + (0x80-'a')*ones) &^ (t + (0x80-'{')*ones)
		others := (x ^ '-'*ones) + 0x7f*ones
		m := (others&^letters | x) & (0x80 * ones)
		if m == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(m) >> 3
		if i < len(p) && p[i] == ':' {
			return i
		}
		break
	}
	return skip(p, i, &tokenChars)
}

// badName says what is wrong with a name that is not understood at c. First
// says that c is the first byte of its line.
func badName(c byte, first bool) *refusal {
	switch {
	case isBlank(c) && first:
		return errFold
	case isBlank(c):
		return errBlankName
	case c == ':':
		return errNoName
	case c == '\n':
		return errBareLF
	case c == '\r':
		return errNoColon
	}
	return errFieldName
}

// endOfValue returns where the first control character stands, from i on, other
// than HTAB. Bytes above ASCII pass (RFC 9110 section 5.5). It looks at sixteen at
// once, and never at what lies behind p in the same memory: another goroutine may be
// writing there.
func endOfValue(p []byte, i int) int {
	for uint(i)+16 <= uint(len(p)) {
		q := p[i : i+16 : i+16]
		m, n := controls(binary.LittleEndian.Uint64(q)), controls(binary.LittleEndian.Uint64(q[8:]))
		if (m|n)&(0x80*ones) == 0 {
			i += 16
			continue
		}
		if m &= 0x80 * ones; m == 0 {
			i, m = i+8, n&(0x80*ones)
		}
		i += bits.TrailingZeros64(m) >> 3
		if i >= len(p) || !inValue(p[i]) {
			return i
		}
		i++
	}
	// Fewer than sixteen are left.
	if uint(i)+8 <= uint(len(p)) {
		m := controls(binary.LittleEndian.Uint64(p[i:i+8])) & (0x80 * ones)
		i += bits.TrailingZeros64(m) >> 3 // 8 if there is none
	}
	for i < len(p) && inValue(p[i]) {
		i++
	}
	return i
}

// controls marks the bytes of x that may be control characters, by their highest
// bit; the other bits mean nothing. It misses none, but may mark others: x-0x20
// borrows in a byte below 0x20, and x+1 carries in one that is 0xff.
func controls(x uint64) uint64 { return ((x - 0x20*ones) | (x + ones)) &^ x }

// inValue reports whether c may stand in the value of a field.
func inValue(c byte) bool { return c >= ' ' && c != 0x7f || c == '\t' }

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// interpretField takes from a field what concerns the server. Most are told apart by
// how long their names are.
func (h *head) interpretField(p []byte, f *field) *refusal {
	switch f.name.to - f.name.from {
	case uint16(len("host")):
		if sameFold(f.name.of(p), "host") {
			return h.takeHost(p, f.value)
		}
	case uint16(len("expect")):
		if sameFold(f.name.of(p), "expect") {
			h.takeExpect(f.value.of(p))
		}
	case uint16(len("connection")):
		if sameFold(f.name.of(p), "connection") {
			h.takeConnection(f.value.of(p))
		}
	case uint16(len("content-length")):
		if sameFold(f.name.of(p), "content-length") {
			return h.takeLength(f.value.of(p))
		}
	case uint16(len("transfer-encoding")):
		if sameFold(f.name.of(p), "transfer-encoding") {
			return h.takeCoding(f.value.of(p))
		}
	}
	return nil
}

// takeHost checks a Host field, also if the target has named the host: then it
// counts for nothing, but it has to be one (RFC 9112 section 3.2.2). An empty
// one is what a client sends whose target has no host.
func (h *head) takeHost(p []byte, value span) *refusal {
	if h.hasHost {
		return errTwoHosts
	}
	h.hasHost = true
	if v := value.of(p); len(v) > 0 && !validAuthority(v) {
		return errHost
	}
	if h.form == originForm || h.form == asteriskForm {
		h.host = value
	}
	return nil
}

// takeLength reads a Content-Length. A list of equal numbers would be legal,
// but nobody sends it in good faith.
func (h *head) takeLength(v []byte) *refusal {
	if h.length >= 0 {
		return errLengths
	}
	if len(v) == 0 {
		return errLength
	}
	const most = 1<<63 - 1
	var n int64
	for _, c := range v {
		if !isDigit(c) {
			return errLength
		}
		d := int64(c - '0')
		if n > (most-d)/10 {
			return errHugeLength
		}
		n = n*10 + d
	}
	h.length = n
	return nil
}

// takeCoding reads a Transfer-Encoding. Whoever reads anything but exactly
// "chunked" as something else than the next server does can be made to see two
// requests where that sees one.
func (h *head) takeCoding(v []byte) *refusal {
	switch {
	case h.minor == 0:
		return errOldChunked
	case h.chunked:
		return errCodings
	case sameFold(v, "chunked"):
		h.chunked = true
		return nil
	}
	known := false
	for again := true; again; {
		var coding []byte
		coding, v, again = nextElement(v)
		if known || !isToken(coding) {
			return errCoding // behind chunked nothing may come
		}
		known = sameFold(coding, "chunked")
	}
	return errNotChunked
}

// takeConnection looks for the two options that matter. All others are for
// proxies (RFC 9110 section 7.6.1).
func (h *head) takeConnection(v []byte) {
	if sameFold(v, "keep-alive") { // what browsers say
		h.keepAlive = true
		return
	}
	for again := true; again; {
		var option []byte
		option, v, again = nextElement(v)
		switch {
		case sameFold(option, "close"):
			h.close = true
		case sameFold(option, "keep-alive"):
			h.keepAlive = true
		}
	}
}

// takeExpect reads what the client waits for. HTTP/1.0 has no 100 Continue, so
// asking for it there is ignored (RFC 9110 section 10.1.1).
func (h *head) takeExpect(v []byte) {
	for again := true; again; {
		var expectation []byte
		expectation, v, again = nextElement(v)
		switch {
		case len(expectation) == 0:
		case !sameFold(expectation, "100-continue"):
			h.expectOther = true
		case h.minor > 0:
			h.expectContinue = true
		}
	}
}

// nextElement splits a list at its first comma (RFC 9110 section 5.6.1), and
// reports whether there was one. Elements may be empty.
func nextElement(v []byte) (element, rest []byte, again bool) {
	element, rest, again = bytes.Cut(v, comma)
	for len(element) > 0 && isBlank(element[0]) {
		element = element[1:]
	}
	for len(element) > 0 && isBlank(element[len(element)-1]) {
		element = element[:len(element)-1]
	}
	return element, rest, again
}

var comma = []byte(",")

// isToken reports whether s is a token (RFC 9110 section 5.6.2).
func isToken[T string | []byte](s T) bool {
	for i := range len(s) {
		if !tokenChars[s[i]] {
			return false
		}
	}
	return len(s) > 0
}

// isFieldValue reports whether s may be the value of a field.
func isFieldValue(s string) bool {
	for i := range len(s) {
		if !inValue(s[i]) {
			return false
		}
	}
	return true
}
