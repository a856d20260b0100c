package http

import "bytes"

// The parser of heads is a pure function: bytes in, a count out, no I/O, no
// clock, no allocation. It goes through the bytes once, in order, and answers
// with the first thing that is wrong, so that the verdict does not depend on
// how the network cut them: a limit is a window that the bytes must end in, and
// is met exactly where it is passed.

// span is a piece of a head: p[from:to].
type span struct{ from, to uint16 }

func (s span) of(p []byte) []byte { return p[s.from:s.to] }

func spanOf(from, to int) span { return span{uint16(from), uint16(to)} }

// field is one field line; blanks around the value are not part of it.
type field struct{ name, value span }

// maxFields is the most fields that any limit can allow.
const maxFields = 100

// head is a request head that was understood: where its pieces are, and what
// they mean for the connection.
type head struct {
	size int // bytes, with empty lines before it and the one that ends it

	method method
	form   targetForm
	minor  uint8 // HTTP/1.minor; what is above 1 counts as 1

	methodName span
	target     span // as it was sent
	path       span // empty means "/"
	query      span // behind the question mark
	host       span // of an absolute target, or else the Host field's

	hasQuery       bool
	hasHost        bool
	hasLength      bool
	hasCoding      bool // Transfer-Encoding
	chunked        bool
	close          bool // options of any Connection field
	keepAlive      bool
	expectContinue bool
	expectOther    bool // an expectation that nobody can meet

	length  int64 // Content-Length, or -1
	nfields int
	fields  [maxFields]field
}

// What a head may get wrong. The sections are those of RFC 9112, others named.
var (
	errEmptyLines      = &refusal{StatusBadRequest, "too many empty lines before the request"}           // 2.2
	errBareLF          = &refusal{StatusBadRequest, "a line ends with LF, without CR"}                   // 2.2
	errBareCR          = &refusal{StatusBadRequest, "a CR that is not followed by LF"}                   // 2.2
	errMethod          = &refusal{StatusBadRequest, "the request does not begin with a method"}          // 3.1
	errTarget          = &refusal{StatusBadRequest, "the target has characters that must be escaped"}    // 3.2
	errTargetForm      = &refusal{StatusBadRequest, "the target is neither a path nor an address"}       // 3.2
	errFragment        = &refusal{StatusBadRequest, "the target has a fragment"}                         // 3.2
	errAuthority       = &refusal{StatusBadRequest, "the target names no proper host"}                   // 3.2.2
	errVersion         = &refusal{StatusBadRequest, "the request line does not end with a version"}      // 2.3
	errVersionUnknown  = &refusal{StatusHTTPVersionNotSupported, "only HTTP/1.0 and HTTP/1.1 here"}      // RFC 9110, 15.6.6
	errLineTooLong     = &refusal{StatusURITooLong, "the request line is too long"}                      // 3
	errFold            = &refusal{StatusBadRequest, "a field line begins with a blank"}                  // 5.2
	errFieldName       = &refusal{StatusBadRequest, "a field's name must be a token, right before ':'"}  // 5.1
	errFieldValue      = &refusal{StatusBadRequest, "a field's value has a control character"}           // RFC 9110, 5.5
	errFieldTooLong    = &refusal{StatusFieldsTooLarge, "a field is too long"}                           // RFC 6585, 5
	errFieldsTooLong   = &refusal{StatusFieldsTooLarge, "the fields are too long together"}              // RFC 6585, 5
	errTooManyFields   = &refusal{StatusFieldsTooLarge, "too many fields"}                               // RFC 6585, 5
	errNoHost          = &refusal{StatusBadRequest, "the Host field is missing"}                         // 3.2
	errTwoHosts        = &refusal{StatusBadRequest, "two Host fields"}                                   // 3.2
	errHost            = &refusal{StatusBadRequest, "the Host field names no proper host"}               // 3.2
	errLength          = &refusal{StatusBadRequest, "Content-Length is not a number"}                    // 6.3
	errLengthTooLarge  = &refusal{StatusContentTooLarge, "Content-Length is beyond counting"}            // RFC 9110, 8.6
	errTwoLengths      = &refusal{StatusBadRequest, "two Content-Length fields"}                         // 6.3
	errBothFramings    = &refusal{StatusBadRequest, "Content-Length and Transfer-Encoding"}              // 6.1
	errTwoCodings      = &refusal{StatusBadRequest, "two Transfer-Encoding fields"}                      // 6.1
	errCoding          = &refusal{StatusBadRequest, "Transfer-Encoding must be chunked, once and plain"} // 6.1
	errCodingUnknown   = &refusal{StatusNotImplemented, "only the transfer coding chunked here"}         // 6.1
	errCodingInVersion = &refusal{StatusBadRequest, "Transfer-Encoding in HTTP/1.0"}                     // 6.1
)

