package reload

import (
	"bufio"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
	bobbinhttp "github.com/bobbin-http/bobbin/http"
)

func page(w *bobbinhttp.Response, r *bobbinhttp.Request) error { return w.HTML("<p>a page" + Inject) }

// TestAPageIsToldWhatHasChanged edits a folder over the machine's own kernel.
func TestAPageIsToldWhatHasChanged(t *testing.T) {
	folder := t.TempDir()
	forgotten := 0
	r, err := New(func() { forgotten++ })
	if err != nil {
		t.Fatal(err)
	}
	server, err := bobbinhttp.NewServer(bobbinhttp.Config{Handler: r.Wrap(page)})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(server.Loop(), folder); err != nil {
		t.Fatal(err)
	}
	listeners, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan error, 1)
	go func() { over <- server.Run() }()
	c, answer := listenAsPage(t, listeners)
	if answer.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%v", answer)
	}
	lines := bufio.NewScanner(answer.Body)
	next := func() string {
		for lines.Scan() {
			if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				return name
			}
		}
		return "the end"
	}
	if got := next(); got != "hello" {
		t.Errorf("first comes %s", got)
	}
	// Where changes are found by walking, the first walk is only the beginning;
	// and what changes at the same time as a page is told with it. So each edit
	// is made until it is told.
	told := make(chan string)
	listen := func() { told <- next() }
	go listen()
	for _, row := range []struct{ file, want string }{{"a.html", "page"}, {"style.css", "css"}, {"a.html", "page"}} {
		for n, got := 0, ""; got != row.want; n++ {
			if err := os.WriteFile(filepath.Join(folder, row.file), []byte(strings.Repeat("a", 1+n%1000)), 0o644); err != nil {
				t.Fatal(err)
			}
			select {
			case got = <-told:
				if got == "the end" {
					t.Fatalf("%s has changed: %s", row.file, got)
				}
				go listen()
			case <-time.After(100 * time.Millisecond):
			}
		}
	}
	server.Stop()
	for got := <-told; got != "the end"; got = <-told {
		go listen() // of the last edit
	}
	c.Close()
	if err := <-over; err != nil {
		t.Error(err)
	}
	if forgotten == 0 {
		t.Error("what is remembered would have been served")
	}
	r.Close()
}

// TestPagesOnAnotherLoopAreTold has one watch, over the machine's own kernel, and the
// page on another.
func TestPagesOnAnotherLoopAreTold(t *testing.T) {
	folder := t.TempDir()
	r, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	forgotten := 0
	beside := r.Sibling(func() { forgotten++ })
	watching, err := eventloop.New(eventloop.Config{})
	if err != nil {
		t.Fatal(err)
	}
	server, err := bobbinhttp.NewServer(bobbinhttp.Config{Handler: beside.Wrap(page), Loop: eventloop.Config{CheckOwner: true}})
	if err != nil {
		t.Fatal(err)
	}
	for one, loop := range map[*Reloader]*eventloop.Loop{r: watching, beside: server.Loop()} {
		if err := one.Start(loop, folder); err != nil {
			t.Fatal(err)
		}
	}
	listeners, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan error)
	loops := eventloop.Loops{watching, server.Loop()}
	go func() { over <- loops.Run() }()
	c, answer := listenAsPage(t, listeners)
	told := make(chan string)
	go func() {
		lines := bufio.NewScanner(answer.Body)
		for lines.Scan() {
			told <- lines.Text()
		}
		close(told)
	}()
	if event, id := <-told, <-told; event != "event: hello" || id != "data: "+r.id+".0" {
		t.Errorf("first comes %q, %q", event, id)
	}
	for n, got := 0, ""; got != "event: page"; n++ {
		if err := os.WriteFile(filepath.Join(folder, "a.html"), []byte(strings.Repeat("a", 1+n%1000)), 0o644); err != nil {
			t.Fatal(err)
		}
		for more := true; more && got != "event: page"; {
			select {
			case got, more = <-told:
				if !more {
					t.Fatal("nothing is told")
				}
			case <-time.After(100 * time.Millisecond):
				more = false
			}
		}
	}
	loops.Stop()
	for range told {
	}
	c.Close()
	if err := <-over; err != nil {
		t.Error(err)
	}
	if forgotten == 0 {
		t.Error("what is remembered would have been served")
	}
	r.Close()
	beside.Close()
}

