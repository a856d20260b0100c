// Package h1 parses HTTP/1.1 (RFC 9112): the head of a request, and the framing of
// its body. It is pure: bytes go in, and a count or a refusal comes out.
//
// The parser is strict. A proxy in front might read a lenient form in another way,
// and requests are smuggled through such differences (RFC 9112 section 11.2). It
// reads the bytes once, from left to right, and each decision depends only on the
// bytes up to its place. So a head means the same however the network has cut it.
package h1

// This file has the result, the order of parsing, and the request line; target.go has
// targets and hosts, field.go has fields, body.go has bodies.

// A Head is the result: where its parts are in the bytes of the head.
type Head struct {
	requestInfo
	Fields [MaxFields]field // the first NFields, see FieldsOf; the others are of earlier requests
}

// FieldsOf returns the bytes that the spans of h.Fields count from, of the bytes of h: so the
// spans of the same fields are the same behind each request line.
func (h *Head) FieldsOf(p []byte) []byte { return p[h.FieldsAt:] }

// A requestInfo is a head without its fields.
type requestInfo struct {
	Size int // in bytes, including the empty lines before it and the one at its end

	Method     Method
	Form       targetForm
	Minor      uint8 // 0 or 1; a higher one counts as 1
	MethodName Span
	Target     Span // as it was sent
	Path       Span // of origin and absolute form; it may be empty in the latter, which means "/"
	Query      Span // without the question mark

	HasQuery bool
	Plain    bool // the target certainly has no escape, query or fragment

	FieldsAt int // where the fields begin
	fieldInfo
}

// A fieldInfo is the result of reading the fields, but for where they are.
type fieldInfo struct {
	Host           Span // of the target if that has one, else of the Host field
	hasHost        bool // there was a Host field
	Chunked        bool
	Close          bool // in any Connection field
	KeepAlive      bool // in any Connection field
	ExpectContinue bool
	ExpectOther    bool  // an expectation that the server cannot meet
	Selects        bool  // a field other than one Accept-Encoding may select the answer
	Accept         uint8 // the place of the last Accept-Encoding in Fields, from 1; 0 if there is none
	Length         int64 // Content-Length, or -1
	NFields        int
}

// A field is one line of a head, its value without the blanks around it.
type field struct{ Name, Value Span }

// A Span is a piece of a head. Offsets stay right when the bytes move, and 16 bits are
// enough for MaxHead.
type Span struct{ From, To uint16 }

// Of returns the piece of p.
func (s Span) Of(p []byte) []byte { return p[s.From:s.To] }

// Moved returns the span that lies n bytes behind s.
func (s Span) Moved(n int) Span { return Span{s.From + uint16(n), s.To + uint16(n)} }

// Between returns the span from one offset to another.
func Between(from, to int) Span { return Span{uint16(from), uint16(to)} }

// Parse parses a whole head. If it returns NeedMore, h.Size is where the incomplete
// line begins.
func (h *Head) Parse(p []byte, l *Limits) *Refusal { return h.parse(p, l, nil, 0) }

// parse is Parse with a cache, which may be nil, and the number of the connection.
func (h *Head) parse(p []byte, l *Limits, cache *FieldCache, conn uint32) *Refusal {
	h.reset()
	p = p[:min(len(p), MaxHead)]
	var why *Refusal
	if len(p) > 0 && p[0] <= '\r' {
		why = h.skipEmptyLines(p, l.EmptyLines)
	}
	if why == nil {
		why = h.readRequestLine(p, l)
	}
	if why == nil && cache.lookup(h, p, l, conn) {
		return nil
	}
	if why == nil {
		why = h.readFields(p, l)
	}
	if why == nil {
		why = h.checkHead()
	}
	if why == nil {
		cache.store(h, p, conn)
	}
	if why == NeedMore && len(p) == MaxHead {
		return errHeadSize
	}
	return why
}

// reset clears h for the next head. It leaves the fields: clearing them would cost more
// than parsing a small head.
func (h *Head) reset() { h.requestInfo = requestInfo{fieldInfo: fieldInfo{Length: -1}} }

// skipEmptyLines skips the empty lines that some clients send after the body of the
// request before (RFC 9112 section 2.2).
func (h *Head) skipEmptyLines(p []byte, limit int) *Refusal {
	for n := 0; h.Size < len(p) && (p[h.Size] == '\r' || p[h.Size] == '\n'); n++ {
		if why := endOfLine(p, h.Size); why != nil {
			return why
		}
		if n >= limit {
			return errEmptyLines
		}
		h.Size += 2
	}
	return nil
}

// endOfLine returns nil if CR LF is at p[i], where CR or LF was found, and a refusal or
// NeedMore otherwise.
func endOfLine(p []byte, i int) *Refusal {
	switch {
	case p[i] == '\n':
		return errBareLF
	case i+1 == len(p):
		return NeedMore
	case p[i+1] != '\n':
		return errBareCR
	}
	return nil
}

