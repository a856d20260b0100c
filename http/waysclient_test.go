package http

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	nethttp "net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/eventloop/sim"
	"github.com/bobbin-http/bobbin/http/internal/h2test"
)

// Clients of HTTP/1.1 and HTTP/2 that say the same request in their own way, and tell what they
// hear in the same words.

// A way is how a client reaches a server.
type way struct{ http2, secure bool }

var fourWays = [...]way{{}, {secure: true}, {http2: true}, {http2: true, secure: true}}

func (w way) String() string {
	name := "HTTP/1.1"
	if w.http2 {
		name = "HTTP/2"
	}
	if w.secure {
		return name + " over TLS"
	}
	return name + " in plain text"
}

// An asking is a request before any protocol has framed it.
type asking struct {
	method, target string // GET and "/" if they are empty
	host           string // "a" if it is empty
	fields         [][2]string
	body           []string // pieces, sent one after the other
	open           bool     // the length of the body is not declared
	trailers       [][2]string
}

// A hearing is an answer as far as a client has heard it.
type hearing struct {
	interim  []string // answers before it: a status and fields
	status   int      // 0 before its head has come
	fields   []string // sorted
	body     []byte
	trailers []string // sorted
	cut      bool     // it has ended before its end
}

// ofConnection are the fields of HTTP/1.1 that are about its connection, and the date.
var ofConnection = map[string]bool{"connection": true, "keep-alive": true, "transfer-encoding": true, "date": true}

// String tells the answer in a line; a long body by its length and its ends.
func (h *hearing) String() string {
	text := strings.Join(append(slices.Clone(h.interim), ""), " | ") + fmt.Sprint(h.status, " [", strings.Join(h.fields, ", "), "] ")
	if n := len(h.body); n <= 200 {
		text += fmt.Sprintf("%q", h.body)
	} else {
		text += fmt.Sprintf("%d bytes, %.3q to %.3q, %d in sum", n, h.body, h.body[n-3:], sumOf(h.body))
	}
	if len(h.trailers) > 0 {
		text += fmt.Sprint(" ", h.trailers)
	}
	if h.cut {
		text += " and is cut"
	}
	return text
}

func sumOf(p []byte) (sum uint32) {
	for _, b := range p {
		sum = sum*31 + uint32(b)
	}
	return sum
}

// A caller is one client's connection. A server that has ended it is found out by hearing.
type caller interface {
	ask(q *asking, bodiless bool) // says the head
	send(piece string)            // a piece of its body
	end(trailers [][2]string)     // of its body
	hear() *hearing               // the answer to the first request that has not been heard
	hearBody(n int) *hearing      // the same as soon as n bytes of the body are there
	leave()                       // gives the last request up
	goneAway() bool               // the server has said that it wants no more requests
}

// A line is the io.ReadWriter of a client over a wire.
type line interface {
	io.Reader
	io.Writer
}

// dialWay begins a client's connection.
func dialWay(t testing.TB, is way, k *sim.Kernel, s *sim.Script, w *sim.Wire) caller {
	var l line = &slowLine{s: s, w: w}
	if is.secure {
		keys := trusting()
		keys.ServerName, keys.Time, keys.NextProtos = "localhost", k.Now, []string{"http/1.1"}
		if is.http2 {
			keys.NextProtos = []string{"h2"}
		}
		l = tls.Client(&slowLine{s: s, w: w}, keys)
	}
	if is.http2 {
		return &h2Talk{Client: h2test.New(l, t.Errorf)}
	}
	return &h1Talk{line: l, from: bufio.NewReader(l), wire: w}
}

// sayAll says a request with its body.
func sayAll(c caller, q *asking) {
	bodiless := len(q.body) == 0 && !q.open
	c.ask(q, bodiless)
	for _, piece := range q.body {
		c.send(piece)
	}
	if !bodiless {
		c.end(q.trailers)
	}
}

// head returns the fields of a request, with the length of its body.
func (q *asking) head() [][2]string {
	fields := slices.Clone(q.fields)
	if len(q.body) > 0 && !q.open {
		fields = append(fields, [2]string{"Content-Length", fmt.Sprint(len(strings.Join(q.body, "")))})
	}
	return fields
}

func either(text, other string) string {
	if text != "" {
		return text
	}
	return other
}

// An h1Talk is a client of HTTP/1.1.
type h1Talk struct {
	line   line
	from   *bufio.Reader
	wire   *sim.Wire
	asked  []string // methods
	chunks bool
	now    *nethttp.Response // that is being heard
	heard  *hearing
	last   bool // an answer said that it is the last
}

func (c *h1Talk) say(text string) { _, _ = io.WriteString(c.line, text) }

