package http

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// TestABlockThatComesAgain is about field blocks whose request is known, because the same bytes have come
// twice. What they mean follows from the table, which other blocks change.
func TestABlockThatComesAgain(t *testing.T) {
	const (
		y, z     = `GET / at a x="y"`, `GET / at a x="z"`
		newest   = "\xbe"             // entry 62, the newest of the dynamic table
		second   = "\xbf"             // the one before it
		insertsY = "\x40\x01x\x01y"   // a literal that the table gets
		insertsZ = "\x40\x01x\x01z"   // another one
		shrinks  = "\x20\x3f\xe1\x1f" // size updates, by which the table is empty
		literal  = "\x00\x01x\x01y"   // a literal that the table does not get
		cookie   = "\x0f\x11\x03a=b"  // a literal Cookie
	)
	long := strings.Repeat("v", 4143)
	large := "\x40\x01w\x7f\xb0\x1f" + long // a literal that is larger than the table, which is empty then
	fetch := h2FetchMore
	again := func(more string, streams ...uint32) (text string) {
		for _, n := range streams {
			text += fetch(n, more)
		}
		return text
	}
	post := func(stream uint32) string {
		return h2Frame(h2.FrameHeaders, h2.FlagEndHeaders, stream, h2Post(stream, "/")[h2.HeaderSize:]+newest)
	}
	trailers := func(stream uint32, first string) string {
		return h2Frame(h2.FrameHeaders, h2.FlagEndStream|h2.FlagEndHeaders, stream, first+"\x00\x01t\x01v")
	}
	all := func(n int, of string) string { return strings.TrimSuffix(strings.Repeat(of+"; ", n), "; ") }
	holdH2(t, Config{}, []h2Row{
		{"means the same", []any{fetch(1, insertsY), again(newest, 3, 5, 7, 9)}, "200 on 1, 200 on 3, 200 on 5, 200 on 7, 200 on 9", all(5, y)},
		{"means the same without a table", []any{again(literal, 1, 3, 5, 7)}, "200 on 1, 200 on 3, 200 on 5, 200 on 7", all(4, y)},
		{"means another field when the table has got one", []any{fetch(1, insertsY), again(newest, 3, 5, 7), fetch(9, insertsZ), again(newest, 11, 13)},
			"200 on 1, 200 on 3, 200 on 5, 200 on 7, 200 on 9, 200 on 11, 200 on 13", all(4, y) + "; " + all(3, z)},
		{"ends the connection when trailers have emptied the table", []any{fetch(1, insertsY), h2Post(3, "/"), again(newest, 5, 7, 9),
			trailers(3, shrinks), fetch(11, newest)},
			"200 on 1, 200 on 5, 200 on 7, 200 on 9, 200 on 3, " + tableError, all(4, y) + `; POST / at a behind it t="v"`},
		{"ends it when they have a field that is too large for the table", []any{fetch(1, insertsY), h2Post(3, "/"), again(newest, 5, 7, 9),
			trailers(3, large), fetch(11, newest)},
			"200 on 1, 200 on 5, 200 on 7, 200 on 9, 200 on 3, " + tableError, all(4, y) + `; POST / at a behind it w="` + long + `" behind it t="v"`},
		{"means another field when trailers have added one", []any{fetch(1, insertsY), h2Post(3, "/"), again(newest, 5, 7, 9),
			trailers(3, insertsZ), fetch(11, newest)},
			"200 on 1, 200 on 5, 200 on 7, 200 on 9, 200 on 3, 200 on 11", all(4, y) + `; POST / at a behind it x="z" behind it t="v"; ` + z},
		{"adds its field to the table each time", []any{again(insertsY, 1, 3, 5), fetch(7, insertsZ), fetch(9, second), fetch(11, "\xc0")},
			"200 on 1, 200 on 3, 200 on 5, 200 on 7, 200 on 9, 200 on 11", all(3, y) + "; " + z + "; " + all(2, y)},
		{"between others means the same", []any{again(literal, 1, 3, 5), again(cookie, 7, 9), again(literal, 11, 13)},
			"200 on 1, 200 on 3, 200 on 5, 200 on 7, 200 on 9, 200 on 11, 200 on 13", all(3, y) + `; ` + all(2, `GET / at a cookie="a=b"`) + `; ` + all(2, y)},
		{"may begin requests with bodies", []any{fetch(1, insertsY), post(3), h2Last(3, "a"), post(5), h2Last(5, "b"), post(7), h2Last(7, "c")},
			"200 on 1, 200 on 3, 200 on 5, 200 on 7", y + `; POST / at a x="y" "a"; POST / at a x="y" "b"; POST / at a x="y" "c"`},
		{"may come in two frames", []any{again(literal, 1, 3, 5), h2Frame(h2.FrameHeaders, h2.FlagEndStream, 7, h2Fetch(7, "/")[h2.HeaderSize:]),
			h2Frame(h2.FrameContinuation, h2.FlagEndHeaders, 7, literal)}, "200 on 1, 200 on 3, 200 on 5, 200 on 7", all(4, y)},
		{"is malformed again", []any{again("\x00\x01X\x01y", 1, 3, 5, 7)}, "PROTOCOL_ERROR on 1, PROTOCOL_ERROR on 3, PROTOCOL_ERROR on 5, PROTOCOL_ERROR on 7", ""},
		{"is too large again", []any{fetch(1, insertsY), again(strings.Repeat(newest, 120), 3, 5, 7, 9)},
			"200 on 1, 431 on 3, 431 on 5, 431 on 7, 431 on 9", y + "; " + all(4, "431: too many fields")},
		{"is not too large because another one was", []any{again(literal, 1, 3, 5), fetch(7, strings.Repeat("\x0f\x02\x01v", 120)), fetch(9, literal)},
			"200 on 1, 200 on 3, 200 on 5, 431 on 7, 200 on 9", all(3, y) + "; 431: too many fields; " + y},
		{"is malformed as trailers", []any{again(literal, 1, 3, 5), h2Post(7, "/"), h2Post(9, "/"), again(literal, 11, 13), trailers(9, ""), fetch(7, literal)},
			"200 on 1, 200 on 3, 200 on 5, 200 on 11, 200 on 13, 200 on 9, PROTOCOL_ERROR on 7",
			all(5, y) + `; POST / at a behind it t="v"; POST / at a, and no body`},
	})
}

