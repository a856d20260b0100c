package h1

// Heads that are accepted or refused, and their meaning. A row's name is a sentence that
// is true when the row passes. Every head is read as a whole, in two pieces at every
// place, and byte by byte, because a network may cut anywhere.

import (
	"bufio"
	"bytes"
	"fmt"
	nethttp "net/http"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http/internal/negotiate"
)

// usual are the limits that a server has unless it is told otherwise.
var usual = Limits{EmptyLines: 2, RequestLine: 8 << 10, FieldLine: 8 << 10, FieldBytes: 32 << 10, FieldCount: 100, ChunkExtension: 256, ChunkOverhead: 16 << 10}

// readPieces reads a head that comes in pieces, which end at the given places
// and at the end of p. Each piece moves the bytes to another place in memory.
// If p is refused only when its lines are complete, they are completed.
func readPieces(h *Head, p []byte, l *Limits, ends ...int) (n int, why *Refusal) {
	var r HeadReader
	for _, end := range append(ends, len(p)) {
		if n, why = r.Read(h, bytes.Clone(p[:end]), l, nil, 0); n > 0 || why != nil {
			return n, why
		}
	}
	return 0, nil
}

// completed reads like readPieces, and adds an empty line if there is no verdict: the
// reason to refuse a whole head may be found only then.
func completed(h *Head, p []byte, l *Limits, ends ...int) (n int, why *Refusal) {
	if n, why = readPieces(h, p, l, ends...); n > 0 || why != nil {
		return n, why
	}
	ends = append(ends, len(p))
	return readPieces(h, append(bytes.Clone(p), "\r\n\r\n"...), l, ends...)
}

// everyByte returns the ends of pieces of one byte.
func everyByte(n int) (ends []int) {
	for i := range n {
		ends = append(ends, i)
	}
	return ends
}

// readAnyway reads a head as a whole and in pieces, and complains about every
// way of cutting that makes a difference.
func readAnyway(t *testing.T, request string, l *Limits) (h *Head, n int, why *Refusal) {
	t.Helper()
	p := []byte(request)
	readsTheSame(t, p, l)
	h = new(Head)
	n, why = readPieces(h, p, l)
	said := describe(h, p, n)
	check := func(cut string, ends ...int) {
		t.Helper()
		var other Head
		if n == 0 && why == nil {
			if m, whyNot := readPieces(&other, p, l, ends...); m != 0 || whyNot != nil {
				t.Errorf("%s: %d, %v; as a whole it waits", cut, m, whyNot)
			}
			return
		}
		m, whyNot := completed(&other, p, l, ends...)
		if m != n || whyNot != why {
			t.Errorf("%s: %d, %v; as a whole %d, %v", cut, m, whyNot, n, why)
		} else if now := describe(&other, p, m); now != said {
			t.Errorf("%s: %s; as a whole %s", cut, now, said)
		}
	}
	if len(p) < 2000 {
		for i := range p {
			check(fmt.Sprintf("cut at %d", i), i)
		}
	}
	check("byte by byte", everyByte(len(p))...)
	return h, n, why
}

// describe returns the meaning of a head of n bytes, without the defaults.
func describe(h *Head, p []byte, n int) string {
	if n == 0 {
		return "nothing"
	}
	var s strings.Builder
	fmt.Fprintf(&s, "%s %s HTTP/1.%d for %q", h.MethodName.Of(p), h.Target.Of(p), h.Minor, h.Host.Of(p))
	if h.Length >= 0 {
		fmt.Fprintf(&s, ", length %d", h.Length)
	}
	for _, is := range []struct {
		so   bool
		what string
	}{
		{h.Chunked, "chunked"},
		{h.Close, "close"},
		{h.KeepAlive, "keep-alive"},
		{h.ExpectContinue, "100-continue"},
		{h.ExpectOther, "another expectation"},
	} {
		if is.so {
			s.WriteString(", " + is.what)
		}
	}
	return s.String()
}

