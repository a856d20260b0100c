package http_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

// TestAPanicNamesItsRequestAndItsPlace has functions panic twice within a second: the second
// line has no stack.
func TestAPanicNamesItsRequestAndItsPlace(t *testing.T) {
	burns := func() { panic("the disk is on fire") }
	tunnel := func(dig func(*http.Tunnel)) http.Handler {
		return func(w *http.Response, r *http.Request) error {
			t, err := w.Tunnel("echo")
			if err == nil {
				dig(t)
			}
			return err
		}
	}
	handler := func(*http.Response, *http.Request) error { burns(); return nil }
	for _, row := range []struct {
		name    string
		handler http.Handler
	}{
		{"a handler", handler},
		{"one on the loop that waits", http.Streaming(handler)},
		{"one off the loop", http.Blocking(9, handler)},
		{"the bytes of a tunnel", tunnel(func(t *http.Tunnel) { t.OnBytes(func(p []byte) int { burns(); return 0 }) })},
		{"the end of the client's half of a tunnel", tunnel(func(t *http.Tunnel) {
			t.OnBytes(func(p []byte) int { return len(p) })
			t.OnEOF(burns)
		})},
		{"a count that cannot be", tunnel(func(t *http.Tunnel) { t.OnBytes(func(p []byte) int { return len(p) + 1 }) })},
	} {
		t.Run(row.name, func(t *testing.T) {
			log := &notebook{}
			router := new(http.Router)
			router.Handle("GET /for/{x}", row.handler)
			httptest.Run(t, httptest.Config{Handler: router.Serve, Log: slog.New(log)}, func(c *httptest.Client) {
				for range 2 {
					conn := c.Dial()
					conn.Send(httptest.Request("GET", "/for/eva", "", "Connection: Upgrade", "Upgrade: echo"))
					c.Sleep(10 * time.Millisecond)
					conn.Send("hello")
					conn.CloseWrite()
					c.Sleep(10 * time.Millisecond)
					conn.Close()
				}
			})
			if len(log.lines) != 2 {
				t.Fatalf("the log has %v", log.lines)
			}
			for i, line := range log.lines {
				if line["request"] != "GET /for/eva" || line["route"] != "GET /for/{x}" || (line["stack"] == "") != (i == 1) || (line["at"] == "") != (i == 0) {
					t.Errorf("line %d is %q", i+1, line)
				}
			}
			if at := log.lines[1]["at"]; !strings.HasPrefix(at, "about_test.go:") && row.name != "a count that cannot be" {
				t.Errorf("it was at %q", at)
			}
		})
	}
}

// TestEventsSayGoodbye stops a server while a client reads its events.
func TestEventsSayGoodbye(t *testing.T) {
	bye := func(e *http.Events) func() { return func() { e.Send(http.Event{Data: "bye"}) } }
	for _, row := range []struct {
		name  string
		stops func(e *http.Events, s *http.Server)
		want  string
	}{
		{"without it, the stream ends", func(_ *http.Events, s *http.Server) { s.Stop() }, ""},
		{"a function of OnStop sends a last event", func(e *http.Events, s *http.Server) { e.OnStop(bye(e)); s.Stop() }, "data: bye\n\n"},
		{"it may end the stream itself", func(e *http.Events, s *http.Server) {
			e.OnStop(func() { bye(e)(); e.Close() })
			s.Stop()
		}, "data: bye\n\n"},
		{"a function that was posted before Stop runs before it", func(e *http.Events, s *http.Server) {
			s.Loop().Post(bye(e))
			s.Stop()
		}, "data: bye\n\n"},
		{"and then OnStop", func(e *http.Events, s *http.Server) {
			e.OnStop(bye(e))
			s.Loop().Post(func() { e.Send(http.Event{Data: "soon"}) })
			s.Stop()
		}, "data: soon\n\ndata: bye\n\n"},
		{"a function that is posted later does not delay it", func(e *http.Events, s *http.Server) {
			s.Loop().Post(func() { s.Loop().Post(bye(e)) })
			s.Stop()
		}, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			var server *http.Server
			var events *http.Events
			closed := 0
			h := func(w *http.Response, r *http.Request) (err error) {
				if events, err = w.Events(); err == nil {
					events.OnClose(func() { closed++ })
				}
				return err
			}
			httptest.Run(t, httptest.Config{Handler: h, Server: func(s *http.Server) { server = s }}, func(c *httptest.Client) {
				conn := c.Dial()
				defer conn.Close()
				conn.Send(httptest.Request("GET", "/", ""))
				c.Sleep(time.Second)
				row.stops(events, server)
				if a := conn.Answer("GET"); a.Err != nil || a.Body != row.want {
					t.Errorf("%v", a)
				}
			})
			if closed != 1 {
				t.Errorf("it was closed %d times", closed)
			}
		})
	}
}

