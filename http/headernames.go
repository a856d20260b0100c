package http

import (
	"iter"
	"slices"
	"strings"

	"github.com/bobbin-http/bobbin/http/internal/h1"
	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// HeaderNames are names of headers that a handler looks for in each request. Looking for
// all of them takes one pass, and nearly all other headers are told apart by the lengths
// of their names. It never changes, so that several loops may share it.
type HeaderNames struct {
	lengths  uint64           // bit n is set if a name has n bytes, modulo 64
	byLength [64][]headerName // by length modulo 64
}

// A headerName is a name in lower case, and as it is usually written, like "If-Match".
type headerName struct{ lower, usual string }

// NewHeaderNames returns a set of names, whose case does not matter. It panics if one
// of them can be the name of no header.
func NewHeaderNames(names ...string) *HeaderNames {
	s := &HeaderNames{}
	for _, name := range names {
		if !h1.IsToken(name) {
			panic("http: " + name + " is no field name")
		}
		n := len(name) & 63
		s.lengths |= 1 << n
		h := headerName{lower: strings.ToLower(name)}
		if slices.ContainsFunc(s.byLength[n], func(o headerName) bool { return o.lower == h.lower }) {
			continue
		}
		words := strings.Split(h.lower, "-")
		for i, word := range words {
			words[i] = strings.ToUpper(word[:min(1, len(word))]) + word[min(1, len(word)):]
		}
		h.usual = strings.Join(words, "-")
		s.byLength[n] = append(s.byLength[n], h)
	}
	return s
}

// HeadersIn yields the headers whose names are in a set, in the order of the request:
// the name in lower case, and the value, whose bytes are valid until the handler returns.
func (r *Request) HeadersIn(set *HeaderNames) iter.Seq2[string, []byte] {
	return func(yield func(name string, value []byte) bool) {
		h := &r.x.head
		all, fields := h.FieldsOf(r.x.raw), h.Fields[:h.NFields]
		for i := range fields {
			f := &fields[i]
			n := (f.Name.To - f.Name.From) & 63
			if set.lengths>>n&1 == 0 {
				continue
			}
			p := f.Name.Of(all)
			names := set.byLength[n]
			for i := range names {
				if names[i].is(p) && !yield(names[i].lower, f.Value.Of(all)) {
					return
				}
			}
		}
	}
}

// OnlyAcceptEncoding returns the value of the only Accept-Encoding field, nil if there is none.
// It reports false if another field may select the answer, or some of it, as well: a second one
// of that name, Range, or a condition (If-Match, If-None-Match, If-Modified-Since,
// If-Unmodified-Since, If-Range). The value is valid until the handler returns.
func (r *Request) OnlyAcceptEncoding() (value []byte, only bool) {
	r.use("OnlyAcceptEncoding")
	h := &r.x.head
	switch {
	case h.Selects:
		return nil, false
	case h.Accept == 0:
		return nil, true
	}
	return h.Fields[h.Accept-1].Value.Of(h.FieldsOf(r.x.raw)), true
}

// is compares the name with one in a request. Last letters tell more names of one length
// apart than first ones do, and few are not written as usual.
func (h *headerName) is(p []byte) bool {
	n := len(h.lower)
	return len(p) == n && p[n-1]|0x20 == h.lower[n-1]|0x20 && (string(p) == h.usual || negotiate.SameFold(p, h.lower))
}
