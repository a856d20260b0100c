package middleware

import (
	"strings"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// A Coding compresses a body (RFC 9110 section 8.4.1). Package http/compress has
// some.
type Coding struct {
	Name   string                       // in Accept-Encoding
	Encode func(dst, src []byte) []byte // appends the compressed src to dst
}

// Compress compresses answers with the coding that the client prefers, or the first
// of equally preferred ones. It compresses bodies of text and similar types that are
// in memory and shrink, from 1 KiB to 256 KiB.
//
// It runs on the loop, while all other requests wait: gzip or zstd take half a
// millisecond to one for 64 KiB. Large or popular files are better compressed ahead
// of time, see http/static.
//
// It leaves answers with a strong entity tag alone, because the tag stands for their
// exact bytes: so ETag goes outside of Compress.
//
// Do not use it for pages that contain both a secret and text from the client: the
// size of the answer would reveal the secret (BREACH).
//
// Compress goes outside of http.Blocking.
func Compress(codings ...Coding) http.Middleware {
	names := []string{"identity"} // as negotiate.Weights has them
	for _, c := range codings {
		names = append(names, c.Name)
	}
	names = append(names, "*")
	return func(next http.Handler) http.Handler {
		return func(w *http.Response, r *http.Request) error {
			w.OnHead(func(w *http.Response) { compressBody(w, r, codings, names) })
			return next(w, r)
		}
	}
}

// An answer below compressMin fits one packet either way.
const (
	compressMin = 1 << 10
	compressMax = 256 << 10
)

func compressBody(w *http.Response, r *http.Request, codings []Coding, names []string) {
	if w.Status() == http.StatusNotModified {
		vary(w) // the same Vary as the answer it stands for
		return
	}
	body, whole := w.BodyBytes()
	if !whole || len(body) == 0 || len(body) > compressMax || !mayChange(w) || !negotiate.Compressible(w.Header("Content-Type")) {
		return
	}
	vary(w)
	c, plainly := choose(lines(r, "accept-encoding"), codings, names)
	if c == nil || len(body) < compressMin && plainly {
		return
	}
	compressed := c.Encode(nil, body)
	if len(compressed) >= len(body) && plainly {
		return
	}
	w.SetBody(compressed)
	w.Add("Content-Encoding", c.Name)
}

// mayChange reports whether the body may be transformed.
func mayChange(w *http.Response) bool {
	etag := w.Header("ETag")
	return w.Status() != http.StatusPartialContent && w.Header("Content-Encoding") == "" &&
		!negotiate.Lists(w.Header("Cache-Control"), "no-transform") && (etag == "" || strings.HasPrefix(etag, "W/"))
}

// vary adds Accept-Encoding to Vary.
func vary(w *http.Response) {
	if v := w.Header("Vary"); !negotiate.Lists(v, "Accept-Encoding") && !negotiate.Lists(v, "*") {
		w.Add("Vary", "Accept-Encoding")
	}
}

// choose returns the coding with the highest weight, or nil if none is acceptable,
// and whether the uncompressed body is. A client that accepts neither gets the
// uncompressed body (RFC 9110 section 12.5.3).
func choose(fields []string, codings []Coding, names []string) (best *Coding, plainly bool) {
	weights, there := make(negotiate.Weights, len(names)), make([]bool, len(codings)+1)
	for _, field := range fields {
		weights.Read(names, field)
	}
	for i := range there {
		there[i] = true
	}
	if i, ok := weights.Choose(there); ok && i > 0 {
		best = &codings[i-1]
	}
	return best, weights.Of(0) > 0
}
