package http

import (
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// TestStatesOfStreams is about frames that come when they should not (RFC 9113 section 5.1).
func TestStatesOfStreams(t *testing.T) {
	const get, cut, held = "GET / at a", "POST / at a, and no body", "GET /held at a"
	const tick = time.Millisecond
	reset, more := h2Reset, func(stream uint32) string { return string(h2.AppendWindowUpdate(nil, stream, 1)) }
	priority := func(stream uint32) string { return h2Frame(h2.FramePriority, 0, stream, "\x00\x00\x00\x00\x0f") }
	update := func(stream byte) string {
		return h2Frame(h2.FramePriorityUpdate, 0, 0, "\x00\x00\x00"+string(rune(stream))+"u=1")
	}
	waits := h2GetOf(1, ":path: /held")
	holdH2(t, Config{}, []h2Row{
		// Idle.
		{"DATA on an idle stream end the connection", []any{h2Last(1, "x")}, protocolError, ""},
		{"RST_STREAM on an idle stream ends the connection", []any{reset(1)}, protocolError, ""},
		{"WINDOW_UPDATE on an idle stream ends the connection", []any{more(1)}, protocolError, ""},
		{"PRIORITY on an idle stream is ignored", []any{priority(1), h2GetOf(1)}, "200 on 1", get},
		{"PRIORITY_UPDATE about an idle stream is kept", []any{update(1), h2GetOf(1)}, "200 on 1", get},
		{"DATA on an idle stream end the connection, also between others", []any{h2GetOf(1), tick, h2Last(3, "x")}, "200 on 1, " + protocolError, get},

		// Numbers.
		{"an even stream ends the connection", []any{h2GetOf(2)}, protocolError, ""},
		{"DATA on an even stream end the connection", []any{h2Last(2, "x")}, protocolError, ""},
		{"RST_STREAM on an even stream ends the connection", []any{reset(2)}, protocolError, ""},
		{"WINDOW_UPDATE on an even stream ends the connection", []any{more(2)}, protocolError, ""},
		{"numbers may be left out", []any{h2GetOf(7), h2GetOf(101)}, "200 on 7, 200 on 101", get + "; " + get},
		{"a number that goes back ends the connection", []any{h2GetOf(7), tick, h2GetOf(5)}, "200 on 7, " + closedError, get},
		{"a number that is used again ends the connection", []any{h2GetOf(7), tick, h2GetOf(7)}, "200 on 7, " + closedError, get},
		{"DATA on a stream that was left out reset it", []any{h2GetOf(7), h2Last(5, "x")}, "200 on 7, STREAM_CLOSED on 5", get},
		{"RST_STREAM on a stream that was left out is ignored", []any{h2GetOf(7), reset(5)}, "200 on 7", get},
		{"WINDOW_UPDATE on a stream that was left out is ignored", []any{h2GetOf(7), more(5)}, "200 on 7", get},

		// Half-closed by the client, while its answer is awaited.
		{"DATA behind END_STREAM reset the stream", []any{waits, h2Data(1, "x")}, "200 on 1, STREAM_CLOSED on 1", held},
		{"END_STREAM twice resets the stream", []any{h2PostOf(1, ":path: /held"), h2Last(1, ""), h2Last(1, "")}, "200 on 1, STREAM_CLOSED on 1", "POST /held at a"},
		{"HEADERS behind END_STREAM reset the stream", []any{waits, h2GetOf(1)}, "200 on 1, STREAM_CLOSED on 1", held},
		{"DATA behind trailers reset the stream", []any{h2PostOf(1, ":path: /held"), h2Only(1, "x: y"), h2Data(1, "x")}, "200 on 1, STREAM_CLOSED on 1", "POST /held at a"},
		{"WINDOW_UPDATE behind END_STREAM is right", []any{waits, more(1)}, "200 on 1", held},
		{"PRIORITY behind END_STREAM is right", []any{waits, priority(1), update(1)}, "200 on 1", held},
		{"RST_STREAM behind END_STREAM is right", []any{waits, reset(1)}, "200 on 1", held},

		// Closed by both.
		{"DATA behind the answer reset the stream", []any{h2GetOf(1), tick, h2Data(1, "x")}, "200 on 1, STREAM_CLOSED on 1", get},
		{"HEADERS behind the answer end the connection", []any{h2GetOf(1), tick, h2GetOf(1)}, "200 on 1, " + closedError, get},
		{"RST_STREAM behind the answer is ignored", []any{h2GetOf(1), tick, reset(1)}, "200 on 1", get},
		{"WINDOW_UPDATE behind the answer is ignored", []any{h2GetOf(1), tick, more(1)}, "200 on 1", get},
		{"WINDOW_UPDATE of 0 behind the answer is ignored, too", []any{h2GetOf(1), tick, h2Frame(h2.FrameWindowUpdate, 0, 1, "\x00\x00\x00\x00")}, "200 on 1", get},
		{"PRIORITY behind the answer is ignored", []any{h2GetOf(1), tick, priority(1)}, "200 on 1", get},
		{"PRIORITY_UPDATE behind the answer is ignored", []any{h2GetOf(1), tick, update(1)}, "200 on 1", get},

		// Closed by the client's RST_STREAM.
		{"a reset ends the request, and no other", []any{h2PostOf(1), h2GetOf(3), reset(1)}, "200 on 3", get + "; " + cut},
		{"DATA behind a reset are reset again", []any{h2PostOf(1), reset(1), h2Data(1, "x")}, "STREAM_CLOSED on 1", cut},
		{"HEADERS behind a reset end the connection", []any{h2PostOf(1), reset(1), h2Only(1, "x: y")}, closedError, cut},
		{"RST_STREAM twice is ignored", []any{h2PostOf(1), reset(1), reset(1)}, "", cut},
		{"WINDOW_UPDATE behind a reset is ignored", []any{h2PostOf(1), reset(1), more(1)}, "", cut},
		{"PRIORITY behind a reset is ignored", []any{h2PostOf(1), reset(1), priority(1), update(1)}, "", cut},

		// Closed by our RST_STREAM, of which the client does not know yet.
		{"DATA behind our reset are ignored", []any{h2PostOf(1, "X: y"), h2Data(1, "x"), h2Last(1, "y")}, "PROTOCOL_ERROR on 1", ""},
		{"trailers behind our reset are ignored", []any{h2PostOf(1, "X: y"), h2Data(1, "x"), h2Only(1, "x: y")}, "PROTOCOL_ERROR on 1", ""},
		{"RST_STREAM behind our reset is ignored", []any{h2PostOf(1, "X: y"), reset(1)}, "PROTOCOL_ERROR on 1", ""},
		{"WINDOW_UPDATE behind our reset is ignored", []any{h2PostOf(1, "X: y"), more(1)}, "PROTOCOL_ERROR on 1", ""},
		{"PRIORITY behind our reset is ignored", []any{h2PostOf(1, "X: y"), priority(1), update(1)}, "PROTOCOL_ERROR on 1", ""},
		{"a stream is not reset for a priority before it begins", []any{h2Frame(h2.FramePriority, 0, 9, "\x00\x00\x00\x01\x0f"), h2PostOf(9), h2Last(9, "hello")}, "200 on 9", `POST / at a "hello"`},
	})
}
