package http

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// h2Set is SETTINGS with one setting.
func h2Set(id h2.SettingID, value uint32) string {
	return string(h2.AppendSettings(nil, h2.Setting{ID: id, Value: value}))
}

// TestSettingsOfClients is about their values (RFC 9113 section 6.5.2, RFC 8441, RFC 9218).
func TestSettingsOfClients(t *testing.T) {
	const get, ack = "GET / at a", "SETTINGS ACK"
	holdH2(t, Config{}, []h2Row{
		{"SETTINGS without a setting are acknowledged", []any{string(h2.AppendSettings(nil))}, ack, ""},
		{"one ACK is for a frame, and not for a setting", []any{string(h2.AppendSettings(nil, h2.Setting{ID: 6, Value: 1}, h2.Setting{ID: 6, Value: 2}))}, ack, ""},
		{"a setting that is not known is ignored", []any{h2Set(0x7777, 1<<32-1), h2GetOf(1)}, ack + ", 200 on 1", get},
		{"setting 0 is not known", []any{h2Set(0, 1)}, ack, ""},
		{"SETTINGS of 5 bytes end the connection", []any{h2Frame(h2.FrameSettings, 0, 0, "\x00\x01\x00\x00\x00")}, frameSizeError, ""},
		{"SETTINGS of 7 bytes end the connection", []any{h2Frame(h2.FrameSettings, 0, 0, "\x00\x01\x00\x00\x00\x00\x00")}, frameSizeError, ""},
		{"an ACK with a setting ends the connection", []any{h2Frame(h2.FrameSettings, h2.FlagAck, 0, "\x00\x01\x00\x00\x00\x00")}, frameSizeError, ""},
		{"an ACK that nothing asks for is ignored", []any{string(h2.AppendSettingsAck(h2.AppendSettingsAck(nil))), h2GetOf(1)}, "200 on 1", get},
		{"ENABLE_PUSH may be 0", []any{h2Set(h2.SettingEnablePush, 0)}, ack, ""},
		{"ENABLE_PUSH may be 1", []any{h2Set(h2.SettingEnablePush, 1)}, ack, ""},
		{"ENABLE_PUSH of 2 ends the connection", []any{h2Set(h2.SettingEnablePush, 2)}, protocolError, ""},
		{"MAX_CONCURRENT_STREAMS may be 0, which is about pushes", []any{h2Set(h2.SettingMaxConcurrentStreams, 0), h2GetOf(1)}, ack + ", 200 on 1", get},
		{"INITIAL_WINDOW_SIZE may be the largest window", []any{h2Set(h2.SettingInitialWindowSize, h2.MaxWindow)}, ack, ""},
		{"INITIAL_WINDOW_SIZE above that ends the connection", []any{h2Set(h2.SettingInitialWindowSize, h2.MaxWindow+1)}, flowError, ""},
		{"MAX_FRAME_SIZE may be 16,384", []any{h2Set(h2.SettingMaxFrameSize, 1<<14)}, ack, ""},
		{"MAX_FRAME_SIZE below that ends the connection", []any{h2Set(h2.SettingMaxFrameSize, 1<<14-1)}, protocolError, ""},
		{"MAX_FRAME_SIZE of 0 ends the connection", []any{h2Set(h2.SettingMaxFrameSize, 0)}, protocolError, ""},
		{"MAX_FRAME_SIZE may be 16,777,215", []any{h2Set(h2.SettingMaxFrameSize, 1<<24-1)}, ack, ""},
		{"MAX_FRAME_SIZE above that ends the connection", []any{h2Set(h2.SettingMaxFrameSize, 1<<24)}, protocolError, ""},
		{"MAX_HEADER_LIST_SIZE may be 0, which is advice", []any{h2Set(h2.SettingMaxHeaderListSize, 0), h2GetOf(1)}, ack + ", 200 on 1", get},
		{"ENABLE_CONNECT_PROTOCOL of a client means nothing", []any{h2Set(h2.SettingEnableConnectProtocol, 1), h2GetOf(1)}, ack + ", 200 on 1", get},
		{"NO_RFC7540_PRIORITIES may be 1", []any{h2Set(h2.SettingNoRFC7540Priorities, 1)}, ack, ""},
		{"NO_RFC7540_PRIORITIES of 2 ends the connection", []any{h2Set(h2.SettingNoRFC7540Priorities, 2)}, protocolError, ""},
		{"a bad value ends the connection, though a good one follows", []any{string(h2.AppendSettings(nil, h2.Setting{ID: h2.SettingEnablePush, Value: 2}, h2.Setting{ID: h2.SettingEnablePush, Value: 0}))}, protocolError, ""},
		{"HEADER_TABLE_SIZE of 0 is announced in the next block", []any{h2Set(h2.SettingHeaderTableSize, 0), h2GetOf(1), h2GetOf(3)}, ack + ", a table of 0, 200 on 1, 200 on 3", get + "; " + get},
		{"so is one that was 0 for a moment", []any{string(h2.AppendSettings(nil, h2.Setting{ID: 1, Value: 0}, h2.Setting{ID: 1, Value: 4096})), h2GetOf(1), h2GetOf(3)}, ack + ", a table of 0, a table of 4096, 200 on 1, 200 on 3", get + "; " + get},
		{"HEADER_TABLE_SIZE may be the highest number", []any{h2Set(h2.SettingHeaderTableSize, 1<<32-1), h2GetOf(1), h2GetOf(3)}, ack + ", 200 on 1, 200 on 3", get + "; " + get},
	})
}

