package http_test

import (
	"fmt"
	"math/rand/v2"
	nethttp "net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

// TestSetReplacesAddAddsDelRemoves looks at the fields that a client gets.
func TestSetReplacesAddAddsDelRemoves(t *testing.T) {
	prepared, err := http.Prepare([]byte("prepared"), [2]string{"Content-Type", "text/x"}, [2]string{"X-A", "p"}, [2]string{"X-A", "q"})
	if err != nil {
		t.Fatal(err)
	}
	const text = "Content-Type: text/plain; charset=utf-8"
	for _, row := range []struct {
		name    string
		handler func(w *http.Response) error
		want    string // the fields but Date and Content-Length, in order
	}{
		{"without a word the server has its own", func(w *http.Response) error { return w.Text("") }, "Server: bobbin|" + text},
		{"Add adds", func(w *http.Response) error { w.Add("X-A", "1").Add("X-A", "2"); return nil }, "Server: bobbin|X-A: 1|X-A: 2"},
		{"Set replaces all, whatever their case", func(w *http.Response) error {
			w.Add("X-A", "1").Add("X-B", "1").Add("x-a", "2").Set("X-a", "3")
			return nil
		}, "Server: bobbin|X-B: 1|X-a: 3"},
		{"Del removes all", func(w *http.Response) error { w.Add("X-A", "1").Add("X-B", "1").Add("x-a", "2").Del("X-a"); return nil }, "Server: bobbin|X-B: 1"},
		{"a name that is longer is another", func(w *http.Response) error { w.Add("X-AA", "1").Add("X-", "1").Del("X-A"); return nil }, "Server: bobbin|X-AA: 1|X-: 1"},
		{"an empty field is a field", func(w *http.Response) error { w.Set("X-A", ""); return nil }, "Server: bobbin|X-A: "},
		{"Server can be another", func(w *http.Response) error { w.Set("Server", "loom"); return w.Text("") }, text + "|Server: loom"},
		{"and is one only", func(w *http.Response) error { w.Add("Server", "loom").Add("server", "reed"); return nil }, "server: reed"},
		{"Server can be left out", func(w *http.Response) error { w.Del("Server"); return w.Text("") }, text},
		{"with another status, too", func(w *http.Response) error { w.Del("Server").SetStatus(201); return w.Text("") }, text},
		{"for an error, too", func(w *http.Response) error { w.Del("Server"); return http.StatusNotFound }, text},
		{"for an error of the server's, too", func(w *http.Response) error { w.Del("Server"); return errDisk }, text},
		{"but fields that were set are dropped then", func(w *http.Response) error { w.Set("Server", "loom"); return errDisk }, "Server: bobbin|" + text},
		{"Content-Type is one only", func(w *http.Response) error {
			w.Add("Content-Type", "a/b").Add("content-type", "c/d")
			return w.Text("")
		}, "Server: bobbin|Content-Type: c/d"},
		{"it can be left out", func(w *http.Response) error { w.Del("Content-Type"); return w.Text("x") }, "Server: bobbin"},
		{"also of JSON", func(w *http.Response) error { w.Del("Content-Type"); return w.JSON(1) }, "Server: bobbin"},
		{"also behind the body", func(w *http.Response) error { err := w.Text("x"); w.Del("Content-Type"); return err }, "Server: bobbin"},
		{"it can be empty", func(w *http.Response) error { w.Set("Content-Type", ""); return w.Text("x") }, "Server: bobbin|Content-Type: "},
		{"and set again", func(w *http.Response) error {
			w.Del("Content-Type").Set("Content-Type", "").Set("Content-Type", "a/b")
			return w.Text("x")
		}, "Server: bobbin|Content-Type: a/b"},
		{"an error has its own type", func(w *http.Response) error {
			w.Set("Content-Type", "").Del("Content-Type")
			return http.StatusNotFound
		}, "Server: bobbin|" + text},
		{"an error has one type", func(w *http.Response) error { w.AddPrepared(prepared); return http.StatusNotFound }, "Server: bobbin|" + text + "|X-A: p|X-A: q"},
		{"a prepared type is the type", func(w *http.Response) error { w.Set("Content-Type", "a/b"); return w.WritePrepared(prepared) }, "Server: bobbin|Content-Type: text/x|X-A: p|X-A: q"},
		{"so it is among prepared fields", func(w *http.Response) error {
			w.Set("Content-Type", "a/b").AddPrepared(prepared)
			return w.Text("")
		}, "Server: bobbin|Content-Type: text/x|X-A: p|X-A: q"},
		{"Set replaces prepared fields", func(w *http.Response) error {
			err := w.WritePrepared(prepared)
			w.Set("X-A", "1").Set("Content-Type", "a/b")
			return err
		}, "Server: bobbin|Content-Type: a/b|X-A: 1"},
		{"Del removes them", func(w *http.Response) error {
			err := w.WritePrepared(prepared)
			w.Del("X-A").Del("Content-Type")
			return err
		}, "Server: bobbin"},
		{"another body keeps them", func(w *http.Response) error {
			err := w.WritePrepared(prepared)
			w.SetBody([]byte("other"))
			return err
		}, "Server: bobbin|Content-Type: text/x|X-A: p|X-A: q"},
		{"a length that is removed is the server's again", func(w *http.Response) error {
			w.Set("Content-Length", "7").Del("content-length")
			return w.Text("x")
		}, "Server: bobbin|" + text},
		{"so is the end of the connection", func(w *http.Response) error {
			w.Set("Connection", "close").Del("connection")
			return nil
		}, "Server: bobbin"},
		{"of the framing there is nothing to remove", func(w *http.Response) error { w.Del("Transfer-Encoding"); return nil }, "Server: bobbin"},
		{"and nothing to set", func(w *http.Response) error { w.Set("Transfer-Encoding", "chunked"); return nil }, "Server: bobbin|" + text},
		{"Set takes no other name than Add", func(w *http.Response) error { w.Set("X A", "1"); return nil }, "Server: bobbin|" + text},
		{"and no other value", func(w *http.Response) error { w.Set("X-A", "1\r\nX-B: 2"); return nil }, "Server: bobbin|" + text},
	} {
		t.Run(row.name, func(t *testing.T) {
			h := func(w *http.Response, r *http.Request) error { return row.handler(w) }
			httptest.Run(t, httptest.Config{Handler: h}, func(c *httptest.Client) {
				var got []string
				a := c.Get("/")
				for _, line := range a.Headers {
					if name, _, _ := strings.Cut(line, ":"); name != "Date" && name != "Content-Length" {
						got = append(got, line)
					}
				}
				if a.Err != nil || a.Header("Date") == "" || strings.Join(got, "|") != row.want {
					t.Errorf("got %v: %q", a, got)
				}
			})
		})
	}
}

// TestTheDateIsTheSecondOfTheTurn asks many times in some seconds.
func TestTheDateIsTheSecondOfTheTurn(t *testing.T) {
	h := func(w *http.Response, r *http.Request) error {
		return w.Text(http.FormatDate(r.Loop().WallTime()))
	}
	httptest.Run(t, httptest.Config{Handler: h}, func(c *httptest.Client) {
		seen := map[string]bool{}
		for range 40 {
			a := c.Get("/")
			if a.Err != nil || a.Header("Date") != a.Body {
				t.Errorf("the Date is %q at %q (%v)", a.Header("Date"), a.Body, a.Err)
			}
			seen[a.Body] = true
			c.Sleep(130 * time.Millisecond)
		}
		if len(seen) < 5 {
			t.Errorf("there were only %d seconds", len(seen))
		}
	})
}

// TestADateCanBeLeftOutOrSet is for answers that are kept, such as those of a proxy.
func TestADateCanBeLeftOutOrSet(t *testing.T) {
	const date = "Sun, 06 Nov 1994 08:49:37 GMT"
	for _, status := range []http.Status{200, 201} {
		h := func(w *http.Response, r *http.Request) error {
			w.SetStatus(status).Del("Date")
			if r.Path() == "/set" {
				w.Set("Date", date)
			}
			return w.Text("")
		}
		httptest.Run(t, httptest.Config{Handler: h}, func(c *httptest.Client) {
			if a := c.Get("/"); strings.Contains(strings.Join(a.Headers, "|"), "Date") || a.Header("Server") != "bobbin" {
				t.Errorf("got %v", a)
			}
			if a := c.Get("/set"); a.Header("Date") != date || strings.Count(strings.Join(a.Headers, "|"), "Date: ") != 1 {
				t.Errorf("got %v", a)
			}
		})
	}
}

// TestFieldsCannotChangeWhenTheHeadIsOut calls Set and Del behind Flush.
func TestFieldsCannotChangeWhenTheHeadIsOut(t *testing.T) {
	for _, change := range []func(w *http.Response){
		func(w *http.Response) { w.Set("X-A", "1") },
		func(w *http.Response) { w.Del("X-A") },
	} {
		h := http.Streaming(func(w *http.Response, r *http.Request) error {
			if err := w.Flush(); err != nil {
				return err
			}
			change(w)
			return nil
		})
		httptest.Run(t, httptest.Config{Handler: h}, func(c *httptest.Client) {
			if a := c.Get("/"); a.Err == nil {
				t.Errorf("got %v", a)
			}
		})
	}
}

// TestFieldsAreThoseOfAModel has Set, Add, Del and the readers agree with a list of lines,
// by seed.
func TestFieldsAreThoseOfAModel(t *testing.T) {
	names := []string{"X-A", "x-a", "X-Ab", "Content-Type", "Server", "Set-Cookie", "Via", "Vary"}
	values := []string{"", "1", "2, 3", "a: b", "long " + strings.Repeat("x", 100)}
	single := func(name string) bool { return name == "Content-Type" || name == "Server" }
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		h := func(w *http.Response, _ *http.Request) error {
			model := nethttp.Header{}
			for range 12 {
				name, value := names[r.IntN(len(names))], values[r.IntN(len(values))]
				switch r.IntN(3) {
				case 0:
					w.Set(name, value)
					model.Set(name, value)
				case 1:
					w.Add(name, value)
					if single(name) {
						model.Del(name)
					}
					model.Add(name, value)
				default:
					w.Del(name)
					model.Del(name)
				}
				all := nethttp.Header{}
				for n, v := range w.Headers() {
					all.Add(n, v)
				}
				for _, n := range names {
					want := model.Values(n)
					if got := w.HeaderValues(strings.ToUpper(n)); !slices.Equal(got, want) || !slices.Equal(all.Values(n), want) ||
						w.Header(n) != model.Get(n) || w.HasHeader(n) != (len(want) > 0) {
						return fmt.Errorf("%s is %q, and in all %q, and should be %q", n, got, all.Values(n), want)
					}
				}
			}
			return w.Text("")
		}
		httptest.Run(t, httptest.Config{Handler: h}, func(c *httptest.Client) {
			if a := c.Get("/"); a.Status != 200 {
				t.Errorf("seed %d: got %v", seed, a)
			}
		})
	}
}

