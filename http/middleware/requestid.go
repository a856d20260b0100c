package middleware

import (
	"crypto/rand"
	"encoding/base32"
	"strconv"

	"github.com/bobbin-http/bobbin/http"
)

// RequestID gives each request a unique ID for clients, proxies and logs, in the
// X-Request-Id header of its answer. While the request is handled,
// w.Header("X-Request-Id") returns it.
//
// An ID is a random prefix of this RequestID and a counter: it is unique, but easy to
// guess, so it must not be used as a secret.
//
// A RequestID goes outside of http.Blocking, and belongs to one loop.
type RequestID struct {
	// Trust keeps the ID in the request. Use it only behind a proxy of your own that
	// sets the ID: other clients could choose IDs that exist.
	Trust bool

	name []byte // prefix, with capacity for the counter
	last uint64
}

const requestIDField = "X-Request-Id"

// prefixSize is the number of random bytes in the prefix.
const prefixSize = 10

// Wrap is the http.Middleware.
func (id *RequestID) Wrap(next http.Handler) http.Handler {
	if id.name == nil {
		var p [prefixSize]byte
		rand.Read(p[:])
		id.name = base32.HexEncoding.AppendEncode(nil, p[:])
		id.name = append(id.name, '-')
	}
	return func(w *http.Response, r *http.Request) error {
		name := ""
		if id.Trust {
			name = r.Header(requestIDField)
		}
		if !isRequestID(name) {
			if err := offLoop(r, "RequestID"); err != nil {
				return err
			}
			name = id.next()
		}
		w.Add(requestIDField, name)
		w.OnHead(func(w *http.Response) {
			// A failed answer has lost its headers, and needs this one most.
			if !w.HasHeader(requestIDField) {
				w.Add(requestIDField, name)
			}
		})
		return next(w, r)
	}
}

func (id *RequestID) next() string {
	id.last++
	return string(strconv.AppendUint(id.name, id.last, 10))
}

// isRequestID bounds the length and the characters of a proxy's ID, for the logs.
func isRequestID(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9', 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
		case c == '-', c == '_', c == '.', c == '=', c == '+', c == '/', c == ':':
		default:
			return false
		}
	}
	return 0 < len(s) && len(s) <= 128
}
