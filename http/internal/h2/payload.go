package h2

import "encoding/binary"

// The payloads of the frames that a server receives, except SETTINGS. Their headers have
// passed Check, so that each payload has the bytes that are read here.

// Why a payload is refused.
var (
	errPadding        = connError(ProtocolError, "the padding is as long as its frame")                     // RFC 9113 sections 6.1 and 6.2
	errSelfDependency = streamError(ProtocolError, "a stream depends on itself")                            // RFC 7540 section 5.3.1
	errNoIncrement    = streamError(ProtocolError, "a WINDOW_UPDATE of a stream adds nothing")              // RFC 9113 section 6.9
	errNoConnIncr     = connError(ProtocolError, "a WINDOW_UPDATE of the connection adds nothing")          // RFC 9113 section 6.9
	errUpdateOfZero   = connError(ProtocolError, "a PRIORITY_UPDATE is about stream 0")                     // RFC 9218 section 7.1
	errUpdateOfPush   = connError(ProtocolError, "a PRIORITY_UPDATE is about a push that there is not yet") // RFC 9218 section 7.1
)

// A Content is where the data of DATA, or the piece of a field block in HEADERS, is in the
// payload: between padding, length of the padding and priority.
type Content struct{ From, To uint32 }

// Prefix returns how many bytes of the payload Content needs: those that lie before the
// data or the piece of a field block.
func (h FrameHeader) Prefix() int {
	n := 0
	if h.padded() {
		n++
	}
	if h.prioritised() {
		n += prioritySize
	}
	return n
}

// padded reports whether the payload begins with the length of its padding.
func (h FrameHeader) padded() bool {
	return (h.Type == FrameData || h.Type == FrameHeaders) && h.Flags.Has(FlagPadded)
}

// prioritised reports whether a priority of RFC 7540 lies before the piece of a field block.
func (h FrameHeader) prioritised() bool { return h.Type == FrameHeaders && h.Flags.Has(FlagPriority) }

// Content finds the data or the piece of a field block in the payload of DATA, HEADERS or
// CONTINUATION, which p begins with: at least its Prefix bytes. The rest of the payload may be still to come. An
// error of the stream comes with a valid place: the field block has to be decoded all the same.
func (h FrameHeader) Content(p []byte) (Content, *Error) {
	c := Content{uint32(h.Prefix()), h.Length}
	if h.padded() {
		padding := uint32(p[0])
		if padding > h.Length-c.From {
			return Content{}, errPadding
		}
		c.To -= padding
		p = p[1:]
	}
	if h.prioritised() && dependsOn(p) == h.Stream {
		return c, errSelfDependency
	}
	return c, nil
}

// dependsOn returns the stream that a priority of RFC 7540 names, without the bit that says
// it is exclusive.
func dependsOn(p []byte) uint32 { return binary.BigEndian.Uint32(p) &^ reservedBit }

// CheckPriority checks the payload of PRIORITY. What it says is deprecated and has no effect
// (RFC 9113 section 5.3.2).
func (h FrameHeader) CheckPriority(p []byte) *Error {
	return errIf(dependsOn(p) == h.Stream, errSelfDependency)
}

// ReadReset returns the code in the payload of RST_STREAM.
func ReadReset(p []byte) ErrorCode { return ErrorCode(binary.BigEndian.Uint32(p)) }

// ReadPing returns the payload of PING, which its ACK has, too.
func ReadPing(p []byte) (data [pingSize]byte) {
	copy(data[:], p)
	return data
}

// ReadGoAway reads the payload of GOAWAY: the last stream of ours that the peer took, why it
// ends the connection, and its text for a person, which is a part of p.
func ReadGoAway(p []byte) (last uint32, code ErrorCode, debug []byte) {
	return binary.BigEndian.Uint32(p) &^ reservedBit, ErrorCode(binary.BigEndian.Uint32(p[4:])), p[goAwaySize:]
}

// ReadWindowUpdate returns the bytes that the payload of WINDOW_UPDATE adds to a window. The
// window itself is the caller's: more than MaxWindow is a FLOW_CONTROL_ERROR.
func (h FrameHeader) ReadWindowUpdate(p []byte) (increment uint32, err *Error) {
	increment = binary.BigEndian.Uint32(p) &^ reservedBit
	switch {
	case increment > 0:
		return increment, nil
	case h.Stream == 0:
		return 0, errNoConnIncr
	}
	return 0, errNoIncrement
}

// ReadPriorityUpdate reads the payload of PRIORITY_UPDATE: a stream of the client's, which may
// not have begun yet, and its new priority as a field value, a part of p. What that does not
// name has its default again.
func ReadPriorityUpdate(p []byte) (stream uint32, value []byte, err *Error) {
	stream = binary.BigEndian.Uint32(p) &^ reservedBit
	switch {
	case stream == 0:
		return 0, nil, errUpdateOfZero
	case stream&1 == 0:
		return 0, nil, errUpdateOfPush
	}
	return stream, p[priorityIDSize:], nil
}
