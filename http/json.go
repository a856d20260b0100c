package http

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// JSON in requests. Request.JSON is as lenient as encoding/json; StrictJSON refuses what
// is no part of a contract. Both say where the mistake is.

// JSON decodes the body into v, like encoding/json. A type other than application/json or
// one that ends in +json is 415, and a body that is not one JSON value that fits v is 400,
// in which errors.As finds a JSONError: the handler should return these errors unchanged.
func (r *Request) JSON(v any) error {
	body, err := r.jsonBody()
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(v); err != nil {
		return notJSON(err, body)
	}
	if _, err := d.Token(); err != io.EOF {
		return &JSONError{"", d.InputOffset(), "is more than one value"}
	}
	return nil
}

// jsonBody returns the body if its type is JSON.
func (r *Request) jsonBody() ([]byte, error) {
	if !r.isType("application/json") && !r.isType("+json") {
		return nil, StatusUnsupportedMediaType.Because("JSON is wanted: application/json")
	}
	return r.Body()
}

// A JSONError is a mistake in a body of JSON. As an error of a handler it is a 400 with
// the text of Error as its reason, which is for the client.
type JSONError struct {
	Field  string // that the mistake is in, such as "items[2].count"; "" for all of it, or if that is not known
	Offset int64  // bytes of the body up to the mistake, and with it
	Reason string // a predicate: "is there twice"
}

// Error returns a line for the client.
func (e *JSONError) Error() string {
	what := "the JSON"
	if e.Field != "" {
		what = strconv.Quote(e.Field)
	}
	return what + " " + e.Reason + ", at byte " + strconv.FormatInt(e.Offset, 10)
}

// Unwrap makes the error a 400.
func (e *JSONError) Unwrap() error { return newRefusal(StatusBadRequest, e.Error()) }

// notJSON describes the error of a decoder, without the names of Go types.
func notJSON(err error, body []byte) error {
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	var ours *json.InvalidUnmarshalError
	switch {
	case errors.As(err, &ours):
		return fmt.Errorf("http: %w", err)
	case errors.As(err, &syntax):
		return &JSONError{"", syntax.Offset, "is malformed"}
	case errors.As(err, &mismatch):
		return &JSONError{mismatch.Field, mismatch.Offset, "cannot be " + article(mismatch.Value)}
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return &JSONError{"", int64(len(body)), "ends too early"}
	}
	return StatusBadRequest.Because("not the JSON that is wanted", err)
}

// article puts "a" or "an" before the name of a kind of value.
func article(kind string) string {
	if strings.ContainsAny(kind[:1], "aeiou") {
		return "an " + kind
	}
	return "a " + kind
}

// StrictJSON reads bodies that are JSON of an exact form. Beside what Request.JSON
// refuses, it refuses fields that the value does not have, a name that comes twice in an
// object, deep nesting, bytes that are no UTF-8, and a charset other than utf-8. The zero
// value is ready:
//
//	var order Order
//	if err := (http.StrictJSON{}).Read(r, &order); err != nil {
//		return err // 400, 413 or 415, with a reason for the client
//	}
type StrictJSON struct {
	Size    int64 // most bytes of the body; the route's BodyLimits or Limits.Body if 0; 413
	Depth   int   // most arrays and objects within one another; 64 if 0
	Unknown bool  // fields that the value does not have are passed over
}

// Read decodes the body of r into v. It waits for the body as Request.Body does. Errors of
// the client are 400 with a JSONError, 413 and 415: the handler should return them
// unchanged. v is filled in part if there is one.
func (s StrictJSON) Read(r *Request, v any) error {
	if typ, parameters, err := mime.ParseMediaType(r.Header("Content-Type")); err == nil && typ != "" {
		if charset := parameters["charset"]; charset != "" && !negotiate.EqualFold(charset, "utf-8") {
			return StatusUnsupportedMediaType.Because("JSON is wanted in UTF-8")
		}
	}
	if l := &r.x.limits; s.Size > 0 && (l.Size == 0 || s.Size < l.Size) {
		l.Size = s.Size
	}
	body, err := r.jsonBody()
	if err != nil {
		return err
	}
	w := jsonWalk{depth: s.Depth}
	if w.depth == 0 {
		w.depth = 64
	}
	if err := w.check(body); err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if !s.Unknown {
		d.DisallowUnknownFields()
	}
	if err := d.Decode(v); err != nil {
		return w.explain(err, body)
	}
	return nil
}

// A jsonWalk walks through a body once, before it is decoded. Names and places are text of
// the client's, so it keeps the names of open objects only.
type jsonWalk struct {
	depth int
	d     *json.Decoder
	open  []jsonLevel
}

