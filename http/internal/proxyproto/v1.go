package proxyproto

import (
	"bytes"
	"net/netip"
	"strconv"
)

// Version 1: "PROXY TCP4 192.0.2.1 198.51.100.7 50000 443\r\n".

const signature1 = "PROXY "

// The refusals of version 1.
var (
	errLong1    = &Refusal{"a PROXY line is longer than 107 bytes"}
	errEnd1     = &Refusal{"a PROXY line does not end with CR and LF"}
	errFields1  = &Refusal{"a PROXY line has not exactly a protocol, two addresses and two ports, with one space between them"}
	errProto1   = &Refusal{"the protocol of a PROXY line is not TCP4, TCP6 or UNKNOWN"}
	errAddress1 = &Refusal{"an address of a PROXY line is not one of its protocol"}
	errPort1    = &Refusal{"a port of a PROXY line is not a number from 0 to 65535"}
)

// readV1 is Read for a connection that begins as a line does.
func (r *Reader) readV1(p []byte) (h Header, n int, why *Refusal) {
	if !begins(p, signature1, r.seen) {
		return h, 0, None
	}
	end := bytes.IndexAny(p[r.seen:min(len(p), MaxV1-1)], "\r\n")
	switch {
	case end < 0 && len(p) >= MaxV1-1:
		return h, 0, errLong1
	case end < 0:
		r.seen = len(p)
		return h, 0, nil
	}
	r.seen += end
	switch {
	case p[r.seen] == '\n', r.seen+1 < len(p) && p[r.seen+1] != '\n':
		return h, 0, errEnd1
	case r.seen+1 == len(p):
		return h, 0, nil
	}
	if why := h.readLine(p[len(signature1):r.seen]); why != nil {
		return Header{}, 0, why
	}
	h.Version = 1
	return h, r.seen + len("\r\n"), nil
}

// readLine reads what is behind the signature. Behind UNKNOWN anything may be, and means
// nothing.
func (h *Header) readLine(line []byte) *Refusal {
	protocol, rest, more := bytes.Cut(line, []byte(" "))
	is4 := string(protocol) == "TCP4"
	switch {
	case string(protocol) == "UNKNOWN":
		return nil
	case !is4 && string(protocol) != "TCP6":
		return errProto1
	case !more:
		return errFields1
	}
	fields := bytes.Split(rest, []byte(" "))
	if len(fields) != 4 {
		return errFields1
	}
	for i, to := range []*netip.AddrPort{&h.Source, &h.Destination} {
		address, err := netip.ParseAddr(string(fields[i]))
		if err != nil || address.Zone() != "" || address.Is4() != is4 {
			return errAddress1
		}
		port, ok := portOf(fields[i+2])
		if !ok {
			return errPort1
		}
		*to = netip.AddrPortFrom(address.Unmap(), port)
	}
	return h.checkSource()
}

// portOf reads a port, which has no sign and no needless zero.
func portOf(p []byte) (uint16, bool) {
	n, err := strconv.ParseUint(string(p), 10, 16)
	return uint16(n), err == nil && (p[0] != '0' || len(p) == 1) && p[0] != '+'
}
