package http

import (
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http/internal/h2"
)

// TestFieldsOfAConnection is about the fields that HTTP/2 has no use for (RFC 9113 section 8.2.2).
func TestFieldsOfAConnection(t *testing.T) {
	const malformed = "PROTOCOL_ERROR on 1"
	holdH2(t, Config{}, []h2Row{
		{"Connection is malformed", []any{h2GetOf(1, "connection: close")}, malformed, ""},
		{"Connection that is empty is malformed", []any{h2GetOf(1, "connection: ")}, malformed, ""},
		{"Keep-Alive is malformed", []any{h2GetOf(1, "keep-alive: timeout=5")}, malformed, ""},
		{"Proxy-Connection is malformed", []any{h2GetOf(1, "proxy-connection: close")}, malformed, ""},
		{"Transfer-Encoding is malformed", []any{h2PostOf(1, "transfer-encoding: chunked"), h2Last(1, "0\r\n\r\n")}, malformed, ""},
		{"Upgrade is malformed", []any{h2GetOf(1, "upgrade: websocket")}, malformed, ""},
		{"TE that says trailers arrives", []any{h2GetOf(1, "te: trailers")}, "200 on 1", `GET / at a te="trailers"`},
		{"TE that says something else is malformed", []any{h2GetOf(1, "te: gzip")}, malformed, ""},
		{"TE that says more is malformed", []any{h2GetOf(1, "te: trailers, gzip")}, malformed, ""},
		{"TE that says nothing is malformed", []any{h2GetOf(1, "te: ")}, malformed, ""},
		{"a second TE that says something else is malformed", []any{h2GetOf(1, "te: trailers", "te: gzip")}, malformed, ""},
	})
}

