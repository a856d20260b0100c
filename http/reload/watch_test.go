package reload

import (
	"bufio"
	"bytes"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
	bobbinhttp "github.com/bobbin-http/bobbin/http"
)

// A blind kernel watches no folders, as kqueue does not, or as one whose limits are used up.
type blind struct {
	bobbin.Kernel
	err error
}

func (k blind) WatchFolder(string) (bobbin.FolderWatch, error) { return nil, k.err }

// told runs a server over the machine's own kernel, and returns the names of the events
// that a page is sent.
func told(t *testing.T, r *Reloader, folder string, blindness error) <-chan string {
	t.Helper()
	kernel, err := bobbin.Open()
	if err != nil {
		t.Fatal(err)
	}
	if blindness != nil {
		kernel = blind{kernel, blindness}
	}
	server, err := bobbinhttp.NewServer(bobbinhttp.Config{Handler: r.Wrap(page), Loop: eventloop.Config{Kernel: kernel}})
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
	t.Cleanup(func() {
		server.Stop()
		c.Close()
		if err := <-over; err != nil {
			t.Error(err)
		}
		r.Close()
	})
	names := make(chan string)
	go func() {
		defer close(names)
		lines := bufio.NewScanner(answer.Body)
		for lines.Scan() {
			if name, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				names <- name
			}
		}
	}()
	if got := <-names; got != "hello" {
		t.Fatalf("first comes %s", got)
	}
	return names
}

// listenAsPage connects as a page does, and returns the answer that has the events.
func listenAsPage(t *testing.T, listeners []*eventloop.Listener) (net.Conn, *http.Response) {
	t.Helper()
	c, err := net.Dial("tcp", listeners[0].Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(time.Minute)) // or a mistake would hang the test
	c.Write([]byte("GET /-/reload HTTP/1.1\r\nHost: a\r\n\r\n"))
	answer, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c, answer
}

// TestAFolderIsWatchedWhateverBecomesOfIt has it reached by a link, which is switched to
// another folder, and removed and made anew.
func TestAFolderIsWatchedWhateverBecomesOfIt(t *testing.T) {
	for name, blindness := range map[string]error{"by the kernel": nil, "by walking": errors.ErrUnsupported, "by walking, for want of watches": bobbin.ErrExhausted} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			at := func(name string) string { return filepath.Join(dir, name) }
			must := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			must(os.MkdirAll(at("one/sub"), 0o755))
			must(os.Mkdir(at("two"), 0o755))
			must(os.Symlink("one", at("site")))
			var log bytes.Buffer
			r, err := New(nil)
			must(err)
			r.Log = slog.New(slog.NewTextHandler(&log, nil))
			names := told(t, r, at("site"), blindness)
			// Each edit is made until it is told, because a walk may not have begun.
			n := 0
			edit := func(file, want string) {
				t.Helper()
				for {
					n++
					must(os.WriteFile(at(file), []byte(strings.Repeat("a", n)), 0o644))
					select {
					case got, ok := <-names:
						if !ok {
							t.Fatalf("%s: nothing is told", file)
						}
						if got == want {
							return
						}
					case <-time.After(20 * time.Millisecond):
					}
				}
			}
			edit("one/a.html", "page")
			edit("one/sub/b.css", "css")
			must(os.Symlink("two", at("new")))
			must(os.Rename(at("new"), at("site")))
			edit("two/c.css", "css")
			must(os.RemoveAll(at("two")))
			for got, ok := "css", true; got == "css"; { // the last edit may be told once more
				if got, ok = <-names; !ok || got != "page" && got != "css" {
					t.Fatalf("of a folder that goes is told %q", got)
				}
			}
			must(os.MkdirAll(at("two/sub"), 0o755))
			edit("two/sub/d.css", "css")
			if blindness == bobbin.ErrExhausted != strings.Contains(log.String(), "the system does not watch the folder") {
				t.Errorf("the log has %q", log.String())
			}
		})
	}
}

// onClock runs a script beside a page of a server on the simulated kernel, whose clock
// stands still while nothing happens. Since returns how long after a moment the page is
// told.
func onClock(t *testing.T, walks bool, script func(k *sim.Kernel, s *sim.Script, folder string, since func(begin time.Time) time.Duration)) {
	t.Helper()
	folder, err := filepath.EvalSymlinks(t.TempDir()) // as the kernel is told
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	k := sim.New(1)
	k.NoFolders = walks
	server, err := bobbinhttp.NewServer(bobbinhttp.Config{Handler: r.Wrap(page), Loop: eventloop.Config{Kernel: k}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := server.Listen(":80"); err != nil {
		t.Fatal(err)
	}
	if err := r.Start(server.Loop(), folder); err != nil {
		t.Fatal(err)
	}
	k.Every = func() {
		if k.Running() == 0 {
			r.Close()
			server.Stop()
		}
	}
	k.Go(func(s *sim.Script) {
		w, err := k.Dial()
		if err != nil {
			t.Fatal(err)
		}
		s.Send(w, []byte("GET /-/reload HTTP/1.1\r\nHost: a\r\n\r\n"))
		one := &reader{Wire: w}
		s.Sleep(time.Second) // a walk has begun
		script(k, s, folder, func(begin time.Time) time.Duration {
			for one.said = nil; ; s.Sleep(10 * time.Millisecond) {
				if one.over(); bytes.Contains(one.said, []byte("event: page")) || k.Now().Sub(begin) > time.Minute {
					return k.Now().Sub(begin)
				}
			}
		})
		w.Reset()
	})
	if err := server.Run(); err != nil {
		t.Error(err)
	}
}

// TestCloseEndsALookThatIsUnderWay closes a Reloader while a worker looks at its folder.
func TestCloseEndsALookThatIsUnderWay(t *testing.T) {
	r, err := New(nil)
	if err != nil {
		t.Fatal(err)
	}
	k := sim.New(1)
	server, err := bobbinhttp.NewServer(bobbinhttp.Config{Handler: r.Wrap(page), Loop: eventloop.Config{Kernel: k}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Start(server.Loop(), t.TempDir()); err != nil {
		t.Fatal(err)
	}
	var last *eventloop.Timer
	server.Loop().After(lookEvery, func() { // the timer of the look has just run
		r.Close()
		last = r.look
	})
	k.Go(func(s *sim.Script) {
		s.Sleep(time.Minute)
		if last == nil || r.look != last {
			t.Error("the folder is looked at for ever")
		}
		server.Stop()
	})
	if err := server.Run(); err != nil {
		t.Error(err)
	}
}

// soon is how long after a change pages are told at the latest.
const soon = 500 * time.Millisecond

// TestAFileThatIsWrittenAllTheTimeIsTold has one that changes every 30 ms.
func TestAFileThatIsWrittenAllTheTimeIsTold(t *testing.T) {
	for _, walks := range []bool{false, true} {
		onClock(t, walks, func(k *sim.Kernel, s *sim.Script, folder string, since func(time.Time) time.Duration) {
			stop := false
			n := 0
			k.Go(func(s *sim.Script) {
				for ; !stop; s.Sleep(30 * time.Millisecond) {
					n++
					file := filepath.Join(folder, "a.html")
					if err := os.WriteFile(file, []byte(strconv.Itoa(1000+n)+strings.Repeat("a", n)), 0o644); err != nil {
						t.Error(err)
					}
					k.Change(file)
				}
			})
			for i := range 5 {
				if took := since(k.Now()); took > soon {
					t.Errorf("walking %v: it is told for the %d. time after %v", walks, i+1, took)
				}
			}
			stop = true
		})
	}
}
