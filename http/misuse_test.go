package http_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	nethttp "net/http"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
	"github.com/bobbin-http/bobbin/http/std"
)

// TestAnAnswerGivenTwiceIsLogged has handlers answer twice, in each way that there is. The
// log names their line.
func TestAnAnswerGivenTwiceIsLogged(t *testing.T) {
	for _, row := range []struct {
		name    string
		handler http.Handler
		body    string // of the answer; "" for a 500
		log     string // with a place in this file; "" for none
	}{
		{"once is right", func(w *http.Response, r *http.Request) error { return w.Text("one") }, "one", ""},
		{"Text, and Write", func(w *http.Response, r *http.Request) error {
			w.Text("one")
			fmt.Fprint(w, "two")
			return nil
		}, "", "ERROR handler failed: http: the handler answered twice, the second time at misuse_test.go:"},
		{"Write, and JSON", func(w *http.Response, r *http.Request) error {
			fmt.Fprint(w, "one")
			w.JSON(2)
			return nil
		}, "", "ERROR handler failed: http: the handler answered twice, the second time at misuse_test.go:"},
		{"an empty Text, and HTML", func(w *http.Response, r *http.Request) error {
			w.Text("")
			w.HTML("two")
			return nil
		}, "", "ERROR handler failed: http: the handler answered twice, the second time at misuse_test.go:"},
		{"nothing without a copy, and Text", func(w *http.Response, r *http.Request) error {
			w.WriteNoCopy(nil)
			w.Text("two")
			return nil
		}, "", "ERROR handler failed: http: the handler answered twice, the second time at misuse_test.go:"},
		{"Text, and Hold", func(w *http.Response, r *http.Request) error {
			w.Text("one")
			w.Hold()
			return nil
		}, "", "ERROR handler failed: http: the handler answered twice, the second time at misuse_test.go:"},
		{"Hold, and Text", func(w *http.Response, r *http.Request) error {
			h, err := w.Hold()
			if err != nil {
				return err
			}
			r.Loop().After(time.Second, func() {
				fmt.Fprint(h, "one")
				h.Done()
			})
			w.Text("two")
			return nil
		}, "one", "ERROR mistake in an answer that is held: http: the handler answered twice, the second time at misuse_test.go:"},
		{"Hold, and Write later", func(w *http.Response, r *http.Request) error {
			h, err := w.Hold()
			if err != nil {
				return err
			}
			r.Loop().After(time.Second, func() {
				fmt.Fprint(w, "two")
				fmt.Fprint(h, "one")
				h.Done()
			})
			return nil
		}, "one", "ERROR mistake in an answer that is held: http: the handler answered twice, the second time at misuse_test.go:"},
		{"JSON, and a status", func(w *http.Response, r *http.Request) error {
			w.JSON(1)
			return http.StatusCreated
		}, "201 Created\n", "WARN handler answered twice: it returned a status behind its answer, which is not sent: handler=misuse_test.go:"},
		{"Text, and an error of the client's", func(w *http.Response, r *http.Request) error {
			w.Text("one")
			return http.StatusNotFound.Because("two")
		}, "404 Not Found: two\n", "WARN handler answered twice: it returned a status behind its answer, which is not sent: handler=misuse_test.go:"},
		{"Write, and a status of success", func(w *http.Response, r *http.Request) error {
			fmt.Fprint(w, "one")
			return http.StatusCreated
		}, "201 Created\n", "WARN handler answered twice: it returned a status behind its answer, which is not sent: handler=misuse_test.go:"},
		{"output before an error is dropped, which is right", func(w *http.Response, r *http.Request) error {
			fmt.Fprint(w, "one")
			return http.StatusNotFound
		}, "404 Not Found\n", ""},
		{"a handler off the loop", http.Blocking(1, func(w *http.Response, r *http.Request) error {
			w.Text("one")
			w.Text("two")
			return nil
		}), "", "ERROR handler failed: http: the handler answered twice, the second time at misuse_test.go:"},
		{"a reply of Offload", func(w *http.Response, r *http.Request) error {
			return http.Offload(w, func() (int, error) { return 0, nil }, func(w *http.Response, _ int) error {
				w.Text("one")
				return http.StatusCreated
			})
		}, "201 Created\n", "WARN handler answered twice: it returned a status behind its answer, which is not sent: handler=misuse_test.go:"},
	} {
		for _, routed := range []bool{false, true} {
			t.Run(fmt.Sprint(row.name, ", behind a Router: ", routed), func(t *testing.T) {
				h := row.handler
				if routed {
					router := new(http.Router)
					router.Handle("/{any...}", h)
					h = router.Serve
				}
				log := &levels{}
				httptest.Run(t, httptest.Config{Handler: h, Log: slog.New(log)}, func(c *httptest.Client) {
					for range 3 { // at one moment: what a status replaces is logged once a second
						if a := c.Get("/"); a.Status == 500 != (row.body == "") || row.body != "" && a.Body != row.body {
							t.Errorf("got %v", a)
						}
					}
				})
				var got []string
				for i, line := range log.lines {
					text := log.levels[i] + " " + line[""] + ": "
					if line["handler"] != "" {
						text += "handler=" + line["handler"][strings.LastIndexByte(line["handler"], '/')+1:]
					}
					got = append(got, text+line["error"])
				}
				if want := row.log; len(got) > 0 != (want != "") || want != "" && !strings.HasPrefix(got[0], want) && !(strings.Contains(want, "handler=") && !routed && strings.HasPrefix(got[0], want[:20])) {
					t.Errorf("the log has %q", got)
				}
				if strings.HasPrefix(row.log, "WARN") && len(got) != 1 {
					t.Errorf("the log has %d lines", len(got))
				}
			})
		}
	}
}

