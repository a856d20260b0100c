package http

import (
	"fmt"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// polls is a site of long polls. What each does with its Held, a minute later, is its name.
func polls(log *string) Handler {
	note := func(f string, args ...any) { *log += fmt.Sprintf(f, args...) + "; " }
	later := map[string]func(h *Held){
		"write": func(h *Held) {
			h.Response().SetStatus(StatusAccepted).Add("X-Late", "yes")
			_, err := h.Write([]byte("hello"))
			note("%v %v %v", err, h.Response() == nil, h.Answer(func(*Response) error { return nil }))
			h.Done()
		},
		"done": func(h *Held) { h.Response().SetStatus(StatusNotFound); h.Done() },
		"answer": func(h *Held) {
			note("%v", h.Answer(func(w *Response) error { return w.JSON("hello") }))
			note("%v %v", h.Live(), h.Answer(nil))
		},
		"error": func(h *Held) { h.Answer(func(w *Response) error { return StatusNotFound }) },
		"panic": func(h *Held) { h.Answer(func(w *Response) error { panic("the cable is cut") }) },
		"again": func(h *Held) {
			h.Answer(func(w *Response) error { _, err := w.LongPoll(time.Minute); return err })
		},
		"mistake": func(h *Held) { h.Response().SetStatus(7); _, err := h.Write([]byte("hello")); note("%v", err) },
		"text":    func(h *Held) { h.Response().Text("a"); _, err := h.Write([]byte("hello")); note("%v", err) },
	}
	return func(w *Response, r *Request) error {
		w.OnAnswer(func(s Status, size int64) { note("logged %d %d", s, size) })
		what := r.Path()[1:]
		w.Add("X-Early", "yes")
		h, err := w.LongPoll(90 * time.Second)
		if err != nil {
			return err
		}
		h.OnClose(func() { note("closed") })
		switch what {
		case "fails":
			return StatusForbidden
		case "timeout":
			w.Timeout(time.Minute)
		case "other":
			h.OnTimeout(func(w *Response) error { return w.Text("nothing new") })
		case "early":
			h.Write([]byte("early"))
			h.Done()
		}
		if f := later[what]; f != nil {
			r.Loop().After(time.Minute, func() {
				if h.Live() {
					f(h)
				}
			})
		}
		return nil
	}
}

func TestALongPollBecomesAnyAnswer(t *testing.T) {
	for _, row := range []struct {
		name, what string
		after      time.Duration
		want, log  string
	}{
		{"the first piece sends the head, with all that was set", "write", time.Minute, "HTTP/1.1 202 Accepted\r\n...X-Early: yes\r\nX-Late: yes\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "<nil> true http: the head of the answer is out already; logged 202 5; closed; "},
		{"an end without a piece is an answer, too", "done", time.Minute, "HTTP/1.1 404 Not Found\r\n...", "logged 404 0; closed; "},
		{"a whole answer is like a handler's", "answer", time.Minute, "HTTP/1.1 200 OK\r\n...\r\n\r\n\"hello\"...", "logged 200 8; closed; <nil>; false http: the answer is over; "},
		{"and so is an error", "error", time.Minute, "HTTP/1.1 404 ...", "logged 404 14; closed; "},
		{"and a panic", "panic", time.Minute, "HTTP/1.1 500 ...", "logged 500 26; closed; "},
		{"a poll may become another", "again", 2 * time.Minute, "HTTP/1.1 204 No Content\r\n...", "closed; logged 204 0; "},
		{"a status that is none is a 500", "mistake", time.Minute, "HTTP/1.1 500 ...", "logged 500 26; closed; http: 7 is no status to answer with; "},
		{"a body beside the pieces is a 500", "text", time.Minute, "HTTP/1.1 500 ...", "logged 500 26; closed; http: the handler answered twice; "},
		{"without news, the answer is a 204", "nothing", 90 * time.Second, "HTTP/1.1 204 No Content\r\n...", "logged 204 0; closed; "},
		{"or another one", "other", 90 * time.Second, "HTTP/1.1 200 OK\r\n...nothing new", "logged 200 11; closed; "},
		{"a handler that fails has answered", "fails", 0, "HTTP/1.1 403 ...", "closed; logged 403 14; "},
		{"a Timeout ends it", "timeout", time.Minute, "HTTP/1.1 503 ...", "closed; logged 503 60; "},
		{"a handler may say something at once", "early", 0, "HTTP/1.1 200 OK\r\n...5\r\nearly\r\n0\r\n\r\n", "logged 200 5; closed; "},
		{"a stop ends it with a 204", "stop", time.Second, "HTTP/1.1 204 No Content\r\n...Connection: close\r\n...", "logged 204 0; closed; "},
	} {
		t.Run(row.name, func(t *testing.T) {
			log := ""
			_ = stage(t, sim.New(1), Config{Handler: polls(&log)}, func(s *Server, c *sim.Script, w *sim.Wire) {
				since := s.now()
				c.Send(w, []byte(get(row.what)))
				if row.what == "stop" {
					c.Sleep(time.Second)
					s.Stop()
				}
				text, err := c.Receive(w, nil, 4096)
				if took := s.now().Sub(since).Truncate(time.Second); took != row.after || err != nil {
					t.Errorf("it took %v, %v", took, err)
				}
				if c.Sleep(time.Second); w.Waiting() > 0 {
					text, _ = c.Receive(w, text, 4096)
				}
				if !fits(string(text), row.want) {
					t.Errorf("%q", text)
				}
				w.Close()
			})
			if log != row.log {
				t.Errorf("the log is %q", log)
			}
		})
	}
}

// TestALongPollEndsWithItsClient has the client reset.
func TestALongPollEndsWithItsClient(t *testing.T) {
	log := ""
	err := stage(t, sim.New(1), Config{Handler: polls(&log)}, func(s *Server, c *sim.Script, w *sim.Wire) {
		c.Send(w, []byte(get("answer")))
		c.Sleep(time.Second)
		w.Reset()
		c.Sleep(time.Second)
		if log != "closed; " {
			t.Errorf("the log is %q", log)
		}
		c.Sleep(3 * time.Minute)
	})
	if err != nil || log != "closed; " {
		t.Errorf("%q, %v", log, err)
	}
}
