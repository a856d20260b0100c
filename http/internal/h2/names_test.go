package h2

import (
	"strings"
	"testing"

	"golang.org/x/net/http2/hpack"
)

// TestStaticTable compares every entry with hpack's.
func TestStaticTable(t *testing.T) {
	for n := range uint32(staticCount) {
		p := appendInteger(nil, indexedBit, indexedMask, n+1)
		want, err := hpack.NewDecoder(0, func(hpack.HeaderField) {}).DecodeFull(p)
		if err != nil {
			t.Fatal(err)
		}
		var b Block
		if err := NewDecoder(0).Decode(p, &b, ample); err != nil {
			t.Fatal(err)
		}
		checkBlock(t, &b)
		if got := lines(&b); got != want[0].Name+": "+want[0].Value+"\n" {
			t.Errorf("entry %d is %q, want %v", n+1, got, want[0])
		}
	}
}

// TestKnownNames finds every name by its number, and no others.
func TestKnownNames(t *testing.T) {
	numbers := map[Name]string{
		NameAuthority: ":authority", NameMethod: ":method", NamePath: ":path", NameScheme: ":scheme", NameStatus: ":status",
		NameContentLength: "content-length", NameContentType: "content-type", NameCookie: "cookie", NameDate: "date",
		NameExpect: "expect", NameHost: "host", NameServer: "server", NameSetCookie: "set-cookie",
		NameTransferEncoding: "transfer-encoding", NameProtocol: ":protocol", NameConnection: "connection",
		NameKeepAlive: "keep-alive", NameProxyConnection: "proxy-connection", NameTE: "te", NameUpgrade: "upgrade",
		NamePriority: "priority",
	}
	for n, name := range numbers {
		if n.String() != name {
			t.Errorf("name %d is %q, want %q", n, n, name)
		}
	}
	for _, f := range staticFields {
		name := f[0]
		n := nameOf([]byte(name))
		if n.String() != name {
			t.Errorf("%q is number %d, %q", name, n, n)
		}
		upper := strings.ToUpper(name)
		if NameOf(name) != n || NameOf([]byte(upper)) != n || nameOf([]byte(upper)) != NameOther {
			t.Errorf("%q in upper case is number %d for HTTP/1.1 and %d here", name, NameOf(upper), nameOf([]byte(upper)))
		}
		for i := range len(name) {
			other := []byte(name)
			other[i] ^= 0x80
			if nameOf(other) != NameOther || NameOf(other) != NameOther || nameOf(other[:i]) == n || NameOf(other[:i]) == n {
				t.Errorf("%q is taken for %q", other, name)
			}
		}
	}
	if got := NameOf(""); got != NameOther || got.String() != "" {
		t.Errorf("no name is number %d, %q", got, got)
	}
	if got := NameOf("\x1apath"); got != NameOther { // ":" without the bit that tells upper case
		t.Errorf("a control character is taken for a colon: %v", got)
	}
}

// TestConnectionSpecific lists the fields of RFC 9113 section 8.2.2.
func TestConnectionSpecific(t *testing.T) {
	for _, name := range []string{"Connection", "keep-alive", "Proxy-Connection", "transfer-encoding", "UPGRADE"} {
		if !ConnectionSpecific(name) || !ConnectionSpecific([]byte(name)) || !NameOf(name).ConnectionSpecific() {
			t.Errorf("%s is not about the connection", name)
		}
	}
	for _, name := range []string{"", "te", "trailer", "host", "content-length", "connections", "x-connection"} {
		if ConnectionSpecific(name) {
			t.Errorf("%s is about the connection", name)
		}
	}
	for value, want := range map[string]bool{"trailers": true, "Trailers": true, "": false, "gzip": false, "trailers, gzip": false, "trailers ": false, "trailerz": false} {
		if got := ValidTE([]byte(value)); got != want {
			t.Errorf("TE may be %q: %v", value, got)
		}
	}
}
