package middleware

import (
	"net/netip"

	"github.com/bobbin-http/bobbin/http"
)

// Access decides by the address of the client who is served: 403 is the answer to all
// others. It reads Request.ClientAddr, so it goes inside of RealIP, if there is one. A
// client on a Unix socket has no address and is served; the file's mode says who may
// connect.
//
// Both lists are walked for each request, so they are meant for a hundred networks, not for
// a hundred thousand.
type Access struct {
	// Allow are the networks whose clients are served. Empty means all.
	Allow []netip.Prefix

	// Deny are the networks whose clients are not, also if Allow has them.
	Deny []netip.Prefix
}

// errDenied does not say which list decided.
var errDenied = http.StatusForbidden.Because("this server does not answer to this address")

// Wrap is the http.Middleware. Requests that the server refuses itself keep their answer.
func (a Access) Wrap(next http.Handler) http.Handler {
	return func(w *http.Response, r *http.Request) error {
		if client := r.ClientAddr(); r.Refused() == nil && client.IsValid() && !a.serves(client) {
			return errDenied
		}
		return next(w, r)
	}
}

// serves reports whether a client at an address is served.
func (a *Access) serves(client netip.Addr) bool {
	return !within(a.Deny, client) && (len(a.Allow) == 0 || within(a.Allow, client))
}