// TestAMistakeInAHeldAnswerIsLoggedAtOnce looks at the log while the answer goes on.
func TestAMistakeInAHeldAnswerIsLoggedAtOnce(t *testing.T) {
	log := &notebook{}
	h := func(w *http.Response, r *http.Request) error {
		held, err := w.Hold()
		if err != nil {
			return err
		}
		r.Loop().After(time.Second, func() {
			if len(log.lines) != 1 {
				t.Errorf("the log has %v", log.lines)
			}
			held.Done()
		})
		w.Text("two")
		return nil
	}
	httptest.Run(t, httptest.Config{Handler: h, Log: slog.New(log)}, func(c *httptest.Client) { c.Get("/") })
	if len(log.lines) != 1 {
		t.Errorf("at the end, the log has %v", log.lines)
	}
}

// TestALateUseNamesTheFirstFrameOutside uses a Response of a request that is over, by calls
// that go through others: of this package, of the standard library, of package std.
func TestALateUseNamesTheFirstFrameOutside(t *testing.T) {
	for name, use := range map[string]func(w *http.Response, r *http.Request){
		"directly":                  func(w *http.Response, r *http.Request) { w.Text("a") },
		"by another method":         func(w *http.Response, r *http.Request) { r.Query() },
		"by one that calls a third": func(w *http.Response, r *http.Request) { w.Redirect(303, "/") },
		"by fmt":                    func(w *http.Response, r *http.Request) { fmt.Fprint(w, "a") },
		"by io":                     func(w *http.Response, r *http.Request) { io.ReadAll(r) },
		"by encoding/json":          func(w *http.Response, r *http.Request) { json.NewEncoder(w).Encode(1) },
		"by a key":                  func(w *http.Response, r *http.Request) { user.Get(r) },
		"by an iterator": func(w *http.Response, r *http.Request) {
			for range r.Headers() {
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			var answer *http.Response
			var request *http.Request
			var late any
			h := func(w *http.Response, r *http.Request) error {
				if answer == nil {
					answer, request = w, r
					return nil
				}
				defer func() { late = recover() }()
				use(answer, request)
				return nil
			}
			httptest.Run(t, httptest.Config{Handler: h}, func(c *httptest.Client) {
				c.Get("/first")
				c.Get("/second")
			})
			_, place, _ := strings.Cut(fmt.Sprint(late), " was called at ")
			if !strings.HasPrefix(place, "misuse_test.go:") {
				t.Errorf("it says %v", late)
			}
		})
	}
}

