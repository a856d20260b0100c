package http

import (
	"iter"
	"net/netip"
	"strings"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
)

// A Request is what a client asked for. Its strings are the caller's to keep:
// the head is copied once, the first time any of it is asked for, and each
// field is a piece of that copy. What PathBytes and other methods named
// "…Bytes" return belongs to the server, and is gone when the handler returns.
type Request struct {
	x    *exchange
	text string // the head, once somebody asked
}

func (r *Request) reset() { r.text = "" }

// head returns the whole head as a string that stays.
func (r *Request) head() string {
	if r.text == "" {
		r.text = string(r.x.raw)
	}
	return r.text
}

func (r *Request) piece(s span) string { return r.head()[s.from:s.to] }

// Method returns the method, such as "GET".
func (r *Request) Method() string { return r.x.head.method.String() }

// IsGet reports whether the method is GET or HEAD, which is GET without the
// body (RFC 9110 section 9.3.2).
func (r *Request) IsGet() bool {
	return r.x.head.method == methodGet || r.x.head.method == methodHead
}

// Path returns the path with its escapes decoded, once. It begins with "/", and
// may hold anything else: see CleanPath before it names a file.
func (r *Request) Path() string {
	s := r.x.head.path
	if s.from == s.to {
		return "/"
	}
	raw := r.piece(s)
	if strings.IndexByte(raw, '%') < 0 {
		return raw
	}
	return string(decode(nil, []byte(raw)))
}

// PathBytes returns the path as it was sent, without a copy.
func (r *Request) PathBytes() []byte {
	if p := r.x.head.path.of(r.x.raw); len(p) > 0 {
		return p
	}
	return slash
}

var slash = []byte("/")

// RawQuery returns what stands behind the question mark, as it was sent.
func (r *Request) RawQuery() string { return r.piece(r.x.head.query) }

// QueryBytes returns the query as it was sent, without a copy, and whether
// there was a question mark at all.
func (r *Request) QueryBytes() ([]byte, bool) {
	return r.x.head.query.of(r.x.raw), r.x.head.hasQuery
}

// Host returns the host that was asked for, with its port if it was sent: that
// of the target, or else the Host field's.
func (r *Request) Host() string { return r.piece(r.x.head.host) }

// Header returns the value of a field, without regard to case; of several, the
// first. It is empty if there is none.
func (r *Request) Header(name string) string {
	h := &r.x.head
	for _, f := range h.fields[:h.nfields] {
		if strings.EqualFold(r.piece(f.name), name) {
			return r.piece(f.value)
		}
	}
	return ""
}

// HeaderBytes is Header without a copy. Name must be in lower case.
func (r *Request) HeaderBytes(name string) []byte {
	h := &r.x.head
	for _, f := range h.fields[:h.nfields] {
		if sameFold(f.name.of(r.x.raw), name) {
			return f.value.of(r.x.raw)
		}
	}
	return nil
}

// Fields goes through all fields, in the order in which they came. What it
// yields belongs to the server, and is gone when the handler returns.
func (r *Request) Fields() iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		h := &r.x.head
		for _, f := range h.fields[:h.nfields] {
			if !yield(f.name.of(r.x.raw), f.value.of(r.x.raw)) {
				return
			}
		}
	}
}

// sameFold compares a name with one in lower case.
func sameFold(p []byte, lower string) bool {
	if len(p) != len(lower) {
		return false
	}
	for i, b := range p {
		if 'A' <= b && b <= 'Z' {
			b |= 0x20
		}
		if b != lower[i] {
			return false
		}
	}
	return true
}

// Body returns the body of the request, once all of it is there: the loop goes
// on with others meanwhile. It is the server's, and gone when the handler
// returns. A body above Limits.Body, and one that is broken or too slow, is an
// error that the handler should return as it is.
func (r *Request) Body() ([]byte, error) { return r.x.wait() }

// Minor returns the minor version: 1 for HTTP/1.1, 0 for HTTP/1.0.
func (r *Request) Minor() int { return int(r.x.head.minor) }

// RemoteAddr returns the address of the peer; on a Unix socket, one that is not
// valid.
func (r *Request) RemoteAddr() netip.AddrPort { return r.x.conn.conn.Peer() }

// Conn returns the connection that the request came on.
func (r *Request) Conn() *eventloop.Conn { return r.x.conn.conn }

// Time returns when the request was taken up, by the loop's clock, which is read
// once a turn.
func (r *Request) Time() time.Time { return r.x.conn.server.now() }

// line is the request line as far as it was understood, for logs.
func (r *Request) line() string {
	if len(r.x.raw) == 0 {
		return "-"
	}
	return r.Method() + " " + r.piece(r.x.head.target)
}
