package h2

// Frames that are accepted or refused: the table of RFC 9113 section 6. A row's name is a
// sentence that is true when the row passes.

import "testing"

// headerOf returns the header of a frame with a payload.
func headerOf(typ FrameType, flags Flags, stream uint32, payload string) FrameHeader {
	return FrameHeader{uint32(len(payload)), typ, flags, stream}
}

// receive checks a whole frame as a server does.
func receive(h FrameHeader, p []byte, s *Settings) *Error {
	if err := h.Check(MinFrameSize); err != nil {
		return err
	}
	var err *Error
	switch h.Type {
	case FrameData, FrameHeaders, FrameContinuation:
		_, err = h.Content(p)
	case FramePriority:
		err = h.CheckPriority(p)
	case FrameSettings:
		err = s.Apply(p)
	case FrameWindowUpdate:
		_, err = h.ReadWindowUpdate(p)
	case FramePriorityUpdate:
		_, _, err = ReadPriorityUpdate(p)
	case FrameRSTStream:
		ReadReset(p)
	case FramePing:
		ReadPing(p)
	case FrameGoAway:
		ReadGoAway(p)
	}
	return err
}

// TestFrames has every error that the codec decides, and what lies beside it.
func TestFrames(t *testing.T) {
	const (
		five  = "\x00\x00\x00\x05\x10"
		eight = "12345678"
	)
	long := string(make([]byte, MinFrameSize+1))
	tests := []struct {
		name    string
		typ     FrameType
		flags   Flags
		stream  uint32
		payload string
		want    *Error
	}{
		{"DATA has a stream", FrameData, 0, 1, "x", nil},
		{"DATA may be empty", FrameData, FlagEndStream, 1, "", nil},
		{"DATA has no stream 0", FrameData, 0, 0, "x", errDataOnZero},
		{"DATA has no even stream", FrameData, 0, 2, "x", errEvenStream},
		{"DATA may be as long as MAX_FRAME_SIZE", FrameData, 0, 1, long[1:], nil},
		{"DATA is not longer", FrameData, 0, 1, long, errTooLong},
		{"padding needs its length", FrameData, FlagPadded, 1, "", errPrefixSize},
		{"padding may be empty", FrameData, FlagPadded, 1, "\x00", nil},
		{"padding may be all that there is", FrameData, FlagPadded, 1, "\x02xx", nil},
		{"padding is shorter than its frame", FrameData, FlagPadded, 1, "\x03xx", errPadding},
		{"padding of DATA is far too long", FrameData, FlagPadded, 1, "\xffxx", errPadding},

		{"HEADERS has a stream", FrameHeaders, FlagEndHeaders, 3, "x", nil},
		{"HEADERS may be empty", FrameHeaders, 0, 3, "", nil},
		{"HEADERS has no stream 0", FrameHeaders, 0, 0, "x", errHeadersOnZero},
		{"HEADERS has no even stream", FrameHeaders, 0, 4, "x", errEvenStream},
		{"HEADERS is not longer than MAX_FRAME_SIZE", FrameHeaders, 0, 3, long, errTooLong},
		{"a priority has 5 bytes", FrameHeaders, FlagPriority, 3, five, nil},
		{"a priority has no fewer", FrameHeaders, FlagPriority, 3, five[1:], errPrefixSize},
		{"a priority behind a length has 5 bytes, too", FrameHeaders, FlagPadded | FlagPriority, 3, "\x00" + five, nil},
		{"a priority behind a length has no fewer", FrameHeaders, FlagPadded | FlagPriority, 3, five, errPrefixSize},
		{"padding does not reach into a priority", FrameHeaders, FlagPadded | FlagPriority, 3, "\x01" + five, errPadding},
		{"padding may follow a priority", FrameHeaders, FlagPadded | FlagPriority, 3, "\x01" + five + "x", nil},
		{"a stream of HEADERS does not depend on itself", FrameHeaders, FlagPriority, 5, five, errSelfDependency},
		{"nor exclusively", FrameHeaders, FlagPriority, 5, "\x80" + five[1:], errSelfDependency},
		{"nor behind a length", FrameHeaders, FlagPadded | FlagPriority, 5, "\x00" + five, errSelfDependency},
		{"without the flag, the same bytes are fields", FrameHeaders, 0, 5, five, nil},

		{"PRIORITY has 5 bytes", FramePriority, 0, 1, five, nil},
		{"PRIORITY has no fewer", FramePriority, 0, 1, five[1:], errPrioritySize},
		{"PRIORITY has no more", FramePriority, 0, 1, five + "x", errPrioritySize},
		{"PRIORITY has no stream 0", FramePriority, 0, 0, five, errPriorityOnZero},
		{"PRIORITY may be about a stream that is not used", FramePriority, 0, 2, five, nil},
		{"a stream of PRIORITY does not depend on itself", FramePriority, 0, 5, five, errSelfDependency},

		{"RST_STREAM has 4 bytes", FrameRSTStream, 0, 1, "\x00\x00\x00\x08", nil},
		{"RST_STREAM has no fewer", FrameRSTStream, 0, 1, "\x00\x00\x08", errResetSize},
		{"RST_STREAM has no more", FrameRSTStream, 0, 1, five, errResetSize},
		{"RST_STREAM has no stream 0", FrameRSTStream, 0, 0, "\x00\x00\x00\x08", errResetOnZero},
		{"RST_STREAM has no even stream", FrameRSTStream, 0, 2, "\x00\x00\x00\x08", errEvenStream},

		{"SETTINGS may be empty", FrameSettings, 0, 0, "", nil},
		{"SETTINGS has 6 bytes a setting", FrameSettings, 0, 0, "\x00\x03\x00\x00\x00\x64", nil},
		{"SETTINGS has no part of one", FrameSettings, 0, 0, "\x00\x03\x00\x00\x00\x64\x00", errSettingsSize},
		{"SETTINGS has no stream", FrameSettings, 0, 1, "", errSettingsOnOne},
		{"SETTINGS with ACK is empty", FrameSettings, FlagAck, 0, "", nil},
		{"SETTINGS with ACK has no setting", FrameSettings, FlagAck, 0, "\x00\x03\x00\x00\x00\x64", errSettingsAckSize},
		{"SETTINGS with ACK has no stream", FrameSettings, FlagAck, 1, "", errSettingsOnOne},
		{"a setting may be unknown", FrameSettings, 0, 0, "\xff\xff\xff\xff\xff\xff", nil},
		{"ENABLE_PUSH may be 1", FrameSettings, 0, 0, "\x00\x02\x00\x00\x00\x01", nil},
		{"ENABLE_PUSH is not 2", FrameSettings, 0, 0, "\x00\x02\x00\x00\x00\x02", errEnablePush},
		{"INITIAL_WINDOW_SIZE may be 2^31-1", FrameSettings, 0, 0, "\x00\x04\x7f\xff\xff\xff", nil},
		{"INITIAL_WINDOW_SIZE is not 2^31", FrameSettings, 0, 0, "\x00\x04\x80\x00\x00\x00", errInitialWindow},
		{"MAX_FRAME_SIZE may be 2^14", FrameSettings, 0, 0, "\x00\x05\x00\x00\x40\x00", nil},
		{"MAX_FRAME_SIZE is not less", FrameSettings, 0, 0, "\x00\x05\x00\x00\x3f\xff", errMaxFrameSize},
		{"MAX_FRAME_SIZE may be 2^24-1", FrameSettings, 0, 0, "\x00\x05\x00\xff\xff\xff", nil},
		{"MAX_FRAME_SIZE is not more", FrameSettings, 0, 0, "\x00\x05\x01\x00\x00\x00", errMaxFrameSize},
		{"NO_RFC7540_PRIORITIES may be 1", FrameSettings, 0, 0, "\x00\x09\x00\x00\x00\x01", nil},
		{"NO_RFC7540_PRIORITIES is not 2", FrameSettings, 0, 0, "\x00\x09\x00\x00\x00\x02", errNoPriorities},
		{"ENABLE_CONNECT_PROTOCOL of a client has no effect", FrameSettings, 0, 0, "\x00\x08\x00\x00\x00\x02", nil},
		{"a bad value behind a good one is found", FrameSettings, 0, 0, "\x00\x02\x00\x00\x00\x00\x00\x02\x00\x00\x00\x02", errEnablePush},

		{"PUSH_PROMISE is not a client's", FramePushPromise, FlagEndHeaders, 1, five, errPush},
		{"PUSH_PROMISE is not a client's on stream 0 either", FramePushPromise, 0, 0, five, errPush},

		{"PING has 8 bytes", FramePing, 0, 0, eight, nil},
		{"PING has no fewer", FramePing, 0, 0, eight[1:], errPingSize},
		{"PING has no more", FramePing, FlagAck, 0, eight + "x", errPingSize},
		{"PING has no stream", FramePing, 0, 1, eight, errPingOnOne},

		{"GOAWAY has 8 bytes", FrameGoAway, 0, 0, eight, nil},
		{"GOAWAY may have a text", FrameGoAway, 0, 0, eight + "text", nil},
		{"GOAWAY has no fewer", FrameGoAway, 0, 0, eight[1:], errGoAwaySize},
		{"GOAWAY has no stream", FrameGoAway, 0, 1, eight, errGoAwayOnOne},

		{"WINDOW_UPDATE may be a stream's", FrameWindowUpdate, 0, 1, "\x00\x00\x00\x01", nil},
		{"WINDOW_UPDATE may be the connection's", FrameWindowUpdate, 0, 0, "\x7f\xff\xff\xff", nil},
		{"WINDOW_UPDATE of a stream adds something", FrameWindowUpdate, 0, 1, "\x00\x00\x00\x00", errNoIncrement},
		{"WINDOW_UPDATE of the connection adds something", FrameWindowUpdate, 0, 0, "\x00\x00\x00\x00", errNoConnIncr},
		{"the reserved bit adds nothing", FrameWindowUpdate, 0, 1, "\x80\x00\x00\x00", errNoIncrement},
		{"WINDOW_UPDATE has 4 bytes and no fewer", FrameWindowUpdate, 0, 1, "\x00\x00\x01", errWindowUpdateSize},
		{"WINDOW_UPDATE has no more", FrameWindowUpdate, 0, 0, five, errWindowUpdateSize},
		{"WINDOW_UPDATE has no even stream", FrameWindowUpdate, 0, 2, "\x00\x00\x00\x01", errEvenStream},

		{"CONTINUATION has a stream", FrameContinuation, FlagEndHeaders, 1, "x", nil},
		{"CONTINUATION may be empty", FrameContinuation, 0, 1, "", nil},
		{"CONTINUATION has no stream 0", FrameContinuation, 0, 0, "x", errContinuesOnZero},
		{"CONTINUATION has no even stream", FrameContinuation, 0, 2, "x", errEvenStream},
		{"CONTINUATION has no padding", FrameContinuation, FlagPadded, 1, "\xff", nil},

		{"PRIORITY_UPDATE names a stream", FramePriorityUpdate, 0, 0, "\x00\x00\x00\x01u=1", nil},
		{"PRIORITY_UPDATE may say nothing of it", FramePriorityUpdate, 0, 0, "\x00\x00\x00\x01", nil},
		{"PRIORITY_UPDATE has no fewer bytes", FramePriorityUpdate, 0, 0, "\x00\x00\x01", errUpdateSize},
		{"PRIORITY_UPDATE has no stream of its own", FramePriorityUpdate, 0, 1, "\x00\x00\x00\x01u=1", errUpdateOnOne},
		{"PRIORITY_UPDATE is not about stream 0", FramePriorityUpdate, 0, 0, "\x80\x00\x00\x00u=1", errUpdateOfZero},
		{"PRIORITY_UPDATE is not about a push", FramePriorityUpdate, 0, 0, "\x00\x00\x00\x02u=1", errUpdateOfPush},

		{"an unknown type is ignored", 0x0b, 0xff, 2, "x", nil},
		{"an unknown type above all is ignored", 0xff, 0xff, 0, "", nil},
		{"an unknown type is not longer than MAX_FRAME_SIZE", 0xff, 0, 1, long, errTooLong},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := headerOf(test.typ, test.flags, test.stream, test.payload)
			s := DefaultSettings
			if err := receive(h, []byte(test.payload), &s); err != test.want {
				t.Errorf("%v, want %v", err, test.want)
			}
			if again, ok := ReadFrameHeader(h.Append(nil)); again != h || !ok {
				t.Errorf("%v is read as %v, %v", h, again, ok)
			}
		})
	}
}

