package static

import (
	"bytes"
	"strings"

	"github.com/bobbin-http/bobbin/http"
)

// The conditions under which a request is to be answered (RFC 9110 section 13).

// A negotiation is what the fields of a request say about how it is to be answered. It
// is collected in one pass, so that a request that wishes nothing costs little.
type negotiation struct {
	codings weights

	hasMatch, hasNoneMatch bool
	modifiedSince          string // the values of the fields, "" if there is none
	unmodifiedSince        string
	ranges                 []byte
	ifRange                string
	twice                  bool // a field that stands alone was repeated
}

// readNegotiation collects what r wishes.
func readNegotiation(r *http.Request) (w negotiation) {
	for name, value := range r.HeadersBytes() {
		switch len(name) {
		case len("range"):
			if is(name, "range") {
				w.twice = w.twice || w.ranges != nil
				w.ranges = value
			}
		case len("if-match"): // and If-Range
			switch {
			case is(name, "if-match"):
				w.hasMatch = true
			case is(name, "if-range"):
				w.ifRange = string(value)
			}
		case len("if-none-match"):
			w.hasNoneMatch = w.hasNoneMatch || is(name, "if-none-match")
		case len("accept-encoding"):
			if is(name, "accept-encoding") {
				w.codings.accept(string(value))
			}
		case len("if-modified-since"):
			if is(name, "if-modified-since") {
				w.modifiedSince = once(w.modifiedSince, value)
			}
		case len("if-unmodified-since"):
			if is(name, "if-unmodified-since") {
				w.unmodifiedSince = once(w.unmodifiedSince, value)
			}
		}
	}
	return w
}

// once joins what should not be repeated to something that is no date, which is
// ignored.
func once(before string, value []byte) string {
	if before != "" {
		return before + ", " + string(value)
	}
	return string(value)
}

// is compares a field's name with one in lower case, of the same length.
func is(name []byte, lower string) bool {
	for i, c := range name {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// preconditions evaluates the conditions in the order of RFC 9110 section 13.2.2, and
// returns 200, 304 or 412.
func (w *negotiation) preconditions(r *http.Request, e *entry, f *representation) http.Status {
	switch {
	case w.hasMatch:
		if !anyMatches(r, "if-match", f, false) {
			return http.StatusPreconditionFailed
		}
	case w.unmodifiedSince != "":
		if t, ok := http.ParseDate(w.unmodifiedSince); ok && e.modified.After(t) {
			return http.StatusPreconditionFailed
		}
	}
	switch {
	case w.hasNoneMatch:
		if anyMatches(r, "if-none-match", f, true) {
			return http.StatusNotModified
		}
	case w.modifiedSince != "":
		if t, ok := http.ParseDate(w.modifiedSince); ok && !e.modified.IsZero() && !e.modified.After(t) {
			return http.StatusNotModified
		}
	}
	return http.StatusOK
}

// partial reports whether the Range field counts: the client has part of this
// very version (RFC 9110 section 13.1.5), or did not say.
func (w *negotiation) partial(e *entry, f *representation) bool {
	if w.ranges == nil || w.twice {
		return false
	}
	if w.ifRange == "" || w.ifRange == f.etag && !f.weak {
		return true
	}
	t, ok := http.ParseDate(w.ifRange)
	return ok && t.Equal(e.modified)
}

// anyMatches looks for an entity tag in all fields of a name.
func anyMatches(r *http.Request, name string, f *representation, weakly bool) bool {
	for n, value := range r.HeadersBytes() {
		if len(n) == len(name) && is(n, name) && matches(string(value), f.etag, f.weak, weakly) {
			return true
		}
	}
	return false
}

// matches looks for an entity tag in a list of them, or "*" (RFC 9110 sections
// 13.1.1 and 13.1.2). A weak one matches in the weak comparison only. A list is
// read until it is malformed.
func matches(list, tag string, tagWeak, weakly bool) bool {
	if strings.Trim(list, " \t") == "*" {
		return true
	}
	for {
		list = strings.TrimLeft(list, " \t,")
		opaque, weak := strings.CutPrefix(list, "W/")
		if len(opaque) == 0 || opaque[0] != '"' {
			return false
		}
		end := strings.IndexByte(opaque[1:], '"')
		if end < 0 {
			return false
		}
		if opaque[:end+2] == tag && (weakly || !weak && !tagWeak) {
			return true
		}
		list = opaque[end+2:]
	}
}

// wantsNothing is the usual case, told by the fewest looks: no field that
// begins with a letter that matters.
func wantsNothing(r *http.Request) bool {
	for name := range r.HeadersBytes() {
		switch name[0] | 0x20 {
		case 'i', 'r':
			return false
		case 'a':
			if bytes.EqualFold(name, acceptEncoding) {
				return false
			}
		}
	}
	return true
}

var acceptEncoding = []byte("accept-encoding")
