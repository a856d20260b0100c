package middleware

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// RealIP finds the client behind trusted proxies, so that Request.ClientAddr is the
// client's address and not the proxy's. Each proxy appends the address of its peer to
// a list, and the part before that may be forged: so the list is read from its end,
// for as long as the address before was a trusted proxy's. A malformed or hidden
// address ends the reading.
//
// Request.Scheme is then the client's, too, as the proxy has it in X-Forwarded-Proto, or in
// the same element of Forwarded. The name of the host is left to the proxy, which should pass
// Host on: most proxies pass X-Forwarded-Host as a client has forged it.
//
// A RealIP goes outside of all middleware that uses the address, and outside of
// http.Blocking.
type RealIP struct {
	// Trusted are the proxies. Other peers are not trusted.
	Trusted []netip.Prefix

	// UnixSocket trusts all peers on Unix sockets.
	UnixSocket bool

	// Field is the header with the addresses: "X-Forwarded-For" if empty, another one
	// of that form, or "Forwarded", which is parsed by RFC 7239. It must be the
	// header that the proxies set: they pass others through as the client has forged
	// them. So one header counts, and where a request has both, the other means nothing.
	// A proxy that sends the other one alone is named in the log.
	Field string
}

// ParsePrefixes parses a list of addresses and networks, separated by commas:
// "192.0.2.1, 10.0.0.0/8, 2001:db8::/32".
func ParsePrefixes(list string) (prefixes []netip.Prefix, err error) {
	for s := range strings.SplitSeq(list, ",") {
		p, err := parsePrefix(strings.TrimSpace(s))
		if err != nil {
			return nil, err
		}
		prefixes = append(prefixes, p)
	}
	return prefixes, nil
}

func parsePrefix(s string) (p netip.Prefix, err error) {
	if a, err := netip.ParseAddr(s); err == nil {
		if a.Zone() != "" {
			return p, fmt.Errorf("%q has a zone, and client addresses have none: did you mean %q?", s, a.WithZone(""))
		}
		p = netip.PrefixFrom(a, a.BitLen())
	} else if p, err = netip.ParsePrefix(s); err != nil {
		return p, fmt.Errorf("%q is not an address or a network, such as 10.0.0.0/8 or 2001:db8::/32", s)
	}
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96) // the form of client addresses
	}
	if m := p.Masked(); m != p {
		return p, fmt.Errorf("%q is an address in the network %s: did you mean %q or %q?", s, m, m, p.Addr())
	}
	return p, nil
}

// Wrap is the http.Middleware.
func (ip RealIP) Wrap(next http.Handler) http.Handler {
	field := strings.ToLower(ip.Field)
	if field == "" {
		field = "x-forwarded-for"
	}
	read, other := readAddrs, "forwarded"
	if field == "forwarded" {
		read, other = readForwarded, "x-forwarded-for"
	}
	warned := false
	return func(w *http.Response, r *http.Request) error {
		if !ip.trusts(r.RemoteAddr().Addr()) {
			return next(w, r)
		}
		if r.HeaderBytes(field) == nil {
			if !warned && r.HeaderBytes(other) != nil {
				warned = true
				r.Loop().Warn("a trusted proxy sends "+other+" and not "+field+": name the field that it sets (--trust-field, or RealIP.Field), or its clients are taken for one",
					"proxy", r.RemoteAddr().Addr())
			}
			return next(w, r)
		}
		if client := ip.find(lines(r, field), read); client.addr.IsValid() {
			r.SetClientAddr(client.addr)
			r.SetScheme(strings.ToLower(client.scheme))
		}
		if other == "forwarded" {
			r.SetScheme(strings.ToLower(only(lines(r, "x-forwarded-proto"))))
		}
		return next(w, r)
	}
}

// only returns the only value of a field, and "" if there are several: which of them is the
// client's is not certain.
func only(values []string) string {
	if len(values) != 1 {
		return ""
	}
	return values[0]
}

// A hop is one party on the way of a request, as the next one tells of it.
type hop struct {
	addr   netip.Addr // not valid if it is hidden or malformed
	scheme string     // by which it has asked; "" if that is not told
}

