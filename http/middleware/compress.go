package middleware

import (
	"strings"

	"github.com/bobbin-http/bobbin/http"
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
	return func(next http.Handler) http.Handler {
		return func(w *http.Response, r *http.Request) error {
			w.OnHead(func(w *http.Response) { compressBody(w, r, codings) })
			return next(w, r)
		}
	}
}

// An answer below compressMin fits one packet either way.
const (
	compressMin = 1 << 10
	compressMax = 256 << 10
)

func compressBody(w *http.Response, r *http.Request, codings []Coding) {
	if w.Status() == http.StatusNotModified {
		vary(w) // the same Vary as the answer it stands for
		return
	}
	body, whole := w.BodyBytes()
	if !whole || len(body) == 0 || len(body) > compressMax || !mayChange(w) || !compressible(w.Header("Content-Type")) {
		return
	}
	vary(w)
	accept := strings.Join(lines(r, "accept-encoding"), ",")
	c, plainly := choose(accept, codings)
	if c == nil || len(body) < compressMin && plainly {
		return
	}
	packed := c.Encode(nil, body)
	if len(packed) >= len(body) && plainly {
		return
	}
	w.SetBody(packed)
	w.Add("Content-Encoding", c.Name)
}

// mayChange reports whether the body may be transformed.
func mayChange(w *http.Response) bool {
	etag := w.Header("ETag")
	return w.Status() != http.StatusPartialContent && w.Header("Content-Encoding") == "" &&
		!listed(w.Header("Cache-Control"), "no-transform") && (etag == "" || strings.HasPrefix(etag, "W/"))
}

// vary adds Accept-Encoding to Vary.
func vary(w *http.Response) {
	if v := w.Header("Vary"); !listed(v, "Accept-Encoding") && !listed(v, "*") {
		w.Add("Vary", "Accept-Encoding")
	}
}

// compressible reports whether bodies of a type shrink. Packed formats do not.
func compressible(contentType string) bool {
	t, _, _ := strings.Cut(contentType, ";")
	t = strings.ToLower(strings.Trim(t, " \t"))
	switch {
	case strings.HasPrefix(t, "text/"):
		return t != "text/event-stream" // an event must be sent at once
	case strings.HasSuffix(t, "+xml"), strings.HasSuffix(t, "+json"):
		return true
	}
	switch t {
	case "application/json", "application/javascript", "application/x-javascript", "application/xml", "application/wasm",
		"application/rtf", "application/x-ndjson", "application/yaml", "application/vnd.ms-fontobject",
		"font/ttf", "font/otf", "font/collection", "image/bmp", "image/x-icon", "image/vnd.microsoft.icon":
		return true
	}
	return false
}

// choose returns the coding with the highest weight, or nil if none is acceptable,
// and whether the uncompressed body is. A client that accepts neither gets the
// uncompressed body (RFC 9110 section 12.5.3).
func choose(accept string, codings []Coding) (best *Coding, plainly bool) {
	star, _ := qvalue(accept, "*")
	identity, named := qvalue(accept, "identity")
	if !named {
		identity = star
	}
	plainly = identity != 0
	most := max(0, identity-1) // of equal weights, compressed is smaller
	for i := range codings {
		q, named := qvalue(accept, codings[i].Name)
		if !named && codings[i].Name == "gzip" {
			q, named = qvalue(accept, "x-gzip") // an old name (RFC 9110 section 8.4.1.3)
		}
		if !named {
			q = star
		}
		if q > most {
			best, most = &codings[i], q
		}
	}
	return best, plainly
}

// qvalue returns the weight of a name in a list, in thousandths, and whether the list
// has the name; if not, the weight is -1.
func qvalue(list, name string) (q int, named bool) {
	for element := range strings.SplitSeq(list, ",") {
		n, parameter, weighed := strings.Cut(element, ";")
		if !strings.EqualFold(strings.Trim(n, " \t"), name) {
			continue
		}
		if !weighed {
			return 1000, true
		}
		return thousandths(strings.Trim(parameter, " \t")), true
	}
	return -1, false
}

// thousandths parses "q=0.5" (RFC 9110 section 12.4.2). A malformed weight counts as
// 0.
func thousandths(s string) int {
	if len(s) < 3 || s[0]|0x20 != 'q' || s[1] != '=' {
		return 0
	}
	whole, fraction, _ := strings.Cut(s[2:], ".")
	if whole != "0" && whole != "1" || len(fraction) > 3 {
		return 0
	}
	n := int(whole[0] - '0')
	for i := range 3 {
		n *= 10
		if i < len(fraction) {
			if fraction[i] < '0' || fraction[i] > '9' {
				return 0
			}
			n += int(fraction[i] - '0')
		}
	}
	if n > 1000 {
		return 0
	}
	return n
}
