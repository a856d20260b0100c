package http_test

import (
	"cmp"
	"context"
	"fmt"
	nethttp "net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
	"github.com/bobbin-http/bobbin/http/std"
)

type person struct{ name string }

var (
	user    http.Key[*person]
	another http.Key[*person]
	count   http.Key[int]
)

// login is middleware that identifies the user.
func login(next http.Handler) http.Handler {
	return func(w *http.Response, r *http.Request) error {
		if name := r.Header("User"); name != "" {
			user.Set(r, &person{name})
		}
		return next(w, r)
	}
}

// whoIs names the user of a request.
func whoIs(r *http.Request) string {
	if u, ok := user.Get(r); ok {
		return u.name
	}
	return "a stranger"
}

// TestAValueTravelsWithItsRequest reads a value in handlers of every kind, and asks on the
// same connection again without it.
func TestAValueTravelsWithItsRequest(t *testing.T) {
	for _, row := range []struct {
		name    string
		handler http.Handler
	}{
		{"a handler on the loop", func(w *http.Response, r *http.Request) error { return w.Text(whoIs(r)) }},
		{"a handler that waits for the body", func(w *http.Response, r *http.Request) error {
			if _, err := r.Body(); err != nil {
				return err
			}
			return w.Text(whoIs(r))
		}},
		{"the reply of Offload", func(w *http.Response, r *http.Request) error {
			return http.Offload(w, func() (int, error) { return 0, nil }, func(w *http.Response, _ int) error { return w.Text(whoIs(r)) })
		}},
		{"the work of Offload, by the context", func(w *http.Response, r *http.Request) error {
			ctx := r.Context()
			return http.Offload(w, func() (string, error) {
				u, _ := user.From(ctx)
				if u == nil {
					return "a stranger", nil
				}
				return u.name, nil
			}, (*http.Response).Text)
		}},
		{"an answer that is held", func(w *http.Response, r *http.Request) error {
			h, err := w.Hold()
			if err != nil {
				return err
			}
			r.Loop().After(time.Second, func() {
				fmt.Fprint(h, whoIs(r))
				h.Done()
			})
			return nil
		}},
		{"Streaming", http.Streaming(func(w *http.Response, r *http.Request) error {
			w.Flush()
			w.Pause(time.Second)
			_, err := fmt.Fprint(w, whoIs(r))
			return err
		})},
		{"Blocking", http.Blocking(1, func(w *http.Response, r *http.Request) error {
			w.Flush()
			w.Pause(time.Second)
			_, err := fmt.Fprint(w, whoIs(r))
			return err
		})},
		{"a handler of net/http, by the context", std.Handler(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
			if u, ok := r.Context().Value(&user).(*person); ok {
				fmt.Fprint(w, u.name)
				return
			}
			fmt.Fprint(w, "a stranger")
		}))},
		{"the page of an error", func(w *http.Response, r *http.Request) error { return http.StatusNotFound }},
		{"the page for a handler whose time is over", func(w *http.Response, r *http.Request) error {
			w.Timeout(time.Second)
			return http.Blocking(1, func(w *http.Response, r *http.Request) error { return w.Pause(time.Minute) })(w, r)
		}},
	} {
		t.Run(row.name, func(t *testing.T) {
			var hooked []string
			site := func(w *http.Response, r *http.Request) error {
				w.OnEnd(func() { hooked = append(hooked, whoIs(r)) })
				return login(row.handler)(w, r)
			}
			page := func(w *http.Response, r *http.Request, f http.Failure) error { return w.Text(whoIs(r)) }
			httptest.Run(t, httptest.Config{Handler: site, ErrorHandler: page}, func(c *httptest.Client) {
				conn := c.Dial()
				for _, name := range []string{"ann", "", "bob", ""} {
					fields := []string{"A: b"}
					if name != "" {
						fields = append(fields, "User: "+name)
					}
					conn.Send(httptest.Request("POST", "/", "hello", fields...))
					a := conn.Answer("POST")
					if a.Body != cmp.Or(name, "a stranger") {
						t.Errorf("%q is served as %v", name, a)
					}
					if a.Header("Connection") == "close" {
						conn.Close()
						conn = c.Dial()
					}
				}
				conn.Close()
			})
			if got := strings.Join(hooked, ", "); got != "ann, a stranger, bob, a stranger" {
				t.Errorf("at the end the users were %s", got)
			}
		})
	}
}

