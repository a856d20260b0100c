package http

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"sync/atomic"

	"github.com/bobbin-http/bobbin/http/internal/h1"
	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// The fields of an answer: Set replaces, Add adds, Del removes, and Header, HeaderValues
// and Headers read. They are kept as lines, as they are on the wire, except for those
// that the server writes by itself.

// A fieldKind tells the fields that the server has a part in from all others.
type fieldKind uint8

const (
	fieldOther fieldKind = iota
	fieldType            // Content-Type: there is one, and Text, HTML and JSON have a default
	fieldServer
	fieldDate
	fieldLength
	fieldConnection
	fieldCoding // Transfer-Encoding, which is the server's alone
)

// kindOf returns the kind of a field.
func kindOf(name string) fieldKind {
	var is fieldKind
	var lower string
	switch len(name) {
	case 4:
		is, lower = fieldDate, "date"
	case 6:
		is, lower = fieldServer, "server"
	case 10:
		is, lower = fieldConnection, "connection"
	case 12:
		is, lower = fieldType, "content-type"
	case 14:
		is, lower = fieldLength, "content-length"
	case 17:
		is, lower = fieldCoding, "transfer-encoding"
	default:
		return fieldOther
	}
	if !negotiate.EqualFold(name, lower) {
		return fieldOther
	}
	return is
}

// defaults are fields that the server does not add by itself, because the handler has set
// or removed them. Those that were set are lines as all others.
type defaults uint8

const (
	noServer defaults = 1 << iota
	noDate
	noType
)

// Set gives the answer a field, in place of all that the handler has added by this name.
// The fields that frame the answer are the server's: Transfer-Encoding cannot be set,
// Content-Length only to the length of the body, and Connection only to "close". Server,
// Date and Content-Type replace the server's own. A name or a value that means something
// else on the wire (RFC 9110 section 5.5) makes the answer a 500. A value may be empty,
// which differs from no field.
func (w *Response) Set(name, value string) *Response {
	w.use("Set")
	return w.put(name, value, true)
}

// Add is Set, but adds a field to those of its name. There is one Content-Type, one
// Server and one Date, so of these it replaces the one before.
func (w *Response) Add(name, value string) *Response {
	w.use("Add")
	return w.put(name, value, false)
}

// put is Set or Add.
func (w *Response) put(name, value string, replace bool) *Response {
	switch {
	case w.x.headSent:
		w.fail(errLate)
	case !h1.IsToken(name):
		w.fail(fmt.Errorf("http: %q is no field name", name))
	case !h1.IsFieldValue(value):
		w.fail(fmt.Errorf("http: the value %q of %s has characters that no field may have", value, name))
	default:
		if kind := kindOf(name); kind != fieldOther {
			w.putOwn(kind, name, value)
			break
		}
		if replace {
			w.drop(name)
		}
		w.appendField(name, value)
	}
	return w
}

// putOwn is put for a field that the server has a part in.
func (w *Response) putOwn(kind fieldKind, name, value string) {
	switch kind {
	case fieldType:
		if w.without&noType != 0 || w.shared != nil {
			w.drop(name)
			w.without &^= noType
		}
		if w.typ = value; value == "" {
			w.without |= noType
			w.appendField(name, value)
		}
	case fieldServer, fieldDate:
		w.Del(name)
		w.appendField(name, value)
	case fieldLength:
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < 0 {
			w.fail(fmt.Errorf("http: %q is no Content-Length", value))
		}
		w.length = n
	case fieldConnection:
		if !negotiate.SameFold([]byte(value), "close") {
			w.fail(fmt.Errorf("http: a handler can set Connection to close only, and not to %q", value))
		}
		w.closes = true
	default:
		w.fail(fmt.Errorf("http: %s is set by the server", name))
	}
}

// appendField appends a line.
func (w *Response) appendField(name, value string) {
	w.fields = append(w.fields, name...)
	w.fields = append(w.fields, ": "...)
	w.fields = append(w.fields, value...)
	w.fields = append(w.fields, "\r\n"...)
}

