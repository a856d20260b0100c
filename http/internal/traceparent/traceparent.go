// Package traceparent reads the field of that name (W3C Trace Context, level 1), with which a
// client tells of which trace its request is a part. It is pure, and strict: what is malformed
// counts as absent, as the document asks.
package traceparent

import "encoding/hex"

// A Parent is what the field tells.
type Parent struct {
	TraceID [16]byte // of the trace
	SpanID  [8]byte  // of the client's part of it
	Flags   byte     // bit 0: the client records the trace
}

// The places of the parts in a value, which are divided by "-": version, trace, span, flags.
const (
	traceAt = 3
	spanAt  = traceAt + 32 + 1
	flagsAt = spanAt + 16 + 1
	size    = flagsAt + 2 // of version 00; later ones may have more behind a "-"
)

// Parse reads a value, and reports whether it is well formed.
func Parse(p []byte) (Parent, bool) {
	if len(p) < size || p[traceAt-1] != '-' || p[spanAt-1] != '-' || p[flagsAt-1] != '-' {
		return Parent{}, false
	}
	var version, flags [1]byte
	var one Parent
	ok := decode(version[:], p[:traceAt-1]) && decode(one.TraceID[:], p[traceAt:spanAt-1]) &&
		decode(one.SpanID[:], p[spanAt:flagsAt-1]) && decode(flags[:], p[flagsAt:size])
	one.Flags = flags[0]
	switch {
	case !ok, version[0] == 0xff, one.TraceID == [16]byte{}, one.SpanID == [8]byte{}:
		return Parent{}, false
	case len(p) > size && (version[0] == 0 || p[size] != '-'):
		return Parent{}, false
	}
	return one, true
}

// decode reads digits of base 16 in small letters, and reports whether all are.
func decode(to, from []byte) bool {
	for _, c := range from {
		if c >= 'A' && c <= 'F' {
			return false
		}
	}
	_, err := hex.Decode(to, from)
	return err == nil
}
