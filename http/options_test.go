package http_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

// TestAnyMethodReachesItsPattern asks a Router on a server, because the server refuses
// methods before a Router sees them.
func TestAnyMethodReachesItsPattern(t *testing.T) {
	pattern := func(w *http.Response, r *http.Request) error { return w.Text(r.Method() + " by " + r.Pattern()) }
	site := new(http.Router)
	site.Handle("PURGE /page", pattern)
	site.Handle("/", pattern)
	for _, row := range []struct {
		name, request string
		any           bool
		status        int
		body          string
	}{
		{"one with a pattern of its own", "PURGE /page", true, 200, "PURGE by PURGE /page"},
		{"one without", "PROPFIND /page", true, 200, "PROPFIND by /"},
		{"one of HTTP's own", "DELETE /page", true, 200, "DELETE by /"},
		{"unless the server refuses it", "PURGE /page", false, 501, "501 Not Implemented: no such method here\n"},
	} {
		t.Run(row.name, func(t *testing.T) {
			httptest.Run(t, httptest.Config{Handler: site.Serve, AnyMethod: row.any}, func(c *httptest.Client) {
				method, target, _ := strings.Cut(row.request, " ")
				if a := c.Do(method, target, ""); a.Status != row.status || a.Body != row.body {
					t.Errorf("%d %q", a.Status, a.Body)
				}
			})
		})
	}
}

// TestAPatternForAMethodThatIsRefusedIsInTheLog: the Router cannot know when it is made, and
// a method may be mistyped.
func TestAPatternForAMethodThatIsRefusedIsInTheLog(t *testing.T) {
	for _, row := range []struct {
		name string
		any  bool
		want int
	}{{"without AnyMethod, once", false, 1}, {"with it, never", true, 0}} {
		t.Run(row.name, func(t *testing.T) {
			var log bytes.Buffer
			site := new(http.Router)
			site.Handle("GTE /page", func(w *http.Response, r *http.Request) error { return nil })
			config := httptest.Config{Handler: site.Serve, AnyMethod: row.any, Log: slog.New(slog.NewTextHandler(&log, nil))}
			httptest.Run(t, config, func(c *httptest.Client) {
				for range 2 {
					if a := c.Get("/page"); a.Status != 405 || a.Header("Allow") != "GTE" {
						t.Errorf("%d, %v", a.Status, a.Headers)
					}
				}
			})
			if n := strings.Count(log.String(), "AnyMethod lets"); n != row.want || n > 0 && !strings.Contains(log.String(), "methods=GTE") {
				t.Errorf("%d times in the log: %s", n, log.String())
			}
		})
	}
}
