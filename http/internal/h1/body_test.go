package h1

// Where a body ends. As with heads, every row is tried as a whole, in two
// pieces and byte by byte.

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	nethttp "net/http"
	"regexp"
	"strings"
	"testing"
)

const chunkedHead = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

// bodyOf begins the body behind a head.
func bodyOf(t testing.TB, request string) (b Body) {
	t.Helper()
	var h Head
	if n, why := readPieces(&h, []byte(request), &usual); n == 0 {
		t.Fatalf("%q: %v", request, why)
	}
	b.Start(&h)
	return b
}

// A received is the result of a body: its data, its size with framing, and why it was
// refused.
type received struct {
	data string
	used int
	done bool
	why  *Refusal
}

func (r received) String() string {
	return fmt.Sprintf("%q, %d bytes, done: %v, refused: %v", r.data, r.used, r.done, r.why)
}

// receive takes a body from p in pieces, which end at the given places and at
// the end of p.
func receive(b Body, p []byte, l *Limits, ends ...int) (r received) {
	for _, end := range append(ends, len(p)) {
		piece := bytes.Clone(p[r.used:end])
		for !b.Done() {
			data, n, why := b.Next(piece, l)
			r.data += string(data)
			if why != nil {
				return received{data: r.data, why: why}
			}
			if n == 0 {
				break
			}
			r.used += n
			piece = piece[n:]
		}
	}
	r.done = b.Done()
	return r
}

// receiveAnyway receives a body as a whole and in pieces, and complains about
// every way of cutting that makes a difference.
func receiveAnyway(t *testing.T, b Body, p string, l *Limits) received {
	t.Helper()
	whole := receive(b, []byte(p), l)
	if len(p) < 2000 {
		for i := range p {
			if r := receive(b, []byte(p), l, i); r != whole {
				t.Errorf("cut at %d: %s; as a whole %s", i, r, whole)
			}
		}
	}
	if r := receive(b, []byte(p), l, everyByte(len(p))...); r != whole {
		t.Errorf("byte by byte: %s; as a whole %s", r, whole)
	}
	return whole
}

func TestBodyAccepted(t *testing.T) {
	const next = "GET / HTTP/1.1\r\n"
	tests := []struct {
		name string
		body string
		want string
	}{
		{"no data is one chunk of size 0", "0\r\n\r\n", ""},
		{"the last chunk may have more zeros", "000\r\n\r\n", ""},
		{"a chunk", "5\r\nhello\r\n0\r\n\r\n", "hello"},
		{"several chunks", "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "hello"},
		{"sizes are hexadecimal, in both cases", "a\r\n0123456789\r\nB\r\n01234567890\r\n0\r\n\r\n", "012345678901234567890"},
		{"sizes may have leading zeros", "0000000000000005\r\nhello\r\n0\r\n\r\n", "hello"},
		{"data may look like framing", "7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", "\r\n0\r\n\r\n"},
		{"an extension is ignored", "5;a\r\nhello\r\n0\r\n\r\n", "hello"},
		{"an extension may have a value", "5;a=b\r\nhello\r\n0;c=d\r\n\r\n", "hello"},
		{"an extension may have a value in quotes", "5;a=\"b c;=\\\"\\\\\t\xff\"\r\nhello\r\n0\r\n\r\n", "hello"},
		{"there may be several extensions", "5;a;b=c;d=\"e\";f\r\nhello\r\n0\r\n\r\n", "hello"},
		{"blanks may stand around the signs of an extension", "5 \t; a = b ;\tc\t=\t\"d\" ; e\r\nhello\r\n0\r\n\r\n", "hello"},
		{"an empty value in quotes is a value", "5;a=\"\"\r\nhello\r\n0\r\n\r\n", "hello"},
		{"trailers are dropped", "5\r\nhello\r\n0\r\nA: b\r\nHost: c\r\nContent-Length: 7\r\n\r\n", "hello"},
		{"a trailer may be empty", "0\r\nA:\r\n\r\n", ""},
		{"a trailer may hold tabs and bytes above ASCII", "0\r\nA: \tb\xff\r\n\r\n", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := receiveAnyway(t, bodyOf(t, chunkedHead), test.body+next, &usual)
			if want := (received{test.want, len(test.body), true, nil}); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			for i := range test.body {
				if r := receive(bodyOf(t, chunkedHead), []byte(test.body[:i]), &usual); r.done || r.why != nil || r.used != i {
					t.Errorf("its first %d bytes are %s", i, r)
				}
			}
		})
	}
}