// Trusts reports whether the peer at an address is one of the proxies. It is for
// eventloop.Config.Proxies.
func (ip *RealIP) Trusts(a netip.Addr) bool { return ip.trusts(a) }

// trusts reports whether a peer is trusted. A peer on a Unix socket has no address.
func (ip *RealIP) trusts(a netip.Addr) bool {
	if !a.IsValid() {
		return ip.UnixSocket
	}
	return within(ip.Trusted, a)
}

// within reports whether one of the networks has an address.
func within(networks []netip.Prefix, a netip.Addr) bool {
	for _, n := range networks {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// lines returns the values of all headers of a name, in order.
func lines(r *http.Request, name string) (list []string) {
	for n, value := range r.Headers() {
		if negotiate.EqualFold(n, name) {
			list = append(list, value)
		}
	}
	return list
}

// find returns the last party whose address is certain, or the zero one.
func (ip *RealIP) find(fields []string, read func(string) []hop) (certain hop) {
	for _, field := range slices.Backward(fields) {
		for _, one := range slices.Backward(read(field)) {
			if !one.addr.IsValid() {
				return certain
			}
			if certain = one; !ip.trusts(one.addr) {
				return certain
			}
		}
	}
	return certain
}

// readAddrs parses a list of addresses. An invalid one becomes the zero Addr.
func readAddrs(field string) (list []hop) {
	for s := range strings.SplitSeq(field, ",") {
		if s = strings.Trim(s, " \t"); s != "" { // RFC 9110 section 5.6.1.2
			list = append(list, hop{addr: readAddr(s)})
		}
	}
	return list
}

// readAddr parses an address, with an optional port and, for IPv6, optional brackets.
// Some proxies write these.
func readAddr(s string) netip.Addr {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.WithZone("").Unmap()
	}
	if inner, ok := strings.CutPrefix(s, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); ok && strings.Contains(inner, ":") {
			a, _ := netip.ParseAddr(inner)
			return a.WithZone("").Unmap()
		}
	}
	a, _ := netip.ParseAddrPort(s)
	return a.Addr().WithZone("").Unmap()
}

// readForwarded parses a Forwarded header (RFC 7239 section 4): elements separated by
// commas, each of pairs separated by semicolons, with values that may be quoted. An
// element without an address becomes the zero Addr. A malformed header becomes a
// single zero Addr, because it is unclear where its elements begin.
func readForwarded(field string) (list []hop) {
	malformed := []hop{{}}
	for s := field; ; s = s[1:] {
		var one hop
		var seen [2]bool // for and proto, which come once
		for {
			var name, value string
			var ok bool
			name, value, s, ok = cutPair(s)
			if !ok {
				return malformed
			}
			if negotiate.EqualFold(name, "for") {
				if seen[0] {
					return malformed
				}
				one.addr, seen[0] = readAddr(value), true
			}
			if negotiate.EqualFold(name, "proto") {
				if seen[1] {
					return malformed
				}
				one.scheme, seen[1] = value, true
			}
			if s == "" || s[0] != ';' {
				break
			}
			s = s[1:]
		}
		list = append(list, one)
		if s == "" {
			return list
		}
		if s[0] != ',' {
			return malformed
		}
	}
}

// cutPair parses "name=value" at the beginning of s, with optional blanks around it,
// and returns the rest.
func cutPair(s string) (name, value, rest string, ok bool) {
	const blanks = " \t"
	name, rest, ok = strings.Cut(strings.TrimLeft(s, blanks), "=")
	if !ok || name == "" || strings.ContainsAny(name, " \t;,\"") {
		return "", "", "", false
	}
	if !strings.HasPrefix(rest, `"`) {
		end := strings.IndexAny(rest, " \t;,\"")
		if end < 0 {
			end = len(rest)
		}
		value, rest = rest[:end], strings.TrimLeft(rest[end:], blanks)
		return name, value, rest, value != ""
	}
	var b strings.Builder
	for i := 1; i < len(rest); i++ {
		switch c := rest[i]; {
		case c == '"':
			return name, b.String(), strings.TrimLeft(rest[i+1:], blanks), true
		case c == '\\' && i+1 < len(rest):
			i++
			b.WriteByte(rest[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", "", false
}
