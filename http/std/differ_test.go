package std_test

import (
	"bytes"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	nethttp "net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

// TestRequestsOfNetHTTPsTestsMeanTheSame sends the requests of net/http's own test tables to
// both servers, and compares what their handlers see and what comes back. Each difference is
// meant: docs/net-http.md has its reason.
func TestRequestsOfNetHTTPsTestsMeanTheSame(t *testing.T) {
	raw := make(map[string]string) // by the table and the number of the row
	add := func(table string, rows goTable, request func(row map[string]any) any) {
		for i, row := range rows {
			if text, ok := request(row).(string); ok {
				raw[fmt.Sprintf("%s %d", table, i)] = text
			}
		}
	}
	field := func(name string) func(map[string]any) any {
		return func(row map[string]any) any { return row[name] }
	}
	add("reqTests", readGoTable(t, "readrequest_test.go", "", "reqTests"), field("0"))
	add("badRequestTests", readGoTable(t, "readrequest_test.go", "", "badRequestTests"), field("1"))
	add("Host", readGoTable(t, "serve_test.go", "TestServerValidatesHostHeader", "tests"), func(row map[string]any) any {
		line := row["0"].(string)
		if strings.HasPrefix(line, "HTTP/") {
			line = "GET / " + line
		}
		return line + "\r\n" + row["1"].(string) + "\r\n"
	})
	add("headers", readGoTable(t, "serve_test.go", "TestServerValidatesHeaders", "tests"), func(row map[string]any) any {
		return "GET / HTTP/1.1\r\nHost: foo\r\n" + row["0"].(string) + "\r\n"
	})
	add("method", readGoTable(t, "serve_test.go", "TestServerValidatesMethod", "tests"), func(row map[string]any) any {
		return row["0"].(string) + " / HTTP/1.1\r\nHost: foo.example\r\n\r\n"
	})
	add("chunks", readGoTable(t, "serve_test.go", "TestInvalidChunkedBodies", "range"), func(row map[string]any) any {
		return "POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + row["b"].(string)
	})
	add("Transfer-Encoding", readGoTable(t, "transfer_test.go", "TestParseTransferEncoding", "tests"), func(row map[string]any) any {
		text := "POST / HTTP/1.1\r\nHost: a\r\n"
		values := row["hdr"].(map[string]any)["Transfer-Encoding"].(map[string]any)
		for _, i := range slices.Sorted(maps.Keys(values)) {
			text += "Transfer-Encoding: " + values[i].(string) + "\r\n"
		}
		return text + "\r\n5\r\nhello\r\n0\r\n\r\n"
	})
	add("Content-Length", readGoTable(t, "transfer_test.go", "TestParseContentLength", "tests"), func(row map[string]any) any {
		return "POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: " + row["cl"].(string) + "\r\n\r\nabc"
	})
	if len(raw) < 70 {
		t.Errorf("only %d requests were found in the tables", len(raw))
	}
	d := newDifferences(t)
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		d.look(name, raw[name], askNetHTTP(raw[name]), askBobbin(t, raw[name]), meantOfRequests)
	}
}

// askNetHTTP returns what net/http makes of the bytes of one connection.
func askNetHTTP(raw string) string {
	conn := &taped{in: strings.NewReader(raw), closed: make(chan struct{})}
	server := &nethttp.Server{ErrorLog: log.New(io.Discard, "", 0), Handler: nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		if r.URL.Path == "/unread" {
			return
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			w.WriteHeader(400)
			return
		}
		var trailers []string
		for name, values := range r.Trailer {
			for _, v := range values {
				trailers = append(trailers, name+"="+v)
			}
		}
		fmt.Fprintf(w, "%s %q for %q: %q %v %v", r.Method, r.RequestURI, r.Host, body, trailers, r.Close)
	})}
	server.Serve(&once{conn: conn})
	<-conn.closed
	return answers(conn.out.String())
}

