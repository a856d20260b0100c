package h1

import (
	"encoding/binary"
	"math/bits"

	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// The fields of a head. Every field is checked and recorded. Five are interpreted here,
// because they decide where the request ends, which host it is for, and how the
// connection goes on. The others are left to the handler.

// Why a field is refused.
var (
	errFieldLine  = &Refusal{431, "a field is too long"}                         // RFC 6585 section 5
	errFieldBytes = &Refusal{431, "the fields are too long"}                     // RFC 6585 section 5
	errFieldCount = &Refusal{431, "too many fields"}                             // RFC 6585 section 5
	errFold       = &Refusal{400, "a field begins with a blank or is folded"}    // RFC 9112 section 5.2
	errFieldName  = &Refusal{400, "a field has a name that is not a token"}      // RFC 9110 section 5.1
	errNoName     = &Refusal{400, "a field has no name"}                         // RFC 9112 section 5
	errBlankName  = &Refusal{400, "a blank before the colon of a field"}         // RFC 9112 section 5.1
	errInName     = &Refusal{400, "a blank in the name of a field, or no colon"} // RFC 9112 section 5
	errNoColon    = &Refusal{400, "a line without a colon"}                      // RFC 9112 section 5
	errFieldValue = &Refusal{400, "a field holds a control character"}           // RFC 9110 section 5.5
	errTwoHosts   = &Refusal{400, "more than one Host field"}                    // RFC 9112 section 3.2
	errHost       = &Refusal{400, "the Host field is not a host"}                // RFC 9112 section 3.2
	errLength     = &Refusal{400, "the Content-Length is not a number"}          // RFC 9112 section 6.3
	errLengths    = &Refusal{400, "more than one Content-Length field"}          // RFC 9112 section 6.3
	errHugeLength = &Refusal{400, "the Content-Length is more than can be"}      // RFC 9112 section 6.3
	errCoding     = &Refusal{400, "the only Transfer-Encoding is chunked, once"} // RFC 9112 section 6.1
	errCodings    = &Refusal{400, "more than one Transfer-Encoding field"}       // RFC 9112 section 6.1
	errNotChunked = &Refusal{501, "the only Transfer-Encoding is chunked"}       // RFC 9112 section 6.1
	errOldChunked = &Refusal{400, "there is no Transfer-Encoding in HTTP/1.0"}   // RFC 9112 section 6.1
)

// readFields reads all fields and the empty line behind them (RFC 9112 section 5).
func (h *Head) readFields(p []byte, l *Limits) *Refusal {
	for most := fieldCount(l); ; {
		end := fieldEnd(h.Size, h.FieldsAt, l)
		q := p[:min(len(p), end)]
		last, why := h.readField(q, most)
		if why == NeedMore && len(q) == end {
			if end == h.FieldsAt+l.FieldBytes+2 {
				return errFieldBytes
			}
			return errFieldLine
		}
		if why != nil || last {
			return why
		}
	}
}

// readField reads one field and the end of its line, or the last, empty line. A head
// may have most fields.
func (h *Head) readField(p []byte, most int) (last bool, why *Refusal) {
	i := h.Size
	if i >= len(p) {
		return false, NeedMore
	}
	if p[i] == '\r' {
		if why = endOfLine(p, i); why != nil {
			return false, why
		}
		h.Size = i + 2
		return true, nil
	}
	n := h.NFields
	if n >= most || n >= len(h.Fields) {
		return false, errFieldCount
	}
	f := &h.Fields[n]

	i = endOfName(p, i)
	if i >= len(p) {
		return false, NeedMore
	}
	if p[i] != ':' || i == h.Size {
		return false, badNameAt(p, h.Size, i)
	}
	f.Name = Between(h.Size-h.FieldsAt, i-h.FieldsAt)

	from := skipBlanks(p, i+1)
	i = endOfValue(p, from)
	if i+1 >= len(p) || p[i] != '\r' || p[i+1] != '\n' {
		return false, badEnd(p, i)
	}
	f.Value = Between(from-h.FieldsAt, trimBlanks(p, from, i)-h.FieldsAt)
	if why = h.interpretField(h.FieldsOf(p), f); why != nil {
		return false, why
	}
	h.NFields, h.Size = n+1, i+2
	h.noteSelecting(f.Name.Of(h.FieldsOf(p)))
	return false, nil
}

// skipBlanks returns the place of the first byte, from i on, that is not blank.
func skipBlanks(p []byte, i int) int {
	for i < len(p) && negotiate.IsBlank(p[i]) {
		i++
	}
	return i
}

// trimBlanks returns the end of p[from:to] without the blanks at its end.
func trimBlanks(p []byte, from, to int) int {
	for to > from && negotiate.IsBlank(p[to-1]) {
		to--
	}
	return to
}

// badEnd returns why a value that ends at i has no CR LF there.
func badEnd(p []byte, i int) *Refusal {
	if i >= len(p) {
		return NeedMore
	}
	if p[i] != '\r' && p[i] != '\n' {
		return errFieldValue
	}
	return endOfLine(p, i)
}

// endOfName returns the place of the first byte, from i on, that is not part of a
// token. Names are letters and dashes, with few exceptions, and eight of those are
// compared at once: t-'a' and t-'{' are computed by adding, so that the highest bit
// shows whether t is as large. A byte above ASCII may carry into the next, but only the
// first mark counts.
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

// badName returns why c cannot stand in a name. First reports that c is the first byte
// of its line.
func badName(c byte, first bool) *Refusal {
	switch {
	case negotiate.IsBlank(c) && first:
		return errFold
	case negotiate.IsBlank(c):
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

// badNameAt is badName for p[i], in a line that begins at from. A blank behind a name has a
// colon behind it, or none where it should be.
func badNameAt(p []byte, from, i int) *Refusal {
	if i == from || !negotiate.IsBlank(p[i]) {
		return badName(p[i], i == from)
	}
	switch i = skipBlanks(p, i); {
	case i == len(p):
		return NeedMore
	case p[i] == ':':
		return errBlankName
	}
	return errInName
}

// endOfValue returns the place of the first control character, from i on, other than
// HTAB. Bytes above ASCII pass (RFC 9110 section 5.5). It reads sixteen bytes at once,
// and none behind p in the same memory: another goroutine may be writing there.
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

// controls marks the bytes of x that may be control characters, by their highest bit;
// the other bits mean nothing. It misses none, but may mark others: x-0x20 borrows from
// the byte above one below 0x20, and x+1 carries out of one that is 0xff.
func controls(x uint64) uint64 { return ((x - 0x20*ones) | (x + ones)) &^ x }

// interpretField interprets the fields that the server needs. The length of a name
// already tells most others apart.
func (h *Head) interpretField(p []byte, f *field) *Refusal {
	switch f.Name.To - f.Name.From {
	case uint16(len("host")):
		if negotiate.SameFold(f.Name.Of(p), "host") {
			return h.takeHost(p, f.Value)
		}
	case uint16(len("expect")):
		if negotiate.SameFold(f.Name.Of(p), "expect") {
			h.takeExpect(f.Value.Of(p))
		}
	case uint16(len("connection")):
		if negotiate.SameFold(f.Name.Of(p), "connection") {
			h.takeConnection(f.Value.Of(p))
		}
	case uint16(len("content-length")):
		if negotiate.SameFold(f.Name.Of(p), "content-length") {
			return h.takeLength(f.Value.Of(p))
		}
	case uint16(len("transfer-encoding")):
		if negotiate.SameFold(f.Name.Of(p), "transfer-encoding") {
			return h.takeCoding(f.Value.Of(p))
		}
	}
	return nil
}

// takeHost checks a Host field. It must be valid even if the target names a host, and
// is ignored otherwise (RFC 9112 section 3.2.2). A client sends an empty one when its
// target has no host.
func (h *Head) takeHost(p []byte, value Span) *Refusal {
	if h.hasHost {
		return errTwoHosts
	}
	h.hasHost = true
	if v := value.Of(p); len(v) > 0 && !validAuthority(v) {
		return errHost
	}
	if h.Form == originForm || h.Form == AsteriskForm {
		h.Host = value.Moved(h.FieldsAt)
	}
	return nil
}

// takeLength reads a Content-Length. A list of equal numbers is refused, although a
// server may accept it: only attacks send one.
func (h *Head) takeLength(v []byte) *Refusal {
	if h.Length >= 0 {
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
	h.Length = n
	return nil
}

// takeCoding reads a Transfer-Encoding. If two servers in a row read any other value
// than "chunked" differently, an attacker can make one of them see two requests where
// the other sees one.
func (h *Head) takeCoding(v []byte) *Refusal {
	switch {
	case h.Minor == 0:
		return errOldChunked
	case h.Chunked:
		return errCodings
	case negotiate.SameFold(v, "chunked"):
		h.Chunked = true
		return nil
	}
	known := false
	for again := true; again; {
		var coding []byte
		coding, v, again = negotiate.NextElement(v)
		if known || !IsToken(coding) {
			return errCoding // chunked must be the last
		}
		known = negotiate.SameFold(coding, "chunked")
	}
	return errNotChunked
}

// takeConnection looks for the two options that a server needs. The others are for
// proxies (RFC 9110 section 7.6.1).
func (h *Head) takeConnection(v []byte) {
	if negotiate.SameFold(v, "keep-alive") { // the usual value of browsers
		h.KeepAlive = true
		return
	}
	for again := true; again; {
		var option []byte
		option, v, again = negotiate.NextElement(v)
		switch {
		case negotiate.SameFold(option, "close"):
			h.Close = true
		case negotiate.SameFold(option, "keep-alive"):
			h.KeepAlive = true
		}
	}
}

// takeExpect reads the expectations of the client. HTTP/1.0 has no 100 Continue, so an
// expectation of it is ignored there (RFC 9110 section 10.1.1).
func (h *Head) takeExpect(v []byte) {
	for again := true; again; {
		var expectation []byte
		expectation, v, again = negotiate.NextElement(v)
		switch {
		case len(expectation) == 0:
		case !negotiate.SameFold(expectation, "100-continue"):
			h.ExpectOther = true
		case h.Minor > 0:
			h.ExpectContinue = true
		}
	}
}

// noteSelecting notes where Accept-Encoding is, and whether another field than one of that
// name may select the answer, or some of it: a condition (RFC 9110 section 13) or a range. It
// is called with the name of each field, behind the field. Values decide nothing of this.
func (h *Head) noteSelecting(name []byte) {
	switch len(name) {
	case len("accept-encoding"):
		if negotiate.SameFold(name, "accept-encoding") {
			h.Selects = h.Selects || h.Accept > 0
			h.Accept = uint8(h.NFields)
		}
	case len("range"):
		h.Selects = h.Selects || negotiate.SameFold(name, "range")
	case len("if-match"):
		h.Selects = h.Selects || negotiate.SameFold(name, "if-match") || negotiate.SameFold(name, "if-range")
	case len("if-none-match"):
		h.Selects = h.Selects || negotiate.SameFold(name, "if-none-match")
	case len("if-modified-since"):
		h.Selects = h.Selects || negotiate.SameFold(name, "if-modified-since")
	case len("if-unmodified-since"):
		h.Selects = h.Selects || negotiate.SameFold(name, "if-unmodified-since")
	}
}
