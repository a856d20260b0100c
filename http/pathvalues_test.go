package http_test

import (
	"testing"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

// TestPathValuesYieldsAllWildcards, in the order of the pattern, and stops when it is told to.
func TestPathValuesYieldsAllWildcards(t *testing.T) {
	var all, first string
	h := func(w *http.Response, r *http.Request) error {
		for name, value := range r.PathValues() {
			all += name + "=" + value + " "
		}
		for name := range r.PathValues() {
			first = name
			break
		}
		return nil
	}
	router := new(http.Router)
	router.Handle("/{b}/{a}/{rest...}", h)
	httptest.Run(t, httptest.Config{Handler: router.Serve}, func(c *httptest.Client) { c.Get("/1/%32/3/4") })
	if all != "b=1 a=2 rest=3/4 " || first != "b" {
		t.Errorf("%q, and first %q", all, first)
	}
}