func TestABlockThatOpensATunnelOpensAnother(t *testing.T) {
	open := func(stream uint32) h2Lines {
		return h2Lines{stream, 0, []string{":method: CONNECT", ":scheme: http", ":path: /tunnel", ":authority: a", ":protocol: echo"}}
	}
	const opened = `GET /tunnel at a connection="Upgrade" upgrade="echo"`
	var steps []any
	for _, stream := range []uint32{1, 3, 5, 7, 9} {
		steps = append(steps, open(stream), time.Millisecond, h2Data(stream, "hi"), time.Millisecond)
	}
	holdH2(t, Config{Tunnels: true}, []h2Row{{"all of them echo", steps,
		"200 on 1, 2 bytes on 1, 200 on 3, 2 bytes on 3, 200 on 5, 2 bytes on 5, 200 on 7, 2 bytes on 7, 200 on 9, 2 bytes on 9",
		strings.TrimSuffix(strings.Repeat(opened+"; ", 5), "; ")}})
}

// TestABlockThatIsKnownHasItsPriority looks at the streams of requests that say how urgent they are, once
// before their stream and each time in their block.
func TestABlockThatIsKnownHasItsPriority(t *testing.T) {
	k := sim.New(1)
	var urgencies []uint8
	config := Config{Handler: func(w *Response, r *Request) error {
		urgencies = append(urgencies, r.x.stream.priority.Urgency)
		return w.Text("-")
	}}
	const urgent, other = "\x00\x08priority\x03u=1", "\x00\x08priority\x03u=2"
	update := func(stream string) string {
		return h2Frame(h2.FramePriorityUpdate, 0, 0, "\x00\x00\x00"+stream+"u=6")
	}
	stageH2(t, k, config, func(_ *h2Watch, c *sim.Script, w *sim.Wire) {
		m := newMouth(k, c, w)
		m.say(h2Begin + h2FetchMore(1, urgent) + h2FetchMore(3, urgent) + h2FetchMore(5, urgent) +
			update("\x07") + h2FetchMore(7, urgent) + h2FetchMore(9, urgent) + h2Fetch(11, "/") +
			h2FetchMore(13, other) + update("\x0f") + h2FetchMore(15, other) + h2FetchMore(17, other) + h2FetchMore(19, other))
		m.hear(time.Millisecond)
		w.Close()
		c.Sleep(h2Rest)
	})
	if want := []uint8{1, 1, 1, 6, 1, 3, 2, 6, 2, 2}; !bytes.Equal(urgencies, want) {
		t.Errorf("the urgencies are %d, want %d", urgencies, want)
	}
}

func TestABlockIsKnownToItsConnectionAlone(t *testing.T) {
	var recent h2Recents
	k := recent.of(5)
	k.conn, k.block, k.text = 5, []byte("block"), []byte("text")
	if recent.of(5+h2RecentBlocks) != k {
		t.Fatal("another connection has another place")
	}
	recent.forget(5 + h2RecentBlocks)
	if len(k.block) == 0 {
		t.Error("a connection has lost its block to another that begins")
	}
	p := &h2Conn{c: &conn{}, decoder: h2.NewDecoder(h2.DefaultTable)}
	if k.has(p, k.block) {
		t.Error("a block of connection 5 is known to connection 0")
	}
	if k.conn = 0; !k.has(p, k.block) {
		t.Error("a block of connection 0 is not known to it")
	}
	k.conn = 5
	recent.forget(5)
	if len(k.block) > 0 || len(k.text) > 0 {
		t.Error("a connection has the block of the one that had its number before")
	}
}
