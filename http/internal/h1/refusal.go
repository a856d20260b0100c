package h1

import "bytes"

// A Refusal is a reason not to serve a request: the status of the answer, and one line
// for a person, for the body of the answer and for the log. Every refusal is a
// variable, so that refusing costs no memory and a test can tell which one it got.
type Refusal struct {
	Status int
	Reason string
}

// NeedMore is not a refusal: the bytes end before there is a verdict.
var NeedMore = &Refusal{0, "more is needed"}

// lineMax is the most bytes kept of a request line that was not understood. They show the
// kind of client that sends such lines.
const lineMax = 1 << 10

// KeepLine clears all of a refused head but the parts of the request line that were
// understood, and returns the bytes of that line. The fields go because they might
// promise a body.
func (h *Head) KeepLine(p []byte) []byte {
	from, to := h.Size, h.FieldsAt
	if h.FieldsAt == 0 { // the line itself was not understood
		rest := p[min(from, len(p)):]
		rest = rest[:min(len(rest), lineMax)]
		if end := bytes.IndexAny(rest, "\r\n"); end >= 0 {
			rest = rest[:end]
		}
		to = from + len(rest)
		if int(h.MethodName.To) > to {
			h.Method, h.MethodName = MethodOther, Span{}
		}
		if h.Method == MethodOther && asksHead(rest) {
			h.Method = MethodHead
		}
		if int(h.Target.To) > to {
			h.Target = Span{}
		}
	}
	h.requestInfo = requestInfo{
		Size: from, fieldInfo: fieldInfo{Length: -1}, FieldsAt: h.FieldsAt,
		Method: h.Method, MethodName: h.MethodName, Minor: h.Minor,
		Form: h.Form, Target: h.Target, Path: h.Path, Query: h.Query, HasQuery: h.HasQuery, Plain: h.Plain,
	}
	return p[:min(to, len(p))]
}

// asksHead reports whether a line that was not understood begins with the method HEAD. Its
// client takes what follows the head of an answer for the next one, however bad the rest
// of the line is (RFC 9110 section 9.3.2).
func asksHead(line []byte) bool {
	name := MethodHead.String()
	return bytes.HasPrefix(line, []byte(name)) && (len(line) == len(name) || !tokenChars[line[len(name)]])
}
