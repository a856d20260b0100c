package http_test

import (
	"context"
	"fmt"
	nethttp "net/http"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
	"github.com/bobbin-http/bobbin/http/std"
)

var (
	partner      http.ConnKey[string]
	otherPartner http.ConnKey[string]
)

// partnerOf names the partner of a connection.
func partnerOf(c http.Connected) string {
	if p, ok := partner.Get(c); ok {
		return p
	}
	return "a stranger"
}

// TestAValueOfAConnectionIsThereForAllItsRequests sets a value in the first request and
// reads it in those behind it, in handlers of every kind.
func TestAValueOfAConnectionIsThereForAllItsRequests(t *testing.T) {
	for _, row := range []struct {
		name    string
		handler http.Handler
	}{
		{"a handler on the loop", func(w *http.Response, r *http.Request) error { return w.Text(partnerOf(r)) }},
		{"a handler that waits for the body", func(w *http.Response, r *http.Request) error {
			if _, err := r.Body(); err != nil {
				return err
			}
			return w.Text(partnerOf(r))
		}},
		{"the reply of Offload", func(w *http.Response, r *http.Request) error {
			return http.Offload(w, func() (int, error) { return 0, nil }, func(w *http.Response, _ int) error { return w.Text(partnerOf(r)) })
		}},
		{"the work of Offload, by the context", func(w *http.Response, r *http.Request) error {
			ctx := r.Context()
			return http.Offload(w, func() (string, error) {
				p, ok := partner.From(ctx)
				if !ok {
					return "a stranger", nil
				}
				return p, nil
			}, (*http.Response).Text)
		}},
		{"an answer that is held", func(w *http.Response, r *http.Request) error {
			h, err := w.Hold()
			if err != nil {
				return err
			}
			r.Loop().After(time.Second, func() {
				fmt.Fprint(h, partnerOf(r))
				h.Done()
			})
			return nil
		}},
		{"Streaming", http.Streaming(func(w *http.Response, r *http.Request) error {
			w.Pause(time.Second)
			return w.Text(partnerOf(r))
		})},
		{"Blocking", http.Blocking(1, func(w *http.Response, r *http.Request) error {
			w.Pause(time.Second)
			return w.Text(partnerOf(r))
		})},
		{"a handler of net/http, by the context", std.Handler(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
			if p, ok := r.Context().Value(&partner).(string); ok {
				fmt.Fprint(w, p)
				return
			}
			fmt.Fprint(w, "a stranger")
		}))},
		{"the page of an error", func(w *http.Response, r *http.Request) error { return http.StatusNotFound }},
	} {
		t.Run(row.name, func(t *testing.T) {
			var hooked []string
			site := func(w *http.Response, r *http.Request) error {
				if name := r.Header("Partner"); name != "" {
					partner.Set(r, name)
					return w.Text("welcome")
				}
				w.OnEnd(func() { hooked = append(hooked, partnerOf(r)) })
				return row.handler(w, r)
			}
			page := func(w *http.Response, r *http.Request, f http.Failure) error { return w.Text(partnerOf(r)) }
			httptest.Run(t, httptest.Config{Handler: site, ErrorHandler: page}, func(c *httptest.Client) {
				one, two := c.Dial(), c.Dial()
				ask := func(conn *httptest.Conn, want string, fields ...string) {
					conn.Send(httptest.Request("POST", "/", "hello", fields...))
					if a := conn.Answer("POST"); a.Body != want {
						t.Errorf("in place of %q, the answer is %v", want, a)
					}
				}
				ask(one, "a stranger")
				ask(one, "welcome", "Partner: ann")
				ask(two, "welcome", "Partner: bob")
				ask(one, "ann")
				ask(one, "ann")
				ask(two, "bob")
				ask(two, "welcome", "Partner: dan")
				ask(two, "dan")
				one.Close()
				two.Close()
				three := c.Dial()
				ask(three, "a stranger")
				three.Close()
			})
			if got := strings.Join(hooked, ", "); got != "a stranger, ann, ann, bob, dan, a stranger" {
				t.Errorf("at the end they were %s", got)
			}
		})
	}
}

