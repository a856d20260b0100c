package std

import (
	"fmt"
	nethttp "net/http"
	"strings"
	"testing"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

// TestHandlersOfNetHTTPHaveThePathOfARouter asks for paths whose route is a Router's, and
// whose handler is one of net/http.
func TestHandlersOfNetHTTPHaveThePathOfARouter(t *testing.T) {
	tell := func(names string) nethttp.HandlerFunc {
		return func(w nethttp.ResponseWriter, r *nethttp.Request) {
			fmt.Fprint(w, r.Pattern)
			for name := range strings.FieldsSeq(names) {
				fmt.Fprintf(w, " %s=%s", name, r.PathValue(name))
			}
		}
	}
	mux := new(nethttp.ServeMux)
	mux.Handle("/mux/{outer}/{inner}", tell("outer id inner"))
	for _, row := range []struct {
		name    string
		pattern string
		handler nethttp.Handler
		path    string
		want    string
	}{
		{"a value is that of the segment", "GET /u/{id}", tell("id"), "/u/7", "GET /u/{id} id=7"},
		{"escapes are decoded, a slash as well", "GET /u/{id}", tell("id"), "/u/a%2Fb%20c", "GET /u/{id} id=a/b c"},
		{"a rest is one value", "/f/{rest...}", tell("rest"), "/f/a/b/", "/f/{rest...} rest=a/b/"},
		{"there may be several", "/{a}/x/{b}", tell("a b"), "/1/x/2", "/{a}/x/{b} a=1 b=2"},
		{"a name that the pattern has not is empty", "/u/{id}", tell("id other"), "/u/7", "/u/{id} id=7 other="},
		{"a pattern without wildcards has none", "/u/{$}", tell("$"), "/u/", "/u/{$} $="},
		{"a subtree has none", "/tree/", tell("x"), "/tree/a", "/tree/ x="},
		{"a mux within has its own pattern, and adds its values", "/mux/{id}/", mux, "/mux/1/2", "/mux/{outer}/{inner} outer=1 id=1 inner=2"},
	} {
		for how, handler := range map[string]http.Handler{"off the loop": Handler(row.handler), "on the loop": http.Streaming(Wrap(row.handler))} {
			t.Run(row.name+", "+how, func(t *testing.T) {
				router := new(http.Router)
				router.Group("").Handle(row.pattern, handler)
				httptest.Run(t, httptest.Config{Handler: router.Serve}, func(c *httptest.Client) {
					if a := c.Get(row.path); a.Body != row.want {
						t.Errorf("%v", a)
					}
				})
			})
		}
	}
	t.Run("without a Router there is no pattern", func(t *testing.T) {
		httptest.Run(t, httptest.Config{Handler: Handler(tell("id"))}, func(c *httptest.Client) {
			if a := c.Get("/u/7"); a.Body != " id=" {
				t.Errorf("%v", a)
			}
		})
	})
}