// TestAnEventThatCannotBeSentIsAnError, and the others arrive as they are.
func TestAnEventThatCannotBeSentIsAnError(t *testing.T) {
	for _, row := range []struct {
		name  string
		event http.Event
		want  string // "" if it is refused
	}{
		{"all of it", http.Event{ID: "7", Name: "news", Data: "a\nb"}, "id: 7\nevent: news\ndata: a\ndata: b\n\n"},
		{"none of it, which a client still gets", http.Event{}, "data: \n\n"},
		{"a name alone", http.Event{Name: "ping"}, "event: ping\ndata: \n\n"},
		{"a name of two lines", http.Event{Name: "a\ndata: forged", Data: "x"}, ""},
		{"a name with a return", http.Event{Name: "a\r", Data: "x"}, ""},
		{"an ID of two lines", http.Event{ID: "x\ny", Data: "x"}, ""},
		{"an ID with NUL", http.Event{ID: "x\x00", Data: "x"}, ""},
	} {
		for how, send := range map[string]func(s *http.Server, e *http.Events) error{
			"sent":     func(_ *http.Server, e *http.Events) error { return e.Send(row.event) },
			"prepared": func(_ *http.Server, e *http.Events) error { return e.SendPiece(http.PrepareEvent(row.event)) },
			"published": func(s *http.Server, e *http.Events) error {
				topic := s.NewTopic()
				topic.Add(e, nil)
				return topic.Publish(http.PrepareEvent(row.event))
			},
		} {
			t.Run(row.name+", "+how, func(t *testing.T) {
				var server *http.Server
				h := func(w *http.Response, r *http.Request) error {
					e, err := w.Events()
					if err != nil {
						return err
					}
					if err := send(server, e); (err != nil) != (row.want == "") {
						t.Error(err)
					}
					r.Loop().After(time.Second, e.Close)
					return nil
				}
				httptest.Run(t, httptest.Config{Handler: h, Server: func(s *http.Server) { server = s }}, func(c *httptest.Client) {
					if a := c.Get("/"); a.Body != row.want {
						t.Errorf("%q", a.Body)
					}
				})
			})
		}
	}
}

// TestAReasonIsOneLine, whatever it was made of.
func TestAReasonIsOneLine(t *testing.T) {
	for reason, want := range map[string]string{
		"a line":           "a line",
		"two\nlines":       "two lines",
		"two\r\n\r\nlines": "two lines",
		"\x1b[31mred\n":    "[31mred",
		"élan":             "élan",
	} {
		seen := ""
		h := func(*http.Response, *http.Request) error { return http.StatusBadRequest.Because(reason) }
		page := func(w *http.Response, r *http.Request, f http.Failure) error { seen = f.Reason; return nil }
		httptest.Run(t, httptest.Config{Handler: h, ErrorHandler: page}, func(c *httptest.Client) {
			if a := c.Get("/"); a.Body != "400 Bad Request: "+want+"\n" || seen != want {
				t.Errorf("%q is %q, and for a page %q", reason, a.Body, seen)
			}
		})
	}
}

// TestAnErrorReplacesAnAnswer that the handler has made before it failed, and nil does not.
func TestAnErrorReplacesAnAnswer(t *testing.T) {
	for _, row := range []struct {
		err    error
		status int
		body   string
	}{
		{nil, 200, "good"},
		{http.StatusBadRequest, 400, "400 Bad Request\n"},
	} {
		h := func(w *http.Response, r *http.Request) error { w.Text("good"); return row.err }
		httptest.Run(t, httptest.Config{Handler: h}, func(c *httptest.Client) {
			if a := c.Get("/"); a.Status != row.status || a.Body != row.body {
				t.Errorf("%v: %v", row.err, a)
			}
		})
	}
}
