package eventloop

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// clockwork is a kernel whose monotonic clock moves by a microsecond with each reading, and by what
// each write takes.
type clockwork struct {
	*sim.Kernel
	ahead, write time.Duration
}

func (k *clockwork) Now() time.Time { return k.Kernel.Now().Add(k.ahead) }

func (k *clockwork) Monotonic() time.Duration {
	k.ahead += time.Microsecond
	return k.Kernel.Monotonic() + k.ahead
}

func (k *clockwork) Write(fd int, p []byte, more bool) (int, error) {
	k.ahead += k.write
	return k.Kernel.Write(fd, p, more)
}

// followed runs a loop whose connections echo, under a visit that may post to it.
func followed(t *testing.T, log *bytes.Buffer, visit func(k *clockwork, s *sim.Script, l *Loop)) {
	t.Helper()
	k := &clockwork{Kernel: sim.New(1), write: 10 * time.Microsecond}
	l, err := New(Config{Kernel: k, CheckOwner: true, Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.ListenAt(":80", bobbin.ListenOptions{}, func(*Conn) Protocol {
		return &script{speak: func(c *Conn, p []byte) int {
			c.RecordHandlerBegin(ProtocolKinds, 1, 0)
			k.ahead += 100 * time.Microsecond
			c.RecordHandler(ProtocolKinds+1, 1, 0)
			c.Write(p)
			return len(p)
		}}
	}); err != nil {
		t.Fatal(err)
	}
	k.Go(func(s *sim.Script) {
		visit(k, s, l)
		l.Stop()
	})
	if err := l.Run(); err != nil {
		t.Error(err)
	}
}

func TestAFollowerGetsEveryRecordOnceAndInOrder(t *testing.T) {
	const many = 3 * ringSize // in one turn
	var first, second []int64
	var lost, lostOfTwo uint64
	var left []Record
	followed(t, &bytes.Buffer{}, func(k *clockwork, s *sim.Script, l *Loop) {
		note := func(to *[]int64, missed *uint64) func([]Record, uint64) {
			return func(records []Record, lost uint64) {
				*missed += lost
				for _, r := range records {
					if r.Kind == ProtocolKinds+2 {
						*to = append(*to, r.Arg)
					}
				}
			}
		}
		var stop, stopOther func()
		l.Post(func() { stop = l.Follow(note(&first, &lost)) })
		for i := range many {
			l.Post(func() {
				l.recorder.put(ProtocolKinds+2, 0, 0, int64(i))
				if i == many/2 {
					stopOther = l.Follow(note(&second, &lostOfTwo))
				}
			})
		}
		s.Sleep(time.Second)
		l.Post(func() {
			l.recorder.put(ProtocolKinds+2, 0, 0, many)
			stop()
			stop() // once more does nothing
			if !l.BeingRead() {
				t.Error("the other follower is no reader")
			}
			stopOther()
			if l.BeingRead() {
				t.Error("there is a reader after the last has stopped")
			}
			l.recorder.put(ProtocolKinds+2, 0, 0, many+1)
		})
		s.Sleep(time.Second)
		l.Post(func() { left, _, _ = l.ReadSince(0, nil) })
		s.Sleep(time.Second)
	})
	want := make([]int64, many+1)
	for i := range want {
		want[i] = int64(i)
	}
	if !slices.Equal(first, want) || lost != 0 {
		t.Errorf("the first has %d of %d records, and %d are lost", len(first), len(want), lost)
	}
	if !slices.Equal(second, want[many/2+1:]) || lostOfTwo != 0 {
		t.Errorf("the second, which began later, has %d of %d records, and %d are lost", len(second), len(want)-many/2-1, lostOfTwo)
	}
	if len(left) == 0 {
		t.Error("the ring is empty")
	}
}

// TestAFollowerIsToldWhatIsLost writes more than the ring holds in one callback.
func TestAFollowerIsToldWhatIsLost(t *testing.T) {
	got, lost := 0, uint64(0)
	followed(t, &bytes.Buffer{}, func(k *clockwork, s *sim.Script, l *Loop) {
		l.Post(func() {
			l.Follow(func(records []Record, missed uint64) {
				lost += missed
				for _, r := range records {
					if r.Kind == ProtocolKinds+2 {
						got++
					}
				}
			})
		})
		s.Sleep(time.Second)
		l.Post(func() {
			for range ringSize + 100 {
				l.recorder.put(ProtocolKinds+2, 0, 0, 0)
			}
		})
		s.Sleep(time.Second)
	})
	if lost < 100 || got < ringSize-10 || got+int(lost) < ringSize+100 {
		t.Errorf("%d came and %d are lost, of %d", got, lost, ringSize+100)
	}
}

// TestAFollowerSeesWhereTheTimeWent has two requests in one turn, whose handlers take a tenth
// of a millisecond and whose answers ten microseconds to write.
func TestAFollowerSeesWhereTheTimeWent(t *testing.T) {
	for _, follows := range []bool{true, false} {
		var records []Record
		followed(t, &bytes.Buffer{}, func(k *clockwork, s *sim.Script, l *Loop) {
			a, _ := k.Dial()
			b, _ := k.Dial()
			s.Sleep(time.Second)
			l.Post(func() {
				if follows {
					l.Follow(func(more []Record, lost uint64) { records = append(records, more...) })
				} else {
					l.StartReading()
				}
			})
			s.Sleep(10 * time.Millisecond)
			s.Send(a, []byte("a"))
			s.Send(b, []byte("b"))
			s.Sleep(10 * time.Millisecond)
			if !follows {
				l.Post(func() { records, _, _ = l.ReadSince(0, nil) })
				s.Sleep(10 * time.Millisecond)
			}
			a.Reset()
			b.Reset()
			s.Sleep(time.Second)
		})
		var text []string
		last, first := time.Duration(0), uint32(0)
		for _, r := range records {
			switch r.Kind {
			case Read, ProtocolKinds, ProtocolKinds + 1, Callback, Wrote, WriteEnded:
				if r.Conn == 0 {
					continue
				}
				if first == 0 {
					first = r.Conn
				}
				which := "b"
				if r.Conn == first {
					which = "a"
				}
				text = append(text, fmt.Sprintf("%s %s", map[Kind]string{Read: "read", ProtocolKinds: "began", ProtocolKinds + 1: "ended", Callback: "callback", Wrote: "wrote", WriteEnded: "written"}[r.Kind], which))
			}
			if r.Kind == ProtocolKinds+1 && r.At-last < 100*time.Microsecond || r.Kind == WriteEnded && (r.At-last < 10*time.Microsecond || r.Arg != int64(r.At-last)) {
				t.Errorf("%v took %v", r, r.At-last)
			}
			if r.Kind != Wrote {
				last = r.At
			}
		}
		// The connections are closed by callbacks of their own in the end.
		want := "read a, began a, ended a, callback a, read b, began b, ended b, callback b, wrote a, written a, wrote b, written b"
		if !follows {
			want = "read a, began a, ended a, read b, began b, ended b, wrote a, wrote b"
		}
		if got := strings.Join(text, ", "); !strings.HasPrefix(got, want) {
			t.Errorf("with a follower %v: %s, not %s", follows, got, want)
		}
	}
}

func TestAPanicInAFollowerIsLoggedAndTheLoopGoesOn(t *testing.T) {
	var log bytes.Buffer
	calls := 0
	followed(t, &log, func(k *clockwork, s *sim.Script, l *Loop) {
		l.Post(func() {
			l.Follow(func([]Record, uint64) {
				if calls++; calls == 1 {
					panic("on purpose")
				}
			})
		})
		w, _ := k.Dial()
		s.Send(w, []byte("a"))
		if p, err := s.Receive(w, nil, 1); string(p) != "a" {
			t.Errorf("%q, %v", p, err)
		}
		w.Close()
		s.Sleep(time.Second)
	})
	if calls < 2 || !strings.Contains(log.String(), "on purpose") {
		t.Errorf("%d calls, and the log is %s", calls, &log)
	}
}

// TestTheLinesOfDocAreTrue compares the lines of a trace that doc.go shows with those of a
// turn, but for their numbers.
func TestTheLinesOfDocAreTrue(t *testing.T) {
	source, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	numbers := regexp.MustCompile(`[0-9][0-9.]*(ns|µs|ms|s)?`)
	want := ""
	for _, line := range regexp.MustCompile(`(?m)^//\t(\+.*)$`).FindAllStringSubmatch(string(source), -1) {
		want += numbers.ReplaceAllString(line[1], "N") + "\n"
	}
	var out bytes.Buffer
	k := &clockwork{Kernel: sim.New(1), write: 10 * time.Microsecond}
	l, err := New(Config{Kernel: k, Trace: &out})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.ListenAt(":80", bobbin.ListenOptions{}, func(*Conn) Protocol {
		return &script{speak: func(c *Conn, p []byte) int { c.Write(p); return len(p) }}
	}); err != nil {
		t.Fatal(err)
	}
	k.Go(func(s *sim.Script) {
		w, _ := k.Dial()
		s.Sleep(10 * time.Millisecond)
		s.Send(w, []byte("hello"))
		s.Receive(w, nil, 5)
		w.Close()
		l.Stop()
	})
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	if got := numbers.ReplaceAllString(out.String(), "N"); want == "" || !strings.Contains(got, want) {
		t.Errorf("doc.go shows\n%s\nand there is\n%s", want, got)
	}
}
