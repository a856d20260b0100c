package main

import (
	"bytes"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// The guard against DNS rebinding. A page of a foreign site, open in a browser on
// this machine, may request files of a server on loopback: the site's name resolves
// to 127.0.0.1 by then, and the browser takes both for one site. The Host header
// gives this away. So a server that listens on loopback only answers to names that a
// foreign site cannot have. One that listens on the network answers to all names, unless
// --host has a list of them: then to these, and to localhost for this machine itself.

// A hostGuard holds the names that are answered.
type hostGuard struct {
	names   []string // from --host and --domain, in lower case
	parts   []*part  // which have names, too
	covered func(host string) bool
	trusted func(peer netip.Addr) bool
	tls     bool // guard requests over TLS; plain: over plain HTTP, which is the redirect if there is TLS
	plain   bool
	only    bool // on the network: names has all that are answered
}

// guardHosts returns the guard for the settings, or nil if none is needed.
func (o *options) guardHosts(a *globalMiddleware) *hostGuard {
	main := onLoopback(o.at)
	g := &hostGuard{tls: main, plain: main, only: !main && len(o.hosts) > 0 && anyOnNetwork(o.at)}
	switch {
	case g.only:
		g.tls, g.plain = true, true
	case o.https.on():
		g.plain = o.https.redirect != "" && onLoopback([]string{o.https.redirect})
	}
	if !g.tls && !g.plain {
		return nil
	}
	for _, name := range append(o.hosts, o.https.domains...) {
		g.names = append(g.names, strings.ToLower(name))
	}
	g.parts = o.parts
	if o.https.store != nil {
		g.covered = o.https.store.Covers
	}
	if a.proxies != nil {
		g.trusted = a.proxies.Trusts
	}
	return g
}

// onLoopback reports whether at least one address is on loopback and none is
// reachable from the network. Unix sockets do not count.
func onLoopback(addresses []string) (some bool) {
	for _, s := range addresses {
		list, err := eventloop.ParseAddress(s)
		if err != nil {
			return false // reported by ParseAddress before
		}
		for _, at := range list {
			if at.FD != 0 {
				at = boundTo(at.FD)
			}
			switch {
			case at.Path != "":
			case !at.IP.Addr().IsLoopback():
				return false
			default:
				some = true
			}
		}
	}
	return some
}

// anyOnNetwork reports whether at least one address is reachable from the network.
func anyOnNetwork(addresses []string) bool {
	return slices.ContainsFunc(addresses, func(s string) bool {
		list, _ := eventloop.ParseAddress(s) // its errors are reported before
		return reachable(list)
	})
}

// wrap guards the handler of one loop.
func (g *hostGuard) wrap(next http.Handler) http.Handler {
	if g == nil {
		return next
	}
	var passed []byte // the last Host that passed: nearly always the next one is the same
	return func(w *http.Response, r *http.Request) error {
		host := r.HostBytes()
		if bytes.Equal(host, passed) {
			return next(w, r)
		}
		if guarded := g.tls && r.TLS() != nil || g.plain && r.TLS() == nil; !guarded || g.passes(r, host) {
			return next(w, r)
		}
		if !g.knows(nameOf(string(host))) {
			return g.misdirected(nameOf(string(host)))
		}
		passed = append(passed[:0], host...)
		return next(w, r)
	}
}

// passes reports whether a request is answered whatever its Host: without a Host,
// which browsers always send; on a Unix socket; from a trusted proxy, or from the client
// that one has named by the PROXY protocol: no other peer comes from another machine.
func (g *hostGuard) passes(r *http.Request, host []byte) bool {
	peer := r.RemoteAddr().Addr()
	if g.only {
		return len(host) == 0 || peer.IsLoopback() && isOwn(nameOf(string(host))) && (g.trusted == nil || !g.trusted(peer))
	}
	return len(host) == 0 || !peer.IsLoopback() || g.trusted != nil && g.trusted(peer)
}

// nameOf returns the name or address of a Host in lower case, without port and final
// dot.
func nameOf(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// knows reports whether a foreign site cannot have this name.
func (g *hostGuard) knows(name string) bool {
	if slices.Contains(g.names, name) || slices.ContainsFunc(g.parts, func(p *part) bool { return p.names(name) > allNames }) {
		return true
	}
	return !g.only && (isOwn(name) || g.covered != nil && g.covered(name))
}

// isOwn reports whether a name is this machine's for all who ask by it: localhost, a name below
// it (RFC 6761 section 6.3), or an address.
func isOwn(name string) bool {
	_, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(name, "["), "]"))
	return err == nil || name == "localhost" || strings.HasSuffix(name, ".localhost")
}

func (g *hostGuard) misdirected(name string) error {
	if len(name) > 253 {
		name = "that"
	}
	if g.only {
		return http.StatusMisdirectedRequest.Because(fmt.Sprintf("this server does not answer to the name %s; to allow the name, start it with --host %[1]s", name))
	}
	return http.StatusMisdirectedRequest.Because(fmt.Sprintf("this server listens on this machine only and does not answer to the name %s; to allow the name, start it with --host %s", name, name))
}

// checkHosts refuses names that no Host header can have.
func checkHosts(names []string) error {
	for _, name := range names {
		u := strings.TrimSuffix(name, ".")
		if i := strings.LastIndexByte(u, ':'); strings.Contains(u, "/") || i >= 0 && !strings.HasSuffix(u, "]") && strings.Count(u, ":") == 1 {
			return fmt.Errorf("--host: %q has a scheme, a port or a path: write the name only", name)
		}
		if u == "" || strings.ContainsAny(u, " *,\t\r\n") {
			return fmt.Errorf("--host: %q is not a host name, such as dev.example", name)
		}
	}
	return nil
}