// TestAContextHasTheValuesOfItsMoment sets values before and after a context is made.
func TestAContextHasTheValuesOfItsMoment(t *testing.T) {
	type own struct{}
	h := func(w *http.Response, r *http.Request) error {
		for _, row := range []struct {
			name string
			is   bool
		}{
			{"without a value, nothing is there", r.Context().Value(&user) == nil},
			{"contexts without values are one", r.Context() == r.Context()},
		} {
			if !row.is {
				t.Error("not so: " + row.name)
			}
		}
		before := r.Context()
		user.Set(r, &person{"ann"})
		count.Set(r, 1)
		first := r.Context()
		user.Set(r, &person{"bob"})
		count.Set(r, 2)
		second := r.Context()
		named := func(ctx context.Context) string {
			u, ok := user.From(ctx)
			if !ok {
				return "none"
			}
			n, _ := count.From(ctx)
			return fmt.Sprint(u.name, n)
		}
		_, others := another.Get(r)
		n, _ := count.Get(r)
		for _, row := range []struct {
			name string
			is   bool
		}{
			{"a context from before has none", named(before) == "none"},
			{"one has the first value", named(first) == "ann1"},
			{"one has the second", named(second) == "bob2"},
			{"the request has the last", whoIs(r) == "bob" && n == 2},
			{"another key of the same type is another", !others},
		} {
			if !row.is {
				t.Error("not so: " + row.name)
			}
		}
		r.SetContext(context.WithValue(user.With(r.Context(), &person{"eve"}), own{}, "mine"))
		n, _ = count.Get(r)
		if whoIs(r) != "eve" || n != 2 || r.Context().Value(own{}) != "mine" {
			t.Errorf("behind SetContext, %s has %d and %v", whoIs(r), n, r.Context().Value(own{}))
		}
		user.Set(r, &person{"dan"})
		n, _ = count.Get(r)
		if whoIs(r) != "dan" || named(r.Context()) != "dan2" || n != 2 || r.Context().Value(own{}) != "mine" || named(second) != "bob2" {
			t.Errorf("then, %s has %d and %v", whoIs(r), n, r.Context().Value(own{}))
		}
		w.OnEnd(func() {
			if r.Context().Err() != nil {
				return
			}
			t.Error("the context goes on")
		})
		return w.Text("")
	}
	httptest.Run(t, httptest.Config{Handler: h}, func(c *httptest.Client) { c.Get("/") })
}

// TestAValueThatIsNotUsedCostsNothing counts allocations of Get.
func TestAValueThatIsNotUsedCostsNothing(t *testing.T) {
	h := func(w *http.Response, r *http.Request) error {
		if n := testing.AllocsPerRun(100, func() { user.Get(r) }); n != 0 {
			t.Errorf("Get without a value takes memory %v times", n)
		}
		user.Set(r, &person{"ann"})
		if n := testing.AllocsPerRun(100, func() { user.Get(r) }); n != 0 {
			t.Errorf("Get takes memory %v times", n)
		}
		return w.Text("")
	}
	httptest.Run(t, httptest.Config{Handler: h}, func(c *httptest.Client) { c.Get("/") })
}

// TestAHandlerThatIsGivenUpLeavesTheClientsAddress has the server answer in place of a
// handler: the client behind a proxy is still the client, and has asked by the same scheme.
func TestAHandlerThatIsGivenUpLeavesTheClientsAddress(t *testing.T) {
	site := func(w *http.Response, r *http.Request) error {
		r.SetClientAddr(netip.MustParseAddr("192.0.2.1"))
		r.SetScheme("https")
		w.Timeout(time.Second)
		return http.Blocking(1, func(w *http.Response, r *http.Request) error { return w.Pause(time.Minute) })(w, r)
	}
	page := func(w *http.Response, r *http.Request, f http.Failure) error {
		return w.Text(r.Scheme() + " " + r.ClientAddr().String())
	}
	httptest.Run(t, httptest.Config{Handler: site, ErrorHandler: page}, func(c *httptest.Client) {
		if a := c.Get("/"); a.Status != 503 || a.Body != "https 192.0.2.1" {
			t.Errorf("the client is %v", a)
		}
	})
}
