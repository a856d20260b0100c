package http

import (
	"iter"
	"net/netip"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http/internal/h1"
	"github.com/bobbin-http/bobbin/http/internal/negotiate"
	"github.com/bobbin-http/bobbin/http/internal/route"
)

// A Request is the request of a client. Its strings stay valid: the head is copied once,
// when the first string of it is needed, and each field is a piece of that copy. Results
// of PathBytes and other …Bytes methods are valid only until the handler returns.
type Request struct {
	x    *exchange
	text string // the head, once a method needed it

	client netip.Addr   // from a trusted proxy; invalid if there is none
	scheme clientScheme // likewise

	values atomic.Pointer[value] // of keys: hooks look at them while a handler off the loop may run
}

// reset prepares the Request for its next use.
func (r *Request) reset() { r.text, r.client, r.scheme = "", netip.Addr{}, 0 }

// head returns the whole head as a string that may be kept.
func (r *Request) head() string {
	if r.text == "" {
		r.text = string(r.x.raw)
	}
	return r.text
}

// piece returns a part of the head.
func (r *Request) piece(s h1.Span) string { return r.head()[s.From:s.To] }

// Method returns the method, such as "GET". It is one of HTTP itself, unless
// Config.AnyMethod allows others.
func (r *Request) Method() string {
	r.use("Method")
	h := &r.x.head
	if h.Method == h1.MethodOther {
		return r.piece(h.MethodName)
	}
	return h.Method.String()
}

// Path returns the path with its escapes decoded, once. It begins with "/", and may have
// any bytes after that: for the name of a file, see CleanPathBytes.
func (r *Request) Path() string {
	r.use("Path")
	s := r.x.head.Path
	if s.From == s.To {
		return "/"
	}
	raw := r.piece(s)
	if r.x.head.Plain || strings.IndexByte(raw, '%') < 0 {
		return raw
	}
	return string(h1.Decode(nil, []byte(raw)))
}

// PathBytes returns the path as it was sent, without a copy.
func (r *Request) PathBytes() []byte {
	r.use("PathBytes")
	if p := r.x.head.Path.Of(r.x.raw); len(p) > 0 {
		return p
	}
	return slash
}

var slash = []byte("/")

// CleanPathBytes returns the path as CleanPath does, in place or in the memory of dst.
// Files are served by this path, and rules for files are compared with it. Behind a
// Router, it returns an error, 404, if the path has escaped slashes and another pattern
// would match with slashes in their place: a file is not served by another pattern than
// its own.
func (r *Request) CleanPathBytes(dst []byte) ([]byte, error) {
	r.use("CleanPathBytes")
	if r.x.others {
		return nil, (*refusal)(route.NoSuchPath)
	}
	return CleanPath(dst, r.PathBytes())
}

// RawQuery returns the query as it was sent, without the question mark.
func (r *Request) RawQuery() string {
	r.use("RawQuery")
	return r.piece(r.x.head.Query)
}

// QueryBytes returns the query as it was sent, without a copy, and whether there was
// a question mark.
func (r *Request) QueryBytes() ([]byte, bool) {
	r.use("QueryBytes")
	return r.x.head.Query.Of(r.x.raw), r.x.head.HasQuery
}

// Target returns the target as it was sent: the path and the query in most requests.
func (r *Request) Target() string {
	r.use("Target")
	return r.piece(r.x.head.Target)
}

// Length returns the number of bytes of the body, or -1 if it comes in chunks, or
// without a length by HTTP/2.
func (r *Request) Length() int64 {
	r.use("Length")
	if r.x.head.Chunked {
		return -1
	}
	return max(r.x.head.Length, 0)
}

// Host returns the host of the request, with its port if it was sent: the target's, or
// else the Host field's.
func (r *Request) Host() string {
	r.use("Host")
	return r.piece(r.x.head.Host)
}

// HostBytes is Host without a copy.
func (r *Request) HostBytes() []byte {
	r.use("HostBytes")
	return r.x.head.Host.Of(r.x.raw)
}

// Header returns the value of a header, ignoring case; of several, the first; "" if
// there is none.
func (r *Request) Header(name string) string {
	r.use("Header")
	h := &r.x.head
	p := h.FieldsOf(r.x.raw)
	for _, f := range h.Fields[:h.NFields] {
		if negotiate.EqualFold(f.Name.Of(p), name) {
			return r.piece(f.Value.Moved(h.FieldsAt))
		}
	}
	return ""
}

// HeaderBytes is Header without a copy. Name must be in lower case.
func (r *Request) HeaderBytes(name string) []byte {
	r.use("HeaderBytes")
	h := &r.x.head
	p := h.FieldsOf(r.x.raw)
	for _, f := range h.Fields[:h.NFields] {
		if negotiate.SameFold(f.Name.Of(p), name) {
			return f.Value.Of(p)
		}
	}
	return nil
}

// Headers yields the names and values of all headers, in the order of the request.
func (r *Request) Headers() iter.Seq2[string, string] {
	return func(yield func(name, value string) bool) {
		r.use("Headers")
		h := &r.x.head
		for _, f := range h.Fields[:h.NFields] {
			if !yield(r.piece(f.Name.Moved(h.FieldsAt)), r.piece(f.Value.Moved(h.FieldsAt))) {
				return
			}
		}
	}
}

