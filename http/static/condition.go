package static

import (
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// A request has conditions (RFC 9110 section 13), accepts codings, and asks for
// ranges. All of that is read from its fields in one pass.

// A negotiation is the part of a request that selects its answer.
type negotiation struct {
	codings [codings + 1]int16 // see negotiate.Weights

	hasMatch, hasNoneMatch bool   // there is If-Match, If-None-Match
	modifiedSince          string // the value of If-Modified-Since, or ""
	unmodifiedSince        string // the value of If-Unmodified-Since, or ""
	ifRange                string // the value of If-Range, or ""
	ranges                 []byte // the value of Range, or nil
	twice                  bool   // there is more than one Range
}

const acceptEncoding = "accept-encoding"

// selecting are the headers that select an answer.
var selecting = http.NewHeaderNames(acceptEncoding, "range",
	"if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range")

// readNegotiation reads the fields of a request.
func readNegotiation(r *http.Request) (n negotiation) {
	for name, value := range r.HeadersIn(selecting) {
		switch name {
		case acceptEncoding:
			negotiate.Weights(n.codings[:]).Read(codingNames[:], string(value))
		case "range":
			n.twice = n.twice || n.ranges != nil
			n.ranges = value
		case "if-none-match":
			n.hasNoneMatch = true
		case "if-modified-since":
			n.modifiedSince = once(n.modifiedSince, value)
		case "if-match":
			n.hasMatch = true
		case "if-unmodified-since":
			n.unmodifiedSince = once(n.unmodifiedSince, value)
		case "if-range":
			n.ifRange = string(value)
		}
	}
	return n
}

// once returns the value of a date field. A field that is repeated gives a value that
// is no date, which is ignored.
func once(before string, value []byte) string {
	if before != "" {
		return before + ", " + string(value)
	}
	return string(value)
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
	return ok && !e.modified.IsZero() && t.Equal(e.modified)
}

// anyMatches reports whether one of the fields of a name has the entity tag.
func anyMatches(r *http.Request, name string, f *representation, weakly bool) bool {
	for field, value := range r.HeadersBytes() {
		if negotiate.SameFold(field, name) && negotiate.HasTag(string(value), f.etag, f.weak, weakly) {
			return true
		}
	}
	return false
}
