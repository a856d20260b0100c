package http_test

import (
	"fmt"
	"io"
	nethttp "net/http"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
	"github.com/bobbin-http/bobbin/http/middleware"
	"github.com/bobbin-http/bobbin/http/std"
)

// TestARouteHasItsOwnBodyLimits sends bodies to routes with limits of their own. The
// server's limit for a body in memory is 100 bytes.
func TestARouteHasItsOwnBodyLimits(t *testing.T) {
	const sec = time.Second
	began := 0
	whole := func(w *http.Response, r *http.Request) error {
		began++
		body, err := r.Body()
		if err != nil {
			return err
		}
		return w.Text(fmt.Sprint(len(body), " in memory"))
	}
	pieces := func(w *http.Response, r *http.Request) error {
		began++
		n, err := io.Copy(io.Discard, r)
		if err != nil {
			return err
		}
		return w.Text(fmt.Sprint(n, " in pieces"))
	}
	deaf := func(w *http.Response, r *http.Request) error { return w.Text("not read") }
	sorry := func(w *http.Response, r *http.Request) error { return w.SetStatus(http.StatusForbidden).Text("no") }
	away := func(w *http.Response, r *http.Request) error { return http.StatusNotFound }
	offload := func(w *http.Response, r *http.Request) error {
		return http.Offload(w, func() (int, error) { began++; return 0, nil }, func(w *http.Response, _ int) error { return w.Text("worked") })
	}
	hold := func(w *http.Response, r *http.Request) error {
		h, err := w.Hold()
		if err != nil {
			return err
		}
		began++
		h.Done()
		return nil
	}
	flush := func(w *http.Response, r *http.Request) error {
		w.Write([]byte("begun"))
		return w.Flush()
	}
	foreign := std.Handler(nethttp.HandlerFunc(func(w nethttp.ResponseWriter, r *nethttp.Request) {
		began++
		n, err := io.Copy(io.Discard, r.Body)
		fmt.Fprint(w, n, " of net/http, ", err)
	}))
	rate := middleware.RateLimit{Rate: 1, Burst: 1}
	small, large := http.BodyLimits{Size: 10}.Wrap, http.BodyLimits{Size: 1000}.Wrap
	router := new(http.Router)
	for pattern, h := range map[string]http.Handler{
		"/server":          whole,
		"/small":           small(whole),
		"/small/pieces":    small(pieces),
		"/small/streaming": small(http.Streaming(pieces)),
		"/small/blocking":  small(http.Blocking(1, pieces)),
		"/small/std":       small(foreign),
		"/small/deaf":      small(deaf),
		"/small/deaf/in":   http.Blocking(1, small(deaf)),
		"/small/sorry":     small(sorry),
		"/small/away":      small(away),
		"/small/offload":   small(offload),
		"/small/hold":      small(hold),
		"/small/flush":     http.Streaming(small(flush)),
		"/large/deaf":      small(large(deaf)),
		"/large":           large(whole),
		"/large/inside":    small(large(whole)),
		"/large/outside":   large(small(whole)),
		"/pause":           http.BodyLimits{Timeout: 2 * sec, Grace: time.Hour}.Wrap(whole),
		"/time":            http.BodyLimits{Time: 3 * sec}.Wrap(whole),
		"/time/pieces":     http.BodyLimits{Time: 3 * sec}.Wrap(pieces),
		"/rate":            http.BodyLimits{MinRate: 100, Grace: sec}.Wrap(pieces),
		"/often":           rate.Wrap(small(whole)),
	} {
		router.Handle(pattern, h)
	}
	const chunked, expect = "Transfer-Encoding: chunked", "Expect: 100-continue"
	length := func(n int) string { return fmt.Sprint("Content-Length: ", n) }
	x := func(n int) string { return strings.Repeat("x", n) }
	chunk := func(n int) string { return fmt.Sprintf("%x\r\n%s\r\n", n, x(n)) }
	var drip []any
	for range 100 {
		drip = append(drip, x(1), 50*time.Millisecond)
	}
	for _, row := range []struct {
		name   string
		path   string
		fields []string
		send   []any  // texts, and times that pass
		want   string // statuses and the last body
		began  int
	}{
		{"without any, the server's is for memory", "/server", []string{length(101)}, []any{x(101)}, "413 the body is too large", 1},
		{"a small body fits", "/small", []string{length(10)}, []any{x(10)}, "200 10 in memory", 1},
		{"a byte more does not", "/small", []string{length(11)}, nil, "413 the body is too large", 1},
		{"nor in chunks", "/small", []string{chunked}, []any{chunk(5), chunk(6)}, "413 the body is too large", 1},
		{"chunks that fit do", "/small", []string{chunked}, []any{chunk(5), chunk(5), "0\r\n\r\n"}, "200 10 in memory", 1},
		{"in pieces, a body that fits", "/small/pieces", []string{length(10)}, []any{x(5), sec, x(5)}, "200 10 in pieces", 1},
		{"one that does not", "/small/pieces", []string{length(11)}, nil, "413 the body is too large", 1},
		{"one in chunks", "/small/pieces", []string{chunked}, []any{chunk(5), sec, chunk(6)}, "413 the body is too large", 1},
		{"a coroutine is not even started", "/small/streaming", []string{length(11)}, nil, "413 the body is too large", 0},
		{"one in chunks is cut", "/small/streaming", []string{chunked}, []any{chunk(5), sec, chunk(6)}, "413 the body is too large", 1},
		{"a goroutine is not even started", "/small/blocking", []string{length(11)}, nil, "413 the body is too large", 0},
		{"nor is one of net/http", "/small/std", []string{length(11)}, nil, "413 the body is too large", 0},
		{"which gets what fits", "/small/std", []string{length(10)}, []any{x(10)}, "200 10 of net/http, <nil>", 1},
		{"nor is work on a worker", "/small/offload", []string{length(11)}, nil, "413 the body is too large", 0},
		{"which is done beside a body that fits", "/small/offload", []string{length(10)}, []any{x(10)}, "200 worked", 1},
		{"nor is an answer held open", "/small/hold", []string{length(11)}, nil, "413 the body is too large", 0},
		{"it is, beside a body that fits", "/small/hold", []string{length(10)}, []any{x(10)}, "200 ", 1},
		{"a handler that reads nothing does not answer with success", "/small/deaf", []string{length(11)}, nil, "413 the body is too large", 0},
		{"nor does one with the limit on its goroutine", "/small/deaf/in", []string{length(11)}, nil, "413 the body is too large", 0},
		{"a client that waits is told at once", "/small/deaf", []string{length(11), expect}, nil, "413 the body is too large", 0},
		{"beside a body that fits, it answers", "/small/deaf", []string{length(10)}, []any{x(10)}, "200 not read", 0},
		{"beside one in chunks, of a size that it does not know, too", "/small/deaf", []string{chunked}, []any{chunk(11), "0\r\n\r\n"}, "200 not read", 0},
		{"and beside one that fits a larger limit within", "/large/deaf", []string{length(1000)}, []any{x(1000)}, "200 not read", 0},
		{"which has its end, too", "/large/deaf", []string{length(1001)}, nil, "413 the body is too large", 0},
		{"an error that it answers stays", "/small/sorry", []string{length(11)}, []any{x(11)}, "403 no", 0},
		{"and so does one that it returns", "/small/away", []string{length(11)}, []any{x(11)}, "404 404 Not Found", 0},
		{"an answer that has begun cannot be replaced", "/small/flush", []string{length(11)}, []any{x(11)}, "200 begun", 0},
		{"a route may take more than the server", "/large", []string{length(1000)}, []any{x(1000)}, "200 1000 in memory", 1},
		{"and has its end, too", "/large", []string{length(1001)}, nil, "413 the body is too large", 1},
		{"the innermost limit holds, if it is larger", "/large/inside", []string{length(1000)}, []any{x(1000)}, "200 1000 in memory", 1},
		{"and if it is smaller", "/large/outside", []string{length(11)}, nil, "413 the body is too large", 1},
		{"a client that waits is told to send what fits", "/small", []string{length(10), expect}, []any{sec, x(10)}, "100 200 10 in memory", 1},
		{"and is not told to send what does not", "/small", []string{length(11), expect}, nil, "413 the body is too large", 1},
		{"also by a goroutine", "/small/blocking", []string{length(11), expect}, nil, "413 the body is too large", 0},
		{"in chunks, it is told, and then cut", "/small", []string{chunked, expect}, []any{sec, chunk(11)}, "100 413 the body is too large", 1},
		{"a body may pause for as long as the route says", "/pause", []string{length(10)}, []any{x(5), 1900 * time.Millisecond, x(5)}, "200 10 in memory", 1},
		{"and no longer", "/pause", []string{length(10)}, []any{x(5)}, "408 the body took too long", 1},
		{"a body may take its time", "/time", []string{length(3)}, []any{x(1), sec, x(1), sec, x(1)}, "200 3 in memory", 1},
		{"and no more", "/time", []string{length(9)}, []any{x(1), sec, x(1), sec, x(1), sec}, "408 the body took too long", 1},
		{"not even in silence", "/time", []string{length(9)}, []any{x(1)}, "408 the body took too long", 1},
		{"nor by a steady drip", "/time", []string{length(99)}, drip, "408 the body took too long", 1},
		{"nor in pieces", "/time/pieces", []string{length(9)}, []any{x(1), sec, x(1), sec, x(1), sec}, "408 the body took too long", 1},
		{"a body may come as slowly as the route says", "/rate", []string{length(400)}, []any{x(100), sec, x(100), sec, x(100), sec, x(100)}, "200 400 in pieces", 1},
		{"and no slower", "/rate", []string{length(400)}, []any{x(20), sec, x(20), sec, x(20), sec, x(20)}, "408 the body took too long", 1},
		{"no body, no limit", "/small", nil, nil, "200 0 in memory", 1},
	} {
		t.Run(row.name, func(t *testing.T) {
			httptest.Run(t, httptest.Config{Handler: router.Serve, Limits: http.Limits{Body: 100}}, func(c *httptest.Client) {
				began = 0
				conn, start := c.Dial(), c.Now()
				defer conn.Close()
				conn.Send(httptest.Request("POST", row.path, "", row.fields...))
				c.Go(func(c *httptest.Client) {
					for _, what := range row.send {
						switch what := what.(type) {
						case time.Duration:
							c.Sleep(what)
						case string:
							conn.For(c).Send(what)
						}
					}
				})
				var got strings.Builder
				a := conn.Answer("POST")
				for ; a.Status == 100; a = conn.Answer("POST") {
					got.WriteString("100 ")
				}
				if took := c.Now().Sub(start); took > 4*sec {
					t.Errorf("the answer took %v", took)
				}
				body, _ := strings.CutPrefix(strings.TrimSuffix(a.Body, "\n"), http.Status(a.Status).Error()+": ")
				if fmt.Fprint(&got, a.Status, " ", body); got.String() != row.want || began != row.began {
					t.Errorf("got %q, and %d handlers began", got.String(), began)
				}
			})
		})
	}
	t.Run("a client that asks too often is told before it sends its body", func(t *testing.T) {
		httptest.Run(t, httptest.Config{Handler: router.Serve}, func(c *httptest.Client) {
			c.Do("POST", "/often", "hello")
			began = 0
			conn := c.Dial()
			defer conn.Close()
			conn.Send(httptest.Request("POST", "/often", "", length(5), expect))
			if a := conn.Answer("POST"); a.Status != 429 || a.Header("Retry-After") == "" || a.Header("Connection") != "close" || began != 0 {
				t.Errorf("got %v, and %d handlers began", a, began)
			}
		})
	})
}

// TestALimitBelowZeroIsRefused makes limits that cannot be meant.
func TestALimitBelowZeroIsRefused(t *testing.T) {
	for _, l := range []http.BodyLimits{{Size: -1}, {Timeout: -1}, {Time: -1}, {MinRate: -1}, {Grace: -1}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v is taken", l)
				}
			}()
			l.Wrap(nil)
		}()
	}
}
