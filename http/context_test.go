package http_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
	"github.com/bobbin-http/bobbin/http/middleware"
)

// leaving are the ways in which a client leaves while its handler waits.
var leaving = map[string]func(*httptest.Conn){
	"closes":          (*httptest.Conn).Close,
	"ends its half":   (*httptest.Conn).CloseWrite,
	"resets":          (*httptest.Conn).Reset,
	"waits, and gets": nil,
}

// TestAHandlersContextEndsWhenItsClientLeaves has clients leave after a second of two.
func TestAHandlersContextEndsWhenItsClientLeaves(t *testing.T) {
	for _, row := range []struct {
		name  string
		wrap  func(h http.Handler) http.Handler
		early bool // the context is asked for before
		late  bool // middleware ends the handler first
	}{
		{"on the loop", http.Streaming, false, false},
		{"on the loop, with a context", http.Streaming, true, false},
		{"off the loop", func(h http.Handler) http.Handler { return http.Blocking(9, h) }, false, false},
		{"off the loop, with a context", func(h http.Handler) http.Handler { return http.Blocking(9, h) }, true, false},
		{"on the loop, given up by Timeout", func(h http.Handler) http.Handler {
			return middleware.Timeout(1500 * time.Millisecond)(http.Streaming(h))
		}, false, true},
		{"on the loop, given up by Timeout with a context", func(h http.Handler) http.Handler {
			return middleware.Timeout(1500 * time.Millisecond)(http.Streaming(h))
		}, true, true},
		{"off the loop, given up by Timeout", func(h http.Handler) http.Handler {
			return middleware.Timeout(1500 * time.Millisecond)(http.Blocking(9, h))
		}, false, true},
	} {
		for how, leave := range leaving {
			t.Run(row.name+", the client "+how, func(t *testing.T) {
				got := make(chan string, 1)
				h := func(w *http.Response, r *http.Request) error {
					if row.early && r.Context().Err() != nil {
						t.Error("the context has ended too early")
					}
					paused := w.Pause(2 * time.Second)
					got <- fmt.Sprint(paused, ", ", r.Context().Err())
					return w.Text("made")
				}
				want := map[string]string{
					"closes": "<nil>, context canceled", "ends its half": "<nil>, context canceled",
					"resets": http.ErrGone.Error() + ", context canceled", "waits, and gets": "<nil>, <nil>",
				}[how]
				answer := "made"
				if row.late {
					want, answer = http.ErrGone.Error()+", context canceled", "it takes too long"
				}
				httptest.Run(t, httptest.Config{Handler: row.wrap(h)}, func(c *httptest.Client) {
					conn := c.Dial()
					conn.Send(httptest.Request("GET", "/", ""))
					c.Sleep(time.Second)
					if leave != nil {
						leave(conn)
					}
					if how == "ends its half" || leave == nil {
						if a := conn.Answer("GET"); !strings.Contains(a.Body, answer) {
							t.Errorf("%v", a)
						}
						conn.Close()
					}
					c.Sleep(5 * time.Second)
				})
				if got := <-got; got != want {
					t.Errorf("got %s, want %s", got, want)
				}
			})
		}
	}
}

// TestAReplysContextEndsWhenItsClientLeaves asks for the context when the work is done.
func TestAReplysContextEndsWhenItsClientLeaves(t *testing.T) {
	for how, leave := range map[string]func(*httptest.Conn){"ends its half": (*httptest.Conn).CloseWrite, "waits": nil} {
		t.Run("the client "+how, func(t *testing.T) {
			h := func(w *http.Response, r *http.Request) error {
				p, err := http.Later(w)
				if err != nil {
					return err
				}
				r.Loop().After(2*time.Second, func() {
					p.Answer(func(w *http.Response) error { return w.Text(fmt.Sprint(r.Context().Err())) })
				})
				return nil
			}
			want := map[bool]string{true: "context canceled", false: "<nil>"}[leave != nil]
			httptest.Run(t, httptest.Config{Handler: h}, func(c *httptest.Client) {
				conn := c.Dial()
				defer conn.Close()
				conn.Send(httptest.Request("GET", "/", ""))
				c.Sleep(time.Second)
				if leave != nil {
					leave(conn)
				}
				if a := conn.Answer("GET"); a.Body != want {
					t.Errorf("%v", a)
				}
			})
		})
	}
}

// TestAnErrorHandlerHasAContextOfItsOwn, which has not ended with the handler that was given
// up before.
func TestAnErrorHandlerHasAContextOfItsOwn(t *testing.T) {
	h := func(w *http.Response, r *http.Request) error {
		r.Context()
		w.Pause(time.Minute)
		return nil
	}
	page := func(w *http.Response, r *http.Request, f http.Failure) error {
		return w.Text(fmt.Sprint(r.Context().Err()))
	}
	httptest.Run(t, httptest.Config{Handler: middleware.Timeout(time.Second)(http.Streaming(h)), ErrorHandler: page}, func(c *httptest.Client) {
		if a := c.Get("/"); a.Status != 503 || a.Body != "<nil>" {
			t.Errorf("%v", a)
		}
	})
}

