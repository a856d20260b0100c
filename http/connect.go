package http

import (
	"errors"

	"github.com/bobbin-http/bobbin/http/internal/h1"
)

// CONNECT asks for a tunnel to a host and a port, which stand in place of a path (RFC 9110
// section 9.3.6). A handler that knows nothing of that would take it for a request for
// "/": so it goes to a handler of its own.

// withConnect returns a handler that has CONNECT answered by one of its own.
func withConnect(other, connect Handler) Handler {
	return func(w *Response, r *Request) error {
		if r.x.head.Method != h1.MethodConnect {
			return other(w, r)
		}
		w.OnHead(mustTunnel)
		return connect(w, r)
	}
}

// errNoTunnel is the error of a handler that answers CONNECT as another request: a client
// takes what follows the head for bytes of the tunnel.
var errNoTunnel = errors.New("http: a handler answers CONNECT by Tunnel, by Hijack, or by a status that is no success")

// mustTunnel makes such an answer a 500.
func mustTunnel(w *Response) {
	if _, ok := w.x.held.(*Tunnel); w.status < 300 && !ok {
		w.fail(errNoTunnel)
		w.status, w.closes = StatusInternalServerError, true
	}
}
