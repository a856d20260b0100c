package inspect

import (
	"bytes"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/httptest"
	"github.com/bobbin-http/bobbin/http/inspect/timeline"
	"github.com/bobbin-http/bobbin/http/inspect/timeline/check"
)

// recordFor asks for the records, and returns their reader.
func recordFor(t *testing.T, c *httptest.Client, query string) (*timeline.Reader, *httptest.Conn) {
	t.Helper()
	conn := c.Dial()
	conn.Send(httptest.Request("GET", "/-/xray/records"+query, "", "Host: localhost"))
	head, _ := conn.Next("\r\n\r\n")
	if !strings.HasPrefix(head, "HTTP/1.1 200 ") || !strings.Contains(head, "Content-Type: application/octet-stream\r\n") {
		t.Fatalf("the records are answered by\n%s", head)
	}
	d, err := timeline.NewReader(&stream{conn: conn})
	if err != nil {
		t.Fatal(err)
	}
	return d, conn
}

// timelineOf makes a timeline of all records that come, and reads it as a viewer does. Err is
// how the records end.
func timelineOf(t *testing.T, d *timeline.Reader) (f *check.File, s timeline.Summary, err error) {
	t.Helper()
	b := timeline.New(d.Hello, timeline.Options{})
	for err == nil {
		var block *timeline.Block
		if block, err = d.Next(); err == nil {
			b.Add(block)
		}
	}
	var out bytes.Buffer
	if _, err := b.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	f, wrong := check.Read(&out)
	if wrong != nil {
		t.Fatal(wrong)
	}
	return f, b.Summary(), err
}

// isRead reports whether the loop is being read.
func isRead(t *testing.T, c *httptest.Client, i *Inspector) (is bool) {
	t.Helper()
	c.Sleep(400 * time.Millisecond) // a client that has left is noticed when it is written to
	loop := i.servers[0].Loop()
	if err := loop.Post(func() { is = loop.BeingRead() }); err != nil {
		t.Error(err)
	}
	c.Sleep(time.Millisecond)
	return is
}

func TestRecordsOfASecondAreATimeline(t *testing.T) {
	serve(t, Config{Routes: []string{"GET /"}, Version: "1.2.3"}, 0, func(c *httptest.Client, i *Inspector) {
		visitor := c.At("10.0.0.2").Dial()
		d, _ := recordFor(t, c, "?seconds=1")
		if d.Hello.Version != "1.2.3" || len(d.Hello.Kinds) < 70 || len(d.Hello.Routes) != 2 || d.Hello.Phases[5] != "reap" {
			t.Errorf("hello is %+v", d.Hello)
		}
		for range 3 {
			visitor.Send(httptest.Request("GET", "/", ""))
			if a := visitor.Answer("GET"); a.Body != "ok" {
				t.Errorf("the visitor gets %q", a.Body)
			}
		}
		if !isRead(t, c, i) {
			t.Error("the loop is not read")
		}
		f, s, err := timelineOf(t, d)
		if err != io.EOF || s.Lost != 0 || s.Took < 900*time.Millisecond || s.Took > 1100*time.Millisecond {
			t.Errorf("the records end with %v, and are %+v", err, s)
		}
		if s.Requests != 3 || f.Arrows != 3 || len(f.Slices("handler")) != 3 {
			t.Errorf("%d requests, %d arrows and %d handlers", s.Requests, f.Arrows, len(f.Slices("handler")))
		}
		if list := f.Slices("connection"); len(list) != 1 || list[0].Name != "conn 1" {
			t.Errorf("%d connections, and there is one visitor", len(list))
		}
		if isRead(t, c, i) || i.recordings.Load() != 0 {
			t.Errorf("the loop is still read, by %d", i.recordings.Load())
		}
		visitor.Close()
	})
}

// TestNoSecondsAreTheRing asks for what happened before.
func TestNoSecondsAreTheRing(t *testing.T) {
	serve(t, Config{}, 0, func(c *httptest.Client, i *Inspector) {
		visitor := c.At("10.0.0.2").Dial()
		visitor.Send(httptest.Request("GET", "/", ""))
		visitor.Answer("GET")
		visitor.Close()
		c.Sleep(time.Second)
		d, _ := recordFor(t, c, "?seconds=0")
		f, s, err := timelineOf(t, d)
		if list := f.Slices("connection"); err != io.EOF || s.Lost != 0 || len(list) == 0 || list[0].Arg("read") == 0 || list[0].Arg("wrote") == 0 {
			t.Errorf("%v, %+v, %d connections", err, s, len(list))
		}
		if isRead(t, c, i) {
			t.Error("the loop is read for it")
		}
	})
}