// TestHeadAccepted has heads that must work.
func TestHeadAccepted(t *testing.T) {
	const host = "Host: a\r\n"
	tests := []struct {
		name    string
		request string
		want    string
	}{
		{"the smallest request", "GET / HTTP/1.1\r\nHost: a\r\n\r\n", `GET / HTTP/1.1 for "a"`},
		{"HTTP/1.0 needs no host", "GET / HTTP/1.0\r\n\r\n", `GET / HTTP/1.0 for ""`},
		{"HTTP/1.2 is served as 1.1", "GET / HTTP/1.2\r\n" + host + "\r\n", `GET / HTTP/1.1 for "a"`},
		{"HTTP/1.9 is served as 1.1", "GET / HTTP/1.9\r\n" + host + "\r\n", `GET / HTTP/1.1 for "a"`},
		{"an empty line before a request is skipped", "\r\nGET / HTTP/1.1\r\n" + host + "\r\n", `GET / HTTP/1.1 for "a"`},
		{"two empty lines before a request are skipped", "\r\n\r\nGET / HTTP/1.1\r\n" + host + "\r\n", `GET / HTTP/1.1 for "a"`},
		{"an unknown method is not the parser's business", "BREW / HTTP/1.1\r\n" + host + "\r\n", `BREW / HTTP/1.1 for "a"`},
		{"a method in lower case is another", "get / HTTP/1.1\r\n" + host + "\r\n", `get / HTTP/1.1 for "a"`},
		{"a method may be any token", "M-SEARCH!#$%&'*+.^_`|~ / HTTP/1.1\r\n" + host + "\r\n", "M-SEARCH!#$%&'*+.^_`|~ / HTTP/1.1 for \"a\""},
		{"a host may have a port", "GET / HTTP/1.1\r\nHost: example.org:8080\r\n\r\n", `GET / HTTP/1.1 for "example.org:8080"`},
		{"a host may be empty", "GET / HTTP/1.1\r\nHost:\r\n\r\n", `GET / HTTP/1.1 for ""`},
		{"a host may stand behind other fields", "GET / HTTP/1.1\r\nA: b\r\nHost: a\r\nC: d\r\n\r\n", `GET / HTTP/1.1 for "a"`},
		{"names have no case", "GET / HTTP/1.1\r\nhOsT: a\r\ncoNTenT-LENgth: 1\r\n\r\n", `GET / HTTP/1.1 for "a", length 1`},
		{"an absolute target goes before Host", "GET http://b/ HTTP/1.1\r\n" + host + "\r\n", `GET http://b/ HTTP/1.1 for "b"`},
		{"an absolute target in HTTP/1.0 needs no Host", "GET http://b/ HTTP/1.0\r\n\r\n", `GET http://b/ HTTP/1.0 for "b"`},
		{"a path may hold bytes above ASCII", "GET /\xc3\xa9\x80\xff~\xff HTTP/1.1\r\n" + host + "\r\n", "GET /\xc3\xa9\x80\xff~\xff HTTP/1.1 for \"a\""},
		{"so may a query", "GET /?\xc3\xa9=\xfe HTTP/1.1\r\n" + host + "\r\n", "GET /?\xc3\xa9=\xfe HTTP/1.1 for \"a\""},
		{"and both behind a host", "GET http://b/\xc3\xa9?\xfe HTTP/1.1\r\n" + host + "\r\n", "GET http://b/\xc3\xa9?\xfe HTTP/1.1 for \"b\""},
		{"OPTIONS may be for the whole server", "OPTIONS * HTTP/1.1\r\n" + host + "\r\n", `OPTIONS * HTTP/1.1 for "a"`},
		{"CONNECT names a host and a port", "CONNECT b:443 HTTP/1.1\r\nHost: b:443\r\n\r\n", `CONNECT b:443 HTTP/1.1 for "b:443"`},

		{"blanks around a value are not part of it", "GET / HTTP/1.1\r\nHost:\t a \t\r\nContent-Length:  7\t\r\n\r\n", `GET / HTTP/1.1 for "a", length 7`},
		{"a value may hold tabs and bytes above ASCII", "GET / HTTP/1.1\r\n" + host + "A: b\tc\x80\xff\xe4\r\n\r\n", `GET / HTTP/1.1 for "a"`},
		{"a value may be empty", "GET / HTTP/1.1\r\n" + host + "A:\r\nB: \t \r\n\r\n", `GET / HTTP/1.1 for "a"`},
		{"a value may hold colons and commas", "GET / HTTP/1.1\r\n" + host + "A: b:c,,d\r\n\r\n", `GET / HTTP/1.1 for "a"`},

		{"a length is a number", "POST / HTTP/1.1\r\n" + host + "Content-Length: 5\r\n\r\n", `POST / HTTP/1.1 for "a", length 5`},
		{"a length of 0 is a length", "POST / HTTP/1.1\r\n" + host + "Content-Length: 0\r\n\r\n", `POST / HTTP/1.1 for "a", length 0`},
		{"leading zeros of a length are decimal", "POST / HTTP/1.1\r\n" + host + "Content-Length: 00000000000000000000000010\r\n\r\n", `POST / HTTP/1.1 for "a", length 10`},
		{"a length may have 63 bits", "POST / HTTP/1.1\r\n" + host + "Content-Length: 9223372036854775807\r\n\r\n", `POST / HTTP/1.1 for "a", length 9223372036854775807`},
		{"HTTP/1.0 may have a length", "POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\n", `POST / HTTP/1.0 for "", length 5`},
		{"a body may be chunked", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\n\r\n", `POST / HTTP/1.1 for "a", chunked`},
		{"chunked has no case, and blanks around", "POST / HTTP/1.1\r\n" + host + "Transfer-Encoding:\t CHunKed \t\r\n\r\n", `POST / HTTP/1.1 for "a", chunked`},

		{"close is understood", "GET / HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n", `GET / HTTP/1.1 for "a", close`},
		{"close has no case", "GET / HTTP/1.1\r\n" + host + "Connection: cLOSe\r\n\r\n", `GET / HTTP/1.1 for "a", close`},
		{"close may stand anywhere in a list", "GET / HTTP/1.1\r\n" + host + "Connection: a, close ,b\r\n\r\n", `GET / HTTP/1.1 for "a", close`},
		{"close may stand between empty elements", "GET / HTTP/1.1\r\n" + host + "Connection: ,, ,close,\r\n\r\n", `GET / HTTP/1.1 for "a", close`},
		{"close may stand in a second Connection field", "GET / HTTP/1.1\r\n" + host + "Connection: te\r\nConnection: close\r\n\r\n", `GET / HTTP/1.1 for "a", close`},
		{"close may stand beside keep-alive", "GET / HTTP/1.1\r\n" + host + "Connection: keep-alive, close\r\n\r\n", `GET / HTTP/1.1 for "a", close, keep-alive`},
		{"closed is not close", "GET / HTTP/1.1\r\n" + host + "Connection: closed, clos e, xclose\r\n\r\n", `GET / HTTP/1.1 for "a"`},
		{"keep-alive is understood in HTTP/1.0", "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", `GET / HTTP/1.0 for "", keep-alive`},
		{"close is understood in HTTP/1.0", "GET / HTTP/1.0\r\nConnection: close\r\n\r\n", `GET / HTTP/1.0 for "", close`},

		{"100-continue is understood", "POST / HTTP/1.1\r\n" + host + "Expect: 100-continue\r\nContent-Length: 1\r\n\r\n", `POST / HTTP/1.1 for "a", length 1, 100-continue`},
		{"100-continue has no case", "POST / HTTP/1.1\r\n" + host + "Expect: 100-CONTINUE\r\n\r\n", `POST / HTTP/1.1 for "a", 100-continue`},
		{"100-continue is ignored in HTTP/1.0", "POST / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n", `POST / HTTP/1.0 for ""`},
		{"other expectations are noticed", "POST / HTTP/1.1\r\n" + host + "Expect: 100-continue, a=b\r\n\r\n", `POST / HTTP/1.1 for "a", 100-continue, another expectation`},
		{"100-continue has no parameters", "POST / HTTP/1.1\r\n" + host + "Expect: 100-continue;q=1\r\n\r\n", `POST / HTTP/1.1 for "a", another expectation`},
		{"an empty Expect expects nothing", "POST / HTTP/1.1\r\n" + host + "Expect: , \r\n\r\n", `POST / HTTP/1.1 for "a"`},

		{"a request line of 8000 bytes is accepted", "GET /" + strings.Repeat("a", 7986) + " HTTP/1.1\r\n" + host + "\r\n", `GET /` + strings.Repeat("a", 7986) + ` HTTP/1.1 for "a"`},
		{"a field of 4 KB is accepted", "GET / HTTP/1.1\r\n" + host + "A: " + strings.Repeat("b", 4096) + "\r\n\r\n", `GET / HTTP/1.1 for "a"`},
		{"a hundred fields are accepted", "GET / HTTP/1.1\r\n" + host + strings.Repeat("A: b\r\n", 99) + "\r\n", `GET / HTTP/1.1 for "a"`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h, n, why := readAnyway(t, test.request, &usual)
			if why != nil {
				t.Fatal(why)
			}
			if got := describe(h, []byte(test.request), n); got != test.want {
				t.Errorf("it means %s, want %s", got, test.want)
			}
			if n != len(test.request) || h.Size != n {
				t.Errorf("it has %d bytes and size %d, want %d", n, h.Size, len(test.request))
			}
			if _, m, _ := readAnyway(t, test.request+"GET / HT", &usual); m != n {
				t.Errorf("with the next request behind it, it has %d bytes, want %d", m, n)
			}
		})
	}
}

