package http_test

import (
	"context"
	"log/slog"
	nethttp "net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
	"github.com/bobbin-http/bobbin/http/std"
)

// A notebook is a handler of log/slog that keeps what was logged.
type notebook struct {
	mu    sync.Mutex
	lines []map[string]string
}

func (n *notebook) Enabled(context.Context, slog.Level) bool { return true }
func (n *notebook) WithAttrs([]slog.Attr) slog.Handler       { return n }
func (n *notebook) WithGroup(string) slog.Handler            { return n }

func (n *notebook) Handle(_ context.Context, r slog.Record) error {
	line := map[string]string{"": r.Message}
	r.Attrs(func(a slog.Attr) bool {
		line[a.Key] = a.Value.String()
		return true
	})
	n.mu.Lock()
	defer n.mu.Unlock()
	n.lines = append(n.lines, line)
	return nil
}

// levels is a notebook that keeps the level of each line, too.
type levels struct {
	notebook
	levels []string
}

func (n *levels) Handle(c context.Context, r slog.Record) error {
	n.levels = append(n.levels, r.Level.String())
	return n.notebook.Handle(c, r)
}

// TestAStackIsLoggedOnceASecond has handlers panic fifty times at once, on all that a
// handler may run on: each panic is a line, one of them has a stack.
func TestAStackIsLoggedOnceASecond(t *testing.T) {
	burns := func(*http.Response, *http.Request) error { panic("the disk is on fire") }
	for _, row := range []struct {
		name    string
		handler http.Handler
		what    string
	}{
		{"a handler on the loop", burns, "panic in a handler"},
		{"one that waits on the loop", http.Streaming(burns), "panic in a handler"},
		{"one that runs aside", http.Blocking(8, burns), "panic in a handler"},
		{"one of net/http", std.Handler(nethttp.HandlerFunc(func(nethttp.ResponseWriter, *nethttp.Request) { burns(nil, nil) })), "panic in a handler"},
		{"work that was left to a worker", func(w *http.Response, r *http.Request) error {
			return http.Offload(w, func() (int, error) { return 0, burns(nil, nil) }, func(*http.Response, int) error { return nil })
		}, "panic in offloaded work"},
		{"what follows such work", func(w *http.Response, r *http.Request) error {
			return http.Offload(w, func() (int, error) { return 0, nil }, func(*http.Response, int) error { return burns(nil, nil) })
		}, "panic in a handler"},
		{"what happens when a request is over", func(w *http.Response, r *http.Request) error {
			w.OnEnd(func() { burns(nil, nil) })
			return w.Text("hello")
		}, "panic"},
	} {
		t.Run(row.name, func(t *testing.T) {
			log := &notebook{}
			httptest.Run(t, httptest.Config{Handler: row.handler, Log: slog.New(log), Limits: http.Limits{Workers: 4}}, func(c *httptest.Client) {
				for _, n := range []int{50, 2} {
					for range n {
						if a := c.Get("/"); a.Status != 500 && row.what != "panic" {
							t.Errorf("got %v", a)
						}
					}
					c.Sleep(time.Second)
				}
			})
			panics, full := 0, []string{}
			for _, line := range log.lines {
				if line[""] != row.what {
					if strings.Contains(line["error"], "goroutine ") {
						t.Errorf("another stack: %v", line)
					}
					continue
				}
				panics++
				if line["value"] != "the disk is on fire" {
					t.Errorf("%q", line)
				}
				if stack := line["stack"]; stack != "" {
					full = append(full, line["shortened"])
					if !strings.Contains(stack, "TestAStackIsLoggedOnceASecond") {
						t.Errorf("whose stack is %s?", stack)
					}
				}
			}
			if panics != 52 || strings.Join(full, " ") != "0 49" {
				t.Errorf("%d panics were logged, with stacks behind %v that were shortened", panics, full)
			}
		})
	}
}
