package middleware

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// ETag gives an entity tag to answers to GET and HEAD whose body is in memory, and
// answers 304 to clients that have the body (RFC 9110 section 13.1.2). The handler
// runs in any case; only the transfer is saved.
//
// The tag is a hash of the body, so it is the same after a restart and on other
// machines. The hash is computed on the loop: 256 KiB take a sixth of a millisecond
// with hardware support, and larger bodies get no tag. Answers that have a tag keep
// it, and those with no-store get none.
//
// ETag goes outside of http.Blocking and of Compress, because a compressed body has
// another tag.
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
		return // a handler may have left out the body of HEAD
	}
	etag := w.Header("ETag")
	if etag == "" {
		if len(body) > tagMax || negotiate.Lists(w.Header("Cache-Control"), "no-store") {
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

// tagOf returns a strong tag of 120 bits. That is enough against accidental
// collisions; a site that makes deliberate ones harms only itself.
func tagOf(body []byte) string {
	sum := sha256.Sum256(body)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:15]) + `"`
}

// matchesTag reports whether the client has the tagged body. If-None-Match uses the
// weak comparison.
func matchesTag(r *http.Request, etag string) bool {
	if r.HeaderBytes("if-none-match") == nil {
		return false
	}
	opaque, weak := strings.CutPrefix(etag, "W/")
	for _, list := range lines(r, "if-none-match") {
		if negotiate.HasTag(list, opaque, weak, true) {
			return true
		}
	}
	return false
}