// TestARequestTellsAnEmptyFieldFromNone reads the fields of a request.
func TestARequestTellsAnEmptyFieldFromNone(t *testing.T) {
	h := func(w *http.Response, r *http.Request) error {
		return w.Text(fmt.Sprintf("%q %q %q %v %v %v %v", r.HeaderValues("x-list"), r.HeaderValues("X-Empty"), r.HeaderValues("X-None"),
			r.HasHeader("x-empty"), r.HasHeader("X-None"), r.HeaderBytes("x-empty") != nil, r.HeaderBytes("x-none") != nil))
	}
	httptest.Run(t, httptest.Config{Handler: h}, func(c *httptest.Client) {
		a := c.Get("/", "X-List: a, b", "X-Empty:", "x-LIST: c")
		if want := `["a, b" "c"] [""] [] true false true false`; a.Body != want {
			t.Errorf("got %v, and not %s", a, want)
		}
	})
}

// TestDateAndServerAreNotPrepared has a prepared answer refuse what changes with each.
func TestDateAndServerAreNotPrepared(t *testing.T) {
	for _, name := range []string{"Date", "Server", "Content-Length", "Connection", "Transfer-Encoding"} {
		if _, err := http.Prepare(nil, [2]string{name, map[string]string{"Content-Length": "1", "Connection": "close"}[name]}); err == nil {
			t.Errorf("%s is prepared", name)
		}
	}
}