func TestThePagesAndTheScriptAreServed(t *testing.T) {
	r, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	k := sim.New(1)
	server, err := bobbinhttp.NewServer(bobbinhttp.Config{Handler: r.Wrap(page), Loop: eventloop.Config{Kernel: k}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.Listen(":80"); err != nil {
		t.Fatal(err)
	}
	k.Every = func() {
		if k.Running() == 0 {
			server.Stop()
		}
	}
	k.Go(func(s *sim.Script) {
		for path, want := range map[string]string{"/": "<p>a page<script src=", "/-/reload.js": "new EventSource(\"/-/reload\")"} {
			w, err := k.Dial()
			if err != nil {
				t.Error(err)
				return
			}
			s.Send(w, []byte("GET "+path+" HTTP/1.0\r\n\r\n"))
			if got, err := s.ReceiveAll(w); err != nil || !strings.Contains(string(got), want) {
				t.Errorf("%s: %q, %v", path, got, err)
			}
		}
	})
	if err := server.Run(); err != nil {
		t.Error(err)
	}
}

// TestWalking finds by looking what other systems tell.
func TestWalking(t *testing.T) {
	folder := t.TempDir()
	put := func(name, content string) {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	k := sim.New(1)
	loop, err := eventloop.New(eventloop.Config{Kernel: k})
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	r.loop, r.folder = loop, folder
	put("a.css", "a")
	put("sub/b.html", "b")
	put(".hidden/c", "c")
	for _, row := range []struct {
		name           string
		do             func()
		styles, others bool
	}{
		{"nothing", func() {}, false, false},
		{"a style sheet", func() { put("a.css", "aa") }, true, false},
		{"a page below", func() { put("sub/b.html", "bb") }, false, true},
		{"a new file", func() { put("d.js", "d") }, false, true},
		{"a file that goes", func() { os.Remove(filepath.Join(folder, "a.css")) }, true, false},
		{"what is hidden", func() { put(".hidden/c", "cc") }, false, false},
	} {
		r.seen = walk(folder)
		row.do()
		r.styles, r.others = false, false
		r.compare(walk(folder))
		if r.styles != row.styles || r.others != row.others {
			t.Errorf("%s: %v, %v", row.name, r.styles, r.others)
		}
	}
	real, err := eventloop.New(eventloop.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(real, filepath.Join(folder, "missing")); err == nil && r.unwatch != nil || err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// A reader is a page on the simulated kernel.
type reader struct {
	*sim.Wire
	said []byte
}

// over reads what there is, and reports whether the stream has ended.
func (r *reader) over() bool {
	for {
		p := make([]byte, 4096)
		n, err := r.Receive(p)
		r.said = append(r.said, p[:n]...)
		if err != nil {
			return strings.HasSuffix(string(r.said), "\r\n0\r\n\r\n")
		}
	}
}

// onPages has a script run with clients of a server that has so many connections.
func onPages(t *testing.T, conns int, script func(s *sim.Script, r *Reloader, ask func(client, path string) *reader)) {
	t.Helper()
	r, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	k := sim.New(1)
	site := func(w *bobbinhttp.Response, q *bobbinhttp.Request) error {
		if string(q.PathBytes()) == "/events" {
			_, err := w.Events()
			return err
		}
		return page(w, q)
	}
	config := bobbinhttp.Config{Handler: r.Wrap(site), Loop: eventloop.Config{Kernel: k}}
	config.Limits.Conns = conns
	server, err := bobbinhttp.NewServer(config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.Listen(":80"); err != nil {
		t.Fatal(err)
	}
	r.loop = server.Loop() // it watches nothing
	k.Every = func() {
		if k.Running() == 0 {
			server.Stop()
		}
	}
	k.Go(func(s *sim.Script) {
		var all []*reader
		script(s, r, func(client, path string) *reader {
			w, err := k.DialFrom(netip.MustParseAddr(client), 80)
			if err != nil {
				t.Fatal(err)
			}
			one := &reader{Wire: w}
			all = append(all, one)
			s.Send(w, []byte("GET "+path+" HTTP/1.1\r\nHost: a\r\n\r\n"))
			return one
		})
		for _, one := range all {
			one.Reset()
		}
	})
	if err := server.Run(); err != nil {
		t.Error(err)
	}
	if len(r.pages) != 0 || r.open.Total() != 0 {
		t.Errorf("%d pages are left", len(r.pages))
	}
}

func TestAClientHasSoManyPages(t *testing.T) {
	for _, row := range []struct {
		name  string
		conns int
		open  []string // by whom, one after the other
		over  []int    // which of them have ended
	}{
		{"twenty-four of one client stay", 1000, slices.Repeat([]string{"192.0.2.1"}, 24), nil},
		{"two more cost it its oldest two", 1000, slices.Repeat([]string{"192.0.2.1"}, 26), []int{0, 1}},
		{"and nothing of another's", 1000, append([]string{"192.0.2.2"}, slices.Repeat([]string{"192.0.2.1"}, 26)...), []int{1, 2}},
		{"where there are few connections, it is a quarter of them", 40, slices.Repeat([]string{"192.0.2.1"}, 12), []int{0, 1}},
		{"where there are next to none, it is one", 3, slices.Repeat([]string{"192.0.2.1"}, 2), []int{0}},
		{"of all clients there are half as many as connections", 20, []string{
			"192.0.2.2", "192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.3", "192.0.2.3", "192.0.2.4", "192.0.2.4", "192.0.2.5", "192.0.2.6", "192.0.2.7"}, []int{1}},
	} {
		t.Run(row.name, func(t *testing.T) {
			onPages(t, row.conns, func(s *sim.Script, _ *Reloader, ask func(client, path string) *reader) {
				var all []*reader
				for _, client := range row.open {
					all = append(all, ask(client, "/-/reload"))
					s.Sleep(time.Millisecond)
				}
				s.Sleep(100 * time.Millisecond)
				var over []int
				for i, one := range all {
					if one.over() {
						over = append(over, i)
					}
					if !strings.Contains(string(one.said), "event: hello") || one.Broken() {
						t.Errorf("page %d was told %q", i, one.said)
					}
				}
				if !slices.Equal(over, row.over) {
					t.Errorf("ended have %v", over)
				}
			})
		})
	}
}

// TestAPageThatComesBackLearnsOfAChange has one be told what has changed, and another be
// away at that moment.
func TestAPageThatComesBackLearnsOfAChange(t *testing.T) {
	onPages(t, 100, func(s *sim.Script, r *Reloader, ask func(client, path string) *reader) {
		// last is what a page was told last: the version that it has seen.
		last := func(p *reader) string {
			s.Sleep(100 * time.Millisecond)
			p.over()
			lines := strings.Split(strings.TrimSpace(string(p.said)), "\n")
			for _, line := range slices.Backward(lines) {
				if data, ok := strings.CutPrefix(line, "data: "); ok {
					return data
				}
			}
			return ""
		}
		first := ask("192.0.2.1", "/-/reload")
		before := last(first)
		again := ask("192.0.2.1", "/-/reload")
		if got := last(again); got != before || got == "" {
			t.Errorf("a page that comes back is told %q, and had seen %q", got, before)
		}
		r.loop.Post(func() { r.changed("a.css") })
		after := last(first)
		if after == before {
			t.Errorf("a page is not told of a change: %q", first.said)
		}
		if got := last(ask("192.0.2.1", "/-/reload")); got != after {
			t.Errorf("a page that was away is told %q, and one that was not %q", got, after)
		}
	})
}

// TestStreamsOfEventsMakeRoom has them take all connections.
func TestStreamsOfEventsMakeRoom(t *testing.T) {
	onPages(t, 4, func(s *sim.Script, _ *Reloader, ask func(client, path string) *reader) {
		var streams []*reader
		for range 4 {
			streams = append(streams, ask("192.0.2.1", "/events"))
		}
		s.Sleep(2 * time.Second)
		other := ask("192.0.2.2", "/")
		s.Sleep(time.Second)
		if other.over(); !strings.HasPrefix(string(other.said), "HTTP/1.1 200 OK") {
			t.Errorf("another client is answered %q", other.said)
		}
		broken := 0
		for _, one := range streams {
			if one.ServerClosed() {
				broken++
			}
		}
		if broken != 1 {
			t.Errorf("%d streams have made room", broken)
		}
	})
}
