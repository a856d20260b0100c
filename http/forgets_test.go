package http

import (
	"bytes"
	"context"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// An exchange is used again and again. Nothing of one use may be seen in the next.

// asks asks on connections of their own, one after the other, and returns what the
// last has heard.
func asks(t *testing.T, requests ...string) string { return asksOf(t, site, requests...) }

// asksOf is asks for another handler.
func asksOf(t *testing.T, h Handler, requests ...string) string {
	t.Helper()
	var heard []byte
	k := sim.New(1)
	_ = stage(t, k, Config{Handler: h}, func(s *Server, c *sim.Script, w *sim.Wire) {
		w.Close()
		for _, request := range requests {
			w, err := k.Dial()
			if err != nil {
				t.Error(err)
				return
			}
			c.Send(w, []byte(request))
			w.CloseWrite()
			heard, _ = c.ReceiveAll(w)
			w.Close()
			c.Sleep(10 * time.Millisecond)
		}
	})
	return regexp.MustCompile(`Date: .*\r\n`).ReplaceAllString(string(heard), "")
}

func TestAnExchangeForgetsItsLastUse(t *testing.T) {
	const head = " HTTP/1.1\r\nHost: a\r\n"
	then := []string{
		"GET /" + head + "\r\n",
		"GET /streaming/ticks" + head + "\r\n",
		"GET /blocking/ticks" + head + "\r\n",
		"GET /stream" + head + "\r\n",
		"POST /echo" + head + "Content-Length: 5\r\n\r\nhello",
		"GET /file" + head + "\r\n",
		"GET /get-only" + head + "\r\n",
	}
	var fresh []string
	for _, next := range then {
		fresh = append(fresh, asks(t, next))
	}
	for _, first := range []string{
		"GET /bye" + head + "\r\n",
		"GET /stream-bye" + head + "\r\n",
		"GET /streaming/bye" + head + "\r\n",
		"GET /blocking/bye" + head + "\r\n",
		"GET /streaming/trailer" + head + "\r\n",
		"GET /blocking/trailer" + head + "\r\n",
		"GET /streaming/known" + head + "\r\n",
		"GET /streaming/slow" + head + "\r\n",
		"GET /blocking/panics" + head + "\r\n",
		"GET /status/404" + head + "\r\n",
		"GET /exactly" + head + "\r\n",
		"GET /split" + head + "\r\n",
		"GET /error" + head + "\r\n",
		"GET /panic" + head + "\r\n",
		"GET /later-panic" + head + "\r\n",
		"GET /less" + head + "\r\n",
		"HEAD /stream" + head + "\r\n",
		"POST /get-only" + head + "Content-Length: 5\r\n\r\nhello",
		"POST /echo" + head + "Content-Length: 5\r\nExpect: 100-continue\r\n\r\nhello",
		"POST /streaming/body" + head + "Content-Length: 50\r\n\r\nhello",
		"POST /echo" + head + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
	} {
		for i, next := range then {
			if got := asks(t, first, next); got != fresh[i] {
				t.Errorf("behind %.40q, %.40q is answered by %.500q, and not by %.500q", first, next, got, fresh[i])
			}
		}
	}
}

// TestAnExchangeForgetsTheEscapedSlashesOfAPath asks for a path that another pattern
// would match with slashes in place of its escaped ones. That is remembered for the
// request, because files are not served by such a path, and for no other request.
func TestAnExchangeForgetsTheEscapedSlashesOfAPath(t *testing.T) {
	path := func(w *Response, r *Request) error {
		p, err := r.CleanPathBytes(nil)
		if err != nil {
			return err
		}
		return w.Text(string(p))
	}
	router := new(Router)
	router.Handle("GET /files/{rest...}", path)
	router.Handle("GET /files/private/{rest...}", path)
	const head = " HTTP/1.1\r\nHost: a\r\n\r\n"
	if got := asksOf(t, router.Serve, "GET /files/private%2fx"+head); !strings.HasPrefix(got, "HTTP/1.1 404 ") {
		t.Fatalf("an escaped slash is answered by %q", got)
	}
	if got := asksOf(t, router.Serve, "GET /files/private%2fx"+head, "GET /files/a"+head); !strings.HasSuffix(got, "\r\n/files/a") {
		t.Errorf("the next request is answered by %q", got)
	}
}

// TestAnExchangeForgetsItsValues asks with a value and then without.
func TestAnExchangeForgetsItsValues(t *testing.T) {
	var user Key[string]
	h := func(w *Response, r *Request) error {
		if name := r.Header("User"); name != "" {
			user.Set(r, name)
		}
		name, ok := user.Get(r)
		return w.Text(fmt.Sprintln(name, ok, r.Context().Value(&user)))
	}
	const head = "GET / HTTP/1.1\r\nHost: a\r\n"
	if got := asksOf(t, h, head+"User: ann\r\n\r\n"); !strings.HasSuffix(got, "ann true ann\n") {
		t.Fatalf("with a value, the answer is %q", got)
	}
	if got := asksOf(t, h, head+"User: ann\r\n\r\n", head+"\r\n"); !strings.HasSuffix(got, " false <nil>\n") {
		t.Errorf("the next request is answered by %q", got)
	}
}

// TestAnExchangeForgetsTheLimitsOfItsBody asks a route with small limits and then one
// without.
func TestAnExchangeForgetsTheLimitsOfItsBody(t *testing.T) {
	whole := func(w *Response, r *Request) error {
		body, err := r.Body()
		if err != nil {
			return err
		}
		return w.Text(string(body))
	}
	router := new(Router)
	router.Handle("/small", BodyLimits{Size: 4}.Wrap(whole))
	router.Handle("/", whole)
	const head, body = " HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", "hello"
	if got := asksOf(t, router.Serve, "POST /small"+head+body); !strings.HasPrefix(got, "HTTP/1.1 413 ") {
		t.Fatalf("five bytes are answered by %q", got)
	}
	if got := asksOf(t, router.Serve, "POST /small"+head+body, "POST /"+head+body); !strings.HasSuffix(got, "\r\nhello") {
		t.Errorf("the next request is answered by %q", got)
	}
}

// TestWorkThatComesTooLateAnswersNothing has the answer to one request be made when
// its exchange belongs to another already.
func TestWorkThatComesTooLateAnswersNothing(t *testing.T) {
	k := sim.New(1)
	handler := func(w *Response, r *Request) error {
		path, takes := r.Path(), 20*time.Second
		if path == "/first" {
			takes = 10 * time.Second
			w.Timeout(time.Second)
		}
		return Offload(w, func() (string, error) {
			k.Hang(takes)
			return "of " + path, nil
		}, (*Response).Text)
	}
	err := stage(t, k, Config{Handler: handler, Limits: Limits{WorkerTimeout: time.Minute}}, func(s *Server, c *sim.Script, w *sim.Wire) {
		c.Send(w, []byte("GET /first HTTP/1.1\r\nHost: a\r\n\r\n"))
		if answer, err := c.ReceiveAll(w); err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 503 ")) {
			t.Errorf("got %q, %v", answer, err)
		}
		w.Close()
		w, err := k.Dial()
		if err != nil {
			t.Error(err)
			return
		}
		c.Send(w, []byte("GET /second HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
		if answer, err := c.ReceiveAll(w); err != nil || !bytes.HasSuffix(answer, []byte("\r\n\r\nof /second")) {
			t.Errorf("got %q, %v", answer, err)
		}
		w.Close()
	})
	if err != nil {
		t.Error(err)
	}
}

// A lentFile counts how often it is released.
type lentFile struct {
	*strings.Reader
	released *int
}

func (lentFile) Fd() uintptr { return 0 }
func (f lentFile) Release()  { *f.released++ }

func TestAFileIsReleasedOnceWhateverComesOfItsAnswer(t *testing.T) {
	for _, row := range []struct {
		name    string
		method  string
		handler func(w *Response, f lentFile) error
	}{
		{"it is sent", "GET", func(w *Response, f lentFile) error { return w.SendFile(f, 0, f.Size()) }},
		{"nothing of it is sent", "HEAD", func(w *Response, f lentFile) error { return w.SendFile(f, 0, f.Size()) }},
		{"an empty range is sent", "GET", func(w *Response, f lentFile) error { return w.SendFile(f, 0, 0) }},
		{"the handler fails afterwards", "GET", func(w *Response, f lentFile) error {
			w.SendFile(f, 0, f.Size())
			return StatusNotFound
		}},
		{"the handler panics afterwards", "GET", func(w *Response, f lentFile) error {
			w.SendFile(f, 0, f.Size())
			panic("the disk is on fire")
		}},
		{"there is an answer already", "GET", func(w *Response, f lentFile) error {
			w.Text("hello")
			return w.SendFile(f, 0, f.Size())
		}},
		{"a status without a body is set", "GET", func(w *Response, f lentFile) error {
			w.SetStatus(StatusNoContent)
			return w.SendFile(f, 0, f.Size())
		}},
		{"a field is wrong", "GET", func(w *Response, f lentFile) error {
			w.Add("a name that is none", "")
			return w.SendFile(f, 0, f.Size())
		}},
		{"the file is shorter than was said", "GET", func(w *Response, f lentFile) error { return w.SendFile(f, 0, f.Size()+1) }},
		{"middleware answers in its place", "GET", func(w *Response, f lentFile) error {
			w.OnHead(func(w *Response) { w.Add("a name that is none", "") })
			return w.SendFile(f, 0, f.Size())
		}},
	} {
		released := 0
		f := lentFile{strings.NewReader("hello"), &released}
		_ = serve(t, func(w *Response, r *Request) error { return row.handler(w, f) }, func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
			c.Send(w, []byte(row.method+" / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
			c.ReceiveAll(w)
			w.Close()
		})
		if released != 1 {
			t.Errorf("%s: it is released %d times", row.name, released)
		}
	}
}

func TestWhatARequestHasAskedForEndsWithIt(t *testing.T) {
	var ctx context.Context
	handler := func(w *Response, r *Request) error {
		ctx = r.Context()
		w.Timeout(time.Hour)
		return w.Text("hello")
	}
	_ = serve(t, handler, func(k *sim.Kernel, s *Server, c *sim.Script, w *sim.Wire) {
		c.Send(w, []byte("GET / HTTP/1.1\r\nHost: a\r\n\r\n"))
		if p, err := c.Receive(w, nil, 4096); err != nil || !bytes.HasSuffix(p, []byte("hello")) {
			t.Errorf("got %q, %v", p, err)
		}
		if ctx.Err() == nil {
			t.Error("the context of a request goes on when it is answered")
		}
		if _, err := c.ReceiveAll(w); err != nil { // it idles
			t.Error(err)
		}
		w.Close()
		turns := s.Loop().Count(eventloop.Turn)
		c.Sleep(2 * time.Hour)
		if n := s.Loop().Count(eventloop.Turn) - turns; n > 1 {
			t.Errorf("the loop turns %d times when all is over: the timeout of an answered request is still there", n)
		}
	})
}

// TestHooksAreCalledOnce counts what middleware is told of each kind of answer, heard
// out by its client or not.
func TestHooksAreCalledOnce(t *testing.T) {
	for _, path := range []string{
		"/", "/large", "/file", "/cut-file", "/later", "/later-panic", "/stream", "/flood", "/missing", "/panic", "/held-and-failed", "/held-twice",
		"/streaming/text", "/streaming/ticks", "/streaming/flood", "/streaming/slow", "/streaming/fails-late", "/streaming/panics-late", "/streaming/known-less", "/streaming/holds",
		"/blocking/text", "/blocking/ticks", "/blocking/flood", "/blocking/slow", "/blocking/fails-late", "/blocking/panics-late", "/blocking/known-less",
	} {
		for _, leaves := range []bool{false, true} {
			answers, ends := 0, 0
			handler := func(w *Response, r *Request) error {
				w.OnAnswer(func(Status, int64) { answers++ })
				w.OnEnd(func() { ends++ })
				return site(w, r)
			}
			k := sim.New(1)
			_ = stage(t, k, Config{Handler: handler}, func(s *Server, c *sim.Script, w *sim.Wire) {
				c.Send(w, []byte("GET "+path+" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"))
				for range 100 {
					c.Sleep(100 * time.Millisecond)
					if leaves {
						w.Reset()
						break
					}
					if w.Waiting() > 0 {
						c.Receive(w, nil, 1<<20)
					}
				}
				w.Reset()
			})
			if ends != 1 || answers > 1 || !leaves && answers != 1 {
				t.Errorf("%s, its client leaves: %v: told of %d answers and of %d ends", path, leaves, answers, ends)
			}
		}
	}
}
