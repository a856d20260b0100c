package proxyproto

import (
	"bytes"
	"net/netip"
	"strings"
	"testing"
)

// FuzzHeader holds that a header means the same however it is cut, that it ends where it
// says, that what is behind it changes nothing, and that a client has an address.
func FuzzHeader(f *testing.F) {
	for _, row := range rows {
		f.Add([]byte(strings.Replace(row.p, "|", "", 1)))
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		h, n, why := read(p)
		switch {
		case n > 0 && why != nil, n > len(p), n > MaxV2, h.Version == 1 && n > MaxV1:
			t.Fatalf("of %d bytes, it is %d long, and refused: %v", len(p), n, why)
		case n == 0 && h != Header{}:
			t.Fatalf("it is not read, and yet says %v", h)
		case n > 0 && h.Source.Addr().IsValid() != h.Destination.Addr().IsValid():
			t.Fatalf("it has one address of two: %v", h)
		case h.Source.Addr().IsValid() && (h.Source.Addr() == netip.IPv4Unspecified() || h.Source.Addr() == netip.IPv6Unspecified() || h.Source.Addr().Is4In6()):
			t.Fatalf("its client is at %v", h.Source)
		case n == 0 && why == nil && len(p) >= MaxV2:
			t.Fatal("more is waited for than a header may have")
		}
		var each []int
		for i := range min(len(p), MaxV2+1) {
			each = append(each, i)
		}
		if h2, n2, why2 := read(p, each...); h2 != h || n2 != n || why2 != why {
			t.Fatalf("byte by byte, it is %v of %d bytes, refused: %v; and not %v of %d, refused: %v", h2, n2, why2, h, n, why)
		}
		if n > 0 {
			if h2, n2, why2 := read(append(bytes.Clone(p[:n]), "GET / HTTP/1.1\r\n\r\n"...)); h2 != h || n2 != n || why2 != nil {
				t.Fatalf("before a request, it is %v of %d bytes, refused: %v; and not %v of %d", h2, n2, why2, h, n)
			}
			if _, n2, why2 := read(p[:n-1]); n2 != 0 || why2 != nil {
				t.Fatalf("without its last byte, it is %d bytes long, refused: %v", n2, why2)
			}
		}
	})
}
