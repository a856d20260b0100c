package http

import (
	"fmt"
	"iter"
	"strings"

	"github.com/bobbin-http/bobbin/http/internal/h1"
	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// Trailers are fields behind a body that comes in chunks (RFC 9110 section 6.5). They
// never become fields of the head, on either side, because decisions by the head are made
// before they come.

// SetTrailer adds a field behind the body of an answer that is sent in chunks; with any
// other, it is not sent. Most clients drop it. A field that cannot stand there, see
// IsTrailer, is a mistake in the answer, as in Add.
func (w *Response) SetTrailer(name, value string) {
	w.use("SetTrailer")
	switch {
	case !h1.IsToken(name) || !h1.IsFieldValue(value):
		w.fail(fmt.Errorf("http: %q: %q is no field", name, value))
		return
	case !IsTrailer(name):
		w.fail(fmt.Errorf("http: %s cannot be a trailer: the client needs it before the body", name))
		return
	}
	w.trailers = append(w.trailers, name...)
	w.trailers = append(w.trailers, ": "...)
	w.trailers = append(w.trailers, value...)
	w.trailers = append(w.trailers, "\r\n"...)
}

// Trailer returns the value of a field that the client has sent behind the body, ignoring
// case; of several, the first; "" if there is none. Trailers are there once the whole body
// is: when Body has returned, or Read with io.EOF. They count against Limits.FieldBytes
// and Limits.FieldCount, together with the headers.
//
// Fields that are not for a trailer, see IsTrailer, are dropped.
func (r *Request) Trailer(name string) string {
	for n, v := range r.Trailers() {
		if negotiate.EqualFold(n, name) {
			return v
		}
	}
	return ""
}

// Trailers yields the names and values of all trailers, in their order; see Trailer.
func (r *Request) Trailers() iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		r.use("Trailers")
		if !r.x.framing.Done() || r.x.failed != nil {
			return
		}
		for line := range strings.SplitSeq(string(r.x.trailers), "\r\n") {
			name, value, ok := strings.Cut(line, ":")
			if ok && IsTrailer(name) && !yield(name, strings.Trim(value, " \t")) {
				return
			}
		}
	}
}

// IsTrailer reports whether a field may stand behind a body, by its name. Fields that
// frame a message, route it, make it conditional, authenticate its sender, or describe the
// use of the body or the answer may not (RFC 9110 section 6.5.1).
func IsTrailer(name string) bool {
	lower := strings.ToLower(name)
	return name != "" && !headOnly[lower] && !strings.HasPrefix(lower, "if-")
}

// headOnly has the fields that are of use in a head only.
var headOnly = func() map[string]bool {
	set := make(map[string]bool)
	for _, kind := range [...]string{
		"connection content-length keep-alive proxy-connection te trailer transfer-encoding upgrade", // framing
		"forwarded host max-forwards via",   // routing
		"cache-control expect pragma range", // of the request
		"authorization cookie proxy-authenticate proxy-authorization set-cookie www-authenticate", // authentication
		"age date expires location retry-after vary warning",                                      // of the answer
		"content-encoding content-range content-type",                                             // of the body
	} {
		for name := range strings.FieldsSeq(kind) {
			set[name] = true
		}
	}
	return set
}()
