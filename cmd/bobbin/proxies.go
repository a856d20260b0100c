package main

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/bobbin-http/bobbin/http/middleware"
)

// The proxies in front: which peers they are (--trust), and which of their connections begin
// with a header of the PROXY protocol (--proxy-protocol).

// defaultField is the field that most proxies set.
const defaultField = "X-Forwarded-For"

// allListeners is the value of --proxy-protocol that is given alone.
const allListeners = "all"

// trust returns the proxies of --trust, or nil if there are none. Beside them, all peers on
// Unix sockets are trusted.
func (o *options) trust() (*middleware.RealIP, error) {
	if len(o.global.trusted) == 0 {
		if len(o.global.headers) > 0 {
			return nil, errors.New("--proxy-protocol needs --trust: name the proxies that send the header, because any other client could choose its address by one")
		}
		if o.global.field != defaultField {
			return nil, errors.New("--trust-field needs --trust: name the proxies that set the field, because any other client could choose its address by it")
		}
		return nil, nil
	}
	if !isFieldName(o.global.field) {
		return nil, fmt.Errorf("--trust-field: %q is not the name of a header, such as %s or Forwarded", o.global.field, defaultField)
	}
	prefixes, err := middleware.ParsePrefixes(strings.Join(o.global.trusted, ","))
	if err != nil {
		return nil, fmt.Errorf("--trust: %w", err)
	}
	for _, listener := range o.global.headers {
		if known := o.listeners(); listener != allListeners && !slices.Contains(known, listener) {
			return nil, fmt.Errorf("--proxy-protocol=%s: there is no such listener%s Write it as --listen has it, one of %s, or --proxy-protocol alone for all",
				listener, cmp.Or(meant(listener, known), "."), strings.Join(known, ", "))
		}
	}
	return &middleware.RealIP{Trusted: prefixes, UnixSocket: true, Field: o.global.field}, nil
}

// isFieldName reports whether a header may have this name (RFC 9110 section 5.1), in the letters
// that names of headers have.
func isFieldName(name string) bool {
	return name != "" && strings.Trim(strings.ToLower(name), "abcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

// listeners returns the addresses on which the site is served.
func (o *options) listeners() []string {
	if o.https.redirect == "" {
		return o.at
	}
	return append(slices.Clone(o.at), o.https.redirect)
}

// expectsHeader returns http.Config.ProxyProtocol, or nil if no header is expected. A peer that
// is not trusted speaks HTTP at once, so that checks of health and people on the network of the
// proxies reach the server: it is accounted to its own address, and gains nothing by that.
func (o *options) expectsHeader(from *middleware.RealIP) func(listener string, peer netip.Addr) bool {
	if len(o.global.headers) == 0 {
		return nil
	}
	all := slices.Contains(o.global.headers, allListeners)
	return func(listener string, peer netip.Addr) bool {
		return (all || slices.Contains(o.global.headers, listener)) && from.Trusts(peer)
	}
}