// TestContentLength is about the length of a body against the DATA that comes (RFC 9113 section 8.1.1).
func TestContentLength(t *testing.T) {
	const malformed = "PROTOCOL_ERROR on 1"
	const five = "content-length: 5"
	holdH2(t, Config{}, []h2Row{
		{"a body as long as it says arrives", []any{h2PostOf(1, five), h2Data(1, "he"), h2Last(1, "llo")}, "200 on 1", `POST / at a content-length="5" "hello"`},
		{"padding is no part of it", []any{h2PostOf(1, five), h2Frame(h2.FrameData, h2.FlagPadded|h2.FlagEndStream, 1, "\x03hello\x00\x00\x00")}, "200 on 1", `POST / at a content-length="5" "hello"`},
		{"a body may have its end by itself", []any{h2PostOf(1, five), h2Data(1, "hello"), h2Last(1, "")}, "200 on 1", `POST / at a content-length="5" "hello"`},
		{"a body may have its end in trailers", []any{h2PostOf(1, five), h2Data(1, "hello"), h2Only(1, "x: y")}, "200 on 1", `POST / at a content-length="5" "hello" behind it x="y"`},
		{"a body without it arrives", []any{h2PostOf(1), h2Data(1, "he"), h2Last(1, "llo")}, "200 on 1", `POST / at a "hello"`},
		{"a shorter body is malformed", []any{h2PostOf(1, five), h2Last(1, "hell")}, malformed, `POST / at a content-length="5", and no body`},
		{"a longer body is malformed", []any{h2PostOf(1, five), h2Last(1, "hello!")}, malformed, `POST / at a content-length="5", and no body`},
		{"a body that becomes longer is malformed before its end", []any{h2PostOf(1, five), h2Data(1, "hello"), h2Data(1, "!")}, malformed, `POST / at a content-length="5", and no body`},
		{"a shorter body with trailers is malformed", []any{h2PostOf(1, five), h2Data(1, "hell"), h2Only(1, "x: y")}, malformed, `POST / at a content-length="5", and no body`},
		{"no body where one is declared is malformed", []any{h2Only(1, h2PostOf(1, five).lines...)}, malformed, ""},
		{"that holds for GET", []any{h2GetOf(1, five)}, malformed, ""},
		{"and for HEAD", []any{h2GetOf(1, ":method: HEAD", five)}, malformed, ""},
		{"a length of 0 needs no DATA", []any{h2GetOf(1, "content-length: 0")}, "200 on 1", `GET / at a content-length="0"`},
		{"a length of 0 may have DATA without a byte", []any{h2PostOf(1, "content-length: 0"), h2Last(1, "")}, "200 on 1", `POST / at a content-length="0"`},
		{"a length of 0 with a byte is malformed", []any{h2PostOf(1, "content-length: 0"), h2Last(1, "x")}, malformed, `POST / at a content-length="0", and no body`},
		{"a length of 0 may have trailers", []any{h2PostOf(1, "content-length: 0"), h2Only(1, "x: y")}, "200 on 1", `POST / at a content-length="0" behind it x="y"`},
		{"a body that is not asked for is counted, too", []any{h2PostOf(1, ":path: /early", five), h2Last(1, "hell")}, "200 on 1, PROTOCOL_ERROR on 1", `POST /early at a content-length="5"`},
		{"a body that is not asked for may be right", []any{h2PostOf(1, ":path: /early", five), h2Last(1, "hello")}, "200 on 1", `POST /early at a content-length="5"`},
		{"a body of GET arrives", []any{h2Lines{1, 0, h2GetOf(1, five).lines}, h2Last(1, "hello")}, "200 on 1", `GET / at a content-length="5" "hello"`},
		{"two lengths are 400", []any{h2PostOf(1, five, "content-length: 6"), h2Last(1, "hello")}, "400 on 1", "400: more than one Content-Length field"},
		{"two lengths are 400, though they say the same", []any{h2PostOf(1, five, five), h2Last(1, "hello")}, "400 on 1", "400: more than one Content-Length field"},
		{"two lengths in one field are 400", []any{h2PostOf(1, "content-length: 5, 5"), h2Last(1, "hello")}, "400 on 1", "400: the Content-Length is not a number"},
		{"a length that is no number is 400", []any{h2PostOf(1, "content-length: x"), h2Last(1, "hello")}, "400 on 1", "400: the Content-Length is not a number"},
		{"a length with a sign is 400", []any{h2PostOf(1, "content-length: +5"), h2Last(1, "hello")}, "400 on 1", "400: the Content-Length is not a number"},
		{"a length below 0 is 400", []any{h2PostOf(1, "content-length: -1"), h2Last(1, "hello")}, "400 on 1", "400: the Content-Length is not a number"},
		{"an empty length is 400", []any{h2PostOf(1, "content-length: "), h2Last(1, "hello")}, "400 on 1", "400: the Content-Length is not a number"},
		{"a length beyond 64 bits is 400", []any{h2PostOf(1, "content-length: 99999999999999999999"), h2Last(1, "hello")}, "400 on 1", "400: the Content-Length is more than can be"},
	})
}

