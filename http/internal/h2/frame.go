// Package h2 is the codec of HTTP/2: frames (RFC 9113 sections 4, 6 and 7), field blocks
// (HPACK, RFC 7541) and priorities (RFC 9218). Bytes go in, and values and errors come
// out. It knows neither connections nor the states of streams.
package h2

// This file has the frame's header; payload.go and settings.go read what follows it, and
// appendframe.go writes frames. decode.go reads field blocks, encode.go writes them.

import (
	"encoding/binary"
	"strconv"
)

// Preface is what a client sends first (RFC 9113 section 3.4).
const Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

const (
	HeaderSize     = 9         // bytes of a frame's header
	MinFrameSize   = 1 << 14   // the least value of MAX_FRAME_SIZE, and its default
	MaxFrameSize   = 1<<24 - 1 // the highest value of MAX_FRAME_SIZE
	MaxWindow      = 1<<31 - 1 // bytes of a flow-control window
	MaxStream      = 1<<31 - 1 // the highest number of a stream
	DefaultWindow  = 1<<16 - 1 // bytes of a window before any SETTINGS or WINDOW_UPDATE
	DefaultTable   = 4096      // bytes of a dynamic table before any SETTINGS
	FieldOverhead  = 32        // bytes that a field counts besides name and value
	reservedBit    = 1 << 31   // of 32 bits with a number of 31 bits, ignored
	prioritySize   = 5         // bytes of the priority in HEADERS and PRIORITY
	windowSize     = 4         // bytes of WINDOW_UPDATE
	resetSize      = 4         // bytes of RST_STREAM
	pingSize       = 8         // bytes of PING
	goAwaySize     = 8         // bytes of GOAWAY before its debug text
	settingSize    = 6         // bytes of one setting
	priorityIDSize = 4         // bytes of PRIORITY_UPDATE before its field value
)

// A FrameType is the kind of a frame (RFC 9113 section 6, RFC 9218 section 7.1).
type FrameType uint8

const (
	FrameData           FrameType = 0x0
	FrameHeaders        FrameType = 0x1
	FramePriority       FrameType = 0x2
	FrameRSTStream      FrameType = 0x3
	FrameSettings       FrameType = 0x4
	FramePushPromise    FrameType = 0x5
	FramePing           FrameType = 0x6
	FrameGoAway         FrameType = 0x7
	FrameWindowUpdate   FrameType = 0x8
	FrameContinuation   FrameType = 0x9
	FramePriorityUpdate FrameType = 0x10
)

var frameNames = [...]string{
	FrameData:           "DATA",
	FrameHeaders:        "HEADERS",
	FramePriority:       "PRIORITY",
	FrameRSTStream:      "RST_STREAM",
	FrameSettings:       "SETTINGS",
	FramePushPromise:    "PUSH_PROMISE",
	FramePing:           "PING",
	FrameGoAway:         "GOAWAY",
	FrameWindowUpdate:   "WINDOW_UPDATE",
	FrameContinuation:   "CONTINUATION",
	FramePriorityUpdate: "PRIORITY_UPDATE",
}

// String returns the name of the RFC, or the number of a type that is ignored.
func (t FrameType) String() string {
	if int(t) < len(frameNames) && frameNames[t] != "" {
		return frameNames[t]
	}
	return "frame type " + strconv.Itoa(int(t))
}

// Known reports whether frames of this type mean something here. Others are ignored, except
// inside a field block (RFC 9113 sections 4.1 and 4.3).
func (t FrameType) Known() bool { return int(t) < len(frameNames) && frameNames[t] != "" }

// Flags are the flags of a frame. What a bit means depends on the type.
type Flags uint8

const (
	FlagAck        Flags = 0x1 // SETTINGS, PING
	FlagEndStream  Flags = 0x1 // DATA, HEADERS
	FlagEndHeaders Flags = 0x4 // HEADERS, CONTINUATION
	FlagPadded     Flags = 0x8 // DATA, HEADERS
	FlagPriority   Flags = 0x20
)

// Has reports whether all the given flags are set.
func (f Flags) Has(flags Flags) bool { return f&flags == flags }

// A FrameHeader is the first 9 bytes of a frame (RFC 9113 section 4.1).
type FrameHeader struct {
	Length uint32 // bytes of the payload
	Type   FrameType
	Flags  Flags
	Stream uint32 // 0 for the connection
}

// ReadFrameHeader reads the header at the beginning of p, without its reserved bit. It
// reports false if p is shorter than a header.
func ReadFrameHeader(p []byte) (h FrameHeader, ok bool) {
	if len(p) < HeaderSize {
		return FrameHeader{}, false
	}
	p = p[:HeaderSize]
	return FrameHeader{
		Length: uint32(p[0])<<16 | uint32(p[1])<<8 | uint32(p[2]),
		Type:   FrameType(p[3]),
		Flags:  Flags(p[4]),
		Stream: binary.BigEndian.Uint32(p[5:]) &^ reservedBit,
	}, true
}

