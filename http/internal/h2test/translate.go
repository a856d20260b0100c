package h2test

import (
	"math"
	"strings"

	"github.com/bobbin-http/bobbin/http/internal/h1"
)

// A Translator reads requests of HTTP/1.1 as their bytes come, and has them said in frames: its
// functions are called with fields, data and trailers as soon as they are there.
type Translator struct {
	Begin func(fields [][2]string, end bool)
	Data  func(p []byte)
	End   func(trailers [][2]string)

	rest   []byte // is not understood yet
	inBody bool
	body   h1.Body
	lines  []byte // of trailers
}

// A Reason is why there is no such request in HTTP/2. It is an error.
type Reason string

func (r Reason) Error() string { return "there is no such request in HTTP/2: " + string(r) }

// The reasons.
const (
	Malformed Reason = "malformed syntax of HTTP/1.1"
	HTTP10    Reason = "HTTP/1.0"
)

// limits are the highest that the parser has: the server is to refuse what is too large.
var limits = h1.Limits{
	EmptyLines: 10, RequestLine: math.MaxUint16, FieldLine: math.MaxUint16, FieldBytes: math.MaxUint16, FieldCount: h1.MaxFields,
	ChunkExtension: math.MaxUint16, ChunkOverhead: math.MaxUint16,
}

// Incomplete reports whether the beginning of a head is here.
func (r *Translator) Incomplete() bool { return len(r.rest) > 0 }

// Add takes more bytes. An error is a Reason.
func (r *Translator) Add(p []byte) error {
	r.rest = append(r.rest, p...)
	for before := -1; len(r.rest) > 0 && len(r.rest) != before; {
		before = len(r.rest)
		read := r.readHead
		if r.inBody {
			read = r.readBody
		}
		if err := read(); err != nil {
			return err
		}
	}
	return nil
}

func (r *Translator) readBody() error {
	inTrailers := r.body.InTrailers()
	data, used, why := r.body.Next(r.rest, &limits)
	if why != nil {
		return Malformed
	}
	if len(data) > 0 {
		r.Data(data)
	}
	if inTrailers {
		r.lines = append(r.lines, r.rest[:used]...)
	}
	r.rest = r.rest[used:]
	if r.body.Done() {
		r.inBody = false
		r.End(fieldsIn(r.lines))
		r.lines = nil
	}
	return nil
}

// fieldsIn returns the fields of some lines.
func fieldsIn(lines []byte) (fields [][2]string) {
	for line := range strings.SplitSeq(string(lines), "\r\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			fields = append(fields, [2]string{name, strings.Trim(value, " \t")})
		}
	}
	return fields
}

func (r *Translator) readHead() error {
	var h h1.Head
	switch why := h.Parse(r.rest, &limits); {
	case why == h1.NeedMore:
		return nil
	case why != nil:
		return Malformed
	case h.Minor == 0:
		return HTTP10
	}
	fields := headOf(&h, r.rest)
	r.rest = r.rest[h.Size:]
	r.body.Start(&h)
	r.inBody = !r.body.Done()
	r.Begin(fields, !r.inBody)
	return nil
}

// headOf returns the fields of a head at the beginning of p, pseudo-fields first.
func headOf(h *h1.Head, p []byte) [][2]string {
	method, target := h.Method.String(), string(h.Path.Of(p))
	if h.Method == h1.MethodOther {
		method = string(h.MethodName.Of(p))
	}
	if target == "" {
		target = "/"
	}
	if h.HasQuery {
		target += "?" + string(h.Query.Of(p))
	}
	if h.Form == h1.AsteriskForm {
		target = "*"
	}
	fields := [][2]string{{":method", method}}
	if h.Method != h1.MethodConnect {
		fields = append(fields, [2]string{":scheme", "https"}, [2]string{":path", target})
	}
	if host := string(h.Host.Of(p)); host != "" {
		fields = append(fields, [2]string{":authority", host})
	}
	lines := h.FieldsOf(p)
	for _, f := range h.Fields[:h.NFields] {
		name, value := strings.ToLower(string(f.Name.Of(lines))), string(f.Value.Of(lines))
		if name != "host" && (name != "te" || value == "trailers") {
			fields = append(fields, [2]string{name, value})
		}
	}
	return fields
}