// HeadersBytes is Headers without a copy. The bytes are valid until the handler returns.
func (r *Request) HeadersBytes() iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		h := &r.x.head
		p := h.FieldsOf(r.x.raw)
		for _, f := range h.Fields[:h.NFields] {
			if !yield(f.Name.Of(p), f.Value.Of(p)) {
				return
			}
		}
	}
}

// ProtoMinor returns the minor version: 1 for HTTP/1.1, 0 for HTTP/1.0.
func (r *Request) ProtoMinor() int {
	if r.x.stream != nil {
		return 0
	}
	return int(r.x.head.Minor)
}

// ProtoMajor returns the major version: 1, or 2 for HTTP/2, whose minor version is 0.
func (r *Request) ProtoMajor() int {
	if r.x.stream != nil {
		return 2
	}
	return 1
}

// RemoteAddr returns the address of the peer; on a Unix socket, an invalid one.
func (r *Request) RemoteAddr() netip.AddrPort {
	r.use("RemoteAddr")
	return r.x.conn.conn.Peer()
}

// ClientAddr returns the address of the client: the peer's, or that of SetClientAddr. It
// is not valid on a Unix socket, unless SetClientAddr was called.
func (r *Request) ClientAddr() netip.Addr {
	r.use("ClientAddr")
	if r.client.IsValid() {
		return r.client
	}
	return r.x.conn.conn.Peer().Addr()
}

// SetClientAddr sets the address of the client behind a trusted proxy, for middleware. The
// connection is accounted to that client from then on. It must be called on the loop's
// goroutine; inside of Blocking, the answer is a 500.
func (r *Request) SetClientAddr(a netip.Addr) {
	if r.x.isOffLoop() {
		r.x.response.fail(errClientOffLoop)
		return
	}
	r.client = a.Unmap()
	r.x.conn.conn.SetClient(eventloop.ClientOf(r.client))
}

// Client returns the client that the request is accounted to, the one at ClientAddr.
func (r *Request) Client() eventloop.Client { return eventloop.ClientOf(r.ClientAddr()) }

// ConnID returns the number of the request's connection on its loop, counted from 1.
func (r *Request) ConnID() uint32 {
	r.use("ConnID")
	return r.x.conn.conn.ID()
}

// Abort ends the connection at once by a reset, with this request and all others on
// it. It must be called on the loop's goroutine; a handler elsewhere returns ErrAbort.
func (r *Request) Abort() {
	r.use("Abort")
	r.x.conn.conn.Abort(nil)
}

// Loop returns the event loop of the handler, with its timers and Post.
func (r *Request) Loop() *eventloop.Loop { return r.x.conn.server.loop }

// Time returns the time at which the head of the request was complete, by the loop's
// clock, which is read once a turn.
func (r *Request) Time() time.Time {
	r.use("Time")
	return r.Loop().WallTimeAt(r.x.since)
}

// line returns the request line as far as it was parsed, for logs.
func (r *Request) line() string {
	if len(r.x.raw) == 0 || r.x.head.Target.To == 0 {
		return "-"
	}
	return r.Method() + " " + r.piece(r.x.head.Target)
}

// CleanPath decodes the path of a request, including escaped slashes, and then removes
// empty segments and those of dots (RFC 3986 section 5.2.4). The result begins with "/",
// names nothing outside of the root, and ends with "/" if it is the path of a folder. It
// may have any other bytes but NUL, control characters too, as names of files do. The
// error is an answer: a handler returns it as it is. Use Request.CleanPathBytes for the
// path of a request behind a Router, because the path may belong to another pattern.
//
// A path that is clean already is returned itself; any other is built in the memory of
// dst, which may be nil.
func CleanPath(dst, raw []byte) ([]byte, error) {
	path, why := route.CleanPath(dst, raw)
	if why != nil {
		return nil, (*refusal)(why)
	}
	return path, nil
}

// EscapePath appends a decoded path to dst, with escapes for all bytes but pchars and
// slashes (RFC 3986 section 3.3). A ":" is allowed only behind a slash, so the path should
// begin with one.
func EscapePath(dst []byte, path string) []byte { return route.EscapePath(dst, path) }

// EscapeURI appends a URI, or a part of one such as a query, to dst, with escapes for the
// bytes that no URI has, such as those of "é" (RFC 3986 section 2). Escapes in it stay.
func EscapeURI(dst []byte, uri string) []byte { return route.EscapeURI(dst, uri) }

// The methods of HTTP (RFC 9110 section 9.3, RFC 5789), as Request.Method returns
// them. The answer to HEAD is that to GET without the body, which the server leaves out.
const (
	MethodGet     = "GET"
	MethodHead    = "HEAD"
	MethodPost    = "POST"
	MethodPut     = "PUT"
	MethodDelete  = "DELETE"
	MethodPatch   = "PATCH"
	MethodOptions = "OPTIONS"
	MethodTrace   = "TRACE"
	MethodConnect = "CONNECT"
)
