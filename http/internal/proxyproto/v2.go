package proxyproto

import (
	"encoding/binary"
	"hash/crc32"
	"net/netip"
)

// Version 2: a signature, 4 bytes with the command, the family and the length of the rest,
// then addresses, and behind those values that have a type and a length each (TLVs).

const (
	signature2 = "\r\n\r\n\x00\r\nQUIT\n"
	head2      = len(signature2) + 4
)

// Commands and families of version 2.
const (
	local = 0x20 // the connection is the proxy's own
	proxy = 0x21

	unspecified = 0x00 // the proxy does not know the addresses, or has none
	tcp4        = 0x11
	udp4        = 0x12 // of a client of HTTP/3 at the proxy
	tcp6        = 0x21
	udp6        = 0x22
	unixStream  = 0x31
	unixPacket  = 0x32
)

// sizes2 are the bytes of both addresses and their ports of a family.
var sizes2 = map[byte]int{unspecified: 0, tcp4: 2 * (4 + 2), udp4: 2 * (4 + 2), tcp6: 2 * (16 + 2), udp6: 2 * (16 + 2), unixStream: 2 * 108, unixPacket: 2 * 108}

// The refusals of version 2.
var (
	errVersion2  = &Refusal{"a binary PROXY header is not of version 2"}
	errCommand2  = &Refusal{"the command of a PROXY header is not LOCAL or PROXY"}
	errFamily2   = &Refusal{"the address family of a PROXY header is not one of those in the protocol"}
	errLong2     = &Refusal{"a PROXY header is longer than 4 KiB"}
	errShort2    = &Refusal{"a PROXY header is too short for its addresses"}
	errTLV2      = &Refusal{"a value in a PROXY header ends behind the header"}
	errChecksum2 = &Refusal{"the checksum of a PROXY header is wrong"}
)

// readV2 is Read for a connection that begins as a header of version 2 does.
func (r *Reader) readV2(p []byte) (h Header, n int, why *Refusal) {
	if !begins(p, signature2, r.seen) {
		return h, 0, None
	}
	r.seen = min(len(p), len(signature2))
	if len(p) < head2 {
		return h, 0, nil
	}
	command, family := p[len(signature2)], p[len(signature2)+1]
	size := head2 + int(binary.BigEndian.Uint16(p[head2-2:]))
	addresses, known := sizes2[family]
	switch {
	case command>>4 != 2:
		return h, 0, errVersion2
	case command != local && command != proxy:
		return h, 0, errCommand2
	case size > MaxV2:
		return h, 0, errLong2
	case command == proxy && !known:
		return h, 0, errFamily2
	case command == proxy && size < head2+addresses:
		return h, 0, errShort2
	case len(p) < size:
		return h, 0, nil
	}
	if command == proxy && family != unspecified { // else what follows is to be skipped
		why = checkValues(p[:size], head2+addresses)
		if why == nil {
			why = h.readAddresses(p[head2:size], family)
		}
		if why != nil {
			return Header{}, 0, why
		}
	}
	h.Version = 2
	return h, size, nil
}

// readAddresses reads the addresses of a family. Those of Unix sockets name no client.
func (h *Header) readAddresses(p []byte, family byte) *Refusal {
	size := 16
	switch family {
	case unixStream, unixPacket:
		return nil
	case tcp4, udp4:
		size = 4
	}
	for i, to := range []*netip.AddrPort{&h.Source, &h.Destination} {
		address, _ := netip.AddrFromSlice(p[i*size : (i+1)*size])
		*to = netip.AddrPortFrom(address.Unmap(), binary.BigEndian.Uint16(p[2*size+2*i:]))
	}
	return h.checkSource()
}

// typeCRC32C is the type of the value with a checksum, and valueHead what each value begins
// with: its type and its length.
const (
	typeCRC32C = 0x03
	valueHead  = 3
)

// checkValues walks the values that begin at a place in a header, and checks its checksum
// if there is one: that of the header with zeros in its own place.
func checkValues(header []byte, at int) *Refusal {
	for at < len(header) {
		if len(header)-at < valueHead {
			return errTLV2
		}
		is, size := header[at], int(binary.BigEndian.Uint16(header[at+1:]))
		at += valueHead
		if len(header)-at < size {
			return errTLV2
		}
		if is == typeCRC32C && (size != 4 || checksum(header, at) != binary.BigEndian.Uint32(header[at:])) {
			return errChecksum2
		}
		at += size
	}
	return nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// checksum returns that of a header whose own checksum is at a place.
func checksum(header []byte, at int) uint32 {
	sum := crc32.Update(0, castagnoli, header[:at])
	sum = crc32.Update(sum, castagnoli, make([]byte, 4))
	return crc32.Update(sum, castagnoli, header[at+4:])
}
