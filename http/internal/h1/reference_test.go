package h1

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// A reference is a parser that does one thing after the other, a byte at a time, and
// caches nothing. The parser that serves has to give the same verdicts, and the same
// places.
type reference struct{ Head }

// slowly returns the place of the first byte, from i on, for which is is false.
func slowly(p []byte, i int, is func(c byte) bool) int {
	for i < len(p) && is(p[i]) {
		i++
	}
	return i
}

func (h *reference) Parse(p []byte, l *Limits) *Refusal {
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

func (h *reference) readRequestLine(p []byte, l *Limits) *Refusal {
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
	h.Size, h.FieldsAt = i, i
	if h.Plain && p[h.Target.From] == '/' && h.Method != MethodConnect {
		h.Path = h.Target // in origin form, and without a query
		return nil
	}
	return h.resolveTarget(p)
}

func (h *reference) readMethod(p []byte, i int) (int, *Refusal) {
	return h.readOtherMethod(p, i)
}

func (h *reference) readOtherMethod(p []byte, i int) (int, *Refusal) {
	from := i
	i = slowly(p, i, func(c byte) bool { return tokenChars[c] })
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

func (h *reference) readTarget(p []byte, i int) (int, *Refusal) {
	from := i
	i = slowly(p, i, func(c byte) bool { return c > ' ' && c < 0x7f })
	switch {
	case i == len(p):
		return i, NeedMore
	case p[i] > 0x7f:
		i = slowly(p, i, func(c byte) bool { return c > ' ' && c != 0x7f })
		if i == len(p) {
			return i, NeedMore
		}
	}
	switch {
	case p[i] == ' ' && i > from:
		h.Target = Between(from, i)
		return i + 1, nil
	case p[i] != ' ' && p[i] != '\r' && p[i] != '\n':
		return i, errTarget
	case i == from:
		return i, errNoTarget
	}
	return i, ErrVersion
}

func (h *reference) readVersion(p []byte, i int) (int, *Refusal) {
	return h.readOtherVersion(p, i)
}

func (h *reference) readOtherVersion(p []byte, i int) (int, *Refusal) {
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

func (h *reference) checkHead() *Refusal {
	switch {
	case h.Minor > 0 && !h.hasHost:
		return errNoHost
	case h.Chunked && h.Length >= 0:
		return errTwoLengths
	}
	return nil
}

func (h *reference) readFields(p []byte, l *Limits) *Refusal {
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

func (h *reference) readField(p []byte, most int) (last bool, why *Refusal) {
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

	i = slowly(p, i, func(c byte) bool { return tokenChars[c] })
	if i >= len(p) {
		return false, NeedMore
	}
	if p[i] != ':' || i == h.Size {
		return false, badNameAt(p, h.Size, i)
	}
	f.Name = Between(h.Size-h.FieldsAt, i-h.FieldsAt)

	from := slowly(p, i+1, negotiate.IsBlank)
	i = slowly(p, from, inValue)
	if i+1 >= len(p) || p[i] != '\r' || p[i+1] != '\n' {
		return false, badEnd(p, i)
	}
	f.Value = Between(from-h.FieldsAt, trimBlanks(p, from, i)-h.FieldsAt)
	if why = h.interpretField(h.FieldsOf(p), f); why != nil {
		return false, why
	}
	h.NFields, h.Size = n+1, i+2
	switch name := strings.ToLower(string(f.Name.Of(h.FieldsOf(p)))); name {
	case "range", "if-match", "if-none-match", "if-modified-since", "if-unmodified-since", "if-range":
		h.Selects = true
	case "accept-encoding":
		h.Selects = h.Selects || h.Accept > 0
		h.Accept = uint8(h.NFields)
	}
	return false, nil
}

func (h *reference) interpretField(p []byte, f *field) *Refusal {
	switch f.Name.To - f.Name.From {
	case uint16(len("host")):
		if strings.EqualFold(string(f.Name.Of(p)), "host") {
			return h.takeHost(p, f.Value)
		}
	case uint16(len("expect")):
		if strings.EqualFold(string(f.Name.Of(p)), "expect") {
			h.takeExpect(f.Value.Of(p))
		}
	case uint16(len("connection")):
		if strings.EqualFold(string(f.Name.Of(p)), "connection") {
			h.takeConnection(f.Value.Of(p))
		}
	case uint16(len("content-length")):
		if strings.EqualFold(string(f.Name.Of(p)), "content-length") {
			return h.takeLength(f.Value.Of(p))
		}
	case uint16(len("transfer-encoding")):
		if strings.EqualFold(string(f.Name.Of(p)), "transfer-encoding") {
			return h.takeCoding(f.Value.Of(p))
		}
	}
	return nil
}

func (h *reference) takeHost(p []byte, value Span) *Refusal {
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

// sameAsReference complains if a head that is read from p has another verdict, another meaning
// or other places than the reference has. Only Plain may differ: false is never wrong.
func sameAsReference(t *testing.T, how string, h *Head, why *Refusal, p []byte, l *Limits) {
	t.Helper()
	var slow reference
	whyNot := slow.Parse(p, l)
	if why != whyNot {
		t.Fatalf("%s, %q: %v, to the reference %v", how, p, why, whyNot)
	}
	now, want := h.requestInfo, slow.requestInfo
	if now.Plain && bytes.ContainsAny(now.Target.Of(p), "#%?") {
		t.Fatalf("%s, %q is not plain", how, p)
	}
	now.Plain, want.Plain = false, false
	if now != want {
		t.Fatalf("%s, %q: %+v, to the reference %+v", how, p, now, want)
	}
	for i, f := range h.Fields[:h.NFields] {
		if f != slow.Fields[i] {
			t.Fatalf("%s, %q: field %d is at %v, to the reference at %v", how, p, i, f, slow.Fields[i])
		}
	}
}

// TestAHeadMeansWhatASlowParserReads at every cut, with bytes changed and added that mislead a parser,
// with an empty cache, after the whole head, and after that of another connection.
func TestAHeadMeansWhatASlowParserReads(t *testing.T) {
	limits := map[string]*Limits{"usual limits": &usual, "small ones": {EmptyLines: 1, RequestLine: 24, FieldLine: 24, FieldBytes: 60, FieldCount: 3}}
	for name, l := range limits {
		for _, request := range []string{
			small, browser,
			"POST http://a:80/b?c HTTP/1.1\r\nHost: d\r\nContent-Length: 5\r\nConnection: close, ,x\r\n\r\n",
			"POST / HTTP/1.1\r\nHost: [::1]:80\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n",
			"\r\nOPTIONS * HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
			"GET /%41 HTTP/1.1\r\nhost:\t a \t\r\nA:\r\nB-C: \xff\x80\r\n\r\n",
		} {
			for i := range len(request) {
				readLikeReference(t, fmt.Sprintf("%s, cut at %d", name, i), request, []byte(request[:i]), l)
				for _, c := range []byte("\x00\t\r\n :\x7f\x80a0") {
					p := []byte(request)
					p[i] = c
					readLikeReference(t, fmt.Sprintf("%s, %q at %d", name, c, i), request, p, l)
					p = slices.Insert([]byte(request), i, c)
					readLikeReference(t, fmt.Sprintf("%s, %q before %d", name, c, i), request, p, l)
				}
			}
		}
	}
}

// readLikeReference compares p with the reference in each of these ways. The connections 1 and
// 1+CachedBlocks share a place in the cache.
func readLikeReference(t *testing.T, how, before string, p []byte, l *Limits) {
	t.Helper()
	var h Head
	why := h.Parse(p, l)
	sameAsReference(t, how, &h, why, p, l)
	for _, conn := range []uint32{1, 1 + CachedBlocks} {
		var cache FieldCache
		h.parse([]byte(before), l, &cache, 1)
		why = h.parse(p, l, &cache, conn)
		sameAsReference(t, fmt.Sprintf("%s, connection %d", how, conn), &h, why, p, l)
	}
}
