package proxyproto

// Headers that are read or refused. Each row is read as a whole, in two pieces at every
// place, and byte by byte, because a network may cut anywhere.

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"net/netip"
	"strings"
	"testing"
)

// binaryHeader returns a header of version 2 with a command, a family and the rest.
func binaryHeader(command, family byte, rest ...string) string {
	text := strings.Join(rest, "")
	head := append([]byte(signature2), command, family)
	return string(binary.BigEndian.AppendUint16(head, uint16(len(text)))) + text
}

// value returns a TLV.
func value(is byte, text string) string {
	return string(binary.BigEndian.AppendUint16([]byte{is}, uint16(len(text)))) + text
}

// summed puts the checksum of a header in place of the four bytes that are its only "SUM!".
func summed(header string) string {
	zero := strings.Replace(header, "SUM!", "\x00\x00\x00\x00", 1)
	sum := crc32.Checksum([]byte(zero), crc32.MakeTable(crc32.Castagnoli))
	return strings.Replace(header, "SUM!", string(binary.BigEndian.AppendUint32(nil, sum)), 1)
}

const (
	inV4   = "\xc0\x00\x02\x01\xc6\x33\x64\x07\xc3\x50\x01\xbb" // 192.0.2.1:50000 to 198.51.100.7:443
	inV6   = "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01" + "\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02" + "\xc3\x50\x01\xbb"
	mapped = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xc0\x00\x02\x01" + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\xc6\x33\x64\x07" + "\xc3\x50\x01\xbb"
)