// TestScopesOfErrors lists the errors that end a stream only, and those that are no
// PROTOCOL_ERROR.
func TestScopesOfErrors(t *testing.T) {
	for _, err := range []*Error{errSelfDependency, errNoIncrement, errPrioritySize, errPseudoLate} {
		if !err.Stream {
			t.Errorf("%v ends the connection", err)
		}
	}
	for _, err := range []*Error{errTooLong, errPrefixSize, errPrioritySize, errResetSize, errSettingsSize, errSettingsAckSize, errPingSize,
		errGoAwaySize, errWindowUpdateSize, errUpdateSize} {
		if err.Code != FrameSizeError || err.Stream != (err == errPrioritySize) {
			t.Errorf("%v is not a FRAME_SIZE_ERROR of the connection", err)
		}
	}
	for _, err := range []*Error{errDataOnZero, errHeadersOnZero, errPriorityOnZero, errResetOnZero, errContinuesOnZero, errSettingsOnOne, errPingOnOne,
		errGoAwayOnOne, errUpdateOnOne, errPush, errEvenStream, errPadding, errNoConnIncr, errUpdateOfZero, errUpdateOfPush, errEnablePush,
		errMaxFrameSize, errNoPriorities} {
		if err.Code != ProtocolError || err.Stream {
			t.Errorf("%v is not a PROTOCOL_ERROR of the connection", err)
		}
	}
	if errInitialWindow.Code != FlowControlError || errInitialWindow.Stream {
		t.Errorf("%v is not a FLOW_CONTROL_ERROR of the connection", errInitialWindow)
	}
	if got := errPadding.Error(); got != "PROTOCOL_ERROR: the padding is as long as its frame" {
		t.Errorf("an error is %q", got)
	}
}