// TestWindows is about what a client has room for (RFC 9113 section 6.9).
func TestWindows(t *testing.T) {
	const most = h2.MaxWindow
	window := func(value uint32) string { return h2Set(h2.SettingInitialWindowSize, value) }
	more := func(stream, n uint32) string { return h2Frame(h2.FrameWindowUpdate, 0, stream, string(number(n))) }
	size := func(stream uint32, n int) string { return h2Fetch(stream, fmt.Sprint("/size/", n)) }
	const ack = "SETTINGS ACK"
	limits := rowLimits
	limits.LeastFrame = 1
	holdH2(t, Config{Limits: limits}, []h2Row{
		{"an answer as large as the window comes as a whole", []any{window(10), size(1, 10)}, ack + ", 200 on 1, 10 bytes on 1", "GET /size/10 at a"},
		{"a larger one waits for more", []any{window(10), size(1, 15)}, ack + ", 200 on 1, 10 bytes on 1", "GET /size/15 at a"},
		{"and goes on with it", []any{window(10), size(1, 15), time.Millisecond, more(1, 3), time.Millisecond, more(1, 9)}, ack + ", 200 on 1, 10 bytes on 1, 3 bytes on 1, 2 bytes on 1", "GET /size/15 at a"},
		{"a window of 0 lets an answer without a body pass", []any{window(0), size(1, 0), size(3, 5)}, ack + ", 200 on 1, 200 on 3", "GET /size/0 at a; GET /size/5 at a"},
		{"a larger INITIAL_WINDOW_SIZE goes on with an answer", []any{window(10), size(1, 15), time.Millisecond, window(12)}, ack + ", 200 on 1, 10 bytes on 1, " + ack + ", 2 bytes on 1", "GET /size/15 at a"},
		{"a smaller one makes a window negative, which is filled first", []any{window(10), size(1, 30), time.Millisecond, window(4), more(1, 6), time.Millisecond, more(1, 5)}, ack + ", 200 on 1, 10 bytes on 1, " + ack + ", 5 bytes on 1", "GET /size/30 at a"},
		{"only the last value in a frame counts", []any{window(0), size(1, 30), string(h2.AppendSettings(nil, h2.Setting{ID: 4, Value: 30}, h2.Setting{ID: 4, Value: 7}))}, ack + ", 200 on 1, " + ack + ", 7 bytes on 1", "GET /size/30 at a"},
		{"a window of another stream does not help", []any{window(0), size(1, 5), size(3, 5), more(3, 5)}, ack + ", 200 on 1, 200 on 3, 5 bytes on 3", "GET /size/5 at a; GET /size/5 at a"},
		{"the window of the connection holds for all", []any{window(1 << 20), size(1, 65_530), time.Millisecond, size(3, 10), time.Millisecond, more(0, 1)}, ack + ", 200 on 1, 16384 bytes on 1, 16384 bytes on 1, 16384 bytes on 1, 16378 bytes on 1, 200 on 3, 5 bytes on 3, 1 bytes on 3", "GET /size/65530 at a; GET /size/10 at a"},
		{"WINDOW_UPDATE of 0 resets its stream", []any{window(0), size(1, 5), more(1, 0)}, ack + ", 200 on 1, PROTOCOL_ERROR on 1", "GET /size/5 at a"},
		{"WINDOW_UPDATE of 0 for the connection ends it", []any{more(0, 0)}, protocolError, ""},
		{"WINDOW_UPDATE of 0 behind the reserved bit is 0", []any{more(0, 1<<31)}, protocolError, ""},
		{"the largest window of a stream may be reached", []any{window(0), size(1, 5), more(1, most)}, ack + ", 200 on 1, 5 bytes on 1", "GET /size/5 at a"},
		{"one more resets the stream", []any{window(1), size(1, 0) + h2Post(3, "/echo"), more(3, most)}, ack + ", 200 on 1, FLOW_CONTROL_ERROR on 3", "GET /size/0 at a; POST /echo at a, and no body"},
		{"the largest window of the connection may be reached", []any{more(0, most-h2.DefaultWindow)}, "", ""},
		{"one more ends the connection", []any{more(0, most-h2.DefaultWindow+1)}, flowError, ""},
		{"a sum above it ends the connection", []any{more(0, most-h2.DefaultWindow), more(0, 1)}, flowError, ""},
		{"INITIAL_WINDOW_SIZE that makes a window too large ends the connection", []any{window(0), h2Post(1, "/echo"), more(1, most), window(1)}, ack + ", " + flowError, "POST /echo at a, and no body"},
		{"a closed window does not hold up a reset", []any{window(0), size(1, 5), h2Reset(1), size(3, 0)}, ack + ", 200 on 1, 200 on 3", "GET /size/5 at a; GET /size/0 at a"},
	})
}