// A headReader is what a connection remembers of a head that is not complete.
// From the second piece on it only looks for line ends in what is new, and has
// the whole parsed when something is decided; so no byte is looked at more than
// twice, however it trickles in.
type headReader struct {
	seen   uint16 // bytes that were looked at
	line   uint16 // where the current line begins
	fields uint16 // where the field lines begin, once begun
	lines  uint8  // complete field lines
	begun  bool   // the request line is complete
}

// read parses the head that p begins with. It returns how many bytes it takes,
// or 0 while it is incomplete; p is then expected to begin with the same bytes
// the next time, and to be longer.
func (r *headReader) read(h *head, p []byte, l *Limits) (n int, why *refusal) {
	if r.seen > 0 && !r.decided(p, l) {
		return 0, nil
	}
	first := r.seen == 0
	n, why = h.parse(p, l)
	if n == 0 && why == nil && first {
		r.decided(p, l)
	}
	return n, why
}

// decided looks at what is new and reports whether parsing may give a verdict:
// there is an empty line, or a line that cannot be right.
func (r *headReader) decided(p []byte, l *Limits) bool {
	for {
		at := bytes.IndexByte(p[r.seen:], '\n')
		if at < 0 {
			break
		}
		at += int(r.seen)
		if at == 0 || p[at-1] != '\r' {
			return true
		}
		empty := at-1 == int(r.line)
		r.seen, r.line = uint16(at+1), uint16(at+1)
		switch {
		case empty:
			return true // the end, or an empty line before the request
		case r.begun:
			r.lines++
		default:
			r.begun, r.fields = true, r.line
		}
	}
	r.seen = uint16(len(p))
	open := len(p) - int(r.line)
	if !r.begun {
		return open >= l.RequestLine+2
	}
	return open >= l.FieldLine+2 || len(p)-int(r.fields) >= l.FieldBytes ||
		int(r.lines) >= l.FieldCount && open > 0 && p[r.line] != '\r'
}

// parse reads a head from its first byte. It returns 0 if p ends before the
// head does and nothing so far is wrong.
func (h *head) parse(p []byte, l *Limits) (n int, why *refusal) {
	h.clear()
	i, why := skipEmptyLines(p, l)
	if i < 0 || why != nil {
		return 0, why
	}
	if i, why = h.requestLine(p, i, l); i == 0 || why != nil {
		return 0, why
	}
	if i, why = h.fieldLines(p, i, l); i == 0 || why != nil {
		return 0, why
	}
	h.size = i
	return i, h.together()
}

// clear forgets the last request. The fields themselves stay: nfields says that
// they mean nothing.
func (h *head) clear() {
	h.methodName, h.target, h.path, h.query, h.host = span{}, span{}, span{}, span{}, span{}
	h.hasQuery, h.hasHost, h.hasLength, h.hasCoding, h.chunked = false, false, false, false, false
	h.close, h.keepAlive, h.expectContinue, h.expectOther = false, false, false, false
	h.method, h.form, h.minor = methodOther, originForm, 0
	h.size, h.length, h.nfields = 0, -1, 0
}

// skipEmptyLines returns where the request line begins, or -1 if that is not
// here yet. Some clients send an empty line behind a body (RFC 9112 section
// 2.2).
func skipEmptyLines(p []byte, l *Limits) (int, *refusal) {
	for i, lines := 0, 0; ; i, lines = i+2, lines+1 {
		switch {
		case i >= len(p):
			return -1, nil
		case p[i] == '\n':
			return -1, errBareLF
		case p[i] != '\r':
			return i, nil
		case i+1 >= len(p):
			return -1, nil
		case p[i+1] != '\n':
			return -1, errBareCR
		case lines == l.EmptyLines:
			return -1, errEmptyLines
		}
	}
}

