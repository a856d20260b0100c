package inspect

import (
	"io"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http/httptest"
	"github.com/bobbin-http/bobbin/http/inspect/feed"
)

// A stream reads the body of an answer in chunks.
type stream struct {
	conn *httptest.Conn
	rest string
}

// watch asks for the stream, and returns the head of the answer.
func watch(c *httptest.Client, fields ...string) (*stream, string) {
	conn := c.Dial()
	conn.Send(httptest.Request("GET", "/-/xray/stream", "", append(fields, "Host: localhost")...))
	head, _ := conn.Next("\r\n\r\n")
	return &stream{conn: conn}, head
}

// Read implements io.Reader.
func (s *stream) Read(p []byte) (int, error) {
	for s.rest == "" {
		line, err := s.conn.Next("\r\n")
		if err != nil {
			return 0, err
		}
		n, err := strconv.ParseInt(strings.TrimSuffix(line, "\r\n"), 16, 32)
		if err != nil {
			return 0, err
		}
		for len(s.rest) < int(n)+2 {
			more, err := s.conn.Next("\n")
			if err != nil {
				return 0, err
			}
			s.rest += more
		}
		if s.rest = s.rest[:n]; n == 0 {
			return 0, io.EOF
		}
	}
	n := copy(p, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

// begin begins to read a stream.
func begin(t *testing.T, c *httptest.Client) (*feed.Reader, *feed.Hello, *stream) {
	t.Helper()
	s, head := watch(c)
	if !strings.HasPrefix(head, "HTTP/1.1 200 ") || !strings.Contains(head, "Content-Type: text/event-stream\r\n") {
		t.Fatalf("the stream is answered by\n%s", head)
	}
	r := feed.NewReader(s)
	hello, err := r.Hello()
	if err != nil {
		t.Fatal(err)
	}
	return r, hello, s
}

// next returns the next frame.
func next(t *testing.T, r *feed.Reader) *feed.Frame {
	t.Helper()
	f, err := r.Next()
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestAStreamGreets(t *testing.T) {
	serve(t, Config{Version: "1.2.3", Routes: []string{"GET /"}, Try: buttons}, 0, func(c *httptest.Client, i *Inspector) {
		_, hello, s := begin(t, c)
		want := []any{"1.2.3", i.token, 1, 1, int64(100), "turn", "open", []string{"", "GET /"}, []uint32{0, 1}, 2}
		got := []any{
			hello.Version, hello.Token, hello.Loops, hello.Watchers, hello.Stall, hello.Kinds[0], hello.States[1], hello.Routes, hello.You, len(hello.Try),
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("hello has %v, and not %v", got, want)
		}
		s.conn.Close()
	})
}

// TestAStreamSendsFrames watches for two seconds, in which there is one visitor.
func TestAStreamSendsFrames(t *testing.T) {
	serve(t, Config{}, 0, func(c *httptest.Client, _ *Inspector) {
		r, hello, s := begin(t, c)
		visitor := c.At("10.0.0.2").Dial()
		before := next(t, r)
		for n := range 20 {
			if n == 10 {
				visitor.Send(httptest.Request("GET", "/", ""))
				if a := visitor.Answer("GET"); a.Body != "ok" {
					t.Errorf("the visitor gets %q", a.Body)
				}
			}
			f := next(t, r)
			if between := f.At - before.At; f.Number != before.Number+1 || between < frameEvery || between > frameEvery+10*time.Millisecond {
				t.Errorf("frame %d at %v comes after frame %d at %v", f.Number, f.At, before.Number, before.At)
			}
			if f.Gap+time.Duration(f.Skipped) != 0 || f.Level == "" || f.Words == "" {
				t.Errorf("frame %d: gap %v, %d skipped, %s: %s", f.Number, f.Gap, f.Skipped, f.Level, f.Words)
			}
			before = f
		}
		checkVisitor(t, hello, before)
		s.conn.Close()
		c.Sleep(time.Second)
		visitor.Close()
	})
}

// checkVisitor looks at a frame with a watcher that has come first, and a visitor with one
// request. The figures are the visitor's alone.
func checkVisitor(t *testing.T, hello *feed.Hello, f *feed.Frame) {
	t.Helper()
	l := f.Loops[0]
	if got := []uint64{uint64(l.Open), l.Requests, l.Accepted}; !slices.Equal(got, []uint64{1, 1, 1}) {
		t.Errorf("of the visitor alone there are %+v", l)
	}
	if l.BytesRead > 100 || l.BytesWritten == 0 || l.BytesWritten > 300 || l.Turns > 5 {
		t.Errorf("the visitor alone does not move so much: %+v", l)
	}
	if len(f.Rows) != 2 {
		t.Fatalf("there are %d rows", len(f.Rows))
	}
	you, other := f.Rows[0], f.Rows[1]
	if you.Conn != 1 || you.Flags != feed.You|feed.LeftOut|feed.Paused || hello.Activities[you.Activity].ID != "handling" || you.Age < time.Second {
		t.Errorf("the watcher is %+v", you)
	}
	if other.Conn != 2 || other.Flags != 0 || hello.Activities[other.Activity].ID != "idle" || other.Requests != 1 || other.Deadline < time.Second {
		t.Errorf("the visitor is %+v", other)
	}
}

// TestReadingEndsWithTheLastWatcher watches with two, one after the other.
func TestReadingEndsWithTheLastWatcher(t *testing.T) {
	serve(t, Config{}, 0, func(c *httptest.Client, i *Inspector) {
		loop := i.servers[0].Loop()
		reads := func() (is bool) {
			c.Sleep(200 * time.Millisecond) // a client that has left is noticed when it is written to
			if err := loop.Post(func() { is = loop.BeingRead() }); err != nil {
				t.Error(err)
			}
			c.Sleep(time.Millisecond)
			return is
		}
		if reads() {
			t.Error("the loop is read without a watcher")
		}
		_, _, first := begin(t, c)
		_, hello, second := begin(t, c)
		if hello.Watchers != 2 || !reads() {
			t.Errorf("%d watch, and the loop is read: %v", hello.Watchers, reads())
		}
		first.conn.Close()
		if !reads() {
			t.Error("the loop is not read for the second")
		}
		second.conn.Reset()
		if reads() {
			t.Error("the loop is read after the last has left")
		}
		if n := i.watchers.Load(); n != 0 {
			t.Errorf("%d watch", n)
		}
	})
}

func TestAFifthWatcherIsToldThatThereAreFour(t *testing.T) {
	serve(t, Config{}, 0, func(c *httptest.Client, _ *Inspector) {
		var all []*stream
		for range watchersMost {
			_, _, s := begin(t, c)
			all = append(all, s)
		}
		a := c.Get("/-/xray/stream", "Host: localhost")
		if a.Status != 503 || !strings.Contains(a.Body, "4 watch already") {
			t.Errorf("the fifth gets %d %q", a.Status, a.Body)
		}
		all[2].conn.Close()
		c.Sleep(time.Second)
		_, hello, s := begin(t, c)
		if hello.Watchers != watchersMost {
			t.Errorf("then %d watch", hello.Watchers)
		}
		for _, other := range append(all, s) {
			other.conn.Close()
		}
	})
}

// TestAStopSaysGoodbye stops the server while one watches.
func TestAStopSaysGoodbye(t *testing.T) {
	serve(t, Config{}, 0, func(c *httptest.Client, i *Inspector) {
		r, _, _ := begin(t, c)
		next(t, r)
		i.servers[0].Stop()
		for {
			if _, err := r.Next(); err == feed.ErrBye {
				break
			} else if err != nil {
				t.Fatal(err)
			}
		}
		if _, err := r.Next(); err != io.EOF {
			t.Errorf("after the goodbye: %v", err)
		}
	})
}

// TestThoseWhoWatchAreInNoFigure asks for the page, presses a button and is refused, beside a
// client like others.
func TestThoseWhoWatchAreInNoFigure(t *testing.T) {
	serve(t, Config{Try: buttons}, 0, func(c *httptest.Client, i *Inspector) {
		c.Get("/-/xray", "Host: localhost")
		c.Do("POST", "/-/xray/try", "what=short&token="+i.token, "Host: localhost", "Origin: http://localhost", "Content-Type: application/x-www-form-urlencoded")
		r, _, s := begin(t, c)
		c.At("10.0.0.2").Get("/")
		c.At("10.0.0.2").Get("/-/xray") // is refused, and counts
		for range 3 {
			next(t, r)
		}
		if l := next(t, r).Loops[0]; l.Requests != 2 || l.Accepted != 2 || l.Closed+l.Failed != 2 {
			t.Errorf("of two requests there are %+v", l)
		}
		s.conn.Close()
	})
}