// Del removes all fields of a name. Of Server, Date and Content-Type, the server adds none
// then: Text, HTML and JSON have no type any more. Content-Length and Connection are what
// they are without the handler; of Transfer-Encoding there is nothing to remove.
func (w *Response) Del(name string) *Response {
	w.use("Del")
	if w.x.headSent {
		w.fail(errLate)
		return w
	}
	switch kindOf(name) {
	case fieldType:
		w.typ = ""
		w.without |= noType
	case fieldServer:
		w.without |= noServer
	case fieldDate:
		w.without |= noDate
	case fieldLength:
		w.length = -1
	case fieldConnection:
		w.closes = false
	}
	w.drop(name)
	return w
}

// drop removes the lines of a field, also those of a prepared answer.
func (w *Response) drop(name string) {
	if p := w.shared; p != nil && hasField(p.text[:p.fields], name) {
		w.shared, w.lent = nil, p.Body()
		w.AddPrepared(p)
	}
	kept := w.fields[:0]
	for rest := w.fields; len(rest) > 0; {
		line := rest
		var n []byte
		n, _, rest = nextField(rest)
		if !negotiate.EqualFold(n, name) {
			kept = append(kept, line[:len(line)-len(rest)]...)
		}
	}
	w.fields = kept
}

// nextField returns the first of some fields that are lines, and the lines behind it.
func nextField(lines []byte) (name, value, rest []byte) {
	line, rest, _ := bytes.Cut(lines, []byte("\r\n"))
	name, value, _ = bytes.Cut(line, []byte(": "))
	return name, value, rest
}

// hasField reports whether there is a line of a field.
func hasField(lines []byte, name string) bool {
	_, ok := fieldIn(lines, name)
	return ok
}

// fieldIn returns the value of the first line of a field.
func fieldIn(lines []byte, name string) ([]byte, bool) {
	for len(lines) > 0 {
		var n, v []byte
		if n, v, lines = nextField(lines); negotiate.EqualFold(n, name) {
			return v, true
		}
	}
	return nil, false
}

// Header returns the value of a field of the answer, as far as it is set, ignoring case;
// of several, the first; "" if there is none. Server and Date that the server adds by
// itself are not there.
func (w *Response) Header(name string) string {
	if w.typ != "" && kindOf(name) == fieldType {
		return w.typ
	}
	v, ok := fieldIn(w.fields, name)
	if !ok && w.shared != nil {
		v, ok = fieldIn(w.shared.text[:w.shared.fields], name)
	}
	if ok {
		return string(v)
	}
	switch kind := kindOf(name); {
	case kind == fieldLength && w.length >= 0:
		return strconv.FormatInt(w.length, 10)
	case kind == fieldConnection && w.closes:
		return "close"
	}
	return ""
}

// HasHeader reports whether the answer has a field, which may be empty, as far as it is
// set.
func (w *Response) HasHeader(name string) bool {
	return w.Header(name) != "" || hasField(w.fields, name) ||
		w.shared != nil && hasField(w.shared.text[:w.shared.fields], name)
}

// HeaderValues returns the values of all fields of a name, ignoring case, nil if there is
// none.
func (w *Response) HeaderValues(name string) []string {
	var list []string
	for n, v := range w.Headers() {
		if negotiate.EqualFold(n, name) {
			list = append(list, v)
		}
	}
	return list
}

// Headers yields the names and values of all fields of the answer, as far as they are set.
func (w *Response) Headers() iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		if w.typ != "" && !yield("Content-Type", w.typ) ||
			w.length >= 0 && !yield("Content-Length", strconv.FormatInt(w.length, 10)) ||
			w.closes && !yield("Connection", "close") {
			return
		}
		lines := bytes.Clone(w.fields) // the loop's body may change them
		if w.shared != nil {
			lines = append(lines, w.shared.text[:w.shared.fields]...)
		}
		for len(lines) > 0 {
			var n, v []byte
			if n, v, lines = nextField(lines); !yield(string(n), string(v)) {
				return
			}
		}
	}
}

