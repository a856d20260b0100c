// Package ws reads and writes the frames of WebSocket (RFC 6455 section 5). The Reader is a
// pure machine: octets go in and events come out, whatever carries them. It is the
// server's side: frames that come are masked, those that go are not.
package ws

import (
	"encoding/binary"
	"unicode/utf8"
)

// An Opcode says what a frame is (RFC 6455 section 5.2).
type Opcode uint8

const (
	Continuation Opcode = 0
	Text         Opcode = 1
	Binary       Opcode = 2
	Close        Opcode = 8
	Ping         Opcode = 9
	Pong         Opcode = 10
)

// control reports whether a frame is a control frame: one that is whole, short, and may
// come between the fragments of a message.
func (o Opcode) control() bool { return o >= Close }

// known reports whether RFC 6455 defines the opcode.
func (o Opcode) known() bool { return o <= Binary || o >= Close && o <= Pong }

// The bits of the first two octets of a frame.
const (
	fin        = 0x80
	rsv1       = 0x40 // deflated, RFC 7692 section 6
	rsv        = 0x70
	masked     = 0x80
	length16   = 126 // two octets of length follow
	length64   = 127 // eight do
	MaxControl = 125 // octets in a control frame
	MaxHead    = 14  // octets before the payload
)

// AppendHead appends the head of a frame that is a whole message, or a control frame, of n
// octets.
func AppendHead(dst []byte, o Opcode, deflated bool, n int) []byte {
	first := byte(o) | fin
	if deflated {
		first |= rsv1
	}
	switch {
	case n < length16:
		return append(dst, first, byte(n))
	case n <= 0xffff:
		return binary.BigEndian.AppendUint16(append(dst, first, length16), uint16(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, first, length64), uint64(n))
}

// AppendClose appends a Close frame. Of a reason that is too long, the characters that fit
// are sent. A code of NoStatus is not sent, and no reason with it.
func AppendClose(dst []byte, code int, reason string) []byte {
	if code == NoStatus {
		return AppendHead(dst, Close, false, 0)
	}
	reason = cut(reason, MaxControl-2)
	dst = AppendHead(dst, Close, false, 2+len(reason))
	return append(binary.BigEndian.AppendUint16(dst, uint16(code)), reason...)
}

// cut returns the characters of a text that fit into n octets.
func cut(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

// Status codes of the end of a connection (RFC 6455 section 7.4.1).
const (
	Normal        = 1000
	GoingAway     = 1001
	ProtocolError = 1002
	NoStatus      = 1005 // the peer's Close frame has none; is not sent
	Abnormal      = 1006 // there was no Close frame; is not sent
	InvalidData   = 1007
	PolicyError   = 1008
	TooBig        = 1009
)

// ValidCode reports whether a Close frame may have the code: those that RFC 6455 and its
// registry define to be sent, and those for libraries and programs.
func ValidCode(code int) bool {
	return code >= 1000 && code <= 1014 && code != 1004 && code != NoStatus && code != Abnormal ||
		code >= 3000 && code <= 4999
}