// TestHeadRefused has heads that must be refused, and the status of the answer.
func TestHeadRefused(t *testing.T) {
	const (
		line = "GET / HTTP/1.1\r\n"
		host = "Host: a\r\n"
	)
	tests := []struct {
		name    string
		request string
		status  int
	}{
		{"three empty lines are too many", "\r\n\r\n\r\n" + line + host + "\r\n", 400},
		{"an empty line that is only LF is not skipped", "\n" + line + host + "\r\n", 400},
		{"an empty line that is only CR is not skipped", "\r" + line + host + "\r\n", 400},
		{"a TLS handshake is not a request", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400},
		{"a blank before the method is refused", " " + line + host + "\r\n", 400},
		{"a method is a token", "GE\"T / HTTP/1.1\r\n" + host + "\r\n", 400},
		{"a method has no bytes above ASCII", "G\xc3\x89T / HTTP/1.1\r\n" + host + "\r\n", 400},
		{"a method is followed by a space, not a tab", "GET\t/ HTTP/1.1\r\n" + host + "\r\n", 400},
		{"a method alone is not a request", "GET\r\n\r\n", 400},
		{"two spaces behind the method are one too many", "GET  / HTTP/1.1\r\n" + host + "\r\n", 400},
		{"two spaces before the version are one too many", "GET /  HTTP/1.1\r\n" + host + "\r\n", 400},
		{"a tab before the version is no space", "GET /\tHTTP/1.1\r\n" + host + "\r\n", 400},
		{"a space behind the version is one too many", "GET / HTTP/1.1 \r\n" + host + "\r\n", 400},
		{"a space in the target is not repaired", "GET /a b HTTP/1.1\r\n" + host + "\r\n", 400},
		{"HTTP/0.9 is not spoken", "GET /\r\n\r\n", 400},
		{"a version may not be missing behind its space", "GET / \r\n\r\n", 400},
		{"a version has a digit, a dot and a digit", "GET / HTTP/1\r\n" + host + "\r\n", 400},
		{"a version has no two digits behind the dot", "GET / HTTP/1.10\r\n" + host + "\r\n", 400},
		{"a version has no two digits before the dot", "GET / HTTP/11.1\r\n" + host + "\r\n", 400},
		{"a version has no letters in it", "GET / HTTP/1.d\r\n" + host + "\r\n", 400},
		{"a version has no sign", "GET / HTTP/+1.1\r\n" + host + "\r\n", 400},
		{"a version is written in capitals", "GET / http/1.1\r\n" + host + "\r\n", 400},
		{"another protocol is refused", "GET / RTSP/1.0\r\n\r\n", 400},
		{"HTTP/2 does not begin like this", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
		{"HTTP/2.0 is another major version", "GET / HTTP/2.0\r\n" + host + "\r\n", 505},
		{"HTTP/0.9 is another major version", "GET / HTTP/0.9\r\n" + host + "\r\n", 505},
		{"HTTP/9.9 is another major version", "GET / HTTP/9.9\r\n" + host + "\r\n", 505},
		{"LF alone does not end a request line", "GET / HTTP/1.1\n" + host + "\r\n", 400},
		{"CR alone does not end a request line", "GET / HTTP/1.1\r" + host + "\r\n", 400},

		{"a target has no NUL", "GET /a\x00b HTTP/1.1\r\n" + host + "\r\n", 400},
		{"a target has no DEL", "GET /a\x7f HTTP/1.1\r\n" + host + "\r\n", 400},
		{"a target has no other controls", "GET /a\x01 HTTP/1.1\r\n" + host + "\r\n", 400},
		{"nor behind a byte above ASCII", "GET /\xc3\xa9\x01 HTTP/1.1\r\n" + host + "\r\n", 400},
		{"nor DEL there", "GET /\xff~\x7f HTTP/1.1\r\n" + host + "\r\n", 400},
		{"nor a space", "GET /\xc3 \xa9 HTTP/1.1\r\n" + host + "\r\n", 400},
		{"nor the end of a line", "GET /\xc3\xa9\r\n" + host + "\r\n", 400},
		{"nor a fragment", "GET /\xc3\xa9#b HTTP/1.1\r\n" + host + "\r\n", 400},
		{"a target does not begin above ASCII", "GET \xc3\xa9/ HTTP/1.1\r\n" + host + "\r\n", 400},
		{"the host of a target is ASCII", "GET http://\xc3\xa9/ HTTP/1.1\r\n" + host + "\r\n", 400},
		{"so is that of CONNECT", "CONNECT \xc3\xa9:80 HTTP/1.1\r\n" + host + "\r\n", 400},
		{"a target has no CR", "GET /a\rb HTTP/1.1\r\n" + host + "\r\n", 400},
		{"a target has no fragment", "GET /a#b HTTP/1.1\r\n" + host + "\r\n", 400},
		{"a query has no fragment", "GET /?a#b HTTP/1.1\r\n" + host + "\r\n", 400},
		{"a path begins with a slash", "GET a HTTP/1.1\r\n" + host + "\r\n", 400},
		{"a query alone is not a target", "GET ?a HTTP/1.1\r\n" + host + "\r\n", 400},
		{"* is for OPTIONS only", "GET * HTTP/1.1\r\n" + host + "\r\n", 400},
		{"* has nothing behind it", "OPTIONS *a HTTP/1.1\r\n" + host + "\r\n", 400},
		{"a host and a port are for CONNECT only", "GET a:80 HTTP/1.1\r\n" + host + "\r\n", 400},
		{"CONNECT has no path", "CONNECT / HTTP/1.1\r\n" + host + "\r\n", 400},
		{"CONNECT has no scheme", "CONNECT http://a:80 HTTP/1.1\r\n" + host + "\r\n", 400},
		{"CONNECT needs a port", "CONNECT a HTTP/1.1\r\n" + host + "\r\n", 400},
		{"CONNECT needs a port that is not empty", "CONNECT a: HTTP/1.1\r\n" + host + "\r\n", 400},
		{"CONNECT needs a host", "CONNECT :80 HTTP/1.1\r\n" + host + "\r\n", 400},
		{"CONNECT to an address needs a port, too", "CONNECT [::1] HTTP/1.1\r\n" + host + "\r\n", 400},
		{"other schemes are refused", "GET ftp://a/ HTTP/1.1\r\n" + host + "\r\n", 400},
		{"a scheme needs its slashes", "GET http:/a/ HTTP/1.1\r\n" + host + "\r\n", 400},
		{"an absolute target has a host", "GET http:///a HTTP/1.1\r\n" + host + "\r\n", 400},
		{"an absolute target has a host before its port", "GET http://:80/a HTTP/1.1\r\n" + host + "\r\n", 400},
		{"an absolute target has a host before its query", "GET http://?a HTTP/1.1\r\n" + host + "\r\n", 400},
		{"an absolute target has no user", "GET http://u@a/ HTTP/1.1\r\n" + host + "\r\n", 400},
		{"an absolute target has no user and password", "GET http://u:p@a/ HTTP/1.1\r\n" + host + "\r\n", 400},
		{"an absolute target has a port that is a number", "GET http://a:b/ HTTP/1.1\r\n" + host + "\r\n", 400},
		{"an absolute target has a port below 65536", "GET http://a:65536/ HTTP/1.1\r\n" + host + "\r\n", 400},
		{"an absolute target has no backslash in its host", "GET http://a\\b/ HTTP/1.1\r\n" + host + "\r\n", 400},

		{"HTTP/1.1 needs a host", line + "\r\n", 400},
		{"HTTP/1.1 needs a Host field with an absolute target, too", "GET http://a/ HTTP/1.1\r\n\r\n", 400},
		{"HTTP/1.1 needs a Host field with CONNECT, too", "CONNECT a:80 HTTP/1.1\r\n\r\n", 400},
		{"two hosts are refused", line + host + host + "\r\n", 400},
		{"two hosts are refused in HTTP/1.0, too", "GET / HTTP/1.0\r\n" + host + host + "\r\n", 400},
		{"two hosts are refused with an absolute target, too", "GET http://a/ HTTP/1.1\r\n" + host + host + "\r\n", 400},
		{"two hosts are refused if the first is empty", line + "Host:\r\n" + host + "\r\n", 400},
		{"a bad host is refused with an absolute target, too", "GET http://a/ HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
		{"a bad host is refused in HTTP/1.0, too", "GET / HTTP/1.0\r\nHost: a/b\r\n\r\n", 400},

		{"a name has at least one byte", line + host + ": b\r\n\r\n", 400},
		{"a name has no blank behind it", line + "Host : a\r\n\r\n", 400},
		{"a name has no tab behind it", line + "Host\t: a\r\n\r\n", 400},
		{"a name has no blank in it", line + host + "A b: c\r\n\r\n", 400},
		{"a name is a token", line + host + "A(: c\r\n\r\n", 400},
		{"a name has no NUL", line + host + "A\x00: c\r\n\r\n", 400},
		{"a name has no bytes above ASCII", line + host + "\xc3\xa4: c\r\n\r\n", 400},
		{"a name has no CR in it", line + host + "A\r: c\r\n\r\n", 400},
		{"a line needs a colon", line + host + "A\r\n\r\n", 400},
		{"a line of blanks is not empty", line + host + " \r\n\r\n", 400},
		{"a field is not folded", line + host + "A: b\r\n c\r\n\r\n", 400},
		{"a field is not folded with a tab", line + host + "A: b\r\n\tc\r\n\r\n", 400},
		{"the first field begins at the beginning", line + " Host: a\r\n\r\n", 400},
		{"a value has no NUL", line + host + "A: b\x00c\r\n\r\n", 400},
		{"a value has no DEL", line + host + "A: b\x7f\r\n\r\n", 400},
		{"a value has no escape character", line + host + "A: \x1b[0m\r\n\r\n", 400},
		{"a value has no form feed as a blank", line + host + "A: \fb\r\n\r\n", 400},
		{"a form feed before LF is no CR", line + host + "A: b\f\n\r\n\r\n", 400},
		{"a value has no CR", line + host + "A: b\rc\r\n\r\n", 400},
		{"two CR do not end a line", line + host + "A: b\r\r\n\r\n", 400},
		{"LF alone does not end a field", line + "Host: a\nA: b\r\n\r\n", 400},
		{"LF alone does not end a head", line + host + "\n", 400},
		{"CR alone does not end a head", line + host + "\rGET", 400},

		{"a length has no sign", line + host + "Content-Length: +5\r\n\r\n", 400},
		{"a length is not negative", line + host + "Content-Length: -5\r\n\r\n", 400},
		{"a length is not hexadecimal", line + host + "Content-Length: 0x5\r\n\r\n", 400},
		{"a length has no underscore", line + host + "Content-Length: 1_0\r\n\r\n", 400},
		{"a length has no fraction", line + host + "Content-Length: 5.0\r\n\r\n", 400},
		{"a length is not empty", line + host + "Content-Length:\r\n\r\n", 400},
		{"a length has no blanks in it", line + host + "Content-Length: 5 5\r\n\r\n", 400},
		{"a length is not a list", line + host + "Content-Length: 5, 5\r\n\r\n", 400},
		{"a length is not a list with an empty element", line + host + "Content-Length: 5,\r\n\r\n", 400},
		{"a length has no digits of another script", line + host + "Content-Length: \xd9\xa5\r\n\r\n", 400},
		{"two lengths are refused", line + host + "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400},
		{"two equal lengths are refused", line + host + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400},
		{"two lengths of 0 are refused", line + host + "Content-Length: 0\r\nContent-Length: 0\r\n\r\n", 400},

		{"an unknown coding is not implemented", line + host + "Transfer-Encoding: gzip\r\n\r\n", 501},
		{"identity is an unknown coding", line + host + "Transfer-Encoding: identity\r\n\r\n", 501},
		{"xchunked is an unknown coding", line + host + "Transfer-Encoding: xchunked\r\n\r\n", 501},
		{"a coding below chunked is not implemented", line + host + "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
		{"chunked is the last coding", line + host + "Transfer-Encoding: chunked, gzip\r\n\r\n", 400},
		{"chunked is applied once", line + host + "Transfer-Encoding: chunked, chunked\r\n\r\n", 400},
		{"chunked stands in one field", line + host + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
		{"chunked has no parameters", line + host + "Transfer-Encoding: chunked;a=b\r\n\r\n", 400},
		{"chunked has no quotes", line + host + "Transfer-Encoding: \"chunked\"\r\n\r\n", 400},
		{"chunked has no empty element behind it", line + host + "Transfer-Encoding: chunked,\r\n\r\n", 400},
		{"chunked has no empty element before it", line + host + "Transfer-Encoding: , chunked\r\n\r\n", 400},
		{"a coding is not empty", line + host + "Transfer-Encoding:\r\n\r\n", 400},
		{"a coding has no control before it", line + host + "Transfer-Encoding: \x0bchunked\r\n\r\n", 400},
		{"a coding has no high byte behind it", line + host + "Transfer-Encoding: chunked\xa0\r\n\r\n", 400},
		{"a coding is one word", line + host + "Transfer-Encoding: chunked chunked\r\n\r\n", 400},
		{"HTTP/1.0 has no codings", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
		{"a length and a coding are refused", line + host + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
		{"a coding and a length are refused", line + host + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n", 400},
		{"a coding and a length of 0 are refused", line + host + "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n", 400},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, n, why := readAnyway(t, test.request, &usual)
			if why == nil {
				t.Fatalf("it passes with %d bytes", n)
			}
			if why.Status != test.status || n != 0 {
				t.Errorf("it has %d bytes and is refused with %v, want %d", n, why, test.status)
			}
		})
	}
}

// TestHugeLength is apart because more than one answer is right.
func TestHugeLength(t *testing.T) {
	for _, length := range []string{"9223372036854775808", "18446744073709551616", "18446744073709551621", strings.Repeat("9", 400)} {
		_, _, why := readAnyway(t, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: "+length+"\r\n\r\n", &usual)
		if why == nil || why.Status != 400 && why.Status != 413 {
			t.Errorf("a length of %s is answered with %v", length, why)
		}
	}
}

func TestTarget(t *testing.T) {
	tests := []struct {
		name              string
		line              string
		form              targetForm
		host, path, query string
		hasQuery          bool
	}{
		{"a path is a path", "GET /a/b HTTP/1.1", originForm, "h", "/a/b", "", false},
		{"a query is what stands behind the question mark", "GET /a?b=c HTTP/1.1", originForm, "h", "/a", "b=c", true},
		{"an empty query is not the same as none", "GET /a? HTTP/1.1", originForm, "h", "/a", "", true},
		{"a second question mark is part of the query", "GET /a?b?c HTTP/1.1", originForm, "h", "/a", "b?c", true},
		{"two slashes are a path, not a host", "GET //a/b HTTP/1.1", originForm, "h", "//a/b", "", false},
		{"escapes are left alone", "GET /%2e%2E/%zz HTTP/1.1", originForm, "h", "/%2e%2E/%zz", "", false},
		{"an absolute target has all of it", "GET http://a:1/b?c HTTP/1.1", absoluteForm, "a:1", "/b", "c", true},
		{"a scheme has no case", "GET hTtPs://a/ HTTP/1.1", absoluteForm, "a", "/", "", false},
		{"an absolute target may have no path", "GET http://a HTTP/1.1", absoluteForm, "a", "", "", false},
		{"an absolute target may have only a query", "GET http://a?b/c HTTP/1.1", absoluteForm, "a", "", "b/c", true},
		{"an absolute target may have an empty port", "GET http://a:/ HTTP/1.1", absoluteForm, "a:", "/", "", false},
		{"an absolute target may name an address", "GET http://[::1]:8080/ HTTP/1.1", absoluteForm, "[::1]:8080", "/", "", false},
		{"an @ in a path is not a user's", "GET http://a/@b HTTP/1.1", absoluteForm, "a", "/@b", "", false},
		{"OPTIONS may have a path", "OPTIONS /a HTTP/1.1", originForm, "h", "/a", "", false},
		{"OPTIONS may be for all", "OPTIONS * HTTP/1.1", AsteriskForm, "h", "", "", false},
		{"CONNECT has neither path nor query", "CONNECT a:443 HTTP/1.1", authorityForm, "a:443", "", "", false},
		{"CONNECT may name an address", "CONNECT [2001:db8::1]:443 HTTP/1.1", authorityForm, "[2001:db8::1]:443", "", "", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			request := test.line + "\r\nHost: h\r\n\r\n"
			p := []byte(request)
			h, _, why := readAnyway(t, request, &usual)
			if why != nil {
				t.Fatal(why)
			}
			got := fmt.Sprintf("%d %s %s %s %v", h.Form, h.Host.Of(p), h.Path.Of(p), h.Query.Of(p), h.HasQuery)
			want := fmt.Sprintf("%d %s %s %s %v", test.form, test.host, test.path, test.query, test.hasQuery)
			if got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		})
	}
}

func TestHost(t *testing.T) {
	valid := []string{
		"", "a", "a.b", "example.org:80", "example.org:", "a:0", "a:65535", "a:00080", "127.0.0.1", "127.0.0.1:80",
		"999.1.2.3", "1.2.3", "xn--bcher-kva.example", "a_b~c", "a!$&'()*+,;=b", "%41", "a%c3%a9:1", "A.B",
		"[::]", "[::1]", "[1::]", "[::1]:80", "[::1]:", "[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:7::]", "[::2:3:4:5:6:7:8]",
		"[2001:db8::1]", "[abcd:EF01::]", "[::ffff:1.2.3.4]", "[1:2:3:4:5:6:1.2.3.4]", "[::1.2.3.4]",
		"[1:2:3:4:5::1.2.3.4]", "[v1.a]", "[vF.a:b]", "[V1f.!$&'()*+,;=:~]:80",
	}
	invalid := []string{
		"a b", "a/b", "a/", "a\\b", "a?b", "a#b", "u@a", "u:p@a", "a:b", "a:80:80", "a:+80", "a:-1", "a:65536", "a:8 0",
		"a:99999999999999999999", "\"a\"", "<a>", "a|b", "a{}", "a^b", "a`b", "\xc3\xa9", "a\xff", "%", "%4", "%4g", "a%",
		"[", "[]", "]", "[::1", "::1", "[::1]a", "[::1]80", "[::1]:a", "[::1]:65536", "a[::1]", "[a]", "[1.2.3.4]",
		"[:]", "[:::]", "[:1]", "[1:]", "[1]", "[1::2::3]", "[1:2:3:4:5:6:7]", "[1:2:3:4:5:6:7:8:9]",
		"[1:2:3:4:5:6:7:8::]", "[::1:2:3:4:5:6:7:8]", "[12345::]", "[::g]", "[::1%25eth0]", "[::1%eth0]", "[::1.2.3]",
		"[::1.2.3.4.5]", "[::1.2.3.256]", "[::01.2.3.4]", "[::1.2.3.4:1]", "[1.2.3.4::]", "[1:2:3:4:5:6:7:1.2.3.4]",
		"[1:2:3:4:5:6::1.2.3.4]", "[v.a]", "[v1.]", "[v1]", "[vg.a]", "[v1.a/b]", "[v1.a%41]", "[ ::1]", "[::1 ]",
	}
	for _, host := range valid {
		if _, n, why := readAnyway(t, "GET / HTTP/1.1\r\nHost: "+host+"\r\n\r\n", &usual); n == 0 {
			t.Errorf("Host: %s is valid, but: %v", host, why)
		}
		if host == "" {
			continue
		}
		if _, n, why := readAnyway(t, "GET http://"+host+"/ HTTP/1.1\r\nHost:\r\n\r\n", &usual); n == 0 {
			t.Errorf("http://%s/ is valid, but: %v", host, why)
		}
	}
	for _, host := range invalid {
		if _, _, why := readAnyway(t, "GET / HTTP/1.1\r\nHost: "+host+"\r\n\r\n", &usual); why == nil || why.Status != 400 {
			t.Errorf("Host: %s is not valid, but: %v", host, why)
		}
		if strings.ContainsAny(host, "/?") {
			continue
		}
		if _, _, why := readAnyway(t, "GET http://"+host+"/ HTTP/1.1\r\nHost:\r\n\r\n", &usual); why == nil || why.Status != 400 {
			t.Errorf("http://%s/ is not valid, but: %v", host, why)
		}
	}
}

func TestFields(t *testing.T) {
	request := "GET / HTTP/1.1\r\nHost: a\r\nX-Empty:\r\nX-Tab:\t b\t c \t\r\nx-y:z\r\n\r\n"
	h, _, why := readAnyway(t, request, &usual)
	if why != nil {
		t.Fatal(why)
	}
	var got []string
	for _, f := range h.Fields[:h.NFields] {
		got = append(got, fmt.Sprintf("%s=%q", f.Name.Of(h.FieldsOf([]byte(request))), f.Value.Of(h.FieldsOf([]byte(request)))))
	}
	want := `Host="a" X-Empty="" X-Tab="b\t c" x-y="z"`
	if s := strings.Join(got, " "); s != want {
		t.Errorf("the fields are %s, want %s", s, want)
	}
}

func TestMethod(t *testing.T) {
	for m := MethodGet; m <= MethodConnect; m++ {
		if got := MethodOf([]byte(m.String())); got != m {
			t.Errorf("%s is taken for %s", m, got)
		}
		if got := MethodOf([]byte(strings.ToLower(m.String()))); got != MethodOther {
			t.Errorf("%s in lower case is taken for %s", m, got)
		}
	}
	for _, name := range []string{"", "G", "GETS", "GE", "other", "POS"} {
		if got := MethodOf([]byte(name)); got != MethodOther {
			t.Errorf("%q is taken for %s", name, got)
		}
	}
}

// TestHeadLimits walks each limit from just inside to just outside.
func TestHeadLimits(t *testing.T) {
	l := Limits{EmptyLines: 1, RequestLine: 40, FieldLine: 30, FieldBytes: 80, FieldCount: 4}
	const (
		line = "GET / HTTP/1.1\r\n"
		host = "Host: a\r\n" // 9 bytes
	)
	target := func(n int) string { return "GET /" + strings.Repeat("a", n-14) + " HTTP/1.1\r\n" }
	value := func(n int) string { return "A: " + strings.Repeat("b", n-3) + "\r\n" }
	tests := []struct {
		name    string
		request string
		status  int // or 0 if it is accepted
	}{
		{"as many empty lines as allowed", "\r\n" + line + host + "\r\n", 0},
		{"one empty line more", "\r\n\r\n" + line + host + "\r\n", 400},
		{"a request line as long as allowed", target(40) + host + "\r\n", 0},
		{"a request line as long as allowed behind an empty line", "\r\n" + target(40) + host + "\r\n", 0},
		{"a request line of one byte more", target(41) + host + "\r\n", 414},
		{"a request line of many bytes more", target(4000) + host + "\r\n", 414},
		{"a request line that does not end", "GET /" + strings.Repeat("a", 100), 414},
		{"a method that does not end", strings.Repeat("A", 100), 414},
		{"a field as long as allowed", line + host + value(30) + "\r\n", 0},
		{"a field of one byte more", line + host + value(31) + "\r\n", 431},
		{"a value that does not end", line + host + "A: " + strings.Repeat("b", 40), 431},
		{"a name that does not end", line + host + strings.Repeat("A", 40), 431},
		{"blanks that do not end", line + host + "A:" + strings.Repeat(" ", 40), 431},
		{"as many fields as allowed", line + host + strings.Repeat("A: b\r\n", 3) + "\r\n", 0},
		{"one field more", line + host + strings.Repeat("A: b\r\n", 4) + "\r\n", 431},
		{"one field more, of which one byte is here", line + host + strings.Repeat("A: b\r\n", 3) + "A", 431},
		{"fields as long as allowed", line + host + value(30) + value(30) + "A: b\r\n\r\n"[:0] + value(5) + "\r\n", 0},
		{"fields that are too long together", line + host + value(30) + value(30) + value(8) + "\r\n", 431},
		{"fields that are too long together, and do not end", line + value(30) + value(30) + value(28)[:20], 431},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, n, why := readAnyway(t, test.request, &l)
			switch {
			case test.status == 0 && n != len(test.request):
				t.Errorf("it is refused: %v", why)
			case test.status != 0 && (why == nil || why.Status != test.status):
				t.Errorf("it is answered with %v, want %d", why, test.status)
			}
		})
	}
}

// TestLimitsAreSoon: a line that cannot become valid is refused before its end, even if
// it comes byte by byte.
func TestLimitsAreSoon(t *testing.T) {
	for _, test := range []struct {
		name    string
		request string
		within  int
	}{
		{"a request line without end", "GET /" + strings.Repeat("a", 70_000), usual.RequestLine + 2},
		{"a field without end", "GET / HTTP/1.1\r\nA: " + strings.Repeat("a", 70_000), 16 + usual.FieldLine + 2},
		{"fields without end", "GET / HTTP/1.1\r\n" + strings.Repeat("A: "+strings.Repeat("a", 1000)+"\r\n", 70), 16 + usual.FieldBytes + 2},
		{"many fields", "GET / HTTP/1.1\r\n" + strings.Repeat("A: a\r\n", 200), 16 + 6*100 + 1},
		{"empty lines without end", strings.Repeat("\r\n", 200), 6},
		{"a request line without a version", "GET /\r\nHost: a\r\nA: b\r\n", 8},
		{"a line that ends with LF", "GET / HTTP/1.1\n" + strings.Repeat("A: a\r\n", 9), 15},
	} {
		var r HeadReader
		var h Head
		p := []byte(test.request)
		for i := 1; ; i++ {
			n, why := r.Read(&h, p[:i], &usual, nil, 0)
			if why != nil {
				break
			}
			if n != 0 || i >= test.within {
				t.Errorf("%s: %d bytes are here, and it is not refused", test.name, i)
				break
			}
		}
	}
}

// TestHeadIsRefusedAtOnce: a peer that speaks another protocol may wait for an
// answer before it sends anything that looks like the end of a line.
func TestHeadIsRefusedAtOnce(t *testing.T) {
	for _, p := range []string{"\x16", "\x16\x03\x01", "\x00", "\x80\x2e", "{", " ", "\n", "GET\x00", "GET /\x00"} {
		var r HeadReader
		if _, why := r.Read(new(Head), []byte(p), &usual, nil, 0); why == nil {
			t.Errorf("%q waits for more", p)
		}
	}
}

// TestTrickle shows that a head that comes byte by byte costs linear work: every
// byte that was seen is overwritten with garbage until the last one is here. Had
// it been looked at in between, the garbage would have been refused. Only when
// the request line has become complete it is looked at, once more.
func TestTrickle(t *testing.T) {
	request := "GET /a/path?query HTTP/1.1\r\nHost: example.org\r\nUser-Agent: one two three\r\nAccept: */*\r\nContent-Length: 5\r\n\r\n"
	line := strings.Index(request, "\r\n") + 2
	for _, step := range []int{1, 2, 3, 7, 40} {
		var r HeadReader
		var h Head
		last := 0
		for end := step; end < len(request); end += step {
			p := []byte(request[:end])
			for i := 0; i < last-1 && (last >= line || end < line); i++ {
				p[i] = 0 // of the last byte we must remember whether it was CR
			}
			if n, why := r.Read(&h, p, &usual, nil, 0); n != 0 || why != nil {
				t.Fatalf("in steps of %d, at %d: %d, %v", step, end, n, why)
			}
			last = end
		}
		if n, why := r.Read(&h, []byte(request), &usual, nil, 0); n != len(request) {
			t.Errorf("in steps of %d: %d, %v", step, n, why)
		}
	}
}

// TestHeadForgets: a head is used again for the next request, of which nothing
// may come from the last.
func TestHeadForgets(t *testing.T) {
	var h Head
	var r HeadReader
	full := "POST http://b/c?d HTTP/1.1\r\nHost: a\r\nContent-Length: 7\r\nConnection: close, keep-alive\r\nExpect: 100-continue, x\r\n\r\n"
	chunked := "POST http://b/c?d HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	for _, before := range []string{full, chunked, "OPTIONS * HTTP/1.1\r\nHost: a\r\nContent-Length: x"} {
		r.Read(&h, []byte(before), &usual, nil, 0)
		r = HeadReader{}
		for _, request := range []string{"GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"} {
			var fresh Head
			var other HeadReader
			r.Read(&h, []byte(request), &usual, nil, 0)
			other.Read(&fresh, []byte(request), &usual, nil, 0)
			now := h
			clear(now.Fields[now.NFields:])
			if now != fresh {
				t.Errorf("%q behind %q is %+v, want %+v", request, before, now, fresh)
			}
		}
	}
}

func TestHeadAllocates(t *testing.T) {
	var h Head
	for _, request := range []string{small, browser, "GET / HTTP/1.1\r\nHost: [::1]\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "\x16"} {
		p := []byte(request)
		if n := testing.AllocsPerRun(100, func() {
			var r HeadReader
			r.Read(&h, p, &usual, nil, 0)
			for i := range p {
				if _, why := r.Read(&h, p[:i], &usual, nil, 0); why != nil {
					break
				}
			}
		}); n != 0 {
			t.Errorf("%q allocates %v times", request, n)
		}
	}
}

// Requests as they are sent: by wrk, and by a browser.
const (
	small   = "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n"
	browser = "GET /static/css/site.css?v=20260114 HTTP/1.1\r\n" +
		"Host: www.example.org\r\n" +
		"User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:138.0) Gecko/20100101 Firefox/138.0\r\n" +
		"Accept: text/css,*/*;q=0.1\r\n" +
		"Accept-Language: en-GB,en;q=0.7,de;q=0.3\r\n" +
		"Accept-Encoding: gzip, deflate, br, zstd\r\n" +
		"Connection: keep-alive\r\n" +
		"Referer: https://www.example.org/articles/reactors/2026/01/how-a-loop-turns\r\n" +
		"Cookie: session=4c1f6b0e9a7d4c2f8e3b5a6d7c8e9f01; theme=dark; consent=necessary; lang=en\r\n" +
		"Sec-Fetch-Dest: style\r\n" +
		"Sec-Fetch-Mode: no-cors\r\n" +
		"Sec-Fetch-Site: same-origin\r\n" +
		"If-None-Match: \"65a3f0c1-4d2e\"\r\n" +
		"Cache-Control: max-age=0\r\n\r\n"
)

func BenchmarkHead(b *testing.B) {
	for _, of := range []struct{ name, request string }{{"wrk", small}, {"browser", browser}} {
		p := []byte(of.request)
		b.Run(of.name+"/bobbin", func(b *testing.B) {
			b.SetBytes(int64(len(p)))
			b.ReportAllocs()
			var h Head
			for b.Loop() {
				var r HeadReader
				if n, _ := r.Read(&h, p, &usual, nil, 0); n != len(p) {
					b.Fatal(n)
				}
			}
		})
		b.Run(of.name+"/net-http", func(b *testing.B) {
			b.SetBytes(int64(len(p)))
			b.ReportAllocs()
			source := bytes.NewReader(p)
			buffered := bufio.NewReader(source)
			for b.Loop() {
				source.Reset(p)
				buffered.Reset(source)
				if _, err := nethttp.ReadRequest(buffered); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// intended are the heads that we accept and net/http does not, or understands
// in another way. Everywhere else we may only be stricter.
var intended = []struct {
	why     string
	section string
	so      func(h *Head, p []byte) bool
}{
	{
		"a server skips an empty line before a request", "RFC 9112 section 2.2",
		func(h *Head, p []byte) bool { return p[0] == '\r' },
	},
	{
		"an escape that is none is refused where the path is decoded", "RFC 3986 section 2.1",
		func(h *Head, p []byte) bool { return !Decodable(h.Path.Of(p)) },
	},
	{
		"a registered name may hold escapes, and an address may be of a kind to come", "RFC 3986 section 3.2.2",
		func(h *Head, p []byte) bool {
			host := h.Host.Of(p)
			return h.Form != originForm && (bytes.IndexByte(host, '%') >= 0 || bytes.HasPrefix(bytes.ToLower(host), []byte("[v")))
		},
	},
	{
		"what a Trailer field announces is a hint, and what comes is dropped", "RFC 9110 section 6.6.2",
		func(h *Head, p []byte) bool {
			for _, f := range h.Fields[:h.NFields] {
				if h.Chunked && negotiate.SameFold(f.Name.Of(h.FieldsOf(p)), "trailer") {
					return true
				}
			}
			return false
		},
	},
}

// FuzzHead holds any head to four properties: it does no harm, it means the same however
// it is cut, and with its fields in a cache, and net/http agrees.
func FuzzHead(f *testing.F) {
	for i, request := range []string{
		small, browser,
		"POST http://a:80/b?c HTTP/1.1\r\nHost: d\r\nContent-Length: 5\r\nConnection: close, ,x\r\n\r\nhello",
		"POST / HTTP/1.1\r\nHost: [::1]:80\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n0\r\n\r\n",
		"\r\nOPTIONS * HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
		"CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\nX: y\r\rz\r\n\r\n",
		"\x16\x03\x01",
	} {
		f.Add([]byte(request), uint64(i))
		f.Add([]byte(request), uint64(i)*0x9e3779b97f4a7c15|1)
	}
	tiny := Limits{EmptyLines: 1, RequestLine: 24, FieldLine: 24, FieldBytes: 60, FieldCount: 3}
	f.Fuzz(func(t *testing.T, p []byte, seed uint64) {
		l := &usual
		if seed&1 != 0 {
			l = &tiny
		}
		var h, other Head
		readLikeReference(t, "as a whole", string(p), p, l)
		n, why := readPieces(&h, p, l)
		m, whyNot := 0, (*Refusal)(nil)
		if n == 0 && why == nil {
			m, whyNot = readPieces(&other, p, l, cuts(len(p), seed)...)
		} else {
			m, whyNot = completed(&other, p, l, cuts(len(p), seed)...)
		}
		if m != n || whyNot != why {
			t.Fatalf("in pieces %d, %v; as a whole %d, %v", m, whyNot, n, why)
		}
		if n == 0 {
			return
		}
		if now, said := describe(&other, p, m), describe(&h, p, n); now != said {
			t.Fatalf("in pieces %s; as a whole %s", now, said)
		}
		compare(t, &h, p[:n])
		readsTheSame(t, p, l)
	})
}

// cuts makes pieces of a text of n bytes, as the seed has it.
func cuts(n int, seed uint64) (ends []int) {
	for at := 0; ; {
		seed = seed*6364136223846793005 + 1442695040888963407
		step := int(seed>>60) + 1
		if seed>>58&3 == 0 {
			step = 1
		}
		if at += step; at >= n {
			return ends
		}
		ends = append(ends, at)
	}
}

// compare compares the meaning of an accepted head with net/http's.
func compare(t *testing.T, h *Head, p []byte) {
	for _, difference := range intended {
		if difference.so(h, p) {
			return
		}
	}
	r, err := nethttp.ReadRequest(bufio.NewReader(bytes.NewReader(p)))
	if err != nil {
		t.Fatalf("net/http refuses what we accept: %v", err)
	}
	if r.Method != string(h.MethodName.Of(p)) {
		t.Errorf("the method is %q, to net/http %q", h.MethodName.Of(p), r.Method)
	}
	if r.RequestURI != string(h.Target.Of(p)) {
		t.Errorf("the target is %q, to net/http %q", h.Target.Of(p), r.RequestURI)
	}
	if r.Host != string(h.Host.Of(p)) {
		t.Errorf("the host is %q, to net/http %q", h.Host.Of(p), r.Host)
	}
	length := max(h.Length, 0)
	if h.Chunked {
		length = -1
	}
	if r.ContentLength != length || (len(r.TransferEncoding) > 0) != h.Chunked {
		t.Errorf("the length is %d, to net/http %d %v", length, r.ContentLength, r.TransferEncoding)
	}
	if closes := h.Close || h.Minor == 0 && !h.KeepAlive; r.Close != closes {
		t.Errorf("close is %v, to net/http %v", closes, r.Close)
	}
}

// TestIntended shows that the list above is not longer than it has to be.
func TestIntended(t *testing.T) {
	const host = " HTTP/1.1\r\nHost: a\r\n\r\n"
	for _, request := range []string{
		"\r\nGET /" + host,
		"GET /%zz" + host,
		"GET http://%41/" + host,
		"GET http://[v1.a]/" + host,
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTrailer: Content-Length\r\n\r\n",
	} {
		h, n, why := readAnyway(t, request, &usual)
		if n == 0 {
			t.Errorf("%q is refused: %v", request, why)
			continue
		}
		known := false
		for _, difference := range intended {
			known = known || difference.so(h, []byte(request))
		}
		if !known {
			t.Errorf("%q is not in the list", request)
		}
		if _, err := nethttp.ReadRequest(bufio.NewReader(strings.NewReader(request))); err == nil {
			t.Errorf("net/http accepts %q, too", request)
		}
	}
}

// TestRefusals: everything that is refused says why in one line.
func TestRefusals(t *testing.T) {
	for _, request := range []string{"\x16", "GET /\r\n\r\n", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/3.0\r\n"} {
		_, _, why := readAnyway(t, request, &usual)
		if why == nil {
			t.Fatalf("%q passes", request)
		}
		if why.Reason == "" || strings.ContainsAny(why.Reason, "\r\n") {
			t.Errorf("%q is refused for %q", request, why.Reason)
		}
	}
}

// TestARefusedHeadKeepsItsLine, and nothing of its fields, as far as it was understood.
func TestARefusedHeadKeepsItsLine(t *testing.T) {
	const line = "POST /a?b HTTP/1.1"
	for _, test := range []struct {
		name   string
		head   string
		line   string
		method string
		target string
	}{
		{"a line, and fields behind it", line + "\r\nContent-Length: 5\r\nA\r\n\r\n", line + "\r\n", "POST", "/a?b"},
		{"a line, and chunks behind it", line + "\r\nTransfer-Encoding: chunked\r\n\r\n", line + "\r\n", "POST", "/a?b"},
		{"a line without a version", "POST /a?b\r\nHost: a\r\n\r\n", "POST /a?b", "POST", ""},
		{"a method alone", "POST \x00\r\n", "POST \x00", "POST", ""},
		{"no line at all", "\x16\x03\x01\r\n", "\x16\x03\x01", "", ""},
		{"a line that is too long", strings.Repeat("A", 2000), strings.Repeat("A", 1024), "", ""},
	} {
		var h Head
		p := []byte(test.head)
		h.Parse(p, &usual)
		if got := string(h.KeepLine(p)); got != test.line {
			t.Errorf("%s: the line is %q, want %q", test.name, got, test.line)
		}
		if method, target := string(h.MethodName.Of(p)), string(h.Target.Of(p)); method != test.method || target != test.target {
			t.Errorf("%s: the method is %q, the target %q", test.name, method, target)
		}
		if h.Length >= 0 || h.Chunked || h.NFields > 0 || h.Close || h.hasHost {
			t.Errorf("%s: something of the fields is kept: %+v", test.name, h.requestInfo)
		}
	}
}