// A jsonLevel is an object or an array that the walk is in.
type jsonLevel struct {
	array bool
	index int // in an array
	name  string
	value bool // the next token is the value of name
	seen  map[string]bool
}

// check returns a JSONError if the body is not one value of JSON that may be decoded.
func (w *jsonWalk) check(body []byte) error {
	if !utf8.Valid(body) {
		return &JSONError{"", int64(invalidUTF8(body)) + 1, "is not UTF-8"}
	}
	if err := w.walk(body, w.once); err != nil {
		return err
	}
	if _, err := w.d.Token(); err != io.EOF {
		return &JSONError{"", w.d.InputOffset(), "is more than one value"}
	}
	return nil
}

// walk goes through one value, and calls named for the name of each field.
func (w *jsonWalk) walk(body []byte, named func(*jsonLevel) error) error {
	w.d = json.NewDecoder(bytes.NewReader(body))
	w.d.UseNumber()
	w.open = w.open[:0]
	for {
		token, err := w.d.Token()
		if err != nil {
			var syntax *json.SyntaxError
			if errors.As(err, &syntax) { // the offset of Token is not that of the body
				err = cmp.Or(json.Unmarshal(body, new(json.RawMessage)), err)
			}
			found := notJSON(err, body)
			var e *JSONError
			if errors.As(found, &e) {
				e.Field = w.path()
			}
			return found
		}
		if err := w.take(token, named); err != nil {
			return err
		}
		if len(w.open) == 0 {
			return nil
		}
	}
}

// take goes on by a token.
func (w *jsonWalk) take(token json.Token, named func(*jsonLevel) error) error {
	delim, nests := token.(json.Delim)
	if delim == '}' || delim == ']' {
		w.open = w.open[:len(w.open)-1]
		return nil
	}
	if n := len(w.open); n > 0 {
		level := &w.open[n-1]
		switch {
		case level.array:
			level.index++
		case level.value:
			level.value = false
		default:
			level.name, level.value = token.(string), true
			return named(level)
		}
	}
	if !nests {
		return nil
	}
	if len(w.open) == w.depth {
		return &JSONError{w.path(), w.d.InputOffset(), fmt.Sprintf("has more than %d values within one another", w.depth)}
	}
	w.open = append(w.open, jsonLevel{array: delim == '[', index: -1})
	return nil
}

// once notes the name of a field, which may come once in its object.
func (w *jsonWalk) once(level *jsonLevel) error {
	if level.seen[level.name] {
		return &JSONError{w.path(), w.d.InputOffset(), "is there twice"}
	}
	if level.seen == nil {
		level.seen = make(map[string]bool)
	}
	level.seen[level.name] = true
	return nil
}

// fieldMax is the largest part of a client's field that an error shows.
const fieldMax = 200

// path names the place of the walk.
func (w *jsonWalk) path() string {
	var b strings.Builder
	for i := range w.open {
		switch level := &w.open[i]; {
		case b.Len() > fieldMax:
			return b.String()[:fieldMax] + "..."
		case level.array && level.index >= 0:
			fmt.Fprintf(&b, "[%d]", level.index)
		case !level.array && level.name != "":
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(level.name[:min(len(level.name), fieldMax)])
		}
	}
	return b.String()
}

// explain is notJSON for a body that is JSON and does not fit. The decoder names an unknown
// field without its place, so the body is walked through again: if the name comes once,
// that is the place.
func (w *jsonWalk) explain(err error, body []byte) error {
	_, quoted, ok := strings.Cut(err.Error(), "unknown field ")
	name, broken := strconv.Unquote(quoted)
	if !ok || broken != nil {
		return notJSON(err, body)
	}
	e := &JSONError{name[:min(len(name), fieldMax)], int64(len(body)), "is not a field that is wanted"}
	times := 0
	_ = w.walk(body, func(level *jsonLevel) error {
		if level.name != name {
			return nil
		}
		if times++; times > 1 {
			e.Field, e.Offset = name[:min(len(name), fieldMax)], int64(len(body))
			return io.EOF
		}
		e.Field, e.Offset = w.path(), w.d.InputOffset()
		return nil
	})
	return e
}

// invalidUTF8 returns the place of the first byte that is no UTF-8.
func invalidUTF8(p []byte) int {
	at := 0
	for at < len(p) {
		r, n := utf8.DecodeRune(p[at:])
		if r == utf8.RuneError && n == 1 {
			break
		}
		at += n
	}
	return at
}