// TestAClientThatHasLeftIsNoFailure has handlers return the error of their context, or
// another one, when their client has left or not.
func TestAClientThatHasLeftIsNoFailure(t *testing.T) {
	blocking := func(h http.Handler) http.Handler { return http.Blocking(9, h) }
	wait := func(w *http.Response, r *http.Request) {
		if w.Pause(2*time.Second) != nil {
			panic("the client has reset")
		}
	}
	gone := func(w *http.Response, r *http.Request) error {
		wait(w, r)
		if err := r.Context().Err(); err != nil {
			return err
		}
		return w.Text("made")
	}
	wrapped := func(w *http.Response, r *http.Request) error {
		if err := gone(w, r); err != nil {
			return fmt.Errorf("while the catalogue was read: %w", err)
		}
		return nil
	}
	because := func(w *http.Response, r *http.Request) error {
		if err := gone(w, r); err != nil {
			return http.StatusBadGateway.Because("the catalogue cannot be read", err)
		}
		return nil
	}
	begun := func(w *http.Response, r *http.Request) error {
		w.Write([]byte("begun, "))
		if err := w.Flush(); err != nil {
			return err
		}
		return gone(w, r)
	}
	other := func(w *http.Response, r *http.Request) error {
		wait(w, r)
		return errors.New("the disk is on fire")
	}
	own := func(w *http.Response, r *http.Request) error {
		ctx, cancel := context.WithCancel(r.Context())
		cancel()
		return ctx.Err()
	}
	later := func(w *http.Response, r *http.Request) error {
		p, err := http.Later(w)
		if err != nil {
			return err
		}
		ctx := r.Context()
		r.Loop().After(2*time.Second, func() { p.Fail(ctx.Err()) })
		return nil
	}
	for _, row := range []struct {
		name    string
		handler http.Handler
		leave   bool
		want    string // the status in the access log, and the lines of the log
	}{
		{"the error of the context is no answer, on the loop", http.Streaming(gone), true, "- []"},
		{"nor off the loop", blocking(gone), true, "- []"},
		{"nor wrapped", blocking(wrapped), true, "- []"},
		{"nor as the cause of a status", blocking(because), true, "- []"},
		{"nor from work that was left to something else", later, true, "- []"},
		{"an answer that has begun is cut without a word", http.Streaming(begun), true, "200 []"},
		{"another error is one", blocking(other), true, "500 [handler failed: the disk is on fire]"},
		{"a context of the handler's own is its own affair", own, false, "500 [handler failed: context canceled]"},
		{"a client that stays has its answer", blocking(gone), false, "200 []"},
	} {
		t.Run(row.name, func(t *testing.T) {
			log, pages := &notebook{}, 0
			var out bytes.Buffer
			access := &middleware.AccessLog{Out: &out}
			page := func(w *http.Response, r *http.Request, f http.Failure) error { pages++; return w.Text("sorry") }
			httptest.Run(t, httptest.Config{Handler: access.Wrap(row.handler), Log: slog.New(log), ErrorHandler: page}, func(c *httptest.Client) {
				conn := c.Dial()
				conn.Send(httptest.Request("GET", "/", ""))
				c.Sleep(time.Second)
				if row.leave {
					conn.CloseWrite()
				}
				if a := conn.Answer("GET"); row.leave && row.want[0] == '-' && a.Err == nil {
					t.Errorf("%v", a)
				}
				conn.Close()
				c.Sleep(time.Second)
			})
			access.Close()
			status := "none"
			if _, behind, ok := strings.Cut(out.String(), `HTTP/1.1" `); ok {
				status, _, _ = strings.Cut(behind, " ")
			}
			var lines []string
			for _, line := range log.lines {
				lines = append(lines, line[""]+": "+line["error"])
			}
			if got := fmt.Sprint(status, " ", lines); got != row.want || (pages > 0) != (row.want[0] == '5') {
				t.Errorf("%s, and %d pages", got, pages)
			}
		})
	}
}

// TestSetContextTakesAContextThatEndsWithTheRequest, and nothing else.
func TestSetContextTakesAContextThatEndsWithTheRequest(t *testing.T) {
	type key struct{}
	var before context.Context
	for _, row := range []struct {
		name string
		make func(r *http.Request) context.Context
		want int
	}{
		{"one with a value", func(r *http.Request) context.Context { return context.WithValue(r.Context(), key{}, 1) }, 200},
		{"one with a deadline", func(r *http.Request) context.Context {
			ctx, cancel := context.WithTimeout(r.Context(), time.Hour)
			context.AfterFunc(r.Context(), cancel)
			return ctx
		}, 200},
		{"the request's own", func(r *http.Request) context.Context { before = r.Context(); return before }, 200},
		{"one made from one that was set", func(r *http.Request) context.Context {
			r.SetContext(context.WithValue(r.Context(), key{}, 1))
			return context.WithValue(r.Context(), key{}, 2)
		}, 200},
		{"none", func(*http.Request) context.Context { return nil }, 500},
		{"one of nothing", func(*http.Request) context.Context { return context.Background() }, 500},
		{"one of nothing, beside the request's own", func(r *http.Request) context.Context { r.Context(); return context.TODO() }, 500},
		{"that of another request", func(r *http.Request) context.Context { r.Context(); return before }, 500},
		{"one that does not end", func(r *http.Request) context.Context { return context.WithoutCancel(r.Context()) }, 500},
	} {
		h := func(w *http.Response, r *http.Request) error {
			r.SetContext(row.make(r))
			return w.Text("set")
		}
		for where, h := range map[string]http.Handler{"on the loop": h, "off the loop": http.Blocking(1, h)} {
			t.Run(row.name+", "+where, func(t *testing.T) {
				log := &notebook{}
				httptest.Run(t, httptest.Config{Handler: h, Log: slog.New(log)}, func(c *httptest.Client) {
					if a := c.Get("/"); a.Status != row.want {
						t.Errorf("%v", a)
					}
				})
				if row.want == 500 && (len(log.lines) != 1 || !strings.Contains(log.lines[0]["error"], "made from the request's Context")) {
					t.Errorf("the log has %v", log.lines)
				}
			})
		}
	}
}
