package http

// What does the head of a request say? This file holds what it says, the order
// in which it is read, and the request line; target.go knows targets and hosts,
// field.go fields.
//
// The parser is strict, because every leniency is an ambiguity that somebody
// between the client and us may resolve the other way: that is how requests are
// smuggled (RFC 9112 section 11.2). It goes through the bytes once, from left
// to right, and whatever it decides it decides on the bytes up to there. So a
// head means the same however the network has cut it.

// maxFields is how many fields a head can have, whatever Limits say.
const maxFields = 100

// A span is a piece of a head: p[from:to]. Offsets stay right when the bytes
// move, and 16 bits are enough, see maxHead.
type span struct{ from, to uint16 }

func (s span) of(p []byte) []byte { return p[s.from:s.to] }

// between makes a span of two places in a head.
func between(from, to int) span { return span{uint16(from), uint16(to)} }

// A field is one line of a head, its value without the blanks around it.
type field struct{ name, value span }

// A head is what the first part of a request says, as places in its bytes.
type head struct {
	requestInfo
	fields [maxFields]field // those from nfields on are of earlier requests
}

// A requestInfo is what a head says, without its fields.
type requestInfo struct {
	size int // in bytes, with the empty lines before it and the one that ends it

	method     method
	form       targetForm
	minor      uint8 // 0 or 1; what comes after HTTP/1.1 counts as 1
	instead    bool  // no handler is asked, see Config.Middleware
	methodName span
	target     span // as it was sent
	path       span // of origin and absolute form; of the latter it may be empty, which means "/"
	query      span // without the question mark
	host       span // of the target if that has one, else the Host field

	hasQuery       bool
	plain          bool // the target has no escape, no query and no fragment, for certain
	others         bool // with its escaped slashes as slashes the path is another route's, a Router has found
	hasHost        bool // there was a Host field
	chunked        bool
	close          bool // in any Connection field
	keepAlive      bool // in any Connection field
	expectContinue bool
	expectOther    bool  // something that nobody can expect of us
	length         int64 // Content-Length, or -1

	first   int // where the fields begin
	nfields int
}

// reset forgets the last request. Clearing the fields as well would cost more
// than parsing a small head.
func (h *head) reset() { h.requestInfo = requestInfo{length: -1} }

// Why a request line is refused.
var (
	errEmptyLines  = &refusal{StatusBadRequest, "too many empty lines before a request"}        // RFC 9112 section 2.2
	errRequestLine = &refusal{StatusURITooLong, "the request line is too long"}                 // RFC 9112 section 3
	errHeadSize    = &refusal{StatusRequestHeaderFieldsTooLarge, "the head is too large"}       // RFC 6585 section 5
	errMethod      = &refusal{StatusBadRequest, "a request begins with a method and one space"} // RFC 9112 section 3.1
	errVersion     = &refusal{StatusBadRequest, "the request line does not end with a version"} // RFC 9112 section 2.3
	errMajor       = &refusal{StatusHTTPVersionNotSupported, "only HTTP/1.1 and HTTP/1.0 are spoken here"}
	errBareLF      = &refusal{StatusBadRequest, "a line ends with CR LF, not with LF alone"} // RFC 9112 section 2.2
	errBareCR      = &refusal{StatusBadRequest, "CR without LF"}                             // RFC 9112 section 2.2
	errNoHost      = &refusal{StatusBadRequest, "no Host field"}                             // RFC 9112 section 3.2
	errTwoLengths  = &refusal{StatusBadRequest, "both Content-Length and Transfer-Encoding"} // RFC 9112 section 6.1
)

// needMore is not a refusal: the bytes end before the question is decided.
var needMore = &refusal{0, "more is needed"}

// A headReader is what a connection remembers of a head that is incomplete: so
// little that it can be kept for each. The zero value is ready.
//
// Nearly every head is there as a whole, and parsed at once. If it is not, what
// comes later is only looked at for the ends of lines, until the request line or
// the head must be complete, or a reason to refuse it must be in it; then
// everything is parsed again, from the start and with the same verdict as if it
// had come at once. So no byte is looked at more than twice, except for the
// request line and the few empty lines that may stand in front.
type headReader struct {
	seen   uint16 // bytes that were looked at
	line   uint16 // where the line begins that is incomplete
	first  uint16 // where the fields begin, or 0 while the request line is incomplete
	fields uint8  // that are complete
	cr     bool   // the last byte seen was CR
}

// read parses the head that p begins with. At each call for the same head p
// begins with the same byte, and there may be more behind the head. It returns
// the size of the head, or 0 if more of it is needed.
func (r *headReader) read(h *head, p []byte, l *Limits) (n int, why *refusal) {
	if r.seen > 0 && !r.mayComplete(p, l) {
		return 0, nil
	}
	why = h.parse(p, l)
	if why == nil {
		return h.size, nil
	}
	if why != needMore {
		return 0, why
	}
	*r = headReader{
		seen:   uint16(len(p)),
		line:   uint16(h.size),
		first:  uint16(h.first),
		fields: uint8(h.nfields),
		cr:     len(p) > 0 && p[len(p)-1] == '\r',
	}
	return 0, nil
}

// mayComplete looks at what is new in p, and reports whether parsing it would now lead
// to a decision. It decides nothing itself, so it cannot disagree.
func (r *headReader) mayComplete(p []byte, l *Limits) bool {
	if len(p) >= maxHead {
		return true
	}
	for _, c := range p[r.seen:] {
		begins, cr := r.seen == r.line, r.cr
		r.seen++
		r.cr = c == '\r'
		switch {
		case c == '\n' && cr:
			if r.seen-r.line == 2 || r.first == 0 {
				return true // an empty line, or a request line
			}
			r.fields++
			r.line = r.seen
		case c == '\n' || cr:
			return true // half the end of a line
		case begins && r.first > 0 && c != '\r' && int(r.fields) >= fieldCount(l):
			return true
		}
		if int(r.seen) >= lineEnd(int(r.line), int(r.first), l) {
			return true
		}
	}
	return false
}

