// Package proxyproto reads the header of the PROXY protocol, with which a proxy begins a
// connection to tell for whom it has opened it. Both versions of HAProxy's document
// "The PROXY protocol" are read: a line of text, and bytes with a length. It is pure: bytes
// go in, a verdict comes out.
package proxyproto

import (
	"bytes"
	"net/netip"
)

// A Header is what a proxy tells. Both addresses are not valid if the connection is the
// proxy's own, such as a check of health, or if the proxy does not know them.
type Header struct {
	Source      netip.AddrPort // of the client
	Destination netip.AddrPort // that the client has connected to
	Version     int            // 1 or 2
}

// The largest headers. A line of version 1 with the longest addresses is shorter than its
// maximum, which the protocol names. One of version 2 has a length of 16 bits, and a proxy
// that adds the client's certificate to it needs a few KiB.
const (
	MaxV1 = 107
	MaxV2 = 4 << 10
)

// A Refusal is why a connection does not begin with a header that can be used. Each is a
// variable, so that a test can tell which one it got.
type Refusal struct{ reason string }

// Error implements error.
func (r *Refusal) Error() string { return r.reason }

// None says that the connection begins with something else.
var None = &Refusal{"the connection does not begin with a PROXY header"}

// errSource refuses an address that no client has. A server would take such a client for
// one on a Unix socket, which has none.
var errSource = &Refusal{"the client's address in a PROXY header is the unspecified one"}

// checkSource refuses a client without an address.
func (h *Header) checkSource() *Refusal {
	if h.Source.Addr().IsUnspecified() {
		return errSource
	}
	return nil
}

// A Reader is the state of a header that has not come as a whole. The zero value is ready.
type Reader struct {
	seen int // bytes that are known to be right, and that do not end the header
}

// Read reads the header at the beginning of p. At each call for the same connection, p
// begins with the same byte; bytes behind the header are allowed. It returns the size of
// the header, or 0 while more is needed. A byte is looked at twice at most, however small
// the pieces in which it comes.
func (r *Reader) Read(p []byte) (h Header, n int, why *Refusal) {
	switch {
	case len(p) == 0:
		return h, 0, nil
	case p[0] == signature1[0]:
		return r.readV1(p)
	case p[0] == signature2[0]:
		return r.readV2(p)
	}
	return h, 0, None
}

// Begins reports whether bytes that are no request of HTTP begin as a header does. It looks at
// no more bytes than it takes to refuse them, so that it matters not how they were cut.
func Begins(p []byte) bool {
	return bytes.HasPrefix(p, []byte(signature1)) || bytes.HasPrefix(p, []byte(signature2[:5]))
}

// begins reports whether p, as far as it goes, begins as a signature does, from seen on.
func begins(p []byte, signature string, seen int) bool {
	n := min(len(p), len(signature))
	return seen >= n || string(p[seen:n]) == signature[seen:n]
}
