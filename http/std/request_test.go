package std

import (
	"context"
	"fmt"
	"io"
	"net"
	nethttp "net/http"
	"strings"
	"testing"
)

// TestFieldsOfARequestAreApart sends fields of which some come twice, and has the handler add
// to one that came once: none of them may change another.
func TestFieldsOfARequestAreApart(t *testing.T) {
	const request = "GET / HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nX-B: 2\r\nx-a: 3\r\nX-C: 4\r\nConnection: close\r\n\r\n"
	got := askRaw(t, request, func(w nethttp.ResponseWriter, r *nethttp.Request) {
		h := r.Header
		h.Add("X-B", "5")
		fmt.Fprint(w, h["X-A"], h["X-B"], h["X-C"], h["Host"], len(h))
	})
	if want := "[1 3] [2 5] [4] [] 4"; got != want {
		t.Errorf("the handler has seen %s, not %s", got, want)
	}
}

// TestTheContextHasNetHTTPsValues looks for them in a context that the handler has made from
// the request's, and for a value of its own.
func TestTheContextHasNetHTTPsValues(t *testing.T) {
	type key struct{}
	got := askRaw(t, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", func(w nethttp.ResponseWriter, r *nethttp.Request) {
		ctx, cancel := context.WithCancel(context.WithValue(r.Context(), key{}, "own"))
		local, _ := ctx.Value(nethttp.LocalAddrContextKey).(*net.TCPAddr)
		server, _ := ctx.Value(nethttp.ServerContextKey).(*nethttp.Server)
		fmt.Fprintln(w, local.IP, server != nil, ctx.Value(key{}), ctx.Value("none"), ctx.Err())
		cancel()
		fmt.Fprintln(w, ctx.Err(), r.Context().Err())
	})
	if want := "127.0.0.1 true own <nil> <nil>\ncontext canceled <nil>\n"; got != want {
		t.Errorf("the handler has seen %s, not %s", got, want)
	}
}

// askRaw sends a request to a handler and returns the body of the answer.
func askRaw(t *testing.T, request string, h nethttp.HandlerFunc) string {
	conn, err := net.Dial("tcp", strings.TrimPrefix(serveBobbin(t, Handler(h)), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	io.WriteString(conn, request)
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Error(err)
	}
	_, body, _ := strings.Cut(string(answer), "\r\n\r\n")
	return body
}