// TestRoomForBodies is about what the server has room for, and what it gives back (RFC 9113 section 6.9).
func TestRoomForBodies(t *testing.T) {
	ack := string(h2.AppendSettingsAck(nil))
	const padded = h2.FlagPadded
	limits := rowLimits
	limits.StreamWindow, limits.StreamWindowMost = 10, 10
	const held = "POST /held at a"
	late := h2PostOf(1, ":path: /held")
	holdH2(t, Config{Limits: limits}, []h2Row{
		{"half of the window that was read is given back in one", []any{ack, h2PostOf(1), h2Data(1, "hell"), h2Data(1, "o"), h2Last(1, "!")}, "5 more on 1, 200 on 1", `POST / at a "hello!"`},
		{"padding takes room of the window, and is given back at once", []any{ack, late, h2Frame(h2.FrameData, padded, 1, "\x09"+strings.Repeat("\x00", 9))}, "200 on 1, 10 more on 1", held},
		{"padding beyond the window resets the stream", []any{ack, h2PostOf(1), h2Frame(h2.FrameData, padded, 1, "\x0a"+strings.Repeat("\x00", 10))}, "FLOW_CONTROL_ERROR on 1", "POST / at a, and no body"},
		{"a body that comes before the client can know the window may be larger", []any{late, h2Last(1, strings.Repeat("x", 5000))}, "200 on 1", held},
		{"an empty frame needs no window", []any{ack, late, h2Data(1, "0123456789"), h2Data(1, ""), h2Last(1, "")}, "200 on 1", held},
	})
	half := h2Body(1, 1<<15)
	holdH2(t, Config{}, []h2Row{
		{"a body of a stream that was reset is given back to the connection", []any{h2PostOf(1, "X: y"), half}, "PROTOCOL_ERROR on 1, 32768 more on 0", ""},
		{"so is one behind an answer", []any{h2PostOf(1, ":path: /early"), half}, "200 on 1, 32768 more on 0", "POST /early at a"},
		{"so is one that is longer than it says", []any{h2PostOf(1, "content-length: 5"), half}, "PROTOCOL_ERROR on 1, 32768 more on 0", `POST / at a content-length="5", and no body`},
		{"so is one on a stream that is over", []any{h2GetOf(1), time.Millisecond, half}, "200 on 1, STREAM_CLOSED on 1, 32768 more on 0", "GET / at a"},
		{"so is one of a client that gives its request up", []any{h2PostOf(1), half, h2Reset(1)}, "32768 more on 0", "POST / at a, and no body"},
	})
}

// TestClientsThatGiveBackLateAreKept has a client that acts as Go's does: it gives back each answer when
// that is over, thousands of them, and asks every 15 seconds whether the connection is alive.
func TestClientsThatGiveBackLateAreKept(t *testing.T) {
	k := sim.New(1)
	stageH2(t, k, Config{Handler: h2Site().Serve}, func(_ *h2Watch, c *sim.Script, w *sim.Wire) {
		m := newMouth(k, c, w)
		m.listen(h2Begin)
		m.words()
		for i := range uint32(5000) {
			stream := 2*i + 1
			m.listen(h2Fetch(stream, "/ok"))
			m.say(string(h2.AppendWindowUpdate(h2.AppendWindowUpdate(nil, 0, 5), stream, 5)))
			if got, want := m.words(), fmt.Sprintf("200 on %d, 5 bytes on %d", stream, stream); got != want {
				t.Fatalf("request %d: it hears %q", i, got)
			}
		}
		m.say(h2Fetch(20_001, "/held"))
		for i := range 24 * 60 * 4 { // a day
			m.say(h2Pings(1))
			c.Sleep(15 * time.Second)
			m.hear(time.Millisecond)
			if got := m.words(); strings.Contains(got, "GOAWAY") || m.end != "" {
				t.Fatalf("PING %d: it hears %q", i, got)
			}
		}
		w.Close()
		c.Sleep(h2Rest)
	})
}
