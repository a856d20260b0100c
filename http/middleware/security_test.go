package middleware

import (
	"bufio"
	nethttp "net/http"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

// TestSecurityIsOnEveryRefusal: the answers that the server gives without a handler have
// the headers, too, once each.
func TestSecurityIsOnEveryRefusal(t *testing.T) {
	for _, row := range refusals {
		t.Run(row.name, func(t *testing.T) {
			httptest.Run(t, httptest.Config{Handler: bodyWanted, Middleware: Security}, func(c *httptest.Client) {
				conn := c.Dial()
				defer conn.Close()
				conn.Send(row.say)
				c.Sleep(row.wait)
				head, err := conn.Next("\r\n\r\n")
				if err != nil {
					t.Fatal(err)
				}
				answer, err := nethttp.ReadResponse(bufio.NewReader(strings.NewReader(head)), nil)
				if err != nil {
					t.Fatalf("%q: %v", head, err)
				}
				checkSecurity(t, answer.Header, nil)
			})
		})
	}
}

// checkSecurity reports headers that are missing, or there twice.
func checkSecurity(t *testing.T, header nethttp.Header, own map[string]string) {
	t.Helper()
	for _, field := range SecurityFields {
		want := field[1]
		if s := own[field[0]]; s != "" {
			want = s
		}
		if values := header.Values(field[0]); len(values) != 1 || values[0] != want {
			t.Errorf("%s is %q, want %q", field[0], values, want)
		}
	}
}

// TestSecurityLeavesWhatAnAnswerHas: a handler may set any of them, also with a prepared
// answer; and errors, panics, streams and held answers have them.
func TestSecurityLeavesWhatAnAnswerHas(t *testing.T) {
	own := map[string]string{"X-Frame-Options": "DENY"}
	prepared, err := http.Prepare([]byte("hello"), [2]string{"x-frame-options", "DENY"})
	if err != nil {
		t.Fatal(err)
	}
	h := func(w *http.Response, r *http.Request) error {
		switch r.Path() {
		case "/prepared":
			return w.WritePrepared(prepared)
		case "/added":
			return w.Add("X-Frame-Options", "DENY").Text("hello")
		case "/streamed":
			return http.Streaming(func(w *http.Response, _ *http.Request) error {
				_, err := w.Write([]byte("hello"))
				return err
			})(w, r)
		case "/panic":
			panic("broken")
		case "/304":
			w.SetStatus(http.StatusNotModified).AddPrepared(prepared)
			return nil
		}
		return http.StatusNotFound
	}
	with(t, Security(h), func(ask asker) {
		for _, path := range []string{"/prepared", "/added", "/304"} {
			checkSecurity(t, ask("GET", path).Header, own)
		}
		for _, path := range []string{"/missing", "/panic", "/streamed"} {
			checkSecurity(t, ask("GET", path).Header, nil)
		}
	})
}
