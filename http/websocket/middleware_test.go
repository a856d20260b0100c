package websocket

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/compress"
	"github.com/bobbin-http/bobbin/http/internal/h2"
	"github.com/bobbin-http/bobbin/http/middleware"
)

// TestMiddlewareAroundASession has all kinds of it around an echo: what ends with the request
// waits for the end of the session, and what is for an answer leaves it alone.
func TestMiddlewareAroundASession(t *testing.T) {
	var log bytes.Buffer
	lines := &middleware.AccessLog{Out: &log}
	var id middleware.RequestID
	var user http.Key[string]
	h := http.Chain(
		lines.Wrap, id.Wrap, middleware.Concurrent(1), middleware.Timeout(2*second), middleware.ETag, middleware.CacheControl("no-store"), middleware.Security,
		middleware.Compress(middleware.Coding{Name: "gzip", Encode: compress.Gzip}),
		func(next http.Handler) http.Handler {
			return func(w *http.Response, r *http.Request) error { user.Set(r, "me"); return next(w, r) }
		},
	)(func(w *http.Response, r *http.Request) error {
		s, err := Accept(w, r, Options{})
		if err != nil {
			return err
		}
		who, _ := user.Get(r)
		s.OnMessage(func(kind Kind, p []byte) { s.Send(kind, append([]byte(who+" said "), p...)) })
		return nil
	})
	stage(t, h, func(_ *http.Server, main *client) {
		c, head := main.ask(handshake + "Accept-Encoding: gzip\r\n\r\n")
		for _, want := range []string{"HTTP/1.1 101 ", "X-Request-Id: ", "!Content-Encoding", "!Etag", "!Content-Length"} {
			want, not := strings.CutPrefix(want, "!")
			if strings.Contains(head, want) == not {
				t.Errorf("%q: %q", want, head)
			}
		}
		c.script.Sleep(10 * second)
		c.say(frame(0x81, "hello"))
		c.wants("text me said hello")
		if _, head := main.ask(handshake + "\r\n"); !strings.HasPrefix(head, "HTTP/1.1 503 ") {
			t.Errorf("a second one is answered by %q", head)
		}
		if strings.Contains(log.String(), " 101 ") {
			t.Error("the session is logged before its end")
		}
		c.leave()
		one := main.connectH2()
		one.session(1)
		one.data(1, 0, []byte(frame(0x81, "hello")+bye))
		one.data(1, h2.FlagEndStream, nil)
		if got := one.all(1); got != "text me said hello\nclose 1000\nend" {
			t.Errorf("by HTTP/2 it is told %q", got)
		}
		one.wire.Close()
		main.script.Sleep(time.Minute)
	})
	lines.Close()
	if text := log.String(); strings.Count(text, `"GET / HTTP/1.1" 101 19`) != 1 || strings.Count(text, `"GET /echo HTTP/2.0" 200 19`) != 1 {
		t.Errorf("the log is %s", text)
	}
}
