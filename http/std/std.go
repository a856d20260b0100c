// Package std runs handlers of net/http behind bobbin: routers, middleware, file
// servers, pprof.
//
//	site := std.Handler(mux)
//	log.Fatal(http.ListenAndServe(":8080", site))
//
// Such handlers may wait, so each runs off the loop on a goroutine of its own. The
// request body is streamed, and so is an answer that outgrows its buffer; Flush and
// trailers work, the context ends when the client disconnects, and a panic costs one
// request.
//
// Differences from net/http's server: the connection cannot be hijacked; reading the
// body and writing the answer exclude each other if a second goroutine does one of
// them; bobbin sets Date, Server and Transfer-Encoding; answers with a status below
// 200 are not sent; request trailers are dropped.
package std

import (
	"errors"
	"io"
	nethttp "net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// MaxRequests is the number of requests that Handler runs at a time.
const MaxRequests = 1024

// Handler runs a net/http handler off the loop, MaxRequests at a time. Beyond that, or
// before it for a client with many, the answer is 503: see http.Blocking.
func Handler(h nethttp.Handler) http.Handler { return http.Blocking(MaxRequests, Wrap(h)) }

// Wrap converts a net/http handler, for http.Blocking; or for http.Streaming, if it
// waits for its client only.
func Wrap(h nethttp.Handler) http.Handler {
	return func(w *http.Response, r *http.Request) error {
		turns := new(sync.Mutex)
		body := &body{turns: turns, from: r}
		q, err := request(r, body)
		if err != nil {
			return err
		}
		a := &answer{turns: turns, to: w, head: q.Method == nethttp.MethodHead, fields: make(nethttp.Header)}
		defer body.end()
		defer a.end()
		if err := serve(h, a, q); err != nil {
			return err
		}
		return a.finish()
	}
}

// serve calls the handler. A panic with ErrAbortHandler aborts the connection.
func serve(h nethttp.Handler, a *answer, q *nethttp.Request) (err error) {
	defer func() {
		if r := recover(); r == nethttp.ErrAbortHandler {
			err = http.ErrAbort
		} else if r != nil {
			panic(r)
		}
	}()
	h.ServeHTTP(a, q)
	return nil
}

// request converts r for net/http.
func request(r *http.Request, b *body) (*nethttp.Request, error) {
	target := r.Target()
	u, err := url.ParseRequestURI(target)
	if err != nil {
		return nil, http.StatusBadRequest.Because("malformed request target")
	}
	fields := make(nethttp.Header)
	for name, value := range r.Headers() {
		name = textproto.CanonicalMIMEHeaderKey(name)
		if name != "Host" {
			fields[name] = append(fields[name], value)
		}
	}
	q := &nethttp.Request{
		Method: r.Method(), URL: u, RequestURI: target,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: r.ProtoMinor(),
		Header: fields, Host: r.Host(), ContentLength: r.Length(),
		Body: nethttp.NoBody, RemoteAddr: r.RemoteAddr().String(), TLS: r.TLS(),
		Close: closes(fields["Connection"], r.ProtoMinor()),
	}
	if r.ProtoMinor() == 0 {
		q.Proto = "HTTP/1.0"
	}
	if q.ContentLength < 0 {
		q.TransferEncoding = []string{"chunked"}
		delete(fields, "Transfer-Encoding")
	}
	if q.ContentLength != 0 {
		q.Body = b
	}
	if !r.RemoteAddr().IsValid() {
		q.RemoteAddr = "@" // net/http's value for a Unix socket
	}
	return q.WithContext(r.Context()), nil
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
	turns *sync.Mutex
	from  *http.Request
	over  bool
}

func (b *body) Read(p []byte) (int, error) {
	b.turns.Lock()
	defer b.turns.Unlock()
	if b.over {
		return 0, nethttp.ErrBodyReadAfterClose
	}
	return b.from.Read(p)
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

// answer implements net/http's ResponseWriter.
type answer struct {
	turns  *sync.Mutex
	to     *http.Response
	fields nethttp.Header
	head   bool // the method is HEAD: the body is counted and not sent

	began    bool
	over     bool
	flushed  bool
	untyped  bool     // the media type will be detected from the first bytes
	declared []string // trailers
	size     int64
}

var errOver = errors.New("std: the handler has returned")

// Header implements net/http's ResponseWriter.
func (a *answer) Header() nethttp.Header { return a.fields }

// WriteHeader implements net/http's ResponseWriter.
func (a *answer) WriteHeader(status int) {
	a.turns.Lock()
	defer a.turns.Unlock()
	a.begin(status)
}

// begin copies the status and the headers to the answer.
func (a *answer) begin(status int) {
	if a.began || a.over || status < 200 && status != nethttp.StatusSwitchingProtocols {
		return
	}
	a.began = true
	a.to.SetStatus(http.Status(status))
	for _, name := range a.fields["Trailer"] {
		for one := range strings.SplitSeq(name, ",") {
			a.declared = append(a.declared, textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(one)))
		}
	}
	for name, values := range a.fields {
		if !ours(name) && !slices.Contains(a.declared, name) {
			for _, v := range values {
				a.set(name, v)
			}
		}
	}
	_, typed := a.fields["Content-Type"]
	a.untyped = !typed && a.fields.Get("Content-Encoding") == ""
}

// ours reports whether the server sets a header itself.
func ours(name string) bool {
	switch name {
	case "Date", "Server", "Transfer-Encoding":
		return true
	}
	return strings.HasPrefix(name, nethttp.TrailerPrefix)
}

// oneLine replaces line breaks in a value, as net/http does.
var oneLine = strings.NewReplacer("\r", " ", "\n", " ")

func (a *answer) set(name, value string) {
	value = strings.TrimSpace(oneLine.Replace(value))
	switch name {
	case "Connection":
		if !negotiate.EqualFold(value, "close") {
			return
		}
	case "Content-Length":
		if _, err := strconv.ParseUint(value, 10, 63); err != nil {
			return
		}
	}
	a.to.Add(name, value)
}

// Write implements net/http's ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	a.turns.Lock()
	defer a.turns.Unlock()
	if a.over {
		return 0, errOver
	}
	a.begin(nethttp.StatusOK)
	if s := a.to.Status(); s == http.StatusNoContent || s == http.StatusNotModified {
		return 0, nethttp.ErrBodyNotAllowed
	}
	if a.untyped && !a.flushed && len(p) > 0 {
		a.to.Add("Content-Type", nethttp.DetectContentType(p))
		a.untyped = false
	}
	a.size += int64(len(p))
	if a.head {
		return len(p), nil
	}
	return a.to.Write(p)
}

