package http

import (
	"strings"

	"github.com/bobbin-http/bobbin/http/internal/h1"
)

// OPTIONS asks for the methods that a server has for a path; some are not HTTP's own.

// MethodNotAllowed returns the answer to a request whose method the handler does not serve:
// 405 with Allow, a list such as "GET, HEAD" (RFC 9110 section 15.5.6). OPTIONS asks for
// that list, so its answer is 204, and the list has OPTIONS as well (RFC 9110 section
// 9.3.7). Balancers ask so whether a server lives; HAProxy's "option httpchk" does.
func MethodNotAllowed(w *Response, r *Request, allow string) error {
	if r.x.head.Method == h1.MethodOptions {
		w.Add("Allow", allow+", "+MethodOptions)
		return StatusNoContent
	}
	w.Add("Allow", allow)
	return StatusMethodNotAllowed
}

// warnOfMethods logs, once, that patterns of a Router have methods that the server refuses.
func (s *Server) warnOfMethods(methods []string) {
	if s.anyMethod || s.warnedOfMethods {
		return
	}
	s.warnedOfMethods = true
	s.log.Warn("patterns name methods that are answered by 501: Config.AnyMethod lets handlers have them", "methods", strings.Join(methods, ", "))
}
