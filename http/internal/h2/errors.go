package h2

import "strconv"

// An ErrorCode says in RST_STREAM and GOAWAY why a stream or a connection ends (RFC 9113
// section 7).
type ErrorCode uint32

const (
	NoError            ErrorCode = 0x0
	ProtocolError      ErrorCode = 0x1
	InternalError      ErrorCode = 0x2
	FlowControlError   ErrorCode = 0x3
	SettingsTimeout    ErrorCode = 0x4
	StreamClosed       ErrorCode = 0x5
	FrameSizeError     ErrorCode = 0x6
	RefusedStream      ErrorCode = 0x7
	Cancel             ErrorCode = 0x8
	CompressionError   ErrorCode = 0x9
	ConnectError       ErrorCode = 0xa
	EnhanceYourCalm    ErrorCode = 0xb
	InadequateSecurity ErrorCode = 0xc
	HTTP11Required     ErrorCode = 0xd
)

var errorNames = [...]string{
	NoError:            "NO_ERROR",
	ProtocolError:      "PROTOCOL_ERROR",
	InternalError:      "INTERNAL_ERROR",
	FlowControlError:   "FLOW_CONTROL_ERROR",
	SettingsTimeout:    "SETTINGS_TIMEOUT",
	StreamClosed:       "STREAM_CLOSED",
	FrameSizeError:     "FRAME_SIZE_ERROR",
	RefusedStream:      "REFUSED_STREAM",
	Cancel:             "CANCEL",
	CompressionError:   "COMPRESSION_ERROR",
	ConnectError:       "CONNECT_ERROR",
	EnhanceYourCalm:    "ENHANCE_YOUR_CALM",
	InadequateSecurity: "INADEQUATE_SECURITY",
	HTTP11Required:     "HTTP_1_1_REQUIRED",
}

// String returns the name of the RFC, or the number of a code that it does not have.
func (c ErrorCode) String() string {
	if int64(c) < int64(len(errorNames)) {
		return errorNames[c]
	}
	return "error code " + strconv.FormatUint(uint64(c), 10)
}

// An Error is a reason to end a stream or the connection: the code for the peer, and one
// line for a person, for the debug text of GOAWAY and for the log. Every error is a
// variable, so that it costs no memory and a test can tell which one it got.
type Error struct {
	Code   ErrorCode
	Stream bool // ends the stream only; the connection goes on
	Reason string
}

// Error returns the code and the reason.
func (e *Error) Error() string { return e.Code.String() + ": " + e.Reason }

// connError returns an error that ends the connection.
func connError(code ErrorCode, reason string) *Error { return &Error{code, false, reason} }

// streamError returns an error that ends one stream.
func streamError(code ErrorCode, reason string) *Error { return &Error{code, true, reason} }
