package http

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"golang.org/x/net/http2/hpack"
)

// What a model client asks.

// An h2Kind is a kind of request to site, and what comes of it.
type h2Kind struct {
	path   string
	body   bool // it needs one, of three bytes or more
	open   bool // that has no Content-Length
	resets bool // the stream is reset, and no answer is whole
	want   func(a *h2Ask) (status, body string)
	spoils func(a *h2Ask, fields []hpack.HeaderField) []hpack.HeaderField // what makes the request malformed
	onself bool                                                           // the stream depends on itself
}

func h2Says(status, body string) func(*h2Ask) (string, string) {
	return func(*h2Ask) (string, string) { return status, body }
}

func h2Echoes(a *h2Ask) (status, body string) { return "200", string(a.body) }

func h2Trailers(a *h2Ask) (status, body string) {
	if a.trailers {
		return "200", "x-sum=" + a.b + ";a="
	}
	return "200", "a="
}

var (
	h2Large = strings.Repeat("x", 200_000)
	h2File  = strings.Repeat("f", 200_000)
)

// h2Kinds has every kind of handler.
var h2Kinds = []*h2Kind{
	{path: "/", want: h2Says("200", "hello")},
	{path: "/echo", body: true, want: h2Echoes},
	{path: "/streaming/echo", body: true, want: h2Echoes},
	{path: "/streaming/body", body: true, want: h2Echoes},
	{path: "/blocking/echo", body: true, want: h2Echoes},
	{path: "/blocking/body", body: true, want: h2Echoes},
	{path: "/streaming/first-bytes", body: true, want: func(a *h2Ask) (string, string) { return "200", string(a.body[:3]) }},
	{path: "/blocking/first-bytes", body: true, want: func(a *h2Ask) (string, string) { return "200", string(a.body[:3]) }},
	{path: "/later-with-body", body: true, want: func(a *h2Ask) (string, string) { return "200", strings.ToUpper(string(a.body)) }},
	{path: "/later", want: h2Says("200", "done for ")},
	{path: "/much-later", want: h2Says("200", "done and done")},
	{path: "/fields", want: func(a *h2Ask) (string, string) { return "200", a.a + "|" + a.b + "|example.org" }},
	{path: "/large", want: h2Says("200", h2Large)},
	{path: "/file", want: h2Says("200", h2File)},
	{path: "/streaming/large", want: h2Says("200", h2Large)},
	{path: "/blocking/large", want: h2Says("200", h2Large)},
	{path: "/streaming/ticks", want: h2Says("200", "tick tick tick ")},
	{path: "/blocking/ticks", want: h2Says("200", "tick tick tick ")},
	{path: "/stream", want: h2Says("200", "tick tick tick ")},
	{path: "/blocking/text", want: h2Says("200", "hello")},
	{path: "/streaming/trailer", want: h2Says("200", "hello")},
	{path: "/trailers", body: true, open: true, want: h2Trailers},
	{path: "/streaming/trailers", body: true, open: true, want: h2Trailers},
	{path: "/blocking/trailers", body: true, open: true, want: h2Trailers},
	{path: "/empty", want: h2Says("200", "")},
	{path: "/hints", want: h2Says("200", "page")},
	{path: "/missing", want: h2Says("404", "404 Not Found\n")},
	{path: "/held-and-failed", resets: true, want: h2Says("", "")},
	{path: "/cut-file", resets: true, want: h2Says("", "")},
	{path: "/streaming/fails-late", resets: true, want: h2Says("", "")},
	{path: "/streaming/panics-late", resets: true, want: h2Says("", "")},
	{path: "/blocking/panics-late", resets: true, want: h2Says("", "")},
	{path: "/streaming/aborts", resets: true, want: h2Says("", "")},
	{path: "/panic", want: h2Says("500", "500 Internal Server Error\n")},
	{path: "/later-panic", want: h2Says("500", "500 Internal Server Error\n")},
	{path: "/upper-case", resets: true, want: h2Says("", ""), spoils: func(a *h2Ask, fields []hpack.HeaderField) []hpack.HeaderField {
		return append(fields, hpack.HeaderField{Name: "X-" + a.a, Value: a.b})
	}},
	{path: "/on-itself", resets: true, want: h2Says("", ""), onself: true},
	{path: "/too-large", want: h2Says("431", "431 Request Header Fields Too Large: the fields are too long\n"),
		spoils: func(a *h2Ask, fields []hpack.HeaderField) []hpack.HeaderField {
			for range 14 {
				fields = append(fields, hpack.HeaderField{Name: "x-large", Value: strings.Repeat(a.a, 3500/len(a.a))})
			}
			return fields
		}},
}

// h2RareKinds are too slow to be drawn.
var h2RareKinds = []*h2Kind{
	{path: "/streaming/many-hints", want: h2Says("200", "")},
	{path: "/blocking/many-hints", want: h2Says("200", "")},
}

// newH2Asks draws requests.
func newH2Asks(r *rand.Rand, n int) (asks []*h2Ask) {
	for range n {
		a := &h2Ask{kind: h2Kinds[r.IntN(len(h2Kinds))], leaveAt: -1, length: -1}
		a.a, a.b = fmt.Sprint("value", r.IntN(5)), fmt.Sprint("another", r.IntN(50))
		if a.kind.body || r.IntN(4) == 0 {
			size := 3 + r.IntN(1<<(2+r.IntN(12)))
			if r.IntN(20) == 0 {
				size = 100_000
			}
			a.body = []byte(strings.Repeat(fmt.Sprintf("%d of a body.", r.IntN(100)), size/10+1)[:size])
		}
		a.declared, a.trailers = r.IntN(2) == 0, r.IntN(6) == 0
		a.declared = a.declared && !a.kind.open
		if r.IntN(8) == 0 {
			a.leaveAt = r.IntN(6)
		}
		asks = append(asks, a)
	}
	return asks
}
