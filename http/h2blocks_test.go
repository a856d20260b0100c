package http

import (
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// TestFieldBlocks is about blocks that come in several frames (RFC 9113 sections 4.3 and 6.10).
func TestFieldBlocks(t *testing.T) {
	const get, endStream, endHeaders = "GET / at a", h2.FlagEndStream, h2.FlagEndHeaders
	block := h2Fetch(1, "/")[h2.HeaderSize:]
	begins := h2Frame(h2.FrameHeaders, endStream, 1, block[:3])
	goesOn := func(flags h2.Flags, p string) string { return h2Frame(h2.FrameContinuation, flags, 1, p) }
	holdH2(t, Config{}, []h2Row{
		{"a block may come in two frames", []any{begins, goesOn(endHeaders, block[3:])}, "200 on 1", get},
		{"a block may be cut inside a field", []any{h2Frame(h2.FrameHeaders, endStream, 1, block[:4]), goesOn(0, block[4:6]), goesOn(endHeaders, block[6:])}, "200 on 1", get},
		{"pieces may be empty", []any{h2Frame(h2.FrameHeaders, endStream, 1, ""), goesOn(0, ""), goesOn(0, block), goesOn(endHeaders, "")}, "200 on 1", get},
		{"END_STREAM on CONTINUATION means nothing", []any{h2Frame(h2.FrameHeaders, 0, 1, block[:3]), goesOn(endHeaders|endStream, block[3:]), h2Last(1, "x")}, "200 on 1", `GET / at a "x"`},
		{"trailers may come in two frames", []any{h2PostOf(1), h2Data(1, "x"), h2Frame(h2.FrameHeaders, endStream, 1, "\x00\x01y"), goesOn(endHeaders, "\x01z")}, "200 on 1", `POST / at a "x" behind it y="z"`},
		{"DATA of the same stream inside a block end the connection", []any{begins, h2Data(1, "x")}, protocolError, ""},
		{"HEADERS of the same stream inside a block end the connection", []any{begins, h2Frame(h2.FrameHeaders, endHeaders, 1, block[3:])}, protocolError, ""},
		{"HEADERS of another stream inside a block end the connection", []any{begins, h2Fetch(3, "/")}, protocolError, ""},
		{"SETTINGS inside a block end the connection", []any{begins, h2Frame(h2.FrameSettings, 0, 0, "")}, protocolError, ""},
		{"PING inside a block ends the connection", []any{begins, h2Pings(1)}, protocolError, ""},
		{"WINDOW_UPDATE inside a block ends the connection", []any{begins, string(h2.AppendWindowUpdate(nil, 0, 1))}, protocolError, ""},
		{"RST_STREAM inside a block ends the connection", []any{begins, h2Reset(1)}, protocolError, ""},
		{"PRIORITY inside a block ends the connection", []any{begins, h2Frame(h2.FramePriority, 0, 3, "\x00\x00\x00\x00\x0f")}, protocolError, ""},
		{"PRIORITY_UPDATE inside a block ends the connection", []any{begins, h2Frame(h2.FramePriorityUpdate, 0, 0, "\x00\x00\x00\x03u=1")}, protocolError, ""},
		{"GOAWAY inside a block ends the connection", []any{begins, h2Frame(h2.FrameGoAway, 0, 0, "\x00\x00\x00\x00\x00\x00\x00\x00")}, protocolError, ""},
		{"a type that is not known inside a block ends the connection", []any{begins, h2Frame(0x77, 0, 1, "")}, protocolError, ""},
		{"CONTINUATION of another stream inside a block ends the connection", []any{begins, h2Frame(h2.FrameContinuation, endHeaders, 3, block[3:])}, protocolError, ""},
		{"CONTINUATION without HEADERS ends the connection", []any{goesOn(endHeaders, block)}, protocolError, ""},
		{"CONTINUATION behind END_HEADERS ends the connection", []any{h2PostOf(1), goesOn(endHeaders, "")}, protocolError, "POST / at a, and no body"},
		{"CONTINUATION behind DATA ends the connection", []any{h2PostOf(1), h2Data(1, "x"), goesOn(endHeaders, "")}, protocolError, "POST / at a, and no body"},
		{"CONTINUATION behind the end of its block ends the connection", []any{h2Frame(h2.FrameHeaders, 0, 1, block[:3]), goesOn(endHeaders, block[3:]), goesOn(endHeaders, "")}, protocolError, "GET / at a, and no body"},
		{"CONTINUATION on stream 0 ends the connection", []any{begins, h2Frame(h2.FrameContinuation, endHeaders, 0, block[3:])}, protocolError, ""},
	})
}

// TestEncodingsOfFields is about field blocks that are encoded as they must not be (RFC 7541). The tables of
// both sides may differ then, so the connection ends.
func TestEncodingsOfFields(t *testing.T) {
	const get = "GET / at a"
	fetch := h2FetchMore
	before := func(stream uint32, first string) string {
		return h2Frame(h2.FrameHeaders, h2.FlagEndStream|h2.FlagEndHeaders, stream, first+h2Fetch(stream, "/")[h2.HeaderSize:])
	}
	const newest = "\xbe"            // entry 62, the newest of the dynamic table
	const inserted = "\x40\x01x\x01" // a literal with the name x that the table gets, without its value of one byte
	holdH2(t, Config{}, []h2Row{
		{"a field of the dynamic table arrives again", []any{fetch(1, inserted+"y"), fetch(3, newest)}, "200 on 1, 200 on 3", `GET / at a x="y"; GET / at a x="y"`},
		{"a literal that the table does not get is not there again", []any{fetch(1, "\x00\x01x\x01y"), fetch(3, newest)}, "200 on 1, " + tableError, `GET / at a x="y"`},
		{"nor is one that proxies do not add either", []any{fetch(1, "\x10\x01x\x01y"), fetch(3, newest)}, "200 on 1, " + tableError, `GET / at a x="y"`},
		{"index 0 ends the connection", []any{fetch(1, "\x80")}, tableError, ""},
		{"an index beyond the static table ends it, if the dynamic one is empty", []any{fetch(1, newest)}, tableError, ""},
		{"an index beyond the dynamic table ends it", []any{fetch(1, inserted+"y"), fetch(3, "\xbf")}, "200 on 1, " + tableError, `GET / at a x="y"`},
		{"a name with an index beyond the tables ends it", []any{fetch(1, "\x7f\x00\x01y")}, tableError, ""},
		{"an index of five bytes ends it", []any{fetch(1, "\xff\xff\xff\xff\xff\x0f")}, tableError, ""},
		{"an integer that is longer than it needs to be is understood", []any{fetch(1, "\x0f\x80\x00\x01y")}, "200 on 1", `GET / at a accept-charset="y"`},
		{"an integer without its end ends it", []any{fetch(1, "\xff\x80")}, tableError, ""},
		{"an integer that is too large ends it", []any{fetch(1, "\x00\x7f\xff\xff\xff\xff\xff\xff\xff\xff\x7f")}, tableError, ""},
		{"an integer of more than five bytes ends it, however small it is", []any{fetch(1, "\x0f\x81\x80\x80\x80\x00\x01y")}, tableError, ""},
		{"a name without its end ends it", []any{fetch(1, "\x00\x05x")}, tableError, ""},
		{"a value without its end ends it", []any{fetch(1, "\x00\x01x\x05y")}, tableError, ""},
		{"a field without its value ends it", []any{fetch(1, "\x00\x01x")}, tableError, ""},
		{"a literal without its name ends it", []any{fetch(1, "\x00")}, tableError, ""},
		{"a value in Huffman codes arrives", []any{fetch(1, "\x00\x01x\x81\x1f")}, "200 on 1", `GET / at a x="a"`},
		{"Huffman codes padded by zeros end it", []any{fetch(1, "\x00\x01x\x81\x18")}, tableError, ""},
		{"Huffman codes padded by a byte end it", []any{fetch(1, "\x00\x01x\x82\x1f\xff")}, tableError, ""},
		{"Huffman codes with EOS end it", []any{fetch(1, "\x00\x01x\x84\xff\xff\xff\xff")}, tableError, ""},
		{"a name in bad Huffman codes ends it", []any{fetch(1, "\x00\x82\x1f\xff\x01y")}, tableError, ""},
		{"a string in Huffman codes may be empty", []any{fetch(1, "\x00\x01x\x80")}, "200 on 1", `GET / at a x=""`},

		{"a size update may begin a block", []any{before(1, "\x20")}, "200 on 1", get},
		{"two size updates may", []any{before(1, "\x20\x3f\xe1\x1f")}, "200 on 1", get},
		{"a size update empties the table", []any{fetch(1, inserted+"y"), before(3, "\x20\x3f\xe1\x1f"), fetch(5, newest)}, "200 on 1, 200 on 3, " + tableError, `GET / at a x="y"; ` + get},
		{"a size update behind a field ends the connection", []any{fetch(1, "\x20")}, tableError, ""},
		{"a size update above HEADER_TABLE_SIZE ends it", []any{before(1, "\x3f\xe2\x1f")}, tableError, ""},
		{"a size update alone is a block, and the request is malformed", []any{h2Frame(h2.FrameHeaders, h2.FlagEndStream|h2.FlagEndHeaders, 1, "\x20")}, "PROTOCOL_ERROR on 1", ""},

		{"a block of a stream that is over is an error of the connection first", []any{h2PostOf(1, "X: y"), h2Frame(h2.FrameHeaders, h2.FlagEndStream|h2.FlagEndHeaders, 1, "\x80")}, "PROTOCOL_ERROR on 1, " + tableError, ""},
		{"the table gets the fields behind the one that is malformed", []any{fetch(1, "\x00\x01X\x01y"+inserted+"z"), fetch(3, newest)}, "PROTOCOL_ERROR on 1, 200 on 3", `GET / at a x="z"`},
		{"the table gets the fields of a block that is too large", []any{fetch(1, strings.Repeat("\x0f\x02\x01v", 200)+inserted+"z"), fetch(3, newest)}, "431 on 1, 200 on 3", `431: too many fields; GET / at a x="z"`},
	})
	limits := rowLimits
	limits.Streams = 1
	holdH2(t, Config{Limits: limits}, []h2Row{
		{"the table gets the fields of a request that is refused", []any{h2Post(1, "/"), fetch(3, inserted+"z"), h2Last(1, "x"), time.Millisecond, fetch(5, newest)}, "REFUSED_STREAM on 3, 200 on 1, 200 on 5", `POST / at a "x"; GET / at a x="z"`},
	})
}
