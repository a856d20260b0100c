package http

import (
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// The ends of a connection that a client has caused, and the end of it.
const (
	protocolError  = "GOAWAY PROTOCOL_ERROR, end"
	frameSizeError = "GOAWAY FRAME_SIZE_ERROR, end"
	flowError      = "GOAWAY FLOW_CONTROL_ERROR, end"
	closedError    = "GOAWAY STREAM_CLOSED, end"
	tableError     = "GOAWAY COMPRESSION_ERROR, end"
)

// reserved is a frame with the bit before its stream set, which has no meaning.
func reserved(frame string) string {
	p := []byte(frame)
	p[5] |= 0x80
	return string(p)
}

// TestFramesOfHTTP2 is about frames by themselves (RFC 9113 sections 4 and 6).
func TestFramesOfHTTP2(t *testing.T) {
	const get, etc = "GET / at a", "\x00\x00\x00\x00"
	const unknown h2.FrameType = 0x77
	post := h2PostOf(1)
	frame := h2Frame
	holdH2(t, Config{}, []h2Row{
		// What is not known.
		{"a type that is not known is ignored", []any{frame(unknown, 0xff, 0, "abc"), frame(unknown, 0, 1, ""), h2GetOf(1)}, "200 on 1", get},
		{"a type that is not known may be on any stream", []any{h2GetOf(1), frame(unknown, 0, 1, "abc"), frame(unknown, 0, 2, "abc"), frame(unknown, 0, 99, "abc")}, "200 on 1", get},
		{"a type that is not known may have the longest frame", []any{frame(unknown, 0, 0, strings.Repeat("x", h2.MinFrameSize))}, "", ""},
		{"a type that is not known ends with a longer frame", []any{frame(unknown, 0, 0, strings.Repeat("x", h2.MinFrameSize+1))}, frameSizeError, ""},
		{"flags that are not known are ignored", []any{h2Lines{1, h2.FlagEndStream | 0x92, h2GetOf(1).lines}, frame(h2.FramePing, 0xfe, 0, "12345678")}, "200 on 1, PING ACK", get},
		{"a flag of another type means nothing", []any{post, frame(h2.FrameWindowUpdate, h2.FlagEndStream|h2.FlagPadded, 1, "\x00\x00\x00\x01"), h2Last(1, "x")}, "200 on 1", `POST / at a "x"`},
		{"the reserved bit before a stream is ignored", []any{reserved(h2Fetch(1, "/")), reserved(string(h2.AppendPing(nil, [8]byte{})))}, "200 on 1, PING ACK", get},
		{"the reserved bit before a body's stream is ignored", []any{post, reserved(h2Last(1, "x"))}, "200 on 1", `POST / at a "x"`},
		{"the reserved bit before an increment is ignored", []any{frame(h2.FrameWindowUpdate, 0, 0, "\x80\x00\x00\x01"), h2GetOf(1)}, "200 on 1", get},

		// Lengths.
		{"a body may have the longest frame", []any{h2PostOf(1, ":path: /early"), h2Last(1, strings.Repeat("x", h2.MinFrameSize))}, "200 on 1", "POST /early at a"},
		{"a longer one ends the connection", []any{h2PostOf(1, ":path: /early"), h2Last(1, strings.Repeat("x", h2.MinFrameSize+1))}, "200 on 1, " + frameSizeError, "POST /early at a"},
		{"PING of 7 bytes ends the connection", []any{frame(h2.FramePing, 0, 0, "1234567")}, frameSizeError, ""},
		{"PING of 9 bytes ends the connection", []any{frame(h2.FramePing, 0, 0, "123456789")}, frameSizeError, ""},
		{"the ACK of PING with another length ends the connection", []any{frame(h2.FramePing, h2.FlagAck, 0, "")}, frameSizeError, ""},
		{"RST_STREAM of 3 bytes ends the connection", []any{post, frame(h2.FrameRSTStream, 0, 1, "\x00\x00\x00")}, frameSizeError, "POST / at a, and no body"},
		{"RST_STREAM of 5 bytes ends the connection", []any{post, frame(h2.FrameRSTStream, 0, 1, "\x00\x00\x00\x00\x08")}, frameSizeError, "POST / at a, and no body"},
		{"WINDOW_UPDATE of 3 bytes ends the connection", []any{frame(h2.FrameWindowUpdate, 0, 0, "\x00\x00\x01")}, frameSizeError, ""},
		{"WINDOW_UPDATE of 5 bytes ends the connection", []any{frame(h2.FrameWindowUpdate, 0, 0, "\x00\x00\x00\x01\x00")}, frameSizeError, ""},
		{"GOAWAY of 7 bytes ends the connection", []any{frame(h2.FrameGoAway, 0, 0, "\x00\x00\x00\x00\x00\x00\x00")}, frameSizeError, ""},
		{"PRIORITY of 4 bytes ends its stream", []any{post, frame(h2.FramePriority, 0, 1, etc)}, "FRAME_SIZE_ERROR on 1", "POST / at a, and no body"},
		{"PRIORITY of 6 bytes ends its stream", []any{post, frame(h2.FramePriority, 0, 1, etc+"\x00\x00")}, "FRAME_SIZE_ERROR on 1", "POST / at a, and no body"},
		{"PRIORITY of 4 bytes ends the connection if its stream is idle, which cannot be reset", []any{frame(h2.FramePriority, 0, 1, etc)}, frameSizeError, ""},
		{"PRIORITY_UPDATE of 3 bytes ends the connection", []any{frame(h2.FramePriorityUpdate, 0, 0, "\x00\x00\x00")}, frameSizeError, ""},

		// Streams where there is none, and none where there is one.
		{"DATA on stream 0 ends the connection", []any{h2Data(0, "x")}, protocolError, ""},
		{"HEADERS on stream 0 end the connection", []any{h2GetOf(0)}, protocolError, ""},
		{"PRIORITY on stream 0 ends the connection", []any{frame(h2.FramePriority, 0, 0, etc+"\x00")}, protocolError, ""},
		{"RST_STREAM on stream 0 ends the connection", []any{frame(h2.FrameRSTStream, 0, 0, etc)}, protocolError, ""},
		{"SETTINGS on a stream end the connection", []any{frame(h2.FrameSettings, 0, 1, "")}, protocolError, ""},
		{"PING on a stream ends the connection", []any{frame(h2.FramePing, 0, 1, "12345678")}, protocolError, ""},
		{"GOAWAY on a stream ends the connection", []any{frame(h2.FrameGoAway, 0, 1, etc+etc)}, protocolError, ""},
		{"PRIORITY_UPDATE on a stream ends the connection", []any{frame(h2.FramePriorityUpdate, 0, 1, "\x00\x00\x00\x01u=1")}, protocolError, ""},
		{"PRIORITY_UPDATE about stream 0 ends the connection", []any{frame(h2.FramePriorityUpdate, 0, 0, etc+"u=1")}, protocolError, ""},
		{"PRIORITY_UPDATE about a push ends the connection", []any{frame(h2.FramePriorityUpdate, 0, 0, "\x00\x00\x00\x02u=1")}, protocolError, ""},
		{"PUSH_PROMISE ends the connection", []any{h2GetOf(1, ":path: /held"), frame(h2.FramePushPromise, h2.FlagEndHeaders, 1, "\x00\x00\x00\x02\x82\x86\x84")}, "200 on 1, " + protocolError, "GET /held at a"},

		// Padding.
		{"padding is left out", []any{h2PostOf(1), frame(h2.FrameData, h2.FlagPadded|h2.FlagEndStream, 1, "\x02hello\x00\x00")}, "200 on 1", `POST / at a "hello"`},
		{"padding may be all that there is", []any{h2PostOf(1), frame(h2.FrameData, h2.FlagPadded, 1, "\x02\x00\x00"), h2Last(1, "x")}, "200 on 1", `POST / at a "x"`},
		{"padding of 0 bytes is its length alone", []any{h2PostOf(1), frame(h2.FrameData, h2.FlagPadded|h2.FlagEndStream, 1, "\x00hello")}, "200 on 1", `POST / at a "hello"`},
		{"padding of 255 bytes is left out", []any{h2PostOf(1), frame(h2.FrameData, h2.FlagPadded|h2.FlagEndStream, 1, "\xffhello"+strings.Repeat("\x00", 255))}, "200 on 1", `POST / at a "hello"`},
		{"padding may have any bytes", []any{h2PostOf(1), frame(h2.FrameData, h2.FlagPadded|h2.FlagEndStream, 1, "\x02hello\x01\xff")}, "200 on 1", `POST / at a "hello"`},
		{"padding as long as its frame ends the connection", []any{post, frame(h2.FrameData, h2.FlagPadded, 1, "\x04\x00\x00\x00")}, protocolError, "POST / at a, and no body"},
		{"longer padding ends the connection", []any{post, frame(h2.FrameData, h2.FlagPadded, 1, "\xff\x00\x00\x00")}, protocolError, "POST / at a, and no body"},
		{"padding in a frame without its length ends the connection", []any{post, frame(h2.FrameData, h2.FlagPadded, 1, "")}, frameSizeError, "POST / at a, and no body"},
		{"HEADERS may have padding", []any{frame(h2.FrameHeaders, h2.FlagPadded|h2.FlagEndStream|h2.FlagEndHeaders, 1, "\x03"+h2Fetch(1, "/")[h2.HeaderSize:]+"\x00\x00\x00")}, "200 on 1", get},
		{"HEADERS may have a priority and padding", []any{frame(h2.FrameHeaders, h2.FlagPriority|h2.FlagPadded|h2.FlagEndStream|h2.FlagEndHeaders, 1, "\x03\x80\x00\x00\x00\xff"+h2Fetch(1, "/")[h2.HeaderSize:]+"\x00\x00\x00")}, "200 on 1", get},
		{"HEADERS with padding as long as the frame end the connection", []any{frame(h2.FrameHeaders, h2.FlagPadded|h2.FlagEndStream|h2.FlagEndHeaders, 1, "\x04\x82\x86\x84")}, protocolError, ""},
		{"HEADERS with padding that reaches into the priority end the connection", []any{frame(h2.FrameHeaders, h2.FlagPriority|h2.FlagPadded|h2.FlagEndStream|h2.FlagEndHeaders, 1, "\x05\x00\x00\x00\x00\x0f\x82\x86\x84\x00")}, protocolError, ""},
		{"HEADERS without room for a priority end the connection", []any{frame(h2.FrameHeaders, h2.FlagPriority|h2.FlagEndHeaders, 1, etc)}, frameSizeError, ""},
		{"CONTINUATION has no padding: what would be its length is a part of the block", []any{frame(h2.FrameHeaders, h2.FlagEndStream, 1, ""), frame(h2.FrameContinuation, h2.FlagPadded|h2.FlagEndHeaders, 1, h2Fetch(1, "/")[h2.HeaderSize:])}, "200 on 1", get},

		// The connection's own.
		{"PING is answered with what it says", []any{frame(h2.FramePing, 0, 0, "12345678"), h2GetOf(1)}, "PING ACK, 200 on 1", get},
		{"the ACK of a PING that was not sent is ignored", []any{frame(h2.FramePing, h2.FlagAck, 0, "12345678"), h2GetOf(1)}, "200 on 1", get},
		{"GOAWAY of the client finishes what runs", []any{post, frame(h2.FrameGoAway, 0, 0, etc+etc), h2Last(1, "hello")}, "200 on 1", `POST / at a "hello"`},
		{"GOAWAY with an error and a text does, too", []any{post, frame(h2.FrameGoAway, 0, 0, "\x00\x00\x00\x00\x00\x00\x00\x02why"), h2Last(1, "hello")}, "200 on 1", `POST / at a "hello"`},
		{"GOAWAY may come twice, and name any stream", []any{frame(h2.FrameGoAway, 0, 0, "\x7f\xff\xff\xff"+etc), frame(h2.FrameGoAway, 0, 0, etc+etc), h2GetOf(1)}, "200 on 1", get},
		{"RST_STREAM may have a code that is not known", []any{post, frame(h2.FrameRSTStream, 0, 1, "\xff\xff\xff\xff"), time.Millisecond, h2GetOf(3)}, "200 on 3", "POST / at a, and no body; GET / at a"},
		{"a priority of a stream on itself resets it", []any{post, frame(h2.FramePriority, 0, 1, "\x00\x00\x00\x01\x00")}, "PROTOCOL_ERROR on 1", "POST / at a, and no body"},
		{"a priority of an idle stream on itself ends the connection, because it cannot be reset", []any{frame(h2.FramePriority, 0, 1, "\x00\x00\x00\x01\x00")}, protocolError, ""},
		{"HEADERS that depend on themselves reset their stream, and the table gets their fields", []any{frame(h2.FrameHeaders, h2.FlagPriority|h2.FlagEndStream|h2.FlagEndHeaders, 1, "\x00\x00\x00\x01\x00"+h2Fetch(1, "/")[h2.HeaderSize:]+"\x40\x01x\x01y"), h2FetchMore(3, "\xbe")}, "PROTOCOL_ERROR on 1, 200 on 3", `GET / at a x="y"`},
		{"a priority of an even stream on itself ends the connection", []any{h2GetOf(7), time.Millisecond, frame(h2.FramePriority, 0, 2, "\x00\x00\x00\x02\x00")}, "200 on 7, " + protocolError, get},
		{"a weight without anything else is ignored", []any{frame(h2.FramePriority, 0, 1, "\x80\x00\x00\x07\xff"), h2GetOf(1)}, "200 on 1", get},
		{"a priority of an even stream is ignored", []any{frame(h2.FramePriority, 0, 2, etc+"\x01"), h2GetOf(1)}, "200 on 1", get},
	})
}

// TestBeginningsOfHTTP2 is about what comes first on a connection (RFC 9113 section 3.4).
func TestBeginningsOfHTTP2(t *testing.T) {
	const settings, ack = "\x00\x00\x00\x04\x00\x00\x00\x00\x00", "\x00\x00\x00\x04\x01\x00\x00\x00\x00"
	for _, row := range []struct{ name, says, want string }{
		{"SETTINGS follow the preface", h2.Preface + settings + h2Fetch(1, "/ok"), "SETTINGS ACK, 200 on 1, 5 bytes on 1"},
		{"SETTINGS may say nothing of ours", h2.Preface + settings + ack, "SETTINGS ACK"},
		{"PING in their place ends the connection", h2.Preface + string(h2.AppendPing(nil, [8]byte{})), protocolError},
		{"an ACK in their place ends the connection", h2.Preface + ack, protocolError},
		{"a request in their place ends the connection", h2.Preface + h2Fetch(1, "/ok"), protocolError},
		{"a type that is not known in their place ends the connection", h2.Preface + h2Frame(0x77, 0, 0, ""), protocolError},
		{"SETTINGS of 5 bytes end the connection", h2.Preface + h2Frame(h2.FrameSettings, 0, 0, "\x00\x04\x00\x00\x00"), frameSizeError},
	} {
		t.Run(row.name, func(t *testing.T) {
			for _, cut := range []bool{false, true} {
				k := sim.New(1)
				stageH2(t, k, Config{Handler: h2Site().Serve}, func(_ *h2Watch, c *sim.Script, w *sim.Wire) {
					m := newMouth(k, c, w)
					m.bytewise = cut
					m.listen(row.says, time.Millisecond)
					if got := m.words(); got != row.want {
						t.Errorf("byte by byte: %v: it hears %q, and not %q", cut, got, row.want)
					}
					w.Close()
					c.Sleep(h2Rest)
				})
			}
		})
	}
}
