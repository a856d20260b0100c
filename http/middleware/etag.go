package middleware

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/bobbin-http/bobbin/http"
)

// ETag gives an answer to GET and HEAD whose body is in memory an entity tag, and
// answers 304 to a client that has that body already (RFC 9110 section 13.1.2). The
// handler does its work all the same; what is saved is the way.
//
// The tag is made of the body, so that it is the same after a restart and on
// another machine. It has to be computed on the loop: 256 KiB take a sixth of a
// millisecond where the processor helps, and a larger body gets no tag. Nor does an
// answer that has one, or that may not be stored.
//
// ETag goes outside of http.Blocking, and of Compress: a body has another tag when
// it is compressed.
func ETag(next http.Handler) http.Handler {
	return func(w *http.Response, r *http.Request) error {
		if m := r.Method(); m == http.MethodGet || m == http.MethodHead {
			w.OnHead(func(w *http.Response) { tag(w, r) })
		}
		return next(w, r)
	}
}

// tagMax is the largest body that gets a tag.
const tagMax = 256 << 10

func tag(w *http.Response, r *http.Request) {
	if w.Status() != http.StatusOK {
		return
	}
	body, whole := w.BodyBytes()
	if !whole || len(body) == 0 {
		return // of HEAD, a handler may have left the body out
	}
	etag := w.Header("ETag")
	if etag == "" {
		if len(body) > tagMax || listed(w.Header("Cache-Control"), "no-store") {
			return
		}
		etag = tagOf(body)
		w.Add("ETag", etag)
	}
	if matchesTag(r, etag) {
		w.SetStatus(http.StatusNotModified)
		w.SetBody(nil)
	}
}

// tagOf makes a strong tag of 120 bits: enough for tags that are the same by
// chance never to be met, and whoever makes two bodies with one tag on purpose
// deceives himself.
func tagOf(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:15]) + `"`
}

// matchesTag reports whether the client has what the tag stands for. The comparison
// is the weak one: a client only wants to know whether it needs the body.
func matchesTag(r *http.Request, etag string) bool {
	if r.HeaderBytes("if-none-match") == nil {
		return false
	}
	opaque := strings.TrimPrefix(etag, "W/")
	for _, list := range lines(r, "if-none-match") {
		if hasTag(list, opaque) {
			return true
		}
	}
	return false
}

// hasTag looks for a tag, without what makes it weak, in a list of them. A list is
// read until it is malformed.
func hasTag(list, opaque string) bool {
	if strings.Trim(list, " \t") == "*" {
		return true
	}
	for {
		list = strings.TrimPrefix(strings.TrimLeft(list, " \t,"), "W/")
		if list == "" || list[0] != '"' {
			return false
		}
		end := strings.IndexByte(list[1:], '"')
		if end < 0 {
			return false
		}
		if list[:end+2] == opaque {
			return true
		}
		list = list[end+2:]
	}
}

// listed reports whether a word is in a list, without regard to case or to what
// it is said to be equal to.
func listed(list, word string) bool {
	for element := range strings.SplitSeq(list, ",") {
		name, _, _ := strings.Cut(element, "=")
		if strings.EqualFold(strings.Trim(name, " \t"), word) {
			return true
		}
	}
	return false
}
