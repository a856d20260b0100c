package h2

import "encoding/binary"

// The frames that a server sends. Each function appends a whole frame, except Append and
// Put, which write the header of a frame whose payload is the caller's: DATA, HEADERS and
// CONTINUATION.

// Append appends the header of a frame.
func (h FrameHeader) Append(dst []byte) []byte {
	return append(dst, byte(h.Length>>16), byte(h.Length>>8), byte(h.Length), byte(h.Type), byte(h.Flags),
		byte(h.Stream>>24), byte(h.Stream>>16), byte(h.Stream>>8), byte(h.Stream))
}

// Put writes the header of a frame over the first 9 bytes of p: behind them, the payload was
// encoded before its length was known.
func (h FrameHeader) Put(p []byte) { h.Append(p[:0:HeaderSize]) }

// AppendSettings appends SETTINGS.
func AppendSettings(dst []byte, settings ...Setting) []byte {
	dst = FrameHeader{Length: uint32(settingSize * len(settings)), Type: FrameSettings}.Append(dst)
	for _, s := range settings {
		dst = binary.BigEndian.AppendUint16(dst, uint16(s.ID))
		dst = binary.BigEndian.AppendUint32(dst, s.Value)
	}
	return dst
}

// AppendSettingsAck appends SETTINGS with ACK.
func AppendSettingsAck(dst []byte) []byte {
	return FrameHeader{Type: FrameSettings, Flags: FlagAck}.Append(dst)
}

// AppendPing appends PING.
func AppendPing(dst []byte, data [pingSize]byte) []byte {
	return append(FrameHeader{Length: pingSize, Type: FramePing}.Append(dst), data[:]...)
}

// AppendPingAck appends PING with ACK, which has the data of the client's PING.
func AppendPingAck(dst []byte, data [pingSize]byte) []byte {
	return append(FrameHeader{Length: pingSize, Type: FramePing, Flags: FlagAck}.Append(dst), data[:]...)
}

// AppendGoAway appends GOAWAY with the last stream that was taken and a text for a person.
func AppendGoAway(dst []byte, last uint32, code ErrorCode, debug string) []byte {
	debug = debug[:min(len(debug), MinFrameSize-goAwaySize)]
	dst = FrameHeader{Length: uint32(goAwaySize + len(debug)), Type: FrameGoAway}.Append(dst)
	dst = binary.BigEndian.AppendUint32(dst, last)
	dst = binary.BigEndian.AppendUint32(dst, uint32(code))
	return append(dst, debug...)
}

// AppendReset appends RST_STREAM.
func AppendReset(dst []byte, stream uint32, code ErrorCode) []byte {
	dst = FrameHeader{Length: resetSize, Type: FrameRSTStream, Stream: stream}.Append(dst)
	return binary.BigEndian.AppendUint32(dst, uint32(code))
}

// AppendWindowUpdate appends WINDOW_UPDATE for a stream, or for the connection if stream is 0.
// The increment is between 1 and MaxWindow.
func AppendWindowUpdate(dst []byte, stream, increment uint32) []byte {
	dst = FrameHeader{Length: windowSize, Type: FrameWindowUpdate, Stream: stream}.Append(dst)
	return binary.BigEndian.AppendUint32(dst, increment)
}
