package h1

import "bytes"

// What does the head of a request say? This file holds what it says, the order
// in which it is read, and the request line; target.go knows targets and hosts,
// field.go fields.
//
// The parser is strict, because every leniency is an ambiguity that somebody
// between the client and us may resolve the other way: that is how requests are
// smuggled (RFC 9112 section 11.2). It goes through the bytes once, from left
// to right, and whatever it decides it decides on the bytes up to there. So a
// head means the same however the network has cut it.

// A Span is a piece of a head: p[from:to]. Offsets stay right when the bytes
// move, and 16 bits are enough, see maxHead.
type Span struct{ From, To uint16 }

// Of returns the piece of p.
func (s Span) Of(p []byte) []byte { return p[s.From:s.To] }

// Between makes a span of two places in a head.
func Between(from, to int) Span { return Span{uint16(from), uint16(to)} }

// A field is one line of a head, its value without the blanks around it.
type field struct{ Name, Value Span }

// A Head is what the first part of a request says, as places in its bytes.
type Head struct {
	requestInfo
	Fields [MaxFields]field // those from nfields on are of earlier requests
}

// A requestInfo is what a head says, without its fields.
type requestInfo struct {
	Size int // in bytes, with the empty lines before it and the one that ends it

	Method     Method
	Form       targetForm
	Minor      uint8 // 0 or 1; what comes after HTTP/1.1 counts as 1
	Instead    bool  // no handler is asked, see Config.Middleware
	MethodName Span
	Target     Span // as it was sent
	Path       Span // of origin and absolute form; of the latter it may be empty, which means "/"
	Query      Span // without the question mark
	Host       Span // of the target if that has one, else the Host field

	HasQuery       bool
	Plain          bool // the target has no escape, no query and no fragment, for certain
	Others         bool // with its escaped slashes as slashes the path is another route's, a Router has found
	hasHost        bool // there was a Host field
	Chunked        bool
	Close          bool // in any Connection field
	KeepAlive      bool // in any Connection field
	ExpectContinue bool
	ExpectOther    bool  // something that nobody can expect of us
	Length         int64 // Content-Length, or -1

	First   int // where the fields begin
	NFields int
}

// reset forgets the last request. Clearing the fields as well would cost more
// than parsing a small head.
func (h *Head) reset() { h.requestInfo = requestInfo{Length: -1} }

// Why a request line is refused.
var (
	errEmptyLines  = &Refusal{400, "too many empty lines before a request"}        // RFC 9112 section 2.2
	errRequestLine = &Refusal{414, "the request line is too long"}                 // RFC 9112 section 3
	errHeadSize    = &Refusal{431, "the head is too large"}                        // RFC 6585 section 5
	errMethod      = &Refusal{400, "a request begins with a method and one space"} // RFC 9112 section 3.1
	errVersion     = &Refusal{400, "the request line does not end with a version"} // RFC 9112 section 2.3
	errMajor       = &Refusal{505, "only HTTP/1.1 and HTTP/1.0 are spoken here"}
	errBareLF      = &Refusal{400, "a line ends with CR LF, not with LF alone"} // RFC 9112 section 2.2
	errBareCR      = &Refusal{400, "CR without LF"}                             // RFC 9112 section 2.2
	errNoHost      = &Refusal{400, "no Host field"}                             // RFC 9112 section 3.2
	errTwoLengths  = &Refusal{400, "both Content-Length and Transfer-Encoding"} // RFC 9112 section 6.1
)

// NeedMore is not a refusal: the bytes end before the question is decided.
var NeedMore = &Refusal{0, "more is needed"}

// A HeadReader is what a connection remembers of a head that is incomplete: so
// little that it can be kept for each. The zero value is ready.
//
// Nearly every head is there as a whole, and parsed at once. If it is not, what
// comes later is only looked at for the ends of lines, until the request line or
// the head must be complete, or a reason to refuse it must be in it; then
// everything is parsed again, from the start and with the same verdict as if it
// had come at once. So no byte is looked at more than twice, except for the
// request line and the few empty lines that may stand in front.
type HeadReader struct {
	seen   uint16 // bytes that were looked at
	line   uint16 // where the line begins that is incomplete
	first  uint16 // where the fields begin, or 0 while the request line is incomplete
	fields uint8  // that are complete
	cr     bool   // the last byte seen was CR
}

// Read parses the head that p begins with. At each call for the same head p
// begins with the same byte, and there may be more behind the head. It returns
// the size of the head, or 0 if more of it is needed.
func (r *HeadReader) Read(h *Head, p []byte, l *Limits) (n int, why *Refusal) {
	if r.seen > 0 && !r.mayComplete(p, l) {
		return 0, nil
	}
	why = h.Parse(p, l)
	if why == nil {
		return h.Size, nil
	}
	if why != NeedMore {
		return 0, why
	}
	*r = HeadReader{
		seen:   uint16(len(p)),
		line:   uint16(h.Size),
		first:  uint16(h.First),
		fields: uint8(h.NFields),
		cr:     len(p) > 0 && p[len(p)-1] == '\r',
	}
	return 0, nil
}

// mayComplete looks at what is new in p, and reports whether parsing it would now lead
// to a decision. It decides nothing itself, so it cannot disagree.
func (r *HeadReader) mayComplete(p []byte, l *Limits) bool {
	if len(p) >= MaxHead {
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
		end := fieldEnd(int(r.line), int(r.first), l)
		if r.first == 0 {
			end = lineEnd(int(r.line), l)
		}
		if int(r.seen) >= end {
			return true
		}
	}
	return false
}