// TestAHookGivesAConnectionItsValue before its first request, and finds it when the
// connection has closed.
func TestAHookGivesAConnectionItsValue(t *testing.T) {
	var heard []string
	hook := func(c *http.Conn, is http.ConnState) {
		if is == http.ConnNew {
			partner.Set(c, fmt.Sprintf("%v at %v", c.RemoteAddr().Addr(), c.LocalAddr().Port()))
		}
		heard = append(heard, fmt.Sprint(is, " for ", partnerOf(c)))
		if is == http.ConnClosed {
			partner.Set(c, "late")
			if partnerOf(c) == "late" {
				t.Error("a connection that has ended takes a value")
			}
		}
	}
	h := func(w *http.Response, r *http.Request) error {
		w.OnEnd(func() { partner.Set(r, partnerOf(r)+", set again") })
		return w.Text(partnerOf(r))
	}
	httptest.Run(t, httptest.Config{Handler: h, OnConn: hook}, func(c *httptest.Client) {
		if a := c.Get("/"); a.Body != "10.0.0.1 at 80" {
			t.Errorf("%v", a)
		}
	})
	want := "new for 10.0.0.1 at 80; active for 10.0.0.1 at 80; idle for 10.0.0.1 at 80, set again; closed for 10.0.0.1 at 80, set again"
	if got := strings.Join(heard, "; "); got != want {
		t.Errorf("it reported: %s", got)
	}
}

// TestAContextHasTheConnectionsValuesOfItsMoment sets values of both kinds before and
// after a context is made.
func TestAContextHasTheConnectionsValuesOfItsMoment(t *testing.T) {
	named := func(ctx context.Context) string {
		p, _ := partner.From(ctx)
		u, _ := user.From(ctx)
		if u == nil {
			u = &person{"none"}
		}
		return p + "/" + u.name
	}
	h := func(w *http.Response, r *http.Request) error {
		list := []context.Context{r.Context()}
		note := func() { list = append(list, r.Context()) }
		partner.Set(r, "ann")
		note()
		user.Set(r, &person{"una"})
		note()
		partner.Set(r, "bob")
		note()
		r.SetContext(user.With(r.Context(), &person{"eve"}))
		note()
		partner.Set(r, "dan")
		note()
		got := ""
		for _, ctx := range list {
			got += named(ctx) + " "
		}
		if want := "/none ann/none ann/una bob/una bob/eve dan/eve "; got != want {
			t.Errorf("the contexts have %s", got)
		}
		if _, ok := otherPartner.Get(r); ok {
			t.Error("another key of the same type is the same")
		}
		return w.Text("")
	}
	httptest.Run(t, httptest.Config{Handler: h}, func(c *httptest.Client) {
		if a := c.Get("/"); a.Status != 200 {
			t.Errorf("%v", a)
		}
	})
}

// TestAConnectionIsNotForAHandlerOffTheLoopToChange has a Blocking handler set a value.
func TestAConnectionIsNotForAHandlerOffTheLoopToChange(t *testing.T) {
	h := http.Blocking(1, func(w *http.Response, r *http.Request) error {
		partner.Set(r, "ann")
		return w.Text("set")
	})
	httptest.Run(t, httptest.Config{Handler: h}, func(c *httptest.Client) {
		if a := c.Get("/"); a.Status != 500 {
			t.Errorf("%v", a)
		}
	})
}

// TestAValueOfAConnectionThatIsNotUsedCostsNothing counts allocations of Get.
func TestAValueOfAConnectionThatIsNotUsedCostsNothing(t *testing.T) {
	h := func(w *http.Response, r *http.Request) error {
		for range 2 {
			if n := testing.AllocsPerRun(100, func() { partner.Get(r) }); n != 0 {
				t.Errorf("Get takes memory %v times", n)
			}
			partner.Set(r, "ann")
		}
		return w.Text("")
	}
	httptest.Run(t, httptest.Config{Handler: h}, func(c *httptest.Client) { c.Get("/") })
}
