package std

import (
	"context"
	"errors"
	"fmt"
	"io"
	nethttp "net/http"
	"net/textproto"
	"path"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// answer implements net/http's ResponseWriter, and what else its server's does.
type answer struct {
	turns   *turns
	to      *http.Response
	from    *http.Request
	request *nethttp.Request
	fields  nethttp.Header
	head    bool // the method is HEAD: the body is counted and not sent

	handedOn bool  // a handler of bobbin's has answered: see Middleware
	err      error // its error

	began    bool
	over     bool
	hijacked bool
	flushed  bool
	untyped  bool     // the media type will be detected from the first bytes
	chunked  bool     // the handler wants chunks, by Transfer-Encoding or a Content-Length of nil
	declared []string // trailers
	length   int64    // Content-Length that the handler declared, -1 for none
	size     int64    // of what was written
	first    []byte   // the body so far, while it is too short for its type to be detected

	writeBy       time.Time     // the deadline of SetWriteDeadline
	stopNotifying []func() bool // of CloseNotify
}

var errOver = errors.New("std: the handler has returned")

// gone returns why the answer is not the handler's any more, nil if it is.
func (a *answer) gone() error {
	switch {
	case a.hijacked:
		return nethttp.ErrHijacked
	case a.over:
		return errOver
	}
	return nil
}

// Header implements net/http's ResponseWriter.
func (a *answer) Header() nethttp.Header { return a.fields }

// WriteHeader implements net/http's ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if status < 100 || status > 999 {
		panic(fmt.Sprintf("invalid WriteHeader code %v", status)) // net/http's words
	}
	a.turns.Lock()
	defer a.turns.Unlock()
	switch {
	case a.hijacked:
		logf(a.request, "http: response.WriteHeader on hijacked connection from %s", callerOfHandler())
	case a.began:
		logf(a.request, "http: superfluous response.WriteHeader call from %s", callerOfHandler())
	case status < 200 && status != nethttp.StatusSwitchingProtocols:
		a.interim(status)
	default:
		a.begin(status)
	}
}

// callerOfHandler names the line that called WriteHeader.
func callerOfHandler() string {
	var pcs [16]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	for {
		f, more := frames.Next()
		if !strings.HasPrefix(f.Function, "github.com/bobbin-http/bobbin/http/std.(*answer)") || !more {
			return fmt.Sprintf("%s (%s:%d)", f.Function, path.Base(f.File), f.Line)
		}
	}
}

// begin copies the status and the headers to the answer.
func (a *answer) begin(status int) {
	if a.began || a.over {
		return
	}
	a.began = true
	a.to.SetStatus(http.Status(status))
	a.declared = slices.AppendSeq(a.declared, trailerNames(a.fields))
	lengths, lengthNamed := a.fields["Content-Length"]
	a.chunked = lengthNamed && len(lengths) == 0 || negotiate.EqualFold(a.fields.Get("Transfer-Encoding"), "chunked")
	for name, values := range a.fields {
		if status == nethttp.StatusNotModified && (name == "Content-Type" || name == "Content-Length") {
			continue // they would describe what is not there (RFC 9110 section 15.4.5)
		}
		if !ours(name) && !slices.Contains(a.declared, name) {
			if len(values) == 0 {
				a.to.Del(name) // nil in the map takes a default away
			}
			for _, v := range values {
				a.set(name, v)
			}
		}
	}
	_, typed := a.fields["Content-Type"]
	a.untyped = !typed && a.fields.Get("Content-Encoding") == "" && a.fields.Get("Transfer-Encoding") == ""
}

// ours reports whether the server sets a header itself.
func ours(name string) bool {
	return name == "Transfer-Encoding" || strings.HasPrefix(name, nethttp.TrailerPrefix)
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
		n, err := strconv.ParseUint(value, 10, 63)
		if err != nil || a.chunked {
			return
		}
		a.length = int64(n)
	}
	a.to.Add(name, value)
}

// Write implements net/http's ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	a.turns.Lock()
	defer a.turns.Unlock()
	if err := a.gone(); err != nil {
		return 0, err
	}
	a.begin(nethttp.StatusOK)
	if len(p) == 0 {
		return 0, nil
	}
	if s := a.to.Status(); s == http.StatusSwitchingProtocols || s == http.StatusNoContent || s == http.StatusNotModified {
		return 0, nethttp.ErrBodyNotAllowed
	}
	if a.length >= 0 && a.size+int64(len(p)) > a.length {
		return 0, nethttp.ErrContentLength
	}
	a.size += int64(len(p))
	if a.untyped && len(a.first)+len(p) < sniffed {
		a.first = append(a.first, p...)
		return len(p), nil
	}
	if err := a.detect(p); err != nil || a.head {
		return len(p), a.writeError(err)
	}
	n, err := a.to.Write(p)
	return n, a.writeError(err)
}

