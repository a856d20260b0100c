package http_test

import (
	"fmt"
	"testing"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

// TestARequestKnowsItsConnection makes two requests over one connection and one over
// another, and has the handler abort a third.
func TestARequestKnowsItsConnection(t *testing.T) {
	handler := func(w *http.Response, r *http.Request) error {
		if r.Path() == "/abort" {
			r.Abort()
			return nil
		}
		return w.Text(fmt.Sprint(r.ConnID()))
	}
	httptest.Run(t, httptest.Config{Handler: handler}, func(c *httptest.Client) {
		first := c.Dial()
		for range 2 {
			first.Send(httptest.Request("GET", "/", ""))
			if a := first.Answer("GET"); a.Body != "1" {
				t.Errorf("on the first connection: %v", a)
			}
		}
		if a := c.Get("/"); a.Body != "2" {
			t.Errorf("on the second: %v", a)
		}
		first.Send(httptest.Request("GET", "/abort", ""))
		if a := first.Answer("GET"); a.Err == nil {
			t.Errorf("after Abort: %v", a)
		}
		first.Close()
	})
}
