package http_test

import (
	"testing"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

// TestTheSchemeIsWhatMiddlewareHasSet for this request, and for no later one on the connection.
func TestTheSchemeIsWhatMiddlewareHasSet(t *testing.T) {
	h := func(w *http.Response, r *http.Request) error {
		if told := r.RawQuery(); told != "" {
			r.SetScheme(told)
		}
		return w.Text(r.Scheme())
	}
	httptest.Run(t, httptest.Config{Handler: h}, func(c *httptest.Client) {
		conn := c.Dial()
		defer conn.Close()
		for _, row := range []struct{ path, want string }{
			{"/", "http"}, {"/?https", "https"}, {"/", "http"}, {"/?http", "http"}, {"/?wss", "http"}, {"/?HTTPS", "http"},
		} {
			conn.Send("GET " + row.path + " HTTP/1.1\r\nHost: a\r\n\r\n")
			if a := conn.Answer("GET"); a.Body != row.want {
				t.Errorf("%s: %q, and not %q", row.path, a.Body, row.want)
			}
		}
	})
}