// lineEnd returns where a request line that begins at from must have ended. CR LF is
// not counted against the limit.
func lineEnd(from int, l *Limits) int { return from + l.RequestLine + 2 }

// fieldEnd returns where a field that begins at from must have ended; first is where
// the fields begin. Its CR LF is not counted against the limit of a field, nor that of
// the last, empty line against the limit of all.
func fieldEnd(from, first int, l *Limits) int {
	return min(from+l.FieldLine, first+l.FieldBytes) + 2
}

// Parse reads a whole head. If it needs more, h.size is where the line begins
// that is incomplete.
func (h *Head) Parse(p []byte, l *Limits) *Refusal {
	h.reset()
	p = p[:min(len(p), MaxHead)]
	var why *Refusal
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
	if why == NeedMore && len(p) == MaxHead {
		return errHeadSize
	}
	return why
}

// skipEmptyLines passes over what some clients send behind the body of the
// request before (RFC 9112 section 2.2).
func (h *Head) skipEmptyLines(p []byte, most int) *Refusal {
	for n := 0; h.Size < len(p) && (p[h.Size] == '\r' || p[h.Size] == '\n'); n++ {
		if why := endOfLine(p, h.Size); why != nil {
			return why
		}
		if n >= most {
			return errEmptyLines
		}
		h.Size += 2
	}
	return nil
}

// endOfLine returns nil if CR LF stands at p[i], where CR or LF was found, and
// otherwise what is wrong with it.
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

// readRequestLine reads "GET /path HTTP/1.1" (RFC 9112 section 3).
func (h *Head) readRequestLine(p []byte, l *Limits) *Refusal {
	from := h.Size
	end := lineEnd(from, l)
	q := p[:min(len(p), end)]

	i, why := h.readMethod(q, from)
	if why == nil {
		i, why = h.readTarget(q, i)
	}
	if why == nil {
		i, why = h.readVersion(q, i)
	}
	if why == NeedMore && len(q) == end {
		return errRequestLine
	}
	if why != nil {
		return why
	}
	h.Size, h.First = i, i
	if h.Plain && p[h.Target.From] == '/' && h.Method != MethodConnect {
		h.Path = h.Target // in origin form, of which there is no more to be found out
		return nil
	}
	return h.resolveTarget(p)
}

// readMethod reads a method and the space behind it. The first byte of
// something that is not HTTP, such as a TLS handshake, is not part of any
// method, and so is refused without waiting for a line to end.
func (h *Head) readMethod(p []byte, i int) (int, *Refusal) {
	const usual = "GET "
	if len(p)-i >= len(usual) && string(p[i:i+len(usual)]) == usual {
		h.MethodName, h.Method = Between(i, i+len(usual)-1), MethodGet
		return i + len(usual), nil
	}
	return h.readToken(p, i)
}

// readToken reads a method that is not GET.
func (h *Head) readToken(p []byte, i int) (int, *Refusal) {
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

// readVersion reads a version and the end of its line. A minor version that is
// not known is answered with the highest that is (RFC 9110 section 2.5).
func (h *Head) readVersion(p []byte, i int) (int, *Refusal) {
	const usual = "HTTP/1.1\r\n"
	if len(p)-i >= len(usual) && string(p[i:i+len(usual)]) == usual {
		h.Minor = 1
		return i + len(usual), nil
	}
	return h.readOtherVersion(p, i)
}

// readOtherVersion reads a version that is not HTTP/1.1.
func (h *Head) readOtherVersion(p []byte, i int) (int, *Refusal) {
	const shape = "HTTP/0.0"
	from := i
	for ; i < from+len(shape); i++ {
		if i == len(p) {
			return i, NeedMore
		}
		want := shape[i-from]
		if p[i] != want && (want != '0' || !isDigit(p[i])) {
			return i, errVersion
		}
	}
	switch {
	case i == len(p):
		return i, NeedMore
	case p[i] != '\r' && p[i] != '\n':
		return i, errVersion
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

// checkHead asks what only a complete head can answer.
func (h *Head) checkHead() *Refusal {
	switch {
	case h.Minor > 0 && !h.hasHost:
		return errNoHost
	case h.Chunked && h.Length >= 0:
		return errTwoLengths
	}
	return nil
}

// lineMax is how much is kept of a request line that is not understood, which may
// be anything: enough to tell by whom such lines are sent.
const lineMax = 1 << 10

// LeaveLine forgets all of a refused head but the request line, as far as that was
// understood, and returns the bytes that hold it. What the fields said of a body
// would make it seem that one follows.
func (h *Head) LeaveLine(p []byte) []byte {
	from, to := h.Size, h.First
	if h.First == 0 { // the line itself was not understood
		rest := p[min(from, len(p)):]
		rest = rest[:min(len(rest), lineMax)]
		if end := bytes.IndexAny(rest, "\r\n"); end >= 0 {
			rest = rest[:end]
		}
		to = from + len(rest)
		if int(h.MethodName.To) > to {
			h.Method, h.MethodName = MethodOther, Span{}
		}
		if int(h.Target.To) > to {
			h.Target = Span{}
		}
	}
	h.requestInfo = requestInfo{
		Size: from, Length: -1, First: h.First,
		Method: h.Method, MethodName: h.MethodName, Minor: h.Minor,
		Form: h.Form, Target: h.Target, Path: h.Path, Query: h.Query, HasQuery: h.HasQuery, Plain: h.Plain,
	}
	return p[:min(to, len(p))]
}