// lineEnd returns where the line must have ended that begins at from; first is
// where the fields begin, or 0 in a request line. The room for CR LF is not
// counted against a line, and that for the last, empty line not against the
// fields.
func lineEnd(from, first int, l *Limits) int {
	if first == 0 {
		return from + l.RequestLine + 2
	}
	return min(from+l.FieldLine, first+l.FieldBytes) + 2
}

// fieldCount returns how many fields a head may have.
func fieldCount(l *Limits) int { return min(l.FieldCount, maxFields) }

// parse reads a whole head. If it needs more, h.size is where the line begins
// that is incomplete.
func (h *head) parse(p []byte, l *Limits) *refusal {
	h.reset()
	p = p[:min(len(p), maxHead)]
	var why *refusal
	if len(p) > 0 && p[0] <= '\r' {
		why = h.skipEmptyLines(p, l.EmptyLines)
	}
	if why == nil {
		why = h.readRequestLine(p, l)
	}
	if why == nil {
		why = h.readFields(p, l)
	}
	if why == nil {
		why = h.checkHead()
	}
	if why == needMore && len(p) == maxHead {
		return errHeadSize
	}
	return why
}

// skipEmptyLines passes over what some clients send behind the body of the
// request before (RFC 9112 section 2.2).
func (h *head) skipEmptyLines(p []byte, most int) *refusal {
	for n := 0; h.size < len(p) && (p[h.size] == '\r' || p[h.size] == '\n'); n++ {
		if why := endOfLine(p, h.size); why != nil {
			return why
		}
		if n >= most {
			return errEmptyLines
		}
		h.size += 2
	}
	return nil
}

// endOfLine returns nil if CR LF stands at p[i], where CR or LF was found, and
// otherwise what is wrong with it.
func endOfLine(p []byte, i int) *refusal {
	switch {
	case p[i] == '\n':
		return errBareLF
	case i+1 == len(p):
		return needMore
	case p[i+1] != '\n':
		return errBareCR
	}
	return nil
}

// readRequestLine reads "GET /path HTTP/1.1" (RFC 9112 section 3).
func (h *head) readRequestLine(p []byte, l *Limits) *refusal {
	from := h.size
	end := lineEnd(from, 0, l)
	q := p[:min(len(p), end)]

	i, why := h.readMethod(q, from)
	if why == nil {
		i, why = h.readTarget(q, i)
	}
	if why == nil {
		i, why = h.readVersion(q, i)
	}
	if why == needMore && len(q) == end {
		return errRequestLine
	}
	if why != nil {
		return why
	}
	h.size, h.first = i, i
	if h.plain && p[h.target.from] == '/' && h.method != methodConnect {
		h.path = h.target // in origin form, of which there is no more to be found out
		return nil
	}
	return h.resolveTarget(p)
}

// readMethod reads a method and the space behind it. The first byte of
// something that is not HTTP, such as a TLS handshake, is not part of any
// method, and so is refused without waiting for a line to end.
func (h *head) readMethod(p []byte, i int) (int, *refusal) {
	const usual = "GET "
	if len(p)-i >= len(usual) && string(p[i:i+len(usual)]) == usual {
		h.methodName, h.method = between(i, i+len(usual)-1), methodGet
		return i + len(usual), nil
	}
	return h.readToken(p, i)
}

// readToken reads a method that is not GET.
func (h *head) readToken(p []byte, i int) (int, *refusal) {
	from := i
	i = skip(p, i, &tokenChars)
	if i == len(p) {
		return i, needMore
	}
	if p[i] != ' ' || i == from {
		return i, errMethod
	}
	h.methodName = between(from, i)
	h.method = methodOf(p[from:i])
	return i + 1, nil
}

// readVersion reads a version and the end of its line. A minor version that is
// not known is answered with the highest that is (RFC 9110 section 2.5).
func (h *head) readVersion(p []byte, i int) (int, *refusal) {
	const usual = "HTTP/1.1\r\n"
	if len(p)-i >= len(usual) && string(p[i:i+len(usual)]) == usual {
		h.minor = 1
		return i + len(usual), nil
	}
	return h.readOtherVersion(p, i)
}

// readOtherVersion reads a version that is not HTTP/1.1.
func (h *head) readOtherVersion(p []byte, i int) (int, *refusal) {
	const shape = "HTTP/0.0"
	from := i
	for ; i < from+len(shape); i++ {
		if i == len(p) {
			return i, needMore
		}
		want := shape[i-from]
		if p[i] != want && (want != '0' || !isDigit(p[i])) {
			return i, errVersion
		}
	}
	switch {
	case i == len(p):
		return i, needMore
	case p[i] != '\r' && p[i] != '\n':
		return i, errVersion
	}
	if why := endOfLine(p, i); why != nil {
		return i, why
	}
	if p[from+5] != '1' {
		return i, errMajor
	}
	h.minor = min(p[from+7]-'0', 1)
	return i + 2, nil
}

// checkHead asks what only a complete head can answer.
func (h *head) checkHead() *refusal {
	switch {
	case h.minor > 0 && !h.hasHost:
		return errNoHost
	case h.chunked && h.length >= 0:
		return errTwoLengths
	}
	return nil
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
