package static

import (
	"bytes"
	"strings"

	"github.com/bobbin-http/bobbin/http"
)

// A request has conditions (RFC 9110 section 13), accepts codings, and asks for
// ranges. All of that is read from its fields in one pass.

// A negotiation is the part of a request that selects its answer.
type negotiation struct {
	codings weights

	hasMatch, hasNoneMatch bool   // there is If-Match, If-None-Match
	modifiedSince          string // the value of If-Modified-Since, or ""
	unmodifiedSince        string // the value of If-Unmodified-Since, or ""
	ifRange                string // the value of If-Range, or ""
	ranges                 []byte // the value of Range, or nil
	twice                  bool   // there is more than one Range
}

// readNegotiation reads the fields of a request.
func readNegotiation(r *http.Request) (n negotiation) {
	for name, value := range r.HeadersBytes() {
		switch name[0] | 0x20 {
		case 'a':
			if is(name, "accept-encoding") {
				n.codings.accept(string(value))
			}
		case 'i':
			n.readCondition(name, value)
		case 'r':
			if is(name, "range") {
				n.twice = n.twice || n.ranges != nil
				n.ranges = value
			}
		}
	}
	return n
}

// readCondition reads a field whose name begins with an i.
func (n *negotiation) readCondition(name, value []byte) {
	switch {
	case is(name, "if-none-match"):
		n.hasNoneMatch = true
	case is(name, "if-modified-since"):
		n.modifiedSince = once(n.modifiedSince, value)
	case is(name, "if-match"):
		n.hasMatch = true
	case is(name, "if-unmodified-since"):
		n.unmodifiedSince = once(n.unmodifiedSince, value)
	case is(name, "if-range"):
		n.ifRange = string(value)
	}
}

// once returns the value of a date field. A field that is repeated gives a value that
// is no date, which is ignored.
func once(before string, value []byte) string {
	if before != "" {
		return before + ", " + string(value)
	}
	return string(value)
}

// is compares the name of a field with one in lower case.
func is(name []byte, lower string) bool {
	if len(name) != len(lower) {
		return false
	}
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

// preconditions evaluates the conditions in the order of RFC 9110 section 13.2.2. It
// returns 200, 304 or 412.
func (n *negotiation) preconditions(r *http.Request, e *entry, f *representation) http.Status {
	switch {
	case n.hasMatch:
		if !anyMatches(r, "if-match", f, false) {
			return http.StatusPreconditionFailed
		}
	case n.unmodifiedSince != "":
		if t, ok := http.ParseDate(n.unmodifiedSince); ok && e.modified.After(t) {
			return http.StatusPreconditionFailed
		}
	}
	switch {
	case n.hasNoneMatch:
		if anyMatches(r, "if-none-match", f, true) {
			return http.StatusNotModified
		}
	case n.modifiedSince != "":
		if t, ok := http.ParseDate(n.modifiedSince); ok && !e.modified.IsZero() && !e.modified.After(t) {
			return http.StatusNotModified
		}
	}
	return http.StatusOK
}

// partial reports whether the Range field holds: there is no If-Range, or it names
// this version (RFC 9110 section 13.1.5).
func (n *negotiation) partial(e *entry, f *representation) bool {
	if n.ranges == nil || n.twice {
		return false
	}
	if n.ifRange == "" || n.ifRange == f.etag && !f.weak {
		return true
	}
	t, ok := http.ParseDate(n.ifRange)
	return ok && t.Equal(e.modified)
}

// anyMatches reports whether one of the fields of a name has the entity tag.
func anyMatches(r *http.Request, name string, f *representation, weakly bool) bool {
	for field, value := range r.HeadersBytes() {
		if is(field, name) && matches(string(value), f.etag, f.weak, weakly) {
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

// wantsNothing reports that no field of a request can be part of a negotiation. That
// is the usual case, and first letters tell it.
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