func TestBodyRefused(t *testing.T) {
	tests := []struct {
		name   string
		body   string
		status int
	}{
		{"a size is not empty", "\r\nhello\r\n0\r\n\r\n", 400},
		{"a size is not a letter beyond f", "g\r\n", 400},
		{"a size has no sign", "+5\r\nhello\r\n0\r\n\r\n", 400},
		{"a size is not negative", "-5\r\nhello\r\n0\r\n\r\n", 400},
		{"a size has no prefix", "0x5\r\nhello\r\n0\r\n\r\n", 400},
		{"a size has no underscore", "1_0\r\n0123456789abcdef\r\n0\r\n\r\n", 400},
		{"a size has no blank before it", " 5\r\nhello\r\n0\r\n\r\n", 400},
		{"a size has no blank behind it", "5 \r\nhello\r\n0\r\n\r\n", 400},
		{"a size has no NUL behind it", "5\x00\r\nhello\r\n0\r\n\r\n", 400},
		{"a size has no comma", "5,5\r\nhello\r\n0\r\n\r\n", 400},
		{"a size of 64 bits is too much", "8000000000000000\r\n", 400},
		{"a size of all bits is too much", "ffffffffffffffff\r\n", 400},
		{"a size that wraps to 5 is too much", "10000000000000005\r\nhello\r\n0\r\n\r\n", 400},
		{"a size of many zeros is too much", strings.Repeat("0", 17) + "5\r\nhello\r\n0\r\n\r\n", 400},
		{"LF alone does not end a size", "5\nhello\r\n0\r\n\r\n", 400},
		{"CR alone does not end a size", "5\rhello\r\n0\r\n\r\n", 400},
		{"two CR do not end a size", "5\r\r\nhello\r\n0\r\n\r\n", 400},
		{"LF alone does not end data", "5\r\nhello\n0\r\n\r\n", 400},
		{"CR alone does not end data", "5\r\nhello\r0\r\n\r\n", 400},
		{"data is not longer than its size", "5\r\nhello!\r\n0\r\n\r\n", 400},
		{"data is not shorter than its size", "6\r\nhello\r\n0\r\n\r\n", 400},
		{"data is not followed by the next size at once", "5\r\nhello0\r\n\r\n", 400},
		{"LF alone does not end a body", "0\r\n\n", 400},
		{"LF alone does not end the last size", "0\n\r\n", 400},
		{"CR alone does not end a body", "0\r\n\rG", 400},

		{"an extension has a name", "5;\r\nhello\r\n0\r\n\r\n", 400},
		{"an extension has a name before its value", "5;=b\r\nhello\r\n0\r\n\r\n", 400},
		{"an extension has a name that is a token", "5;a/b\r\nhello\r\n0\r\n\r\n", 400},
		{"an extension has a value behind its equals sign", "5;a=\r\nhello\r\n0\r\n\r\n", 400},
		{"an extension has a value that is a token", "5;a=b@\r\nhello\r\n0\r\n\r\n", 400},
		{"an extension has no second value", "5;a=b=c\r\nhello\r\n0\r\n\r\n", 400},
		{"an extension has nothing behind its quotes", "5;a=\"b\"c\r\nhello\r\n0\r\n\r\n", 400},
		{"an extension begins with a semicolon", "5 a\r\nhello\r\n0\r\n\r\n", 400},
		{"an extension does not end with a semicolon", "5;a;\r\nhello\r\n0\r\n\r\n", 400},
		{"an extension does not end with a blank", "5;a \r\nhello\r\n0\r\n\r\n", 400},
		{"an extension has no NUL", "5;a\x00\r\nhello\r\n0\r\n\r\n", 400},
		{"an extension has no control in quotes", "5;a=\"\x01\"\r\nhello\r\n0\r\n\r\n", 400},
		{"an extension has no control behind a backslash", "5;a=\"\\\x01\"\r\nhello\r\n0\r\n\r\n", 400},
		{"an extension has no DEL in quotes", "5;a=\"\x7f\"\r\nhello\r\n0\r\n\r\n", 400},
		{"an extension is not folded", "5;a\r\n b\r\nhello\r\n0\r\n\r\n", 400},
		{"an extension has no line end in quotes", "5;a=\"\r\n\"\r\nhello\r\n0\r\n\r\n", 400},
		{"LF alone does not end an extension", "5;a\nhello\r\n0\r\n\r\n", 400},
		{"LF alone does not end a value", "5;a=b\nhello\r\n0\r\n\r\n", 400},
		{"LF alone does not end quotes", "5;a=\"b\"\nhello\r\n0\r\n\r\n", 400},
		{"an extension is not longer than allowed", "5;a=" + strings.Repeat("b", 300) + "\r\nhello\r\n0\r\n\r\n", 400},
		{"blanks are not more than allowed", "5" + strings.Repeat(" ", 300) + ";a\r\nhello\r\n0\r\n\r\n", 400},

		{"a trailer has a name", "0\r\n: b\r\n\r\n", 400},
		{"a trailer has a name that is a token", "0\r\nA(: b\r\n\r\n", 400},
		{"a trailer has no blank behind its name", "0\r\nA : b\r\n\r\n", 400},
		{"a trailer has a colon", "0\r\nA\r\n\r\n", 400},
		{"a trailer is not folded", "0\r\nA: b\r\n c\r\n\r\n", 400},
		{"a trailer does not begin with a blank", "0\r\n A: b\r\n\r\n", 400},
		{"a trailer has no control", "0\r\nA: \x00\r\n\r\n", 400},
		{"a trailer has no DEL", "0\r\nA: \x7f\r\n\r\n", 400},
		{"LF alone does not end a trailer", "0\r\nA: b\n\r\n", 400},
		{"CR alone does not end a trailer", "0\r\nA: b\rc\r\n\r\n", 400},
		{"the next request is not a trailer", "0\r\nGET / HTTP/1.1\r\n\r\n", 400},
		{"a trailer is not longer than a field", "0\r\nA: " + strings.Repeat("b", 8<<10) + "\r\n\r\n", 431},
		{"trailers are not longer than fields", "0\r\n" + strings.Repeat("A: "+strings.Repeat("b", 4000)+"\r\n", 9) + "\r\n", 431},
		{"trailers are not more than fields", "0\r\n" + strings.Repeat("A: b\r\n", 101) + "\r\n", 431},

		{"many chunks of one byte are refused", strings.Repeat("1\r\na\r\n", 5000) + "0\r\n\r\n", 400},
		{"many extensions are refused", strings.Repeat("1;a="+strings.Repeat("b", 200)+"\r\na\r\n", 100) + "0\r\n\r\n", 400},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := receiveAnyway(t, bodyOf(t, chunkedHead), test.body, &usual)
			if got.why == nil || got.why.Status != test.status {
				t.Errorf("got %s, want %d", got, test.status)
			}
		})
	}
}

