package middleware

import (
	"crypto/rand"
	"encoding/base32"
	"strconv"

	"github.com/bobbin-http/bobbin/http"
)

// RequestID gives each request a name that a client, a proxy and a log can agree
// on, in the field X-Request-Id of its answer. While the request is handled,
// w.Field("X-Request-Id") returns it.
//
// A name is a random prefix of this RequestID and a counter: nobody else makes the
// same, and anybody can guess the next, so that it must not be used as a secret.
//
// A RequestID goes outside of http.Blocking, and belongs to one loop.
type RequestID struct {
	// Trust takes over the name that a request has already. That is for a server
	// behind a proxy of one's own, which sets it: others would choose names that
	// exist.
	Trust bool

	name []byte // prefix and room for the counter
	last uint64
}

const requestIDField = "X-Request-Id"

// prefixSize is how many random bytes tell the names of one process from those of
// others.
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
			name = id.next()
		}
		w.Add(requestIDField, name)
		w.OnHead(func(w *http.Response) {
			// An answer that failed has lost its fields, and needs this one most.
			if w.Header(requestIDField) == "" {
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

// isRequestID holds what a proxy sends to signs that mean nothing in logs, and to
// a length.
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
