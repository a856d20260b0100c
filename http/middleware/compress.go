package middleware

import (
	"strings"

	"github.com/bobbin-http/bobbin/http"
)

// A Coding is a way to compress a body (RFC 9110 section 8.4.1). Package
// http/compress has some.
type Coding struct {
	Name   string                       // as Accept-Encoding has it
	Encode func(dst, src []byte) []byte // appends src, compressed, to dst
}

// Compress compresses answers with the coding that the client likes best; of those
// that it likes alike, with the first. Only bodies that are in memory and get
// smaller by it are compressed: text and the like, from 1 KiB to 256 KiB.
//
// That is done on the loop, while all others wait: 64 KiB take gzip or zstd half a
// millisecond to one. What is large or asked for often is better compressed
// beforehand, see http/static.
//
// An answer with a strong entity tag is left alone, because that tag stands for the
// bytes as they are: ETag goes outside of this.
//
// It is not for pages that show a secret beside something that the client sent: the
// size of the answer would tell whether the one is in the other (BREACH).
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

// Below squeezeLeast an answer is one packet either way.
const (
	compressMin = 1 << 10
	compressMax = 256 << 10
)

func compressBody(w *http.Response, r *http.Request, codings []Coding) {
	if w.Status() == http.StatusNotModified {
		vary(w) // as the answer has that it stands for
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

// mayChange reports whether the body may become another.
func mayChange(w *http.Response) bool {
	etag := w.Header("ETag")
	return w.Status() != http.StatusPartialContent && w.Header("Content-Encoding") == "" &&
		!listed(w.Header("Cache-Control"), "no-transform") && (etag == "" || strings.HasPrefix(etag, "W/"))
}

// vary tells caches that there are several of this answer.
func vary(w *http.Response) {
	if v := w.Header("Vary"); !listed(v, "Accept-Encoding") && !listed(v, "*") {
		w.Add("Vary", "Accept-Encoding")
	}
}

// compressible reports whether bodies of a type get smaller. What is packed
// already does not.
func compressible(contentType string) bool {
	t, _, _ := strings.Cut(contentType, ";")
	t = strings.ToLower(strings.Trim(t, " \t"))
	switch {
	case strings.HasPrefix(t, "text/"):
		return t != "text/event-stream" // to be read as it comes
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

// choose returns the coding that a client likes best, nil if it likes none, and
// whether it takes the body as it is. A client that takes nothing at all is given
// that too (RFC 9110 section 12.5.3).
func choose(accept string, codings []Coding) (best *Coding, plainly bool) {
	star, _ := qvalue(accept, "*")
	identity, named := qvalue(accept, "identity")
	if !named {
		identity = star
	}
	plainly = identity != 0
	most := max(0, identity-1) // what is liked as much as that is smaller
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

// qvalue returns the weight, in thousandths, that a list gives to a name, and
// whether it names it; if not, the weight is -1.
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

// thousandths reads "q=0.5" (RFC 9110 section 12.4.2). What is no weight counts as
// 0: it was meant as one.
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
