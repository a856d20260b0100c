package eventloop

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// A badFile panics where it is told to.
type badFile struct {
	*strings.Reader
	ill string // the method that panics
}

func (f badFile) in(method string) {
	if f.ill == method {
		panic("ill")
	}
}

func (f badFile) Fd() uintptr   { return 0 }
func (f badFile) Release()      { f.in("Release") }
func (f badFile) Intact() bool  { f.in("Intact"); return true }
func (f badFile) Place() string { return "" }
func (f badFile) Next(p Part) ([]byte, error) {
	f.in("Next")
	if f.ill != "Release" {
		return nil, nil // the kernel sends it
	}
	return []byte("file")[:p.Size], nil
}
func (f badFile) ReadAt(p []byte, at int64) (int, error) {
	f.in("ReadAt")
	return f.Reader.ReadAt(p, at)
}

// An illInformer is a protocol that panics when it is asked what a panic was about.
type illInformer struct{ script }

func (illInformer) About() []any { panic("ill, too") }

// TestAPanicOfTheProgramsCostsNoMore has one in each kind of function that a loop is given.
// The loop goes on, the log has it, and whatever was due afterwards is done.
func TestAPanicOfTheProgramsCostsNoMore(t *testing.T) {
	ill := func() { panic("ill") }
	for _, row := range []struct {
		name string
		does func(l *Loop, c *Conn, done func())
		want string // that the client gets
	}{
		{"a function that was posted", func(l *Loop, c *Conn, done func()) { l.Post(ill); l.Post(done) }, "done"},
		{"a timer", func(l *Loop, c *Conn, done func()) { l.After(1, ill); l.After(2, done) }, "done"},
		{"a reply of work", func(l *Loop, c *Conn, done func()) {
			l.OffloadJob(Job{Memory: 10, Work: func() {}, Reply: func(error) { ill() }, Over: done})
		}, "done"},
		{"the end of work", func(l *Loop, c *Conn, done func()) {
			l.OffloadJob(Job{Work: func() {}, Reply: func(error) { done() }, Over: ill})
		}, "done"},
		{"work that cannot say whether it is wanted is skipped", func(l *Loop, c *Conn, done func()) {
			l.OffloadJob(Job{Work: ill, Wanted: func() bool { panic("ill") }, Reply: func(err error) {
				if errors.Is(err, ErrSkipped) {
					done()
				}
			}})
		}, "done"},
		{"a function about a connection costs it", func(l *Loop, c *Conn, done func()) { l.Post(func() { c.Guard(ill) }) }, "reset"},
		{"so does a file that is sent", func(l *Loop, c *Conn, done func()) {
			c.SendFile(badFile{strings.NewReader("file"), "Next"}, 0, 4)
		}, "reset"},
		{"one that is read when it is sent", func(l *Loop, c *Conn, done func()) {
			c.SendFile(badFile{strings.NewReader("file"), "ReadAt"}, 0, 4)
		}, "reset"},
		{"and one that is asked afterwards", func(l *Loop, c *Conn, done func()) {
			c.SendFile(badFile{strings.NewReader("file"), "Intact"}, 0, 4)
		}, "reset"},
		{"so does a protocol that cannot say what it was about", func(l *Loop, c *Conn, done func()) {
			c.SetProtocol(&illInformer{})
			ill()
		}, "reset"},
		{"one that cannot be released is sent all the same", func(l *Loop, c *Conn, done func()) {
			c.SendFile(badFile{strings.NewReader("file"), "Release"}, 0, 4)
			done()
		}, "filedone"},
		{"the list of proxies", func(l *Loop, c *Conn, done func()) { done() }, "done"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var log bytes.Buffer
			k := sim.New(1)
			l, err := New(Config{
				Kernel: k, CheckOwner: true, Log: slog.New(slog.NewTextHandler(&log, nil)),
				Proxies: func(netip.Addr) bool { panic("ill") },
			})
			if err != nil {
				t.Fatal(err)
			}
			_, err = l.ListenAt(":80", bobbin.ListenOptions{}, func(*Conn) Protocol {
				return &script{speak: func(c *Conn, p []byte) int {
					row.does(l, c, func() {
						c.Write([]byte("done"))
						c.Close()
					})
					return len(p)
				}}
			})
			if err != nil {
				t.Fatal(err)
			}
			k.Go(func(s *sim.Script) {
				w, err := k.Dial()
				if err != nil {
					t.Fatal(err)
				}
				s.Send(w, []byte("go"))
				got, err := s.ReceiveAll(w)
				if err != nil {
					got = []byte("reset")
				}
				if string(got) != row.want {
					t.Errorf("the client got %q, %v", got, err)
				}
				w.Close()
				s.Sleep(time.Minute)
				l.Stop()
			})
			if err := l.Run(); err != nil {
				t.Error(err)
			}
			if !strings.Contains(log.String(), "value=ill") {
				t.Errorf("the log is %q", log.String())
			}
			if n := l.Reserved(); n != 0 || l.workers.busy != 0 {
				t.Errorf("%d bytes and %d workers are not given back", n, l.workers.busy)
			}
		})
	}
}

var _ io.ReaderAt = badFile{}