// TestBodyOverhead: there is no limit to framing that is small for its data.
func TestBodyOverhead(t *testing.T) {
	many := strings.Repeat("a\r\n0123456789\r\n", 10_000) + "0\r\n\r\n"
	if got := receive(bodyOf(t, chunkedHead), []byte(many), &usual); !got.done || len(got.data) != 100_000 {
		t.Errorf("chunks of ten bytes are refused: %v", got.why)
	}
	few := strings.Repeat("1\r\na\r\n", 3000) + "0\r\n\r\n"
	if got := receive(bodyOf(t, chunkedHead), []byte(few), &usual); !got.done {
		t.Errorf("some chunks of one byte are refused: %v", got.why)
	}
}

func TestBodyLength(t *testing.T) {
	tests := []struct {
		name string
		head string
		body string
		want received
	}{
		{"without a length there is no body", "POST / HTTP/1.1\r\nHost: a\r\n\r\n", "GET", received{"", 0, true, nil}},
		{"a length of 0 is no body", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", "GET", received{"", 0, true, nil}},
		{"a body has its length, and the next request follows", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", "helloGET", received{"hello", 5, true, nil}},
		{"a GET may have a body", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", "helloGET", received{"hello", 5, true, nil}},
		{"HTTP/1.0 may have a body", "POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\n", "hello", received{"hello", 5, true, nil}},
		{"a body may be incomplete", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\n", "hello", received{"hello", 5, false, nil}},
		{"a body may be larger than memory", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\n", "hello", received{"hello", 5, false, nil}},
		{"a chunk may be larger than memory", chunkedHead, "7fffffffffffffff\r\nhello", received{"hello", 23, false, nil}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := receiveAnyway(t, bodyOf(t, test.head), test.body, &usual); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
	if zero := (Body{}); !zero.Done() {
		t.Error("the zero body is not done")
	}
}

func TestBodyAllocates(t *testing.T) {
	p := []byte("5;a=\"b\"\r\nhello\r\n0\r\nA: b\r\n\r\n")
	begun := bodyOf(t, chunkedHead)
	if n := testing.AllocsPerRun(100, func() {
		b := begun
		for rest := p; len(rest) > 0; {
			_, used, why := b.Next(rest, &usual)
			if why != nil {
				t.Fatal(why)
			}
			rest = rest[used:]
		}
	}); n != 0 {
		t.Errorf("a body allocates %v times", n)
	}
}

// blankBeforeSemicolon is the one form that we accept and net/http does not:
// "A recipient MUST parse for such bad whitespace and remove it" (RFC 9110
// section 5.6.3, of the BWS in RFC 9112 section 7.1.1).
var blankBeforeSemicolon = regexp.MustCompile("[0-9a-fA-F][ \t]+;")

// FuzzBody holds any body to three properties: it means the same however it is
// cut, it takes exactly its own bytes, and net/http agrees.
func FuzzBody(f *testing.F) {
	for i, p := range []string{
		"5\r\nhello\r\n0\r\n\r\nGET / HTTP/1.1\r\n",
		"A;a=b;c=\"d\\\"\" ; e\r\n0123456789\r\n0\r\nA: b\r\n\r\n",
		"1\r\na\r\n01\r\nb\r\n0000\r\nA:\tb\xff\r\nB:\r\n\r\n",
		"7fffffffffffffff\r\n", "5\nhello\r\n0\r\n\r\n", "0\r\n\rx",
	} {
		f.Add([]byte(p), uint64(i)<<1)
		f.Add([]byte(p), uint64(i)<<8|1)
	}
	f.Fuzz(func(t *testing.T, p []byte, seed uint64) {
		request := chunkedHead
		if seed&1 != 0 {
			request = fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n", seed>>8&0xff)
		}
		b := bodyOf(t, request)
		whole := receive(b, p, &usual)
		if pieces := receive(b, p, &usual, cuts(len(p), seed)...); pieces != whole {
			t.Fatalf("in pieces %s; as a whole %s", pieces, whole)
		}
		if !whole.done {
			return
		}
		source := strings.NewReader(request + string(p))
		buffered := bufio.NewReaderSize(source, 1<<16)
		r, err := nethttp.ReadRequest(buffered)
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r.Body)
		if err != nil && blankBeforeSemicolon.Match(p) {
			return
		}
		if err != nil {
			t.Fatalf("net/http refuses what we accept: %v", err)
		}
		if string(data) != whole.data {
			t.Errorf("the data is %q, to net/http %q", whole.data, data)
		}
		if rest := buffered.Buffered() + source.Len(); rest != len(p)-whole.used {
			t.Errorf("it leaves %d bytes, net/http %d", len(p)-whole.used, rest)
		}
	})
}

func BenchmarkBody(b *testing.B) {
	large := "10000\r\n" + strings.Repeat("a", 1<<16) + "\r\n0\r\n\r\n"
	little := strings.Repeat("40\r\n"+strings.Repeat("a", 64)+"\r\n", 100) + "0\r\n\r\n"
	for _, of := range []struct{ name, body string }{{"64KB", large}, {"64B", little}} {
		p, begun := []byte(of.body), bodyOf(b, chunkedHead)
		b.Run(of.name, func(b *testing.B) {
			b.SetBytes(int64(len(p)))
			for b.Loop() {
				at, body := 0, begun
				for !body.Done() {
					_, n, _ := body.Next(p[at:], &usual)
					at += n
				}
			}
		})
	}
}