func TestRecordingsHaveBounds(t *testing.T) {
	serve(t, Config{}, 0, func(c *httptest.Client, i *Inspector) {
		for _, query := range []string{"?seconds=61", "?seconds=-1", "?seconds=1.5", "?seconds=soon"} {
			if a := c.Get("/-/xray/records"+query, "Host: localhost"); a.Status != 400 || !strings.Contains(a.Body, "from 0 to 60") {
				t.Errorf("%s: %d %q", query, a.Status, a.Body)
			}
		}
		if a := c.Get("/-/xray/records", "Host: evil.example"); a.Status != 403 {
			t.Errorf("a foreign name gets %d", a.Status)
		}
		_, first := recordFor(t, c, "")
		_, second := recordFor(t, c, "?seconds=60")
		if a := c.Get("/-/xray/records", "Host: localhost"); a.Status != 503 || !strings.Contains(a.Body, "2 recordings are under way") {
			t.Errorf("the third gets %d %q", a.Status, a.Body)
		}
		first.Close()
		if !isRead(t, c, i) {
			t.Error("the loop is not read for the second")
		}
		second.Reset()
		if isRead(t, c, i) || i.recordings.Load() != 0 {
			t.Errorf("after the last has left there are %d", i.recordings.Load())
		}
		if a := c.Do("HEAD", "/-/xray/records", "", "Host: localhost"); a.Status != 200 || isRead(t, c, i) {
			t.Errorf("HEAD gets %d", a.Status)
		}
	})
}

// TestASlowClientLosesRecordsAndHarmsNobody has one that reads nothing while a visitor asks
// more than its sockets hold records of.
func TestASlowClientLosesRecordsAndHarmsNobody(t *testing.T) {
	serve(t, Config{}, 0, func(c *httptest.Client, i *Inspector) {
		d, _ := recordFor(t, c, "?seconds=20")
		visitor := c.At("10.0.0.2").Dial()
		loop := i.servers[0].Loop()
		most := int64(0)
		const requests = 20_000
		for n := range requests {
			visitor.Send(httptest.Request("GET", "/", ""))
			if a := visitor.Answer("GET"); a.Body != "ok" {
				t.Fatalf("the visitor gets %q", a.Body)
			}
			if n%500 == 499 {
				loop.Post(func() { most = max(most, loop.Memory()) })
				visitor.Close()
				visitor = c.At("10.0.0.2").Dial()
			}
		}
		if limit := int64(loop.Limits().HighWater + 2*packSize); most > limit || most == 0 {
			t.Errorf("%d bytes are queued, and the limit is about %d", most, limit)
		}
		_, s, err := timelineOf(t, d)
		if err != io.EOF || s.Lost == 0 || s.Requests == 0 || s.Requests >= requests {
			t.Errorf("%v, %+v", err, s)
		}
		visitor.Close()
	})
}

func TestARecordingEndsWithTheServer(t *testing.T) {
	serve(t, Config{}, 0, func(c *httptest.Client, i *Inspector) {
		d, _ := recordFor(t, c, "?seconds=60")
		i.servers[0].Stop()
		if _, s, err := timelineOf(t, d); err != io.EOF || s.Turns == 0 || s.Took > time.Second {
			t.Errorf("%v, %+v", err, s)
		}
	})
}

// TestTheOperatorsAddressRecordsTheSite has the site and the operator's address on loops of
// their own, over sockets.
func TestTheOperatorsAddressRecordsTheSite(t *testing.T) {
	i := New(Config{Routes: []string{"/"}})
	make := func(handler http.Handler) (*http.Server, string) {
		s, err := http.NewServer(http.Config{Handler: handler})
		if err != nil {
			t.Fatal(err)
		}
		at, err := s.Listen("127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return s, at[0].Addr().IP.String()
	}
	first, at := make(func(w *http.Response, _ *http.Request) error { return w.Text("ok") })
	second, atSecond := make(func(w *http.Response, _ *http.Request) error { return w.Text("ok") })
	admin, atAdmin := make(i.Handler(-1))
	i.Show(http.Servers{first, second})
	over := runServers(t, first, second, admin)
	answer, end := askAt(t, atAdmin, "GET /-/xray/records?seconds=60 HTTP/1.0\r\nHost: localhost\r\n\r\n")
	d, err := timeline.NewReader(behindHead(t, answer))
	if err != nil {
		t.Fatal(err)
	}
	// The recording has begun to answer before the loops of the site record. They do when they
	// have answered another question.
	healthy, endHealthy := askAt(t, atAdmin, "GET /-/healthy HTTP/1.0\r\nHost: localhost\r\n\r\n")
	if text, err := io.ReadAll(healthy); !strings.HasSuffix(string(text), "healthy\n") || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	endHealthy()
	for _, at := range []string{at, atSecond, at} {
		visitor, end := askAt(t, at, "GET / HTTP/1.0\r\n\r\n")
		if text, err := io.ReadAll(visitor); !strings.HasSuffix(string(text), "ok") || err != nil {
			t.Errorf("%q, %v", text, err)
		}
		end()
	}
	admin.Stop() // which ends the recording
	f, s, err := timelineOf(t, d)
	if err != io.EOF || s.Requests != 3 || f.Arrows != 3 || s.Lost != 0 {
		t.Errorf("%v, %+v, %d arrows", err, s, f.Arrows)
	}
	loops := map[int]int{}
	for _, h := range f.Slices("handler") {
		loops[h.Tid]++
	}
	if loops[1] != 2 || loops[2] != 1 {
		t.Errorf("the handlers are %v", loops)
	}
	end()
	over()
}
