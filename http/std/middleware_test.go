package std_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	nethttp "net/http"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
	"github.com/bobbin-http/bobbin/http/std"
)

type ownKey struct{}

var user http.Key[string]

// TestMiddlewareOfNetHTTPIsAroundAHandler has middleware of several kinds around a handler
// of bobbin's.
func TestMiddlewareOfNetHTTPIsAroundAHandler(t *testing.T) {
	type layer = func(nethttp.Handler) nethttp.Handler
	with := func(f func(w nethttp.ResponseWriter, q *nethttp.Request, next nethttp.Handler)) layer {
		return func(next nethttp.Handler) nethttp.Handler {
			return nethttp.HandlerFunc(func(w nethttp.ResponseWriter, q *nethttp.Request) { f(w, q, next) })
		}
	}
	for _, row := range []struct {
		name   string
		layer  layer
		status int
		body   string
		field  string
	}{
		{"a value of its context", with(func(w nethttp.ResponseWriter, q *nethttp.Request, next nethttp.Handler) {
			next.ServeHTTP(w, q.WithContext(context.WithValue(q.Context(), ownKey{}, "mine")))
		}), 200, "outer mine hello", ""},
		{"a value of a key, in place of that before", with(func(w nethttp.ResponseWriter, q *nethttp.Request, next nethttp.Handler) {
			before, _ := user.From(q.Context())
			next.ServeHTTP(w, q.WithContext(user.With(q.Context(), before+" and inner")))
		}), 200, "outer and inner <nil> hello", ""},
		{"a header", with(func(w nethttp.ResponseWriter, q *nethttp.Request, next nethttp.Handler) {
			w.Header().Add("X-A", "b")
			w.Header()["Server"] = nil
			next.ServeHTTP(w, q)
		}), 200, "outer <nil> hello", "X-A: b"},
		{"an answer of its own", with(func(w nethttp.ResponseWriter, q *nethttp.Request, next nethttp.Handler) {
			nethttp.Error(w, "no", nethttp.StatusForbidden)
		}), 403, "no\n", ""},
		{"a deadline", with(func(w nethttp.ResponseWriter, q *nethttp.Request, next nethttp.Handler) {
			ctx, cancel := context.WithCancel(q.Context())
			cancel()
			next.ServeHTTP(w, q.WithContext(ctx))
		}), 503, "503 Service Unavailable: context canceled\n", ""},
		{"a writer in place of the answer's is refused", with(func(w nethttp.ResponseWriter, q *nethttp.Request, next nethttp.Handler) {
			next.ServeHTTP(struct{ nethttp.ResponseWriter }{w}, q)
		}), 500, "500 Internal Server Error\n", ""},
		{"so is another context", with(func(w nethttp.ResponseWriter, q *nethttp.Request, next nethttp.Handler) {
			next.ServeHTTP(w, q.WithContext(context.Background()))
		}), 500, "500 Internal Server Error\n", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := func(w *http.Response, r *http.Request) error {
				if err := r.Context().Err(); err != nil {
					return http.StatusServiceUnavailable.Because(err.Error())
				}
				name, _ := user.Get(r)
				body, err := io.ReadAll(r)
				if err != nil {
					return err
				}
				return w.Text(fmt.Sprint(name, " ", r.Context().Value(ownKey{}), " ", string(body)))
			}
			around := std.Middleware(row.layer)(h)
			site := func(w *http.Response, r *http.Request) error {
				user.Set(r, "outer")
				return around(w, r)
			}
			var log strings.Builder
			httptest.Run(t, httptest.Config{Handler: site, Log: slog.New(slog.NewTextHandler(&log, nil))}, func(c *httptest.Client) {
				a := c.Do("POST", "/", "hello")
				if a.Status != row.status || a.Body != row.body || !strings.Contains(strings.Join(a.Headers, "\n"), row.field) {
					t.Errorf("got %v", a)
				}
				if row.field != "" && a.Header("Server") != "" {
					t.Errorf("a default stays: %v", a)
				}
			})
			if row.status == 500 != strings.Contains(log.String(), "around a handler of bobbin's") {
				t.Errorf("the log has %s", log.String())
			}
		})
	}
}

// TestTheClientOfAHandlerInMiddlewareMayLeave ends the context of a handler that waits.
func TestTheClientOfAHandlerInMiddlewareMayLeave(t *testing.T) {
	left := make(chan error, 1)
	plain := std.Middleware(func(next nethttp.Handler) nethttp.Handler { return next })
	h := plain(func(w *http.Response, r *http.Request) error {
		left <- w.Pause(time.Hour)
		return nil
	})
	httptest.Run(t, httptest.Config{Handler: h}, func(c *httptest.Client) {
		conn := c.Dial()
		conn.Send(httptest.Request("GET", "/", ""))
		c.Sleep(time.Second)
		conn.Reset()
		c.Sleep(time.Second)
	})
	if err := <-left; err != http.ErrGone {
		t.Errorf("it waited until %v", err)
	}
}
