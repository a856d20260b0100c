package std

import (
	"context"
	"io"
	"iter"
	"net"
	nethttp "net/http"
	"net/netip"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// request converts r for net/http. Unless its context has a server, that is the one here.
func request(r *http.Request, b *body, server *nethttp.Server) (*nethttp.Request, error) {
	target := r.Target()
	u, err := url.ParseRequestURI(target)
	if r.Method() == nethttp.MethodConnect {
		u, err = &url.URL{Host: target}, nil // a host and a port, see http.Config.Connect
	}
	if err != nil {
		return nil, http.StatusBadRequest.Because("malformed request target")
	}
	fields := headerOf(r)
	if p := fields["Pragma"]; len(p) > 0 && p[0] == "no-cache" && fields["Cache-Control"] == nil {
		fields["Cache-Control"] = []string{"no-cache"} // RFC 9111 section 5.4, as net/http does
	}
	q := new(nethttp.Request).WithContext(contextOf(r, server))
	q.Method, q.URL, q.RequestURI = r.Method(), u, target
	q.Proto, q.ProtoMajor, q.ProtoMinor = protoOf(r), r.ProtoMajor(), r.ProtoMinor()
	q.Header, q.Host, q.ContentLength = fields, r.Host(), r.Length()
	q.Body, q.RemoteAddr, q.TLS = nethttp.NoBody, r.RemoteAddr().String(), r.TLS()
	q.Close, q.Pattern = q.ProtoMajor == 1 && closes(fields["Connection"], q.ProtoMinor), r.Pattern()
	for name, value := range r.PathValues() {
		q.SetPathValue(name, value)
	}
	if q.ContentLength < 0 && q.ProtoMajor == 1 {
		q.TransferEncoding = []string{"chunked"}
		delete(fields, "Transfer-Encoding")
	}
	if q.ContentLength < 0 || q.ProtoMajor == 2 && q.ContentLength > 0 {
		q.Trailer = announced(fields)
	}
	if q.ContentLength != 0 {
		q.Body = b
	}
	if !r.RemoteAddr().IsValid() {
		q.RemoteAddr = "@" // net/http's value for a Unix socket
	}
	b.request = q
	return q, nil
}

// protoOf returns the version of HTTP as net/http has it.
func protoOf(r *http.Request) string {
	switch {
	case r.ProtoMajor() == 2:
		return "HTTP/2.0"
	case r.ProtoMinor() == 0:
		return "HTTP/1.0"
	}
	return "HTTP/1.1"
}

// headerOf returns the fields of r in a map. Those that come once share one slice of values.
func headerOf(r *http.Request) nethttp.Header {
	n := 0
	for range r.HeadersBytes() {
		n++
	}
	fields, values := make(nethttp.Header, n), make([]string, 0, n)
	for name, value := range r.Headers() {
		name = textproto.CanonicalMIMEHeaderKey(name)
		if name == "Host" {
			continue
		}
		if before := fields[name]; before != nil {
			fields[name] = append(before, value)
			continue
		}
		values = append(values, value)
		fields[name] = values[len(values)-1 : len(values) : len(values)]
	}
	return fields
}

// A requestContext is the context of a request with the two values that net/http's have.
type requestContext struct {
	context.Context
	server *nethttp.Server // nil if the context has one
	local  netip.AddrPort
}

// contextOf returns the context of r for net/http.
func contextOf(r *http.Request, server *nethttp.Server) context.Context {
	c := &requestContext{r.Context(), server, r.LocalAddr()}
	if c.Context.Value(nethttp.ServerContextKey) != nil {
		c.server = nil
	}
	return c
}

// Value implements context.Context.
func (c *requestContext) Value(key any) any {
	switch {
	case key == nethttp.ServerContextKey && c.server != nil:
		return c.server
	case key != nethttp.LocalAddrContextKey:
		return c.Context.Value(key)
	case c.local.IsValid():
		return net.TCPAddrFromAddrPort(c.local)
	}
	return &net.UnixAddr{Net: "unix"}
}

// announced takes the names of trailers out of the fields, and returns them without
// values, as net/http has them before the body is read.
func announced(fields nethttp.Header) nethttp.Header {
	var names nethttp.Header
	for name := range trailerNames(fields) {
		if names == nil {
			names = make(nethttp.Header)
		}
		names[name] = nil
	}
	delete(fields, "Trailer")
	return names
}

// trailerNames yields the names in the Trailer fields that may stand behind a body.
func trailerNames(fields nethttp.Header) iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, list := range fields["Trailer"] {
			for name := range strings.SplitSeq(list, ",") {
				name = textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name))
				if http.IsTrailer(name) && !yield(name) {
					return
				}
			}
		}
	}
}

// closes reports whether the client closes the connection after the answer, by the
// options in its Connection fields (RFC 9112 section 9.3).
func closes(options []string, protoMinor int) bool {
	has := func(option string) bool {
		return slices.ContainsFunc(options, func(list string) bool { return negotiate.Lists(list, option) })
	}
	return has("close") || protoMinor == 0 && !has("keep-alive")
}

// body is the request body for net/http.
type body struct {
	readers sync.Mutex // one goroutine reads at a time; two would give their turns to each other without end
	turns   *turns
	from    *http.Request
	request *nethttp.Request // has the trailers when the body was read
	over    bool
	ended   bool
}

func (b *body) Read(p []byte) (int, error) {
	b.readers.Lock()
	defer b.readers.Unlock()
	b.turns.Lock()
	defer b.turns.Unlock()
	n, err := b.readOrYield(p)
	if err == io.EOF && !b.ended {
		b.ended = true
		b.readTrailers()
	}
	return n, readError(err)
}

// readOrYield reads, and gives its turn up to other goroutines while it waits.
func (b *body) readOrYield(p []byte) (int, error) {
	for {
		if b.over {
			return 0, nethttp.ErrBodyReadAfterClose
		}
		if b.turns.beginReading() {
			n, err := b.from.Read(p)
			b.turns.reading.Store(false)
			if err != http.ErrInterrupted {
				return n, err
			}
		}
		b.turns.Unlock()
		b.turns.Lock() // behind those that wait
	}
}

// readTrailers adds the trailers that have come behind the body, announced or not.
func (b *body) readTrailers() {
	for name, value := range b.from.Trailers() {
		if b.request.Trailer == nil {
			b.request.Trailer = make(nethttp.Header)
		}
		name = textproto.CanonicalMIMEHeaderKey(name)
		b.request.Trailer[name] = append(b.request.Trailer[name], value)
	}
}

// Close ends the reading. The server discards the rest.
func (b *body) Close() error {
	b.end()
	return nil
}

func (b *body) end() {
	b.turns.Lock()
	b.over = true
	b.turns.Unlock()
}

var _ io.ReadCloser = (*body)(nil)