// TestTrailersOfHTTP2 is about fields behind a body (RFC 9113 section 8.1).
func TestTrailersOfHTTP2(t *testing.T) {
	const malformed, noBody = "PROTOCOL_ERROR on 1", "POST / at a, and no body"
	body := []any{h2PostOf(1), h2Data(1, "hello")}
	behind := func(steps ...any) []any { return append(body[:2:2], steps...) }
	open := func(lines ...string) h2Lines { return h2Lines{1, 0, lines} }
	holdH2(t, Config{}, []h2Row{
		{"they arrive behind the body", behind(h2Only(1, "x: y", "z: ")), "200 on 1", `POST / at a "hello" behind it x="y" behind it z=""`},
		{"they may have no field", behind(h2Only(1)), "200 on 1", `POST / at a "hello"`},
		{"there may be some without a body", []any{h2PostOf(1), h2Only(1, "x: y")}, "200 on 1", `POST / at a behind it x="y"`},
		{"that do not end the stream they are malformed", behind(open("x: y")), malformed, noBody},
		{"with a pseudo-field they are malformed", behind(h2Only(1, ":path: /")), malformed, noBody},
		{"with :status they are malformed", behind(h2Only(1, ":status: 200")), malformed, noBody},
		{"with a pseudo-field that is not known they are malformed", behind(h2Only(1, ":x: y")), malformed, noBody},
		{"with a pseudo-field behind others they are malformed", behind(h2Only(1, "x: y", ":path: /")), malformed, noBody},
		{"with upper case they are malformed", behind(h2Only(1, "X: y")), malformed, noBody},
		{"with an empty name they are malformed", behind(h2Only(1, ": y")), malformed, noBody},
		{"with NUL they are malformed", behind(h2Only(1, "x: \x00")), malformed, noBody},
		{"with CR they are malformed", behind(h2Only(1, "x: y\rz")), malformed, noBody},
		{"with LF they are malformed", behind(h2Only(1, "x: y\nz")), malformed, noBody},
		{"with a blank at the end of a value they are malformed", behind(h2Only(1, "x: y ")), malformed, noBody},
		{"with a control character they are 400, as heads are", behind(h2Only(1, "x: y\x01z")), "400 on 1", "POST / at a, and no body; 400: a field holds a control character"},
		{"with Connection they are malformed", behind(h2Only(1, "connection: close")), malformed, noBody},
		{"with Transfer-Encoding they are malformed", behind(h2Only(1, "transfer-encoding: chunked")), malformed, noBody},
		{"with TE they are malformed, which belongs into heads", behind(h2Only(1, "te: trailers")), malformed, noBody},
		{"a field that belongs into the head is dropped", behind(h2Only(1, "content-length: 7", "x: y")), "200 on 1", `POST / at a "hello" behind it x="y"`},
		{"behind others the stream is closed", behind(h2Only(1, "x: y"), time.Millisecond, h2Only(1, "x: y")), "200 on 1, GOAWAY STREAM_CLOSED, end", `POST / at a "hello" behind it x="y"`},
		{"behind others the stream is closed for its sender, while its answer is awaited", []any{h2PostOf(1, ":path: /held"), h2Only(1, "x: y"), h2Only(1, "x: y")}, "200 on 1, STREAM_CLOSED on 1", "POST /held at a"},
		{"behind the end of a stream it is closed for its sender", []any{h2GetOf(1, ":path: /held"), h2Only(1, "x: y")}, "200 on 1, STREAM_CLOSED on 1", "GET /held at a"},
		{"behind an answer they are checked, too", []any{h2PostOf(1, ":path: /early"), h2Only(1, "X: y")}, "200 on 1, PROTOCOL_ERROR on 1", "POST /early at a"},
		{"behind an answer they end the stream", []any{h2PostOf(1, ":path: /early"), h2Only(1, "x: y")}, "200 on 1", "POST /early at a"},
	})
}

// TestBodiesOfTunnels is about what follows an extended CONNECT (RFC 8441 section 5).
func TestBodiesOfTunnels(t *testing.T) {
	open := func(lines ...string) h2Lines {
		return h2Lines{1, 0, append([]string{":method: CONNECT", ":scheme: http", ":path: /tunnel", ":authority: a", ":protocol: echo"}, lines...)}
	}
	const served = `GET /tunnel at a connection="Upgrade" upgrade="echo"`
	holdH2(t, Config{Tunnels: true}, []h2Row{
		{"its DATA are bytes", []any{open(), h2Data(1, "hello")}, "200 on 1, 5 bytes on 1", served},
		{"it has trailers at its end, which the tunnel does not hear", []any{open(), h2Data(1, "hello"), h2Only(1, "x: y")}, "200 on 1, 5 bytes on 1, 0 bytes on 1", served},
		{"with trailers that are malformed it is reset", []any{open(), h2Data(1, "hello"), time.Millisecond, h2Only(1, "X: y")}, "200 on 1, 5 bytes on 1, PROTOCOL_ERROR on 1", served},
		{"with a length it is 400", []any{open("content-length: 5"), h2Data(1, "hello")}, "400 on 1", "400: a request that becomes a tunnel has no body"},
	})
}
