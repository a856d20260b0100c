package h2

import "encoding/binary"

// SETTINGS (RFC 9113 section 6.5).

// A SettingID is the number of a setting.
type SettingID uint16

const (
	SettingHeaderTableSize       SettingID = 0x1
	SettingEnablePush            SettingID = 0x2
	SettingMaxConcurrentStreams  SettingID = 0x3
	SettingInitialWindowSize     SettingID = 0x4
	SettingMaxFrameSize          SettingID = 0x5
	SettingMaxHeaderListSize     SettingID = 0x6
	SettingEnableConnectProtocol SettingID = 0x8 // RFC 8441
	SettingNoRFC7540Priorities   SettingID = 0x9 // RFC 9218
)

// A Setting is one parameter and its value.
type Setting struct {
	ID    SettingID
	Value uint32
}

// Why a value is refused.
var (
	errEnablePush    = connError(ProtocolError, "ENABLE_PUSH is 0 or 1")                           // RFC 9113 section 6.5.2
	errInitialWindow = connError(FlowControlError, "INITIAL_WINDOW_SIZE is at most 2,147,483,647") // RFC 9113 section 6.5.2
	errMaxFrameSize  = connError(ProtocolError, "MAX_FRAME_SIZE is between 16,384 and 16,777,215") // RFC 9113 section 6.5.2
	errNoPriorities  = connError(ProtocolError, "NO_RFC7540_PRIORITIES is 0 or 1")                 // RFC 9218 section 2.1
)

// Check returns what is wrong with a value, or nil. Settings that are not known have none that
// is wrong.
func (s Setting) Check() *Error {
	switch s.ID {
	case SettingEnablePush:
		return errIf(s.Value > 1, errEnablePush)
	case SettingInitialWindowSize:
		return errIf(s.Value > MaxWindow, errInitialWindow)
	case SettingMaxFrameSize:
		return errIf(s.Value < MinFrameSize || s.Value > MaxFrameSize, errMaxFrameSize)
	case SettingNoRFC7540Priorities:
		return errIf(s.Value > 1, errNoPriorities)
	}
	return nil
}

// ReadSetting reads the first setting in the payload of SETTINGS, which is not empty.
func ReadSetting(p []byte) (s Setting, rest []byte) {
	p, rest = p[:settingSize], p[settingSize:]
	return Setting{SettingID(binary.BigEndian.Uint16(p)), binary.BigEndian.Uint32(p[2:])}, rest
}

// Unlimited stands for a limit that a peer has not set.
const Unlimited = 1<<32 - 1

// Settings are the peer's settings that a server uses.
type Settings struct {
	HeaderTableSize     uint32 // bytes of the dynamic table that we may use
	LeastTableSize      uint32 // the smallest HeaderTableSize in the last frame, see Encoder.SetPeerLimit
	InitialWindowSize   uint32 // bytes
	MaxFrameSize        uint32 // bytes
	MaxHeaderListSize   uint32 // bytes, as advice
	NoRFC7540Priorities bool
}

// DefaultSettings are in effect until the first SETTINGS has come.
var DefaultSettings = Settings{
	HeaderTableSize:   DefaultTable,
	LeastTableSize:    DefaultTable,
	InitialWindowSize: DefaultWindow,
	MaxFrameSize:      MinFrameSize,
	MaxHeaderListSize: Unlimited,
}

// Apply checks and takes the settings in the payload of a SETTINGS frame, in their order. The
// caller compares what it uses before and after, so that a frame that names a setting a
// thousand times moves the windows once. After an error, some of the settings are taken.
func (s *Settings) Apply(p []byte) *Error {
	s.LeastTableSize = s.HeaderTableSize
	for len(p) >= settingSize {
		var one Setting
		one, p = ReadSetting(p)
		if err := one.Check(); err != nil {
			return err
		}
		s.set(one)
	}
	return nil
}

// set takes one setting, whose value is right. This server never pushes, so ENABLE_PUSH and
// MAX_CONCURRENT_STREAMS have no effect; ENABLE_CONNECT_PROTOCOL of a client has none either
// (RFC 8441 section 3).
func (s *Settings) set(one Setting) {
	switch one.ID {
	case SettingHeaderTableSize:
		s.HeaderTableSize = one.Value
		s.LeastTableSize = min(s.LeastTableSize, one.Value)
	case SettingInitialWindowSize:
		s.InitialWindowSize = one.Value
	case SettingMaxFrameSize:
		s.MaxFrameSize = one.Value
	case SettingMaxHeaderListSize:
		s.MaxHeaderListSize = one.Value
	case SettingNoRFC7540Priorities:
		s.NoRFC7540Priorities = one.Value == 1
	}
}
