package middleware

import (
	"bytes"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

// TestMiddlewareOfTheLoopSaysWhereItBelongs puts middleware inside of Blocking, on a
// goroutine of its own, and outside.
func TestMiddlewareOfTheLoopSaysWhereItBelongs(t *testing.T) {
	shared := &RateLimit{Rate: 100, Burst: 100, Shared: true}
	real := &RealIP{Trusted: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}
	for _, row := range []struct {
		name string
		make func() http.Middleware
		want string // in the log
	}{
		{"Timeout", func() http.Middleware { return Timeout(time.Second) }, "middleware: Timeout belongs to the loop: put it outside of http.Blocking"},
		{"Response.Timeout", func() http.Middleware {
			return func(next http.Handler) http.Handler {
				return func(w *http.Response, r *http.Request) error { w.Timeout(time.Second); return next(w, r) }
			}
		}, "put it outside of Blocking"},
		{"Concurrent", func() http.Middleware { return Concurrent(9) }, "Concurrent belongs to the loop"},
		{"RateLimit", func() http.Middleware { return (&RateLimit{Rate: 100, Burst: 100}).Wrap }, "a RateLimit that is not Shared belongs to the loop"},
		{"a shared RateLimit", func() http.Middleware { return shared.Wrap }, ""},
		{"RealIP", func() http.Middleware { return real.Wrap }, "outside of Blocking"},
		{"RequestID", func() http.Middleware { return new(RequestID).Wrap }, "RequestID belongs to the loop"},
		{"AccessLog", func() http.Middleware { return (&AccessLog{Out: new(bytes.Buffer)}).Wrap }, "AccessLog belongs to the loop"},
		{"CORS, which has no state", func() http.Middleware { return CORS{Origins: []string{"*"}}.Wrap }, ""},
	} {
		for where, h := range map[string]http.Handler{
			"inside":  http.Blocking(9, row.make()(func(w *http.Response, r *http.Request) error { return w.Text("made") })),
			"outside": row.make()(http.Blocking(9, func(w *http.Response, r *http.Request) error { return w.Text("made") })),
		} {
			t.Run(row.name+" "+where, func(t *testing.T) {
				var log bytes.Buffer
				want := http.StatusOK
				if where == "inside" && row.want != "" {
					want = http.StatusInternalServerError
				}
				httptest.Run(t, httptest.Config{Handler: h, Log: slog.New(slog.NewTextHandler(&log, nil))}, func(c *httptest.Client) {
					if a := c.Get("/", "X-Forwarded-For: 192.0.2.1", "Authorization: Basic YTpi"); a.Status != int(want) {
						t.Errorf("%v", a)
					}
				})
				if got := log.String(); (got != "") != (want != 200) || want != 200 && !strings.Contains(got, row.want) {
					t.Errorf("the log has %q", got)
				}
			})
		}
	}
}

// TestMiddlewareThatCouldServeNothingIsRefused, when it is made.
func TestMiddlewareThatCouldServeNothingIsRefused(t *testing.T) {
	for _, row := range []struct {
		name string
		make func()
		want string // of the panic, "" for none
	}{
		{"none at a time", func() { Concurrent(0) }, "Concurrent(0) serves no request"},
		{"less than none", func() { Concurrent(-1) }, "Concurrent(-1) serves no request"},
		{"one at a time", func() { Concurrent(1) }, ""},
		{"nanoseconds", func() { Timeout(5) }, "write Timeout(5 * time.Second)"},
		{"no time", func() { Timeout(0) }, "in which no handler answers"},
		{"a millisecond", func() { Timeout(time.Millisecond) }, ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			defer func() {
				if text, _ := recover().(string); (text == "") != (row.want == "") || !strings.Contains(text, row.want) {
					t.Errorf("%q", text)
				}
			}()
			row.make()
		})
	}
}
