package middleware

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

// refusals are what the server answers without asking a handler, one of each kind.
var refusals = []struct {
	name   string
	say    string
	wait   time.Duration
	status string
	line   string // in the log, between the quotes
	ends   bool   // the connection is over
}{
	{"no Host", "GET /a?b HTTP/1.1\r\n\r\n", 0, "400", "GET /a?b HTTP/1.1", true},
	{"two Hosts", "GET /a HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 0, "400", "GET /a HTTP/1.1", true},
	{"an unknown method", "BREW /a HTTP/1.1\r\nHost: a\r\n\r\n", 0, "501", "BREW /a HTTP/1.1", false},
	{"TRACE", "TRACE /a HTTP/1.1\r\nHost: a\r\n\r\n", 0, "405", "TRACE /a HTTP/1.1", false},
	{"CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", 0, "405", "CONNECT a:80 HTTP/1.1", false},
	{"OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 0, "204", "OPTIONS * HTTP/1.1", false},
	{"a bad escape", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", 0, "400", "GET /%zz HTTP/1.1", false},
	{"an expectation", "GET /a HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n", 0, "417", "GET /a HTTP/1.1", false},
	{"a version that is to come", "GET /a HTTP/2.0\r\nHost: a\r\n\r\n", 0, "505", "GET /a HTTP/2.0", true},
	{"no version", "GET /a\r\nHost: a\r\n\r\n", 0, "400", "GET /a", true},
	{"a fragment", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 0, "400", "GET /a#b HTTP/1.1", true},
	{"a control in the target", "GET /a\x01b HTTP/1.1\r\nHost: a\r\n\r\n", 0, "400", `GET /a\x01b HTTP/1.1`, true},
	{"another language", "\x16\x03\x01\"\\", 0, "400", `\x16\x03\x01\"\\`, true},
	{"empty lines", "\r\n\r\n\r\n\r\n", 0, "400", "-", true},
	{"a line that is too long", "GET /" + strings.Repeat("x", 9000), 0, "414", "GET /" + strings.Repeat("x", lineMost-5), true},
	{"a method that is too long", strings.Repeat("x", 9000), 0, "414", strings.Repeat("x", lineMost), true},
	{"a field that is too long", "GET /a HTTP/1.1\r\nHost: a\r\nA: " + strings.Repeat("x", 9000), 0, "431", "GET /a HTTP/1.1", true},
	{"a field without a colon", "GET /a HTTP/1.1\r\nUser-Agent: b\r\nc\r\n\r\n", 0, "400", "GET /a HTTP/1.1", true},
	{"a length and chunks", "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello", 0, "400", "POST /a HTTP/1.1", true},
	{"HEAD without a Host", "HEAD /a HTTP/1.1\r\n\r\n", 0, "400", "HEAD /a HTTP/1.1", true},
	{"a head that does not arrive", "GET /a HTTP/1.1\r\nHost:", 11 * time.Second, "408", "GET /a HTTP/1.1", true},
	{"a line that does not arrive", "GET /a HT", 11 * time.Second, "408", "GET /a HT", true},
	// A handler was asked, and the server answers in its place.
	{"a body that is too large", "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\nhello", 0, "413", "POST /body HTTP/1.1", true},
	{"a body that does not arrive", "POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhello", 16 * time.Second, "408", "POST /body HTTP/1.1", true},
	{"a chunk that is none", "POST /body HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", 0, "400", "POST /body HTTP/1.1", true},
}

// lineMost is how much the server keeps of a line that it does not understand.
const lineMost = 1 << 10

// body is a handler that wants one.
func bodyWanted(w *http.Response, r *http.Request) error {
	if r.Path() != "/body" {
		return w.Text("hello")
	}
	_, err := r.Body()
	return err
}

// TestRefusalsAreLogged has each kind of refusal on a connection of its own: there is
// a line for each answer, and one only.
func TestRefusalsAreLogged(t *testing.T) {
	for _, row := range refusals {
		t.Run(row.name, func(t *testing.T) {
			for _, format := range []LogFormat{Combined, JSON} {
				var out bytes.Buffer
				log := &AccessLog{Out: &out, Format: format}
				httptest.Run(t, httptest.Config{Handler: bodyWanted, Middleware: log.Wrap}, func(c *httptest.Client) {
					conn := c.Dial()
					defer conn.Close()
					conn.Send(row.say)
					c.Sleep(row.wait)
					head, err := conn.Next("\r\n\r\n")
					if err != nil || !strings.HasPrefix(head, "HTTP/1.1 "+row.status+" ") || strings.Contains(head, "Connection: close") != row.ends {
						t.Errorf("heard %q, %v", head, err)
					}
				})
				if err := log.Close(); err != nil {
					t.Error(err)
				}
				got := out.String()
				if format == Combined {
					if !strings.HasPrefix(got, "10.0.0.1 - - [") || !strings.Contains(got, `] "`+row.line+`" `+row.status+" ") || strings.Count(got, "\n") != 1 {
						t.Errorf("the log is %q", got)
					}
					continue
				}
				var object map[string]any
				if err := json.Unmarshal([]byte(got), &object); err != nil || fmt.Sprint(object["http.response.status_code"]) != row.status {
					t.Errorf("%v: %s", err, got)
				}
			}
		})
	}
}

// TestRefusalsCountAgainstTheRate has a client use up its rate by each kind of
// refusal: what comes then is answered by 429, and its connections end as ever.
func TestRefusalsCountAgainstTheRate(t *testing.T) {
	for _, row := range refusals {
		t.Run(row.name, func(t *testing.T) {
			var out bytes.Buffer
			log := &AccessLog{Out: &out, Format: Common}
			rate := limit(t, "2/h")
			httptest.Run(t, httptest.Config{Handler: bodyWanted, Middleware: http.Chain(log.Wrap, rate.Wrap)}, func(c *httptest.Client) {
				for _, want := range []string{row.status, row.status, "429", "429"} {
					conn := c.Dial()
					conn.Send(row.say)
					c.Sleep(row.wait)
					head, err := conn.Next("\r\n\r\n")
					if err != nil || !strings.HasPrefix(head, "HTTP/1.1 "+want+" ") || row.ends && want != "429" && !strings.Contains(head, "Connection: close") {
						t.Errorf("heard %q, %v, want %s", head, err, want)
					}
					// An unwanted body is read, and the connection goes on.
					if strings.HasPrefix(row.say, "POST /body") && want == "429" {
						conn.Close()
						continue
					}
					if row.ends {
						for err == nil {
							_, err = conn.Next("\r\n\r\n")
						}
						if err.Error() != "EOF" {
							t.Errorf("it ends with %v", err)
						}
					}
					conn.Close()
				}
				if a := c.Get("/"); a.Status != 429 {
					t.Errorf("a good request hears %d", a.Status)
				}
			})
			if err := log.Close(); err != nil {
				t.Error(err)
			}
			if n := strings.Count(out.String(), " 429 "); n != 3 || strings.Count(out.String(), "\n") != 5 {
				t.Errorf("the log is %q", out.String())
			}
		})
	}
}

// TestAProxysRefusalsAreItsClients has a trusted proxy pass on what is refused: it is
// the client's, if all of the head was understood.
func TestAProxysRefusalsAreItsClients(t *testing.T) {
	var out bytes.Buffer
	log := &AccessLog{Out: &out, Format: Common}
	ip := RealIP{Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	httptest.Run(t, httptest.Config{Handler: bodyWanted, Middleware: http.Chain(log.Wrap, ip.Wrap)}, func(c *httptest.Client) {
		for _, say := range []string{"BREW /1 HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n", "GET /2 HTTP/1.1\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n"} {
			conn := c.Dial()
			conn.Send(say)
			if _, err := conn.Next("\r\n\r\n"); err != nil {
				t.Error(err)
			}
			conn.Close()
		}
	})
	if err := log.Close(); err != nil {
		t.Error(err)
	}
	lines := strings.Split(out.String(), "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], "192.0.2.1 ") || !strings.HasPrefix(lines[1], "10.0.0.1 ") {
		t.Errorf("the log is %q", lines)
	}
}

// TestARefusalMaySayMore has middleware that answers refusals in another way, later,
// and one that panics.
func TestARefusalMaySayMore(t *testing.T) {
	for _, row := range []struct {
		name   string
		around http.Middleware
		want   string
	}{
		{"a body of its own", func(next http.Handler) http.Handler {
			return func(w *http.Response, r *http.Request) error {
				if r.Refused() == nil {
					return next(w, r)
				}
				w.SetStatus(http.StatusBadRequest)
				return w.Text("no: " + r.Refused().Error() + ", " + r.Method() + r.Path() + r.Header("A") + r.Host())
			}
		}, "HTTP/1.1 400 Bad Request\r\n|no: 400 Bad Request: no Host field, GET/a"},
		{"an answer that comes later", func(next http.Handler) http.Handler {
			return func(w *http.Response, r *http.Request) error {
				return http.Offload(w, func() (int, error) { return 0, nil }, func(w *http.Response, _ int) error { return next(w, r) })
			}
		}, "HTTP/1.1 400 Bad Request\r\n|400 Bad Request: no Host field\n"},
		{"a panic", func(http.Handler) http.Handler {
			return func(*http.Response, *http.Request) error { panic("the disk is on fire") }
		}, "HTTP/1.1 500 Internal Server Error\r\n|500 Internal Server Error\n"},
		{"an end without a word", func(http.Handler) http.Handler {
			return func(*http.Response, *http.Request) error { return http.ErrAbort }
		}, "|"},
	} {
		t.Run(row.name, func(t *testing.T) {
			httptest.Run(t, httptest.Config{Handler: bodyWanted, Middleware: row.around}, func(c *httptest.Client) {
				conn := c.Dial()
				defer conn.Close()
				conn.Send("GET /a HTTP/1.1\r\nA: b\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
				status, _ := conn.Next("\r\n")
				conn.Next("\r\n\r\n")
				rest, _ := conn.Next("smuggled")
				if got := status + "|" + rest; got != row.want {
					t.Errorf("heard %q, want %q", got, row.want)
				}
			})
		})
	}
}
