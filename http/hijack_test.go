package http

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// hijacking answers by itself, with what it has got, and closes.
func hijacking(w *Response, r *Request) error {
	d, err := w.Hijack()
	if err != nil {
		return err
	}
	defer d.Conn.Close()
	rest, err := io.ReadAll(d.Conn)
	if errors.Is(err, sim.ErrWouldWait) {
		err = nil
	}
	fmt.Fprintf(d.Conn, "%s %s%s, %v; ", r.Path(), d.Rest, rest, err)
	if _, err := w.Write([]byte("late")); err != nil {
		return err
	}
	_, again := w.Hijack()
	fmt.Fprintf(d.Conn, "%v, %v, %v", w.Flush(), again, r.Context().Err())
	return nil
}

// TestAHandlerTakesItsConnectionOver has handlers of both kinds, and what they find.
func TestAHandlerTakesItsConnectionOver(t *testing.T) {
	const over = "; http: the answer is over, http: the answer is over, <nil>"
	for _, row := range []struct {
		name string
		h    Handler
		ask  []string
		want string
	}{
		{"bytes behind the request are handed on", hijacking,
			[]string{"GET /a HTTP/1.1\r\nHost: a\r\n\r\nmore", " and more"}, "/a more and more, <nil>" + over},
		{"a body that was not read is handed on", hijacking,
			[]string{"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello"}, "/a hello, <nil>" + over},
		{"a client that has ended its half is still answered", hijacking,
			[]string{"GET /a HTTP/1.1\r\nHost: a\r\n\r\nmore", "end"}, "/a more, <nil>; http: the answer is over"},
		{"output from before goes first", func(w *Response, r *Request) error {
			w.Write([]byte("first"))
			if err := w.Flush(); err != nil {
				return err
			}
			return hijacking(w, r)
		}, []string{"GET /a HTTP/1.0\r\n\r\n"}, "first/a , <nil>" + over},
		{"an answer that was not flushed is not sent", func(w *Response, r *Request) error {
			w.Write([]byte("first"))
			return hijacking(w, r)
		}, []string{"GET /a HTTP/1.1\r\nHost: a\r\n\r\n"}, "/a , <nil>" + over},
		{"a body that was read to its end is in the way of nothing", func(w *Response, r *Request) error {
			if _, err := io.ReadAll(r); err != nil {
				return err
			}
			return hijacking(w, r)
		}, []string{"POST /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nmore"}, "/a more, <nil>" + over},
		{"a body that was read in part is", func(w *Response, r *Request) error {
			r.Read(make([]byte, 3))
			_, err := w.Hijack()
			return w.Text(fmt.Sprint(err))
		}, []string{"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\nConnection: close\r\n\r\nhelloworld"}, errHalfRead.Error()},
	} {
		for kind, h := range map[string]Handler{"Streaming": Streaming(row.h), "Blocking": Blocking(1, row.h)} {
			t.Run(row.name+", by "+kind, func(t *testing.T) {
				statuses := ""
				logged := func(w *Response, r *Request) error {
					w.OnAnswer(func(s Status, _ int64) { statuses += fmt.Sprint(int(s)) })
					return h(w, r)
				}
				err := stage(t, sim.New(1), Config{Handler: logged}, func(s *Server, c *sim.Script, w *sim.Wire) {
					for _, piece := range row.ask {
						if piece == "end" {
							w.CloseWrite()
							continue
						}
						c.Send(w, []byte(piece))
					}
					text, err := c.ReceiveAll(w)
					if !strings.Contains(string(text), row.want) || err != nil {
						t.Errorf("the client got %q, %v", text, err)
					}
					w.Close()
				})
				if err != nil {
					t.Error(err)
				}
				want := "101"
				if strings.Contains(row.want, "first") || row.want == errHalfRead.Error() {
					want = "200"
				}
				if statuses != want {
					t.Errorf("the log has %q", statuses)
				}
			})
		}
	}
}

// TestATakeoverThatFailsIsTold has the client leave, and the limit reached.
func TestATakeoverThatFailsIsTold(t *testing.T) {
	for _, kind := range []string{"Streaming", "Blocking"} {
		got := make(chan error, 3)
		run := func(w *Response, r *Request) error {
			if r.Path() == "/large" {
				w.Write(make([]byte, 10_000))
				w.Flush()
			}
			_, err := w.Hijack()
			got <- err
			return err
		}
		h := Streaming(run)
		if kind == "Blocking" {
			h = Blocking(3, run)
		}
		k := sim.New(1)
		k.Buffer = 1000
		_ = stage(t, k, Config{Handler: h, Limits: Limits{Detached: 1}}, func(s *Server, c *sim.Script, w *sim.Wire) {
			c.Send(w, []byte("GET /large HTTP/1.1\r\nHost: a\r\n\r\n"))
			c.Sleep(time.Second)
			w.Reset()
			c.Sleep(time.Second)
			for i := range 2 {
				w, _ := k.Dial()
				c.Send(w, []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
				c.Sleep(time.Second)
				if i == 1 {
					text, _ := c.Receive(w, nil, 1000)
					if !strings.HasPrefix(string(text), "HTTP/1.1 500 ") {
						t.Errorf("%s: %q", kind, text)
					}
				}
				w.Reset()
			}
		})
		for i, want := range []error{ErrGone, nil, eventloop.ErrDetachedFull} {
			if err := <-got; err != want {
				t.Errorf("%s, client %d: %v", kind, i, err)
			}
		}
	}
}