// requestLine reads the line that begins at i and returns where the next one
// does: method, one space, target, one space, version (RFC 9112 section 3).
func (h *head) requestLine(p []byte, i int, l *Limits) (int, *refusal) {
	end := i + l.RequestLine + 2
	var short *refusal // the answer if the line goes on beyond what is here
	if end <= len(p) {
		p, short = p[:end], errLineTooLong
	}
	at := scanToken(p, i)
	if at == len(p) {
		return 0, short
	}
	if at == i || p[at] != ' ' {
		return 0, errMethod
	}
	h.methodName = spanOf(i, at)
	h.method = methodOf(p[i:at])
	from := at + 1
	at = scanTarget(p, from)
	if at == len(p) {
		return 0, short
	}
	if at == from || p[at] != ' ' {
		return 0, errTarget
	}
	h.target = spanOf(from, at)
	if why := h.parseTarget(p); why != nil {
		return 0, why
	}
	return h.version(p, at+1, short)
}

// version reads "HTTP/1.1" and the end of the line.
func (h *head) version(p []byte, i int, short *refusal) (int, *refusal) {
	const name = "HTTP/"
	for k := range len(name) {
		if i+k == len(p) {
			return 0, short
		}
		if p[i+k] != name[k] {
			return 0, errVersion
		}
	}
	i += len(name)
	for k, ok := range [...]func(byte) bool{isDigit, isDot, isDigit, isCR, isLF} {
		if i+k == len(p) {
			return 0, short
		}
		if !ok(p[i+k]) {
			return 0, errVersion
		}
	}
	if p[i] != '1' {
		return 0, errVersionUnknown
	}
	h.minor = min(p[i+2]-'0', 1)
	return i + 5, nil
}

func isDot(c byte) bool { return c == '.' }
func isCR(c byte) bool  { return c == '\r' }
func isLF(c byte) bool  { return c == '\n' }

// fieldLines reads the field lines that begin at i, and the empty line that
// ends them, and returns where that ends.
func (h *head) fieldLines(p []byte, i int, l *Limits) (int, *refusal) {
	last := i + l.FieldBytes
	for {
		if i == len(p) {
			return 0, nil
		}
		if p[i] == '\r' {
			if i+1 == len(p) {
				return 0, nil
			}
			if p[i+1] != '\n' {
				return 0, errBareCR
			}
			return i + 2, nil
		}
		if h.nfields == l.FieldCount {
			return 0, errTooManyFields
		}
		window, short := p, (*refusal)(nil)
		if end := min(i+l.FieldLine+2, last); end <= len(p) {
			window, short = p[:max(end, i)], errFieldTooLong
			if end == last {
				short = errFieldsTooLong
			}
		}
		next, why := h.fieldLine(window, i, short)
		if next == 0 || why != nil {
			return 0, why
		}
		i = next
	}
}

// fieldLine reads one field line and returns where the next one begins.
func (h *head) fieldLine(p []byte, i int, short *refusal) (int, *refusal) {
	at := scanToken(p, i)
	switch {
	case at == len(p):
		return 0, short
	case at == i && isBlank(p[i]):
		return 0, errFold
	case at == i && p[i] == '\n':
		return 0, errBareLF
	case at == i || p[at] != ':':
		return 0, errFieldName
	}
	name := spanOf(i, at)
	from := at + 1
	for from < len(p) && isBlank(p[from]) {
		from++
	}
	at = scanValue(p, from)
	switch {
	case at == len(p):
		return 0, short
	case p[at] == '\n':
		return 0, errBareLF
	case p[at] != '\r':
		return 0, errFieldValue
	case at+1 == len(p):
		return 0, short
	case p[at+1] != '\n':
		return 0, errBareCR
	}
	to := at
	for to > from && isBlank(p[to-1]) {
		to--
	}
	f := field{name, spanOf(from, to)}
	h.fields[h.nfields] = f
	h.nfields++
	return at + 2, h.known(p, f)
}