// readRequestLine reads "GET /path HTTP/1.1" (RFC 9112 section 3). Most lines have this
// method, a target of visible characters, and this version, and each is told by few
// comparisons.
func (h *Head) readRequestLine(p []byte, l *Limits) (why *Refusal) {
	i, end := h.Size, lineEnd(h.Size, l)
	q := p[:min(len(p), end)]
	const get, version = "GET ", "HTTP/1.1\r\n"

	if at := q[i:]; len(at) >= len(get) && string(at[:len(get)]) == get {
		h.MethodName, h.Method = Between(i, i+len(get)-1), MethodGet
		i += len(get)
	} else if i, why = h.readOtherMethod(q, i); why != nil {
		return tooLong(why, q, end)
	}
	from := i
	if i, h.Plain = endOfTarget(q, i); i < len(q) && q[i] == ' ' && i > from {
		h.Target = Between(from, i)
		i++
	} else if i, why = h.readOtherTarget(q, from, i); why != nil {
		return tooLong(why, q, end)
	}
	if at := q[i:]; len(at) >= len(version) && string(at[:len(version)]) == version {
		h.Minor = 1
		i += len(version)
	} else if i, why = h.readOtherVersion(q, i); why != nil {
		return tooLong(why, q, end)
	}

	h.Size, h.FieldsAt = i, i
	if h.Plain && p[h.Target.From] == '/' && h.Method != MethodConnect {
		h.Path = h.Target // in origin form, and without a query
		return nil
	}
	return h.resolveTarget(p)
}

// tooLong returns why a request line is refused of which p is all that may be read: if it goes
// on behind the end of the longest line, it is too long.
func tooLong(why *Refusal, p []byte, end int) *Refusal {
	if why == NeedMore && len(p) == end {
		return errRequestLine
	}
	return why
}

// readOtherMethod reads a method and the space behind it. No method contains the first byte
// of a TLS handshake and the like, so such bytes are refused before the end of a line.
func (h *Head) readOtherMethod(p []byte, i int) (int, *Refusal) {
	from := i
	i = skip(p, i, &tokenChars)
	if i == len(p) {
		return i, NeedMore
	}
	if p[i] != ' ' || i == from {
		return i, errMethod
	}
	h.MethodName = Between(from, i)
	h.Method = MethodOf(p[from:i])
	return i + 1, nil
}

// readOtherVersion reads a version and the end of its line. An unknown minor version is
// served as the highest known one (RFC 9110 section 2.5).
func (h *Head) readOtherVersion(p []byte, i int) (int, *Refusal) {
	const shape = "HTTP/0.0"
	from := i
	for ; i < from+len(shape); i++ {
		if i == len(p) {
			return i, NeedMore
		}
		want := shape[i-from]
		if p[i] != want && (want != '0' || !isDigit(p[i])) {
			return i, ErrVersion
		}
	}
	switch {
	case i == len(p):
		return i, NeedMore
	case p[i] != '\r' && p[i] != '\n':
		return i, ErrVersion
	}
	if why := endOfLine(p, i); why != nil {
		return i, why
	}
	if p[from+5] != '1' {
		return i, errMajor
	}
	h.Minor = min(p[from+7]-'0', 1)
	return i + 2, nil
}

// checkHead checks that no field is missing, and that none excludes another.
func (h *Head) checkHead() *Refusal {
	switch {
	case h.Minor > 0 && !h.hasHost:
		return errNoHost
	case h.Chunked && h.Length >= 0:
		return errTwoLengths
	}
	return nil
}

// Why a request line is refused.
var (
	errEmptyLines  = &Refusal{400, "too many empty lines before a request"}        // RFC 9112 section 2.2
	errRequestLine = &Refusal{414, "the request line is too long"}                 // RFC 9112 section 3
	errHeadSize    = &Refusal{431, "the head is too large"}                        // RFC 6585 section 5
	errMethod      = &Refusal{400, "a request begins with a method and one space"} // RFC 9112 section 3.1
	ErrVersion     = &Refusal{400, "the request line does not end with a version"} // RFC 9112 section 2.3
	errMajor       = &Refusal{505, "only HTTP/1.1 and HTTP/1.0 are spoken here"}
	errBareLF      = &Refusal{400, "a line ends with CR LF, not with LF alone"} // RFC 9112 section 2.2
	errBareCR      = &Refusal{400, "CR without LF"}                             // RFC 9112 section 2.2
	errNoHost      = &Refusal{400, "no Host field"}                             // RFC 9112 section 3.2
	errTwoLengths  = &Refusal{400, "both Content-Length and Transfer-Encoding"} // RFC 9112 section 6.1
)