func (c *h1Talk) ask(q *asking, _ bool) {
	method := either(q.method, "GET")
	text := method + " " + either(q.target, "/") + " HTTP/1.1\r\nHost: " + either(q.host, "a") + "\r\n"
	for _, f := range q.head() {
		text += f[0] + ": " + f[1] + "\r\n"
	}
	if c.chunks = q.open; q.open {
		text += "Transfer-Encoding: chunked\r\n"
	}
	c.asked = append(c.asked, method)
	c.say(text + "\r\n")
}

func (c *h1Talk) send(piece string) {
	if c.chunks {
		piece = fmt.Sprintf("%x\r\n%s\r\n", len(piece), piece)
	}
	c.say(piece)
}

func (c *h1Talk) end(trailers [][2]string) {
	if !c.chunks {
		return
	}
	text := "0\r\n"
	for _, f := range trailers {
		text += f[0] + ": " + f[1] + "\r\n"
	}
	c.say(text + "\r\n")
}

// readHead reads the head of the answer, and those of interim ones before it.
func (c *h1Talk) readHead() {
	if c.now != nil || c.heard != nil && c.heard.cut {
		return
	}
	method := c.asked[0]
	c.asked = c.asked[1:]
	c.heard = &hearing{}
	for {
		a, err := nethttp.ReadResponse(c.from, &nethttp.Request{Method: method})
		if err != nil {
			c.heard.cut = true
			return
		}
		fields := linesOf(a.Header)
		if a.StatusCode >= 200 || a.StatusCode == nethttp.StatusSwitchingProtocols {
			c.now, c.heard.status, c.heard.fields = a, a.StatusCode, fields
			c.last = c.last || a.Close
			return
		}
		c.heard.interim = append(c.heard.interim, fmt.Sprint(a.StatusCode, " ", fields))
	}
}

func (c *h1Talk) hear() *hearing {
	c.readHead()
	h := c.heard
	if c.now != nil {
		more, err := io.ReadAll(c.now.Body)
		h.body, h.cut = append(h.body, more...), err != nil
		h.trailers = linesOf(c.now.Trailer)
	}
	c.now, c.heard = nil, nil
	return h
}

func (c *h1Talk) hearBody(n int) *hearing {
	c.readHead()
	if c.now != nil && len(c.heard.body) < n {
		more := make([]byte, n-len(c.heard.body))
		got, err := io.ReadFull(c.now.Body, more)
		c.heard.body, c.heard.cut = append(c.heard.body, more[:got]...), err != nil
	}
	return c.heard
}

func (c *h1Talk) leave() { c.wire.Reset() }

func (c *h1Talk) goneAway() bool { return c.last }

// linesOf is sortedLines for fields of net/http.
func linesOf(fields nethttp.Header) []string {
	var all [][2]string
	for name, values := range fields {
		for _, v := range values {
			all = append(all, [2]string{name, v})
		}
	}
	return sortedLines(all)
}

// An h2Talk is a client of HTTP/2.
type h2Talk struct {
	*h2test.Client
	now   *h2test.Stream   // the last one that was begun
	asked []*h2test.Stream // have not been heard
}

// begin says a head.
func (c *h2Talk) begin(fields [][2]string, bodiless bool) {
	c.now = c.Begin(fields, bodiless)
	c.asked = append(c.asked, c.now)
}

func (c *h2Talk) ask(q *asking, bodiless bool) {
	fields := [][2]string{{":method", either(q.method, "GET")}, {":scheme", "https"}, {":path", either(q.target, "/")}, {":authority", either(q.host, "a")}}
	c.begin(append(fields, q.head()...), bodiless)
}

func (c *h2Talk) send(piece string) { c.Send(c.now, []byte(piece)) }

func (c *h2Talk) end(trailers [][2]string) { c.End(c.now, trailers) }

func (c *h2Talk) hear() *hearing {
	s := c.asked[0]
	for !s.Over && c.ReadFrame() {
	}
	c.asked = c.asked[1:]
	return hearingOf(s)
}

func (c *h2Talk) hearBody(n int) *hearing {
	s := c.asked[0]
	for !s.Over && (s.Status == 0 || len(s.Body) < n) && c.ReadFrame() {
	}
	return hearingOf(s)
}

func (c *h2Talk) leave() { c.Reset(c.now) }

func (c *h2Talk) goneAway() bool { return c.GoneAway }

// hearingOf tells what has come on a stream.
func hearingOf(s *h2test.Stream) *hearing {
	h := &hearing{status: s.Status, fields: sortedLines(s.Fields), body: s.Body, trailers: sortedLines(s.Trailers), cut: s.Cut}
	for _, one := range s.Interim {
		h.interim = append(h.interim, fmt.Sprint(one.Status, " ", sortedLines(one.Fields)))
	}
	return h
}

// sortedLines returns fields as sorted lines, without those of the connection.
func sortedLines(fields [][2]string) (lines []string) {
	for _, f := range fields {
		if name := strings.ToLower(f[0]); !ofConnection[name] {
			lines = append(lines, name+": "+f[1])
		}
	}
	slices.Sort(lines)
	return lines
}