// addIfMissing adds a field that the handler has not added.
func (w *Response) addIfMissing(name, value string) {
	if !w.HasHeader(name) {
		w.Add(name, value)
	}
}

// HasHeader reports whether the request has a header, which may be empty.
func (r *Request) HasHeader(name string) bool {
	r.use("HasHeader")
	h := &r.x.head
	p := h.FieldsOf(r.x.raw)
	for _, f := range h.Fields[:h.NFields] {
		if negotiate.EqualFold(f.Name.Of(p), name) {
			return true
		}
	}
	return false
}

// HeaderValues returns the values of all headers of a name, ignoring case, in the order of
// the request; nil if there is none. A value may be a list by itself, whose elements have
// commas between them.
func (r *Request) HeaderValues(name string) []string {
	r.use("HeaderValues")
	h := &r.x.head
	p := h.FieldsOf(r.x.raw)
	var list []string
	for _, f := range h.Fields[:h.NFields] {
		if negotiate.EqualFold(f.Name.Of(p), name) {
			list = append(list, r.piece(f.Value.Moved(h.FieldsAt)))
		}
	}
	return list
}

// A Prepared is an answer that is made once and sent often: a body that stays in memory,
// and its fields, as they are on the wire.
type Prepared struct {
	text   []byte // the fields, the length, the end of the head, and the body
	fields int    // bytes of the fields
	head   int    // bytes in front of the body
	typed  bool   // one of the fields is Content-Type

	h2 atomic.Pointer[h2Fields] // the fields for HTTP/2, once they were sent there
}

// Prepare makes an answer of a body, which it copies, and of fields, each a name and a
// value. It refuses the fields that Response.Add refuses, and those that frame an answer
// or change with it: Content-Length, Connection, Server and Date.
func Prepare(body []byte, fields ...[2]string) (*Prepared, error) {
	w := Response{x: &exchange{}}
	w.reset()
	for _, f := range fields {
		w.Add(f[0], f[1])
	}
	if w.broken == nil && (w.closes || w.length >= 0) {
		w.fail(errors.New("http: the fields that frame an answer are not prepared"))
	}
	if w.without&^noType != 0 {
		w.fail(errors.New("http: Server and Date are not prepared"))
	}
	if w.broken != nil {
		return nil, w.broken
	}
	p := &Prepared{text: make([]byte, 0, len(w.typ)+len(w.fields)+len(body)+64)}
	if w.typ != "" {
		p.text = append(p.text, "Content-Type: "+w.typ+"\r\n"...)
	}
	p.text = append(p.text, w.fields...)
	p.fields = len(p.text)
	p.typed = hasField(p.text, "Content-Type")
	p.text = w.appendLength(p.text, int64(len(body)))
	p.head = len(p.text)
	p.text = append(p.text, body...)
	return p, nil
}

// Size returns the number of bytes that the answer takes in memory.
func (p *Prepared) Size() int { return cap(p.text) }

// Body returns the body. It must not be changed.
func (p *Prepared) Body() []byte { return p.text[p.head:] }

// WritePrepared answers with p. Fields that were set before stay, and come before those of
// p; but of Content-Type there is one, that of p.
func (w *Response) WritePrepared(p *Prepared) error {
	w.use("WritePrepared")
	if p.typed && (w.typ != "" || w.without&noType != 0) {
		w.dropType()
	}
	if w.answered() {
		return w.answerTwice()
	}
	w.shared = p
	return nil
}

// AddPrepared adds the fields of p, without its body. Of Content-Type, that of p replaces
// the one before.
func (w *Response) AddPrepared(p *Prepared) *Response {
	if p.typed {
		w.dropType()
		w.without |= noType
	}
	w.fields = append(w.fields, p.text[:p.fields]...)
	return w
}

// dropType forgets the type that was set.
func (w *Response) dropType() {
	w.typ = ""
	w.drop("Content-Type")
}