// askBobbin returns the same of bobbin.
func askBobbin(t *testing.T, raw string) (got string) {
	h := func(w *http.Response, r *http.Request) error {
		if r.Path() == "/unread" {
			return nil
		}
		body, err := r.Body()
		if err != nil {
			return err
		}
		var trailers []string
		for name, v := range r.Trailers() {
			trailers = append(trailers, name+"="+v)
		}
		closes := strings.Contains(r.Header("Connection"), "close") || r.ProtoMinor() == 0 && r.Header("Connection") != "keep-alive"
		_, err = fmt.Fprintf(w, "%s %q for %q: %q %v %v", r.Method(), r.Target(), r.Host(), body, trailers, closes)
		return err
	}
	httptest.Run(t, httptest.Config{Handler: h, AnyMethod: true}, func(c *httptest.Client) {
		conn := c.Dial()
		defer conn.Close()
		conn.Send(raw)
		conn.CloseWrite()
		text, _ := conn.Next("never")
		got = answers(text)
	})
	return got
}

// answers returns the statuses of the answers in a text, with their bodies where they are
// those of the handler.
func answers(text string) string {
	var list []string
	for len(text) > 0 {
		head, rest, _ := strings.Cut(text, "\r\n\r\n")
		fields := strings.Fields(head)
		if len(fields) < 2 {
			break
		}
		body := rest
		if _, length, ok := strings.Cut(head, "Content-Length: "); ok {
			n := 0
			fmt.Sscan(length, &n)
			body, rest = rest[:min(n, len(rest))], rest[min(n, len(rest)):]
		} else if fields[1] < "200" || !strings.Contains(head, "Connection: close") {
			body = ""
		} else {
			rest = ""
		}
		if fields[1] != "200" {
			body = ""
		}
		list = append(list, strings.TrimSpace(fields[1]+" "+body))
		text = rest
	}
	return strings.Join(list, ", ")
}

// A taped connection has all that its client will ever send.
type taped struct {
	in     *strings.Reader
	out    bytes.Buffer
	closed chan struct{}
}

func (c *taped) Read(p []byte) (int, error)       { return c.in.Read(p) }
func (c *taped) Write(p []byte) (int, error)      { return c.out.Write(p) }
func (c *taped) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *taped) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *taped) SetDeadline(time.Time) error      { return nil }
func (c *taped) SetReadDeadline(time.Time) error  { return nil }
func (c *taped) SetWriteDeadline(time.Time) error { return nil }

func (c *taped) Close() error {
	select {
	case <-c.closed:
	default:
		close(c.closed)
	}
	return nil
}

// A once listener has one connection.
type once struct{ conn net.Conn }

func (l *once) Accept() (net.Conn, error) {
	if c := l.conn; c != nil {
		l.conn = nil
		return c, nil
	}
	return nil, io.EOF
}

func (l *once) Close() error   { return nil }
func (l *once) Addr() net.Addr { return &net.TCPAddr{} }

// meantOfRequests are the differences in understanding requests that are meant.
var meantOfRequests = []difference{
	{meantConnect, func(raw, _, ours string) bool { return strings.HasPrefix(raw, "CONNECT ") && ours == "400" }},
	{"`PRI * HTTP/2.0` begins HTTP/2", func(raw, _, ours string) bool {
		return raw == "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" && !strings.ContainsAny(ours, "245")
	}}, // frames are no statuses
	{"without the rest of the preface it is 505", func(raw, _, ours string) bool {
		return strings.HasPrefix(raw, "PRI * HTTP/2.0\r\n\r\n") && ours == "505"
	}},
	{"A Host is a name or an address", func(raw, _, ours string) bool { return strings.Contains(raw, "Host: ::1\r\n") && ours == "400" }},
	{"An address has no zone", func(raw, _, ours string) bool { return strings.Contains(raw, "%25en0]") && ours == "400" }},
	{"Any other Transfer-Encoding with `chunked` in it is 400", func(raw, theirs, ours string) bool {
		return strings.Contains(raw, "Transfer-Encoding: ") && theirs == "501" && ours == "400"
	}},
	{"Transfer-Encoding beside Content-Length is 400", func(raw, _, ours string) bool {
		return strings.Contains(raw, "\r\nTransfer-Encoding: chunked\r\nContent-Length: ") && ours == "400"
	}},
	{"Half a request at the end of a connection is 400", func(raw, theirs, ours string) bool {
		return strings.HasSuffix(raw, "???") && ours == theirs+", 400"
	}},
}