// Why a frame is refused by its header. Those about the size are errors of the connection
// even where the RFC asks for the stream's end only, except for PRIORITY: a payload of up to
// 16 MiB would have to be skipped, and each such frame is a reset that costs the client nothing
// (RFC 9113 section 5.4.1 allows it).
var (
	errTooLong          = connError(FrameSizeError, "a frame is longer than MAX_FRAME_SIZE")                  // RFC 9113 section 4.2
	errDataOnZero       = connError(ProtocolError, "DATA belongs to a stream, and has stream 0")              // RFC 9113 section 6.1
	errHeadersOnZero    = connError(ProtocolError, "HEADERS belongs to a stream, and has stream 0")           // RFC 9113 section 6.2
	errPriorityOnZero   = connError(ProtocolError, "PRIORITY belongs to a stream, and has stream 0")          // RFC 9113 section 6.3
	errResetOnZero      = connError(ProtocolError, "RST_STREAM belongs to a stream, and has stream 0")        // RFC 9113 section 6.4
	errContinuesOnZero  = connError(ProtocolError, "CONTINUATION belongs to a stream, and has stream 0")      // RFC 9113 section 6.10
	errSettingsOnOne    = connError(ProtocolError, "SETTINGS belongs to the connection, and has a stream")    // RFC 9113 section 6.5
	errPingOnOne        = connError(ProtocolError, "PING belongs to the connection, and has a stream")        // RFC 9113 section 6.7
	errGoAwayOnOne      = connError(ProtocolError, "GOAWAY belongs to the connection, and has a stream")      // RFC 9113 section 6.8
	errUpdateOnOne      = connError(ProtocolError, "PRIORITY_UPDATE belongs to the connection")               // RFC 9218 section 7.1
	errPush             = connError(ProtocolError, "a client sends no PUSH_PROMISE")                          // RFC 9113 section 8.4
	errEvenStream       = connError(ProtocolError, "a client's streams have odd numbers")                     // RFC 9113 section 5.1.1
	errPrioritySize     = streamError(FrameSizeError, "PRIORITY has 5 bytes")                                 // RFC 9113 section 6.3
	errResetSize        = connError(FrameSizeError, "RST_STREAM has 4 bytes")                                 // RFC 9113 section 6.4
	errSettingsSize     = connError(FrameSizeError, "SETTINGS has 6 bytes a setting")                         // RFC 9113 section 6.5
	errSettingsAckSize  = connError(FrameSizeError, "SETTINGS with ACK has no payload")                       // RFC 9113 section 6.5
	errPingSize         = connError(FrameSizeError, "PING has 8 bytes")                                       // RFC 9113 section 6.7
	errGoAwaySize       = connError(FrameSizeError, "GOAWAY has at least 8 bytes")                            // RFC 9113 section 6.8
	errWindowUpdateSize = connError(FrameSizeError, "WINDOW_UPDATE has 4 bytes")                              // RFC 9113 section 6.9
	errUpdateSize       = connError(FrameSizeError, "PRIORITY_UPDATE has at least 4 bytes")                   // RFC 9113 section 4.2
	errPrefixSize       = connError(FrameSizeError, "a frame has no room for what its flags say it contains") // RFC 9113 section 4.2
)

// Check returns what is wrong with a header that a server receives, before the payload is here, or
// nil. Most is our MAX_FRAME_SIZE.
func (h FrameHeader) Check(most uint32) *Error {
	if h.Length > most {
		return errTooLong
	}
	if err := h.checkStream(); err != nil {
		return err
	}
	return h.checkSize()
}

// A place says which streams a type of frame may have.
type place struct {
	onConn   bool   // stream 0 is right
	onStream bool   // any other is
	odd      bool   // an even one is not: it would be ours, and this server begins none
	err      *Error // for a stream that should be 0, or 0 that should be one
}

var places = [...]place{
	FrameData:           {onStream: true, odd: true, err: errDataOnZero},
	FrameHeaders:        {onStream: true, odd: true, err: errHeadersOnZero},
	FramePriority:       {onStream: true, err: errPriorityOnZero},
	FrameRSTStream:      {onStream: true, odd: true, err: errResetOnZero},
	FrameSettings:       {onConn: true, err: errSettingsOnOne},
	FramePushPromise:    {err: errPush},
	FramePing:           {onConn: true, err: errPingOnOne},
	FrameGoAway:         {onConn: true, err: errGoAwayOnOne},
	FrameWindowUpdate:   {onConn: true, onStream: true, odd: true},
	FrameContinuation:   {onStream: true, odd: true, err: errContinuesOnZero},
	FramePriorityUpdate: {onConn: true, err: errUpdateOnOne},
}

// checkStream checks the number of the stream.
func (h FrameHeader) checkStream() *Error {
	if !h.Type.Known() {
		return nil
	}
	at := &places[h.Type]
	switch {
	case h.Stream == 0 && !at.onConn, h.Stream != 0 && !at.onStream:
		return at.err
	case h.Stream != 0 && h.Stream&1 == 0 && at.odd:
		return errEvenStream
	}
	return nil
}

// checkSize checks the size of the payload, as far as it depends on type and flags.
func (h FrameHeader) checkSize() *Error {
	switch h.Type {
	case FrameData, FrameHeaders:
		return errIf(h.Length < uint32(h.Prefix()), errPrefixSize)
	case FramePriority:
		return errIf(h.Length != prioritySize, errPrioritySize)
	case FrameRSTStream:
		return errIf(h.Length != resetSize, errResetSize)
	case FrameSettings:
		if h.Flags.Has(FlagAck) {
			return errIf(h.Length != 0, errSettingsAckSize)
		}
		return errIf(h.Length%settingSize != 0, errSettingsSize)
	case FramePing:
		return errIf(h.Length != pingSize, errPingSize)
	case FrameGoAway:
		return errIf(h.Length < goAwaySize, errGoAwaySize)
	case FrameWindowUpdate:
		return errIf(h.Length != windowSize, errWindowUpdateSize)
	case FramePriorityUpdate:
		return errIf(h.Length < priorityIDSize, errUpdateSize)
	}
	return nil
}

// errIf returns the error if it applies.
func errIf(so bool, err *Error) *Error {
	if so {
		return err
	}
	return nil
}
