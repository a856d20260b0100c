package h2

import (
	"bytes"
	"strings"
	"testing"
)

// TestContents looks at where the data is.
func TestContents(t *testing.T) {
	tests := []struct {
		name    string
		typ     FrameType
		flags   Flags
		payload string
		want    string
	}{
		{"DATA is its payload", FrameData, 0, "data", "data"},
		{"padding is cut off", FrameData, FlagPadded, "\x02datapp", "data"},
		{"padding may leave nothing", FrameData, FlagPadded, "\x02pp", ""},
		{"the flag of a priority means nothing in DATA", FrameData, FlagPriority, "data", "data"},
		{"HEADERS is its payload", FrameHeaders, 0, "fields", "fields"},
		{"a priority is cut off", FrameHeaders, FlagPriority, "\x00\x00\x00\x01\x10fields", "fields"},
		{"so are both", FrameHeaders, FlagPadded | FlagPriority, "\x01\x00\x00\x00\x01\x10fieldsp", "fields"},
		{"fields are found although their stream depends on itself", FrameHeaders, FlagPriority, "\x80\x00\x00\x03\x10fields", "fields"},
		{"CONTINUATION is its payload", FrameContinuation, FlagPadded | FlagPriority, "fields", "fields"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := headerOf(test.typ, test.flags, 3, test.payload)
			c, err := h.Content([]byte(test.payload)[:h.Prefix()])
			if err != nil && !err.Stream {
				t.Fatal(err)
			}
			if got := test.payload[c.From:c.To]; got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

// TestPayloads reads back what was written.
func TestPayloads(t *testing.T) {
	tests := []struct {
		name string
		p    []byte
		want string
	}{
		{"SETTINGS", AppendSettings(nil, Setting{SettingMaxFrameSize, 16384}, Setting{SettingEnableConnectProtocol, 1}),
			"\x00\x00\x0c\x04\x00\x00\x00\x00\x00\x00\x05\x00\x00\x40\x00\x00\x08\x00\x00\x00\x01"},
		{"SETTINGS with ACK", AppendSettingsAck(nil), "\x00\x00\x00\x04\x01\x00\x00\x00\x00"},
		{"PING", AppendPing(nil, ReadPing([]byte("12345678"))), "\x00\x00\x08\x06\x00\x00\x00\x00\x0012345678"},
		{"PING with ACK", AppendPingAck(nil, ReadPing([]byte("12345678"))), "\x00\x00\x08\x06\x01\x00\x00\x00\x0012345678"},
		{"GOAWAY", AppendGoAway(nil, 7, EnhanceYourCalm, "calm"), "\x00\x00\x0c\x07\x00\x00\x00\x00\x00\x00\x00\x00\x07\x00\x00\x00\x0bcalm"},
		{"RST_STREAM", AppendReset(nil, 5, Cancel), "\x00\x00\x04\x03\x00\x00\x00\x00\x05\x00\x00\x00\x08"},
		{"WINDOW_UPDATE", AppendWindowUpdate(nil, 3, MaxWindow), "\x00\x00\x04\x08\x00\x00\x00\x00\x03\x7f\xff\xff\xff"},
		{"the header of DATA", FrameHeader{1 << 16, FrameData, FlagEndStream, MaxStream}.Append(nil), "\x01\x00\x00\x00\x01\x7f\xff\xff\xff"},
	}
	for _, test := range tests {
		if string(test.p) != test.want {
			t.Errorf("%s is % x, want % x", test.name, test.p, test.want)
		}
	}
	p := []byte("123456789fields")
	FrameHeader{6, FrameHeaders, FlagEndHeaders, 1}.Put(p)
	if want := "\x00\x00\x06\x01\x04\x00\x00\x00\x01fields"; string(p) != want {
		t.Errorf("a header over others is % x, want % x", p, want)
	}
	if h, ok := ReadFrameHeader([]byte("\x00\x00\x00\x08\x00\xff\xff\xff\xff")); h.Stream != MaxStream || !ok {
		t.Errorf("the reserved bit makes the stream %d", h.Stream)
	}
	if last, code, debug := ReadGoAway([]byte("\x80\x00\x00\x07\x00\x00\x00\x0bcalm")); last != 7 || code != EnhanceYourCalm || string(debug) != "calm" {
		t.Errorf("GOAWAY is read as %d, %v, %q", last, code, debug)
	}
	if got := ReadReset([]byte{0, 0, 0, 8}); got != Cancel {
		t.Errorf("RST_STREAM is read as %v", got)
	}
	if stream, value, err := ReadPriorityUpdate([]byte("\x80\x00\x00\x05u=1")); stream != 5 || string(value) != "u=1" || err != nil {
		t.Errorf("PRIORITY_UPDATE is read as %d, %q, %v", stream, value, err)
	}
	if n, err := (FrameHeader{Stream: 1}).ReadWindowUpdate([]byte{0x80, 0, 0, 9}); n != 9 || err != nil {
		t.Errorf("WINDOW_UPDATE is read as %d, %v", n, err)
	}
	if h, _ := ReadFrameHeader(AppendGoAway(nil, 0, NoError, string(bytes.Repeat([]byte("x"), 1<<20)))); h.Length != MinFrameSize {
		t.Errorf("GOAWAY with a long text has %d bytes", h.Length)
	}
}

// TestSettingsApply looks at the effect of a whole frame.
func TestSettingsApply(t *testing.T) {
	s := DefaultSettings
	p := AppendSettings(nil,
		Setting{SettingHeaderTableSize, 100}, Setting{SettingHeaderTableSize, 65536}, Setting{SettingInitialWindowSize, 1},
		Setting{SettingInitialWindowSize, 2}, Setting{SettingMaxFrameSize, 20000}, Setting{SettingMaxHeaderListSize, 7},
		Setting{SettingNoRFC7540Priorities, 1}, Setting{SettingEnablePush, 0}, Setting{SettingMaxConcurrentStreams, 0}, Setting{99, 99})
	if err := s.Apply(p[HeaderSize:]); err != nil {
		t.Fatal(err)
	}
	if want := (Settings{65536, 100, 2, 20000, 7, true}); s != want {
		t.Errorf("the settings are %v, want %v", s, want)
	}
	if err := s.Apply(nil); err != nil || s.LeastTableSize != 65536 {
		t.Errorf("after an empty frame the least table has %d bytes, %v", s.LeastTableSize, err)
	}
}

// TestNumbersOfTheRFC looks at numbers that both sides have to mean alike.
func TestNumbersOfTheRFC(t *testing.T) {
	if want := (Settings{4096, 4096, 65535, 16384, 4294967295, false}); DefaultSettings != want {
		t.Errorf("the settings before any are %v, want %v", DefaultSettings, want)
	}
	for i, want := range []string{"NO_ERROR", "PROTOCOL_ERROR", "INTERNAL_ERROR", "FLOW_CONTROL_ERROR", "SETTINGS_TIMEOUT", "STREAM_CLOSED",
		"FRAME_SIZE_ERROR", "REFUSED_STREAM", "CANCEL", "COMPRESSION_ERROR", "CONNECT_ERROR", "ENHANCE_YOUR_CALM", "INADEQUATE_SECURITY",
		"HTTP_1_1_REQUIRED"} {
		if got := ErrorCode(i).String(); got != want {
			t.Errorf("error code %d is %s, want %s", i, got, want)
		}
	}
	for i, want := range []string{"DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY", "WINDOW_UPDATE",
		"CONTINUATION", "frame type 10", "frame type 11", "frame type 12", "frame type 13", "frame type 14", "frame type 15", "PRIORITY_UPDATE"} {
		if got := FrameType(i).String(); got != want || FrameType(i).Known() == strings.HasPrefix(want, "frame") {
			t.Errorf("frame type %d is %s, want %s", i, got, want)
		}
	}
	ids := []SettingID{SettingHeaderTableSize, SettingEnablePush, SettingMaxConcurrentStreams, SettingInitialWindowSize, SettingMaxFrameSize,
		SettingMaxHeaderListSize, 7, SettingEnableConnectProtocol, SettingNoRFC7540Priorities}
	for i, id := range ids {
		if int(id) != i+1 {
			t.Errorf("setting %d has the number %d", i+1, id)
		}
	}
}

// TestNamesOfTheRFC looks at the names that people read.
func TestNamesOfTheRFC(t *testing.T) {
	for want, got := range map[string]string{
		"NO_ERROR": NoError.String(), "HTTP_1_1_REQUIRED": HTTP11Required.String(), "ENHANCE_YOUR_CALM": EnhanceYourCalm.String(),
		"error code 14": ErrorCode(14).String(), "error code 4294967295": ErrorCode(1<<32 - 1).String(),
		"DATA": FrameData.String(), "CONTINUATION": FrameContinuation.String(), "PRIORITY_UPDATE": FramePriorityUpdate.String(),
		"frame type 10": FrameType(10).String(), "frame type 255": FrameType(255).String(),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
