package http_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
)

// everywhere runs a test with a handler in each of the places where one may wait for its
// client.
func everywhere(t *testing.T, h http.Handler, test func(t *testing.T, h http.Handler)) {
	for name, h := range map[string]http.Handler{"streaming": http.Streaming(h), "blocking": http.Blocking(10, h)} {
		t.Run(name, func(t *testing.T) { test(t, h) })
	}
}

// TestAHandlersDeadlineForTheBody sends five bytes, one in each pause.
func TestAHandlersDeadlineForTheBody(t *testing.T) {
	whole := func(r *http.Request) (string, error) { p, err := r.Body(); return string(p), err }
	pieces := func(r *http.Request) (string, error) { p, err := io.ReadAll(r); return string(p), err }
	for _, row := range []struct {
		name      string
		deadlines []time.Duration
		pause     time.Duration
		want      string // "late" if the deadline was met
	}{
		{"a body that comes before is read", []time.Duration{3 * time.Second}, 500 * time.Millisecond, "hello"},
		{"one that comes too late is not", []time.Duration{3 * time.Second}, 5 * time.Second, "late"},
		{"nor one that drips", []time.Duration{3 * time.Second}, 900 * time.Millisecond, "late"},
		{"a second deadline replaces the first", []time.Duration{time.Second, 5 * time.Second}, 500 * time.Millisecond, "hello"},
		{"one that is never lets the body come", []time.Duration{time.Second, math.MaxInt64}, 500 * time.Millisecond, "hello"},
		{"one that was always over reads nothing", []time.Duration{math.MinInt64}, 500 * time.Millisecond, "late"},
		{"none lets the body come", []time.Duration{time.Second, 0}, 500 * time.Millisecond, "hello"},
		{"one that is over reads nothing", []time.Duration{-time.Second}, 500 * time.Millisecond, "late"},
	} {
		for how, read := range map[string]func(*http.Request) (string, error){"whole": whole, "in pieces": pieces} {
			h := func(w *http.Response, r *http.Request) error {
				for _, d := range row.deadlines {
					if err := r.SetReadDeadline(d); err != nil {
						return err
					}
				}
				body, err := read(r)
				if errors.Is(err, context.DeadlineExceeded) {
					if status := http.Status(0); !errors.As(err, &status) || status != http.StatusRequestTimeout {
						return fmt.Errorf("%v is %d", err, status)
					}
					return w.Text("late")
				}
				if err != nil {
					return err
				}
				return w.Text(body)
			}
			test := func(t *testing.T, h http.Handler) {
				httptest.Run(t, httptest.Config{Handler: h}, func(c *httptest.Client) {
					conn := c.Dial()
					defer conn.Close()
					conn.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n")
					c.Go(func(other *httptest.Client) {
						to := conn.For(other)
						for _, b := range "hello" {
							other.Sleep(row.pause)
							to.Send(string(b))
						}
					})
					a := conn.Answer("POST")
					if a.Status != 200 || a.Body != row.want || (a.Header("Connection") == "close") != (row.want == "late") {
						t.Errorf("%v", a)
					}
				})
			}
			t.Run(row.name+", "+how, func(t *testing.T) {
				t.Run("on the loop", func(t *testing.T) { test(t, h) })
				everywhere(t, h, test)
			})
		}
	}
}

// TestAReadDeadlineThatIsReturnedIsA408: a handler need not know of it.
func TestAReadDeadlineThatIsReturnedIsA408(t *testing.T) {
	h := func(w *http.Response, r *http.Request) error {
		r.SetReadDeadline(time.Second)
		_, err := r.Body()
		return err
	}
	httptest.Run(t, httptest.Config{Handler: h}, func(c *httptest.Client) {
		conn := c.Dial()
		defer conn.Close()
		conn.Send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe")
		if a := conn.Answer("POST"); a.Status != 408 || a.Header("Connection") != "close" {
			t.Errorf("%v", a)
		}
	})
}

// TestAHandlersDeadlineForTheAnswer has clients that take an answer, or not before a time.
func TestAHandlersDeadlineForTheAnswer(t *testing.T) {
	const size = 4 << 20 // more than sockets hold
	for _, row := range []struct {
		name      string
		deadlines []time.Duration
		after     time.Duration // the client begins to take the answer
		want      bool          // it has all of it
	}{
		{"a client that takes it has all of it", []time.Duration{3 * time.Second}, 0, true},
		{"one that begins in time, too", []time.Duration{3 * time.Second}, 2 * time.Second, true},
		{"one that does not is cut off", []time.Duration{3 * time.Second}, 4 * time.Second, false},
		{"a second deadline replaces the first", []time.Duration{3 * time.Second, 6 * time.Second}, 4 * time.Second, true},
		{"one that is never leaves the client its time", []time.Duration{3 * time.Second, math.MaxInt64}, 4 * time.Second, true},
		{"none leaves the client its time", []time.Duration{3 * time.Second, 0}, 4 * time.Second, true},
		{"one that is over breaks the connection", []time.Duration{-time.Second}, time.Second, false},
	} {
		h := func(w *http.Response, r *http.Request) error {
			if r.Path() == "/next" {
				return w.Text("next")
			}
			for _, d := range row.deadlines {
				if err := w.SetWriteDeadline(d); err != nil {
					return err
				}
			}
			piece := []byte(strings.Repeat("x", size/64))
			for range 64 {
				if _, err := w.Write(piece); err != nil {
					if err != http.ErrGone || row.want {
						t.Errorf("%s: %v", row.name, err)
					}
					return err
				}
			}
			return nil
		}
		test := func(t *testing.T, h http.Handler) {
			httptest.Run(t, httptest.Config{Handler: h}, func(c *httptest.Client) {
				conn := c.Dial()
				defer conn.Close()
				conn.Send(httptest.Request("GET", "/", ""))
				c.Sleep(row.after)
				a := conn.Answer("GET")
				if got := a.Err == nil && len(a.Body) == size; got != row.want {
					t.Errorf("%d, %d bytes, %v", a.Status, len(a.Body), a.Err)
				}
				if !row.want {
					return
				}
				c.Sleep(10 * time.Second) // the deadline was for that answer alone
				conn.Send(httptest.Request("GET", "/next", ""))
				if a := conn.Answer("GET"); a.Body != "next" {
					t.Errorf("%v", a)
				}
			})
		}
		t.Run(row.name, func(t *testing.T) {
			t.Run("on the loop", func(t *testing.T) { test(t, h) })
			everywhere(t, h, test)
		})
	}
}
