package inspect

import (
	"crypto/subtle"
	"net/netip"
	"slices"
	"strings"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// Who may look, and who may press. Each refusal says its reason to the visitor, who
// most likely is the operator.

// mayLook returns nil if this client may see the loops, or else the answer. The connection of
// one who may is left out of all figures, because watching is work.
func (v *visit) mayLook() error {
	if name := forwarding(v.r); name != "" {
		return forbidden("the request has come through a proxy, as its field " + name + " says: ask the server itself, from its own machine")
	}
	if err := v.mayCome(); err != nil {
		return err
	}
	if !v.isOwn() {
		return forbidden("a page of another site has asked: open /-/xray of this server in a tab of its own")
	}
	v.r.LeaveOut()
	return nil
}

// MayLook returns nil if a request to the operator's address may see the loops, or else
// the answer, for other paths of that address.
func (i *Inspector) MayLook(r *http.Request) error {
	v := visit{inspector: i, r: r, loop: -1}
	return v.mayLook()
}

// mayCome checks where a request comes from, and the name that it asks for: that of its
// target, and that of its Host, which is another one if a browser takes us for a proxy.
func (v *visit) mayCome() error {
	target := nameOf(v.r.Host())
	field := target
	if host := v.r.Header("Host"); host != "" {
		field = nameOf(host)
	}
	if v.loop < 0 {
		if v.isOperators(target) && v.isOperators(field) {
			return nil
		}
		return forbidden("the operator's address answers to IP addresses, localhost and the names of --host, and not to this one")
	}
	peer := v.r.RemoteAddr().Addr()
	switch {
	case v.r.ProtoMajor() == 1 && v.r.ProtoMinor() == 0: // nginx tells of itself by this alone, if it is not told to do more
		return forbidden("the request is of HTTP/1.0, which proxies speak and browsers do not: ask the server itself, from its own machine")
	case !peer.IsValid():
		return forbidden("a Unix socket does not tell who asks: ask at a TCP address of this machine")
	case !peer.IsLoopback():
		return forbidden("the loops are shown to this machine only: open http://localhost there, or start the server with --admin")
	case !isLocal(target) || !isLocal(field):
		return forbidden("the loops are shown at localhost, 127.0.0.1 and [::1], and not at another name")
	}
	return nil
}

// isLocal reports whether a name in Host is one that no other site can have.
func isLocal(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "[::1]" }

// isOperators reports whether the operator's address answers to a name.
func (v *visit) isOperators(host string) bool {
	return isAddress(host) || slices.ContainsFunc(*v.inspector.hosts.Load(), func(name string) bool { return negotiate.EqualFold(name, host) })
}

// mayPress returns nil if this client may press a button with a token, or else the answer.
func (v *visit) mayPress(token string) error {
	if err := v.mayLook(); err != nil {
		return err
	}
	switch {
	case !v.isNear():
		return forbidden("only a browser on the server's own machine may press this")
	case v.r.Header("Origin") == "":
		return forbidden("the request has no Origin: press the button on /-/xray")
	case subtle.ConstantTimeCompare([]byte(token), []byte(v.inspector.token)) != 1:
		return forbidden("the token is not that of this server: load /-/xray again, which has the one of today")
	}
	return nil
}

// isOwn reports whether a request was made by this site's own page, by a person, or by a
// program. A browser tells of the page that asks, by Origin for most requests and by
// Sec-Fetch-Site for all. To go to the page from elsewhere is fine: it cannot be framed.
func (v *visit) isOwn() bool {
	if origin := v.r.Header("Origin"); origin != "" && origin != v.origin() {
		return false
	}
	switch v.r.Header("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return true
	}
	return v.r.Header("Sec-Fetch-Mode") == "navigate" && v.r.Header("Sec-Fetch-Dest") == "document" && v.r.Method() == http.MethodGet
}

// origin is the Origin of this site's own pages (RFC 6454 section 6.2).
func (v *visit) origin() string {
	scheme := "http://"
	if v.r.TLS() != nil {
		scheme = "https://"
	}
	return scheme + strings.ToLower(v.r.Host())
}

// proxyFields are the fields that only proxies add, beside those that begin with
// X-Forwarded: of RFC 7239 and RFC 9110 section 7.6.3, and of nginx, Cloudflare, Akamai,
// Fastly, Fly, Envoy and Google.
var proxyFields = []string{
	"forwarded", "via", "x-real-ip", "cf-connecting-ip", "true-client-ip", "fastly-client-ip", "fly-client-ip",
	"x-client-ip", "x-cluster-client-ip", "x-original-forwarded-for", "x-envoy-external-address", "x-cloud-trace-context",
}

// forwarding returns the first field of a request that only proxies add, "" for none.
func forwarding(r *http.Request) string {
	const prefix = "x-forwarded"
	for name := range r.HeadersBytes() {
		if len(name) >= len(prefix) && negotiate.SameFold(name[:len(prefix)], prefix) {
			return string(name)
		}
		for _, known := range proxyFields {
			if negotiate.SameFold(name, known) {
				return string(name)
			}
		}
	}
	return ""
}

// nameOf returns the name or the address of a Host without its port, in lower case.
func nameOf(host string) string {
	if at := strings.LastIndexByte(host, ':'); at >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:at]
	}
	return strings.ToLower(host)
}

// isAddress reports whether a name in Host cannot be that of another site.
func isAddress(host string) bool {
	if host == "localhost" {
		return true
	}
	inside, bracketed := strings.CutPrefix(host, "[")
	inside, closed := strings.CutSuffix(inside, "]")
	a, err := netip.ParseAddr(inside)
	return err == nil && bracketed == closed && bracketed == a.Is6()
}

func forbidden(why string) error { return http.StatusForbidden.Because(why) }

// isNear reports whether the client is on this machine.
func (v *visit) isNear() bool { return v.r.RemoteAddr().Addr().IsLoopback() }