var rows = []struct {
	name   string
	p      string
	source string // that is read, "" for none
	to     string
	more   bool     // the header is incomplete
	why    *Refusal // nil if the header is read, to the end of p but for what is behind "|"
}{
	// Version 1.
	{name: "an IPv4 client has a line", p: "PROXY TCP4 192.0.2.1 198.51.100.7 50000 443\r\n", source: "192.0.2.1:50000", to: "198.51.100.7:443"},
	{name: "an IPv6 client has a line", p: "PROXY TCP6 2001:db8::1 2001:DB8::2 50000 443\r\n", source: "[2001:db8::1]:50000", to: "[2001:db8::2]:443"},
	{name: "an IPv4 client in IPv6 is one of IPv4", p: "PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.7 1 2\r\n", source: "192.0.2.1:1", to: "198.51.100.7:2"},
	{name: "what is behind a line is the client's", p: "PROXY TCP4 192.0.2.1 198.51.100.7 50000 443\r\n|GET / HTTP/1.1\r\n\r\n", source: "192.0.2.1:50000", to: "198.51.100.7:443"},
	{name: "the longest line fits", p: "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n",
		source: "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", to: "[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
	{name: "a port may be 0", p: "PROXY TCP4 192.0.2.1 198.51.100.7 0 0\r\n", source: "192.0.2.1:0", to: "198.51.100.7:0"},
	{name: "UNKNOWN names no client", p: "PROXY UNKNOWN\r\n"},
	{name: "what UNKNOWN adds is skipped", p: "PROXY UNKNOWN ffff::1 what ever\x00 1 2\r\n"},
	{name: "UNKNOWN may be as long as any line", p: "PROXY UNKNOWN" + " " + strings.Repeat("x", MaxV1-16) + "\r\n"},
	{name: "a line that has not ended is waited for", p: "PROXY TCP4 192.0.2.1 198.51.100.7 50000 443\r", more: true},
	{name: "the first letter alone is waited for", p: "P", more: true},
	{name: "nothing is waited for", p: "", more: true},
	{name: "a line of 108 bytes is too long", p: "PROXY UNKNOWN " + strings.Repeat("x", MaxV1-15) + "\r\n", why: errLong1},
	{name: "a line without an end is too long", p: "PROXY " + strings.Repeat("x", 200), why: errLong1},
	{name: "a newline alone ends no line", p: "PROXY UNKNOWN\n", why: errEnd1},
	{name: "a CR without LF ends no line", p: "PROXY UNKNOWN\rGET", why: errEnd1},
	{name: "another method is no header", p: "PUT / HTTP/1.1\r\n", why: None},
	{name: "a request is no header", p: "GET / HTTP/1.1\r\n\r\n", why: None},
	{name: "small letters are no header", p: "proxy UNKNOWN\r\n", why: None},
	{name: "a ClientHello is no header", p: "\x16\x03\x01\x02\x00\x01", why: None},
	{name: "two spaces are one too many", p: "PROXY TCP4  192.0.2.1 198.51.100.7 50000 443\r\n", why: errFields1},
	{name: "a space at the end is one too many", p: "PROXY TCP4 192.0.2.1 198.51.100.7 50000 443 \r\n", why: errFields1},
	{name: "a port is missing", p: "PROXY TCP4 192.0.2.1 198.51.100.7 50000\r\n", why: errFields1},
	{name: "the addresses are missing", p: "PROXY TCP4\r\n", why: errFields1},
	{name: "the protocol is missing", p: "PROXY \r\n", why: errProto1},
	{name: "UDP is none of its protocols", p: "PROXY UDP4 192.0.2.1 198.51.100.7 50000 443\r\n", why: errProto1},
	{name: "UNKNOWNS is none of its protocols", p: "PROXY UNKNOWNS\r\n", why: errProto1},
	{name: "TCP4 has no IPv6 address", p: "PROXY TCP4 2001:db8::1 2001:db8::2 50000 443\r\n", why: errAddress1},
	{name: "TCP6 has no IPv4 address", p: "PROXY TCP6 192.0.2.1 198.51.100.7 50000 443\r\n", why: errAddress1},
	{name: "a zone is no part of an address", p: "PROXY TCP6 fe80::1%eth0 2001:db8::2 50000 443\r\n", why: errAddress1},
	{name: "an address has no needless zeros", p: "PROXY TCP4 192.0.02.1 198.51.100.7 50000 443\r\n", why: errAddress1},
	{name: "a name is no address", p: "PROXY TCP4 localhost 198.51.100.7 50000 443\r\n", why: errAddress1},
	{name: "a port is at most 65535", p: "PROXY TCP4 192.0.2.1 198.51.100.7 65536 443\r\n", why: errPort1},
	{name: "a port has no sign", p: "PROXY TCP4 192.0.2.1 198.51.100.7 +1 443\r\n", why: errPort1},
	{name: "a port has no needless zero", p: "PROXY TCP4 192.0.2.1 198.51.100.7 01 443\r\n", why: errPort1},
	{name: "a port is decimal", p: "PROXY TCP4 192.0.2.1 198.51.100.7 1 0x1\r\n", why: errPort1},
	{name: "0.0.0.0 is no client", p: "PROXY TCP4 0.0.0.0 198.51.100.7 1 2\r\n", why: errSource},
	{name: "0.0.0.0 in IPv6 is no client", p: "PROXY TCP6 ::ffff:0.0.0.0 ::1 1 2\r\n", why: errSource},
	{name: ":: is no client", p: "PROXY TCP6 :: ::1 1 2\r\n", why: errSource},

	// Version 2.
	{name: "an IPv4 client has 12 bytes", p: binaryHeader(proxy, tcp4, inV4), source: "192.0.2.1:50000", to: "198.51.100.7:443"},
	{name: "an IPv6 client has 36 bytes", p: binaryHeader(proxy, tcp6, inV6), source: "[2001:db8::1]:50000", to: "[2001:db8::2]:443"},
	{name: "bytes of an IPv4 client in IPv6 are of IPv4", p: binaryHeader(proxy, tcp6, mapped), source: "192.0.2.1:50000", to: "198.51.100.7:443"},
	{name: "a client of HTTP/3 at the proxy has come by UDP", p: binaryHeader(proxy, udp4, inV4), source: "192.0.2.1:50000", to: "198.51.100.7:443"},
	{name: "and by UDP over IPv6", p: binaryHeader(proxy, udp6, inV6), source: "[2001:db8::1]:50000", to: "[2001:db8::2]:443"},
	{name: "what is behind a binary header is the client's", p: binaryHeader(proxy, tcp4, inV4) + "|GET / HTTP/1.1\r\n\r\n", source: "192.0.2.1:50000", to: "198.51.100.7:443"},
	{name: "a client of a Unix socket has no address", p: binaryHeader(proxy, unixStream, strings.Repeat("\x00", 216))},
	{name: "nor on one for packets", p: binaryHeader(proxy, unixPacket, strings.Repeat("x", 216))},
	{name: "a proxy may not know the client", p: binaryHeader(proxy, unspecified)},
	{name: "then what it adds is skipped", p: binaryHeader(proxy, unspecified, "anything")},
	{name: "a check of health is the proxy's own", p: binaryHeader(local, unspecified)},
	{name: "the family of a check means nothing", p: binaryHeader(local, 0xff, "xx")},
	{name: "the addresses of a check are not the client's", p: binaryHeader(local, tcp4, inV4)},
	{name: "values behind the addresses are skipped", p: binaryHeader(proxy, tcp4, inV4, value(0x04, ""), value(0xea, "vpce-1")), source: "192.0.2.1:50000", to: "198.51.100.7:443"},
	{name: "values behind paths are skipped", p: binaryHeader(proxy, unixStream, strings.Repeat("\x00", 216), value(0x02, "a.example"))},
	{name: "the largest header fits", p: binaryHeader(proxy, tcp4, inV4, value(0xe0, strings.Repeat("x", MaxV2-16-12-3))), source: "192.0.2.1:50000", to: "198.51.100.7:443"},
	{name: "a right checksum is right", p: summed(binaryHeader(proxy, tcp4, inV4, value(0x05, "id"), value(typeCRC32C, "SUM!"), value(0x02, "a.example"))), source: "192.0.2.1:50000", to: "198.51.100.7:443"},
	{name: "a wrong checksum is wrong", p: binaryHeader(proxy, tcp4, inV4, value(typeCRC32C, "SUM!")), why: errChecksum2},
	{name: "a checksum is not right if a byte is another", p: strings.Replace(summed(binaryHeader(proxy, tcp4, inV4, value(typeCRC32C, "SUM!"))), "\xc0\x00\x02\x01", "\xc0\x00\x02\x02", 1), why: errChecksum2},
	{name: "a checksum has 4 bytes", p: binaryHeader(proxy, tcp4, inV4, value(typeCRC32C, "SUM")), why: errChecksum2},
	{name: "half of a signature is waited for", p: signature2[:7], more: true},
	{name: "a length is waited for", p: binaryHeader(proxy, tcp4, inV4)[:15], more: true},
	{name: "all addresses are waited for", p: binaryHeader(proxy, tcp4, inV4)[:27], more: true},
	{name: "empty lines are no header", p: "\r\n\r\nGET / HTTP/1.1\r\n", why: None},
	{name: "a zero fewer is no header", p: "\r\n\r\n\r\nQUIT\n\x21\x11\x00\x00", why: None},
	{name: "there is no version 1 of it", p: binaryHeader(0x11, tcp4, inV4), why: errVersion2},
	{name: "there is no version 3 of it", p: binaryHeader(0x31, tcp4, inV4), why: errVersion2},
	{name: "there is no third command", p: binaryHeader(0x22, tcp4, inV4), why: errCommand2},
	{name: "there is no fourth family", p: binaryHeader(proxy, 0x41, inV4), why: errFamily2},
	{name: "there is no third transport", p: binaryHeader(proxy, 0x13, inV4), why: errFamily2},
	{name: "a family has a transport", p: binaryHeader(proxy, 0x10, inV4), why: errFamily2},
	{name: "a transport has a family", p: binaryHeader(proxy, 0x01, inV4), why: errFamily2},
	{name: "IPv4 needs 12 bytes", p: binaryHeader(proxy, tcp4, inV4[1:]), why: errShort2},
	{name: "IPv6 needs 36 bytes", p: binaryHeader(proxy, tcp6, inV4), why: errShort2},
	{name: "paths need 216 bytes", p: binaryHeader(proxy, unixStream, strings.Repeat("x", 215)), why: errShort2},
	{name: "a byte more is too large", p: binaryHeader(proxy, tcp4, inV4, strings.Repeat("x", MaxV2-16-12+1)), why: errLong2},
	{name: "a check of health may not be larger either", p: binaryHeader(local, unspecified, strings.Repeat("x", MaxV2)), why: errLong2},
	{name: "a value ends within the header", p: binaryHeader(proxy, tcp4, inV4, value(0x02, "a.example")[:8]), why: errTLV2},
	{name: "a value has a length", p: binaryHeader(proxy, tcp4, inV4, "\x02\x00"), why: errTLV2},
	{name: "four zeros are no client", p: binaryHeader(proxy, tcp4, "\x00\x00\x00\x00", inV4[4:]), why: errSource},
	{name: "sixteen zeros are no client", p: binaryHeader(proxy, tcp6, strings.Repeat("\x00", 16), inV6[16:]), why: errSource},
}

// read reads a header that comes in pieces, which end at the given places and at the end of
// p. Each piece moves the bytes to another place in memory.
func read(p []byte, ends ...int) (h Header, n int, why *Refusal) {
	var r Reader
	for _, end := range append(ends, len(p)) {
		if h, n, why = r.Read(bytes.Clone(p[:end])); n > 0 || why != nil {
			break
		}
	}
	return h, n, why
}

// cuttings returns the ways to cut n bytes: as a whole, in two, and byte by byte.
func cuttings(n int) (all [][]int) {
	all = append(all, nil)
	var each []int
	for i := range n {
		each = append(each, i)
		all = append(all, []int{i})
	}
	return append(all, each)
}

func TestHeaders(t *testing.T) {
	seen := make(map[*Refusal]bool)
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			ours, behind, _ := strings.Cut(row.p, "|")
			p := []byte(ours + behind)
			want := Header{Version: 1}
			if strings.HasPrefix(row.p, signature2) {
				want.Version = 2
			}
			if row.source != "" {
				want.Source, want.Destination = netip.MustParseAddrPort(row.source), netip.MustParseAddrPort(row.to)
			}
			size := len(ours)
			if row.more || row.why != nil {
				want, size = Header{}, 0
			}
			seen[row.why] = true
			for _, ends := range cuttings(len(p)) {
				if len(p) > 300 && len(ends) == 1 && ends[0]%97 > 0 {
					continue
				}
				if h, n, why := read(p, ends...); h != want || n != size || why != row.why {
					t.Fatalf("cut at %v, it is %v of %d bytes, refused: %v; and not %v of %d, refused: %v", ends, h, n, why, want, size, row.why)
				}
			}
		})
	}
	for _, why := range []*Refusal{None, errSource, errLong1, errEnd1, errFields1, errProto1, errAddress1, errPort1, errVersion2, errCommand2, errFamily2, errLong2, errShort2, errTLV2, errChecksum2} {
		if !seen[why] {
			t.Errorf("no row is refused because %v", why)
		}
	}
}

// TestALineIsRefusedBeforeItIsThere: a peer that is none of the protocol is found out by its
// first byte that is wrong, and what is too long before it has come.
func TestALineIsRefusedBeforeItIsThere(t *testing.T) {
	for _, row := range []struct {
		name  string
		p     string
		after int // bytes
		why   *Refusal
	}{
		{"a request", "GET / HTTP/1.1\r\n\r\n", 1, None},
		{"another method in P", "PATCH / HTTP/1.1\r\n\r\n", 2, None},
		{"empty lines", "\r\n\r\nGET / HTTP/1.1\r\n\r\n", 5, None},
		{"a line that is too long", "PROXY " + strings.Repeat("x", 1000), MaxV1 - 1, errLong1},
		{"a length that is too large", binaryHeader(proxy, tcp4, strings.Repeat("x", 60_000)), head2, errLong2},
	} {
		var r Reader
		for i := range len(row.p) {
			if _, _, why := r.Read([]byte(row.p[:i+1])); why != nil || i+1 == row.after {
				if why != row.why || i+1 != row.after {
					t.Errorf("%s is refused after %d bytes because %v, and not after %d because %v", row.name, i+1, why, row.after, row.why)
				}
				break
			}
		}
	}
}