// WriteString implements io.StringWriter.
func (a *answer) WriteString(s string) (int, error) { return a.Write([]byte(s)) }

// pieces are buffers of ReadFrom.
var pieces = sync.Pool{New: func() any { return new([32 << 10]byte) }}

// ReadFrom implements io.ReaderFrom.
func (a *answer) ReadFrom(from io.Reader) (int64, error) {
	piece := pieces.Get().(*[32 << 10]byte)
	defer pieces.Put(piece)
	return io.CopyBuffer(struct{ io.Writer }{a}, struct{ io.Reader }{from}, piece[:])
}

// sniffed is how many bytes of a body tell its type.
const sniffed = 512

// detect adds the media type of an answer without one, by the body so far and what
// follows it, and writes what was kept for that.
func (a *answer) detect(next []byte) error {
	if !a.untyped {
		return nil
	}
	a.untyped = false
	if len(a.first) == 0 {
		a.to.Add("Content-Type", nethttp.DetectContentType(next))
		return nil
	}
	a.to.Add("Content-Type", nethttp.DetectContentType(append(a.first, next[:min(len(next), sniffed)]...)))
	if a.head {
		return nil
	}
	_, err := a.to.Write(a.first)
	a.first = nil
	return err
}

// Flush implements net/http's Flusher.
func (a *answer) Flush() { _ = a.FlushError() }

// FlushError is Flush with an error. net/http's ResponseController uses it.
func (a *answer) FlushError() error {
	a.turns.Lock()
	defer a.turns.Unlock()
	if err := a.gone(); err != nil {
		return err
	}
	return a.flush()
}

// flush sends the head and what was written.
func (a *answer) flush() error {
	a.begin(nethttp.StatusOK)
	if err := a.settleType(); err != nil {
		return err
	}
	a.flushed = true
	return a.writeError(a.to.Flush())
}

// settleType is detect when the head is due. An answer that has no body yet gets no type
// any more.
func (a *answer) settleType() error {
	if len(a.first) > 0 {
		return a.detect(nil)
	}
	a.untyped = false
	return nil
}

// EnableFullDuplex is for net/http's ResponseController: the body can always be read
// after the answer has begun, and while another goroutine writes.
func (a *answer) EnableFullDuplex() error { return nil }

// CloseNotify implements net/http's CloseNotifier, which handlers older than the request's
// context use.
func (a *answer) CloseNotify() <-chan bool {
	a.turns.Lock()
	defer a.turns.Unlock()
	if a.over {
		panic("net/http: CloseNotify called after ServeHTTP finished") // net/http's words
	}
	gone := make(chan bool, 1)
	a.stopNotifying = append(a.stopNotifying, context.AfterFunc(a.request.Context(), func() { gone <- true }))
	return gone
}

// headMax is the largest body that HEAD counts for its Content-Length, if the
// handler sets none; net/http's server does the same.
const headMax = 2048

// end stops goroutines that outlive the handler from writing into a later answer.
func (a *answer) end() {
	a.turns.Lock()
	a.over = true
	for _, stop := range a.stopNotifying {
		stop()
	}
	a.turns.Unlock()
}

// finish completes the answer after the handler has returned.
func (a *answer) finish() error {
	a.turns.Lock()
	defer a.turns.Unlock()
	if a.hijacked {
		return nil
	}
	a.begin(nethttp.StatusOK)
	if err := a.settleType(); err != nil {
		return err
	}
	trailers := a.trailers()
	switch short := 0 < a.size && a.size <= headMax; {
	case len(trailers) > 0 || a.chunked:
	case !a.head || a.flushed || a.length >= 0:
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
func (a *answer) trailers() (found nethttp.Header) {
	add := func(name string, values []string) {
		if found == nil {
			found = make(nethttp.Header) // most answers have none
		}
		found[name] = values
	}
	for _, name := range a.declared {
		if v := a.fields[name]; len(v) > 0 {
			add(name, v)
		}
	}
	for name, v := range a.fields {
		if name, ok := strings.CutPrefix(name, nethttp.TrailerPrefix); ok {
			if name = textproto.CanonicalMIMEHeaderKey(name); http.IsTrailer(name) {
				add(name, v)
			}
		}
	}
	return found
}

var (
	_ nethttp.Flusher                        = (*answer)(nil)
	_ interface{ CloseNotify() <-chan bool } = (*answer)(nil)
	_ io.ReaderFrom                          = (*answer)(nil)
	_ io.StringWriter                        = (*answer)(nil)
)