// TestAServerWithoutALogHasTheDefault has a handler panic on a server with nothing but a
// handler.
func TestAServerWithoutALogHasTheDefault(t *testing.T) {
	before := slog.Default()
	defer slog.SetDefault(before)
	log := &notebook{}
	slog.SetDefault(slog.New(log))
	s, err := http.NewServer(http.Config{Handler: func(*http.Response, *http.Request) error { panic("the disk is on fire") }})
	if err != nil {
		t.Fatal(err)
	}
	listeners, err := s.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- s.Run() }()
	answer, err := nethttp.Get("http://" + listeners[0].Addr().String())
	if err != nil || answer.StatusCode != 500 {
		t.Errorf("got %v, %v", answer, err)
	}
	s.Stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if len(log.lines) != 1 || log.lines[0][""] != "panic in a handler" {
		t.Errorf("the log has %v", log.lines)
	}
}

// TestAServerIsUsedOnceAndHasAHandler makes mistakes that were silent.
func TestAServerIsUsedOnceAndHasAHandler(t *testing.T) {
	if _, err := http.NewServer(http.Config{}); err == nil || !strings.Contains(err.Error(), "Handler is nil") {
		t.Errorf("no handler: %v", err)
	}
	if err := http.ListenAndServe("127.0.0.1:0", nil); err == nil || !strings.Contains(err.Error(), "Handler is nil") {
		t.Errorf("no handler: %v", err)
	}
	s, err := http.NewServer(http.Config{Handler: std.Handler(nethttp.NotFoundHandler()), Loop: eventloop.Config{CheckOwner: true}})
	if err != nil {
		t.Fatal(err)
	}
	s.Stop()
	if err := s.Run(); err != nil {
		t.Error(err)
	}
	if err := s.Run(); err == nil || !strings.Contains(err.Error(), "runs once") {
		t.Errorf("a second Run: %v", err)
	}
	if _, err := s.Listen("127.0.0.1:0"); err == nil || !strings.Contains(err.Error(), "has ended") {
		t.Errorf("Listen after the end: %v", err)
	}
}

// TestARedirectIsEscaped sends clients to places that are no URIs as they stand.
func TestARedirectIsEscaped(t *testing.T) {
	for _, row := range []struct{ name, location, want string }{
		{"a valid URI stays", "https://a.example:8080/b/c;d=e?f=g&h=[i]#j", "https://a.example:8080/b/c;d=e?f=g&h=[i]#j"},
		{"spaces and other letters are escaped", "/x y/é", "/x%20y/%C3%A9"},
		{"an escape stays", "/x%20y%c3%a9", "/x%20y%c3%a9"},
		{"browsers take a backslash for a slash", `/\evil.example`, "/%5Cevil.example"},
		{"a line break begins no other field", "/a\r\nSet-Cookie: b=c", "/a%0D%0ASet-Cookie:%20b=c"},
		{"nor does any control", "/\x00\x7f\t", "/%00%7F%09"},
		{"quotes and brackets of tags are escaped", `/"<>{}|^` + "`", "/%22%3C%3E%7B%7D%7C%5E%60"},
	} {
		h := func(w *http.Response, r *http.Request) error {
			w.Add("Location", "/another")
			return w.Redirect(http.StatusSeeOther, row.location)
		}
		httptest.Run(t, httptest.Config{Handler: h}, func(c *httptest.Client) {
			if a := c.Get("/"); a.Status != 303 || a.Header("Location") != row.want || strings.Count(strings.Join(a.Headers, "\n"), "Location: ") != 1 {
				t.Errorf("%s: got %v", row.name, a)
			}
		})
	}
}