// Flush implements net/http's Flusher.
func (a *answer) Flush() { _ = a.FlushError() }

// FlushError is Flush with an error. net/http's ResponseController uses it.
func (a *answer) FlushError() error {
	a.turns.Lock()
	defer a.turns.Unlock()
	if a.over {
		return errOver
	}
	a.begin(nethttp.StatusOK)
	a.flushed = true
	return a.to.Flush()
}

// EnableFullDuplex is for net/http's ResponseController: the body can always be read
// after the answer has begun.
func (a *answer) EnableFullDuplex() error { return nil }

// headMax is the largest body that HEAD counts for its Content-Length, if the
// handler sets none; net/http's server does the same.
const headMax = 2048

// end stops goroutines that outlive the handler from writing into a later answer.
func (a *answer) end() {
	a.turns.Lock()
	a.over = true
	a.turns.Unlock()
}

// finish completes the answer after the handler has returned.
func (a *answer) finish() error {
	a.turns.Lock()
	defer a.turns.Unlock()
	a.begin(nethttp.StatusOK)
	trailers := a.trailers()
	switch short := 0 < a.size && a.size <= headMax; {
	case len(trailers) > 0:
	case !a.head || a.flushed || a.fields.Get("Content-Length") != "":
		return nil
	case short:
		a.to.Add("Content-Length", strconv.FormatInt(a.size, 10))
		return nil
	}
	for name, values := range trailers {
		for _, v := range values {
			a.to.SetTrailer(name, oneLine.Replace(v))
		}
	}
	return a.to.Flush() // in chunks, because trailers need them, and without a length for HEAD
}

// trailers returns the announced and the unannounced trailers.
func (a *answer) trailers() nethttp.Header {
	found := make(nethttp.Header)
	for _, name := range a.declared {
		if v := a.fields[name]; len(v) > 0 {
			found[name] = v
		}
	}
	for name, v := range a.fields {
		if name, ok := strings.CutPrefix(name, nethttp.TrailerPrefix); ok {
			found[textproto.CanonicalMIMEHeaderKey(name)] = v
		}
	}
	return found
}

var (
	_ nethttp.Flusher = (*answer)(nil)
	_ io.ReadCloser   = (*body)(nil)
)
