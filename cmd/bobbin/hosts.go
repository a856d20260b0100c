package main

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// A page of a stranger's site, open in a browser on this machine, may ask a server on
// loopback for its files: the stranger's name need only resolve to 127.0.0.1 by the
// time it asks (DNS rebinding), and for the browser both are one site. What gives that
// away is the Host. So where nothing but loopback is listened at, only names are
// answered to that a stranger cannot have.

// A hostGuard says which those are.
type hostGuard struct {
	names   []string // in lower case: --host and --domain
	covered func(host string) bool
	trusted func(peer netip.Addr) bool
	tls     bool // requests over TLS are guarded; plain ones if there is no TLS, or if redirect is
	plain   bool
}

// guardHosts returns the guard for what was typed, or nil if none is needed.
func (o *options) guardHosts(a *globalMiddleware) *hostGuard {
	main := onLoopback(o.at)
	g := &hostGuard{tls: main, plain: main}
	if o.https.on() {
		g.plain = o.https.redirect != "" && onLoopback([]string{o.https.redirect})
	}
	if !g.tls && !g.plain {
		return nil
	}
	for _, name := range append(o.hosts, o.https.domains...) {
		g.names = append(g.names, strings.ToLower(name))
	}
	if o.https.store != nil {
		g.covered = o.https.store.Covers
	}
	if a.proxies != nil {
		g.trusted = a.proxies.Trusts
	}
	return g
}

// onLoopback reports whether of some addresses one is on loopback, and none is one
// that others reach. Unix sockets are neither.
func onLoopback(addresses []string) (some bool) {
	for _, s := range addresses {
		list, err := eventloop.ParseAddress(s)
		if err != nil {
			return false // which was said before
		}
		for _, at := range list {
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

// wrap guards a handler, for one loop.
func (g *hostGuard) wrap(next http.Handler) http.Handler {
	if g == nil {
		return next
	}
	var passed []byte // the last Host that did: nearly always it is the same again
	return func(w *http.Response, r *http.Request) error {
		host := r.HostBytes()
		if bytes.Equal(host, passed) {
			return next(w, r)
		}
		if guarded := g.tls && r.TLS() != nil || g.plain && r.TLS() == nil; !guarded || g.passes(r, string(host)) {
			return next(w, r)
		}
		if !g.knows(nameOf(string(host))) {
			return misdirected(nameOf(string(host)))
		}
		passed = append(passed[:0], host...)
		return next(w, r)
	}
}

// passes reports whether a request is answered whatever its Host: without one, which
// no browser sends, on a Unix socket, and by a proxy that is trusted.
func (g *hostGuard) passes(r *http.Request, host string) bool {
	peer := r.RemoteAddr()
	return host == "" || !peer.IsValid() || g.trusted != nil && g.trusted(peer.Addr())
}

// nameOf returns the host's name, or its address, without the port, the dot that may
// end it, and capitals.
func nameOf(host string) string {
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	return strings.ToLower(strings.TrimSuffix(host, "."))
}

// knows reports whether a name is none that a stranger can have.
func (g *hostGuard) knows(name string) bool {
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true // RFC 6761 section 6.3
	}
	if _, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")); err == nil {
		return true
	}
	for _, own := range g.names {
		if name == own {
			return true
		}
	}
	return g.covered != nil && g.covered(name)
}

func misdirected(name string) error {
	if len(name) > 253 {
		name = "that"
	}
	return http.StatusMisdirectedRequest.Because(fmt.Sprintf("this server is for this machine only, and does not answer to the name %s: if it is one of its own, start it with --host %s", name, name))
}

// checkHosts finds names that no Host can be.
func checkHosts(names []string) error {
	for _, name := range names {
		u := strings.TrimSuffix(name, ".")
		if i := strings.LastIndexByte(u, ':'); strings.Contains(u, "/") || i >= 0 && !strings.HasSuffix(u, "]") && strings.Count(u, ":") == 1 {
			return fmt.Errorf("--host: %q is no name alone: leave out the scheme, the port and the path", name)
		}
		if u == "" || strings.ContainsAny(u, " *,\t\r\n") {
			return fmt.Errorf("--host: %q is no name of a host, such as dev.example", name)
		}
	}
	return nil
}
