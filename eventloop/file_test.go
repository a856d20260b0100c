package eventloop

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// An answering is a Source that gives its answers in the order of a list, and notes
// for which parts it was asked.
type answering struct {
	text
	answers []string
	asked   []string
	broken  bool // after the last part
}

func (f *answering) Next(p Part) ([]byte, error) {
	f.asked = append(f.asked, fmt.Sprintf("%d+%d last=%v memory=%v", p.Offset, p.Size, p.Last, p.InMemory))
	answer := "range"
	if len(f.answers) > 0 {
		answer, f.answers = f.answers[0], f.answers[1:]
	}
	switch answer {
	case "bytes":
		return p.Read()
	case "cold":
		return nil, ErrCold
	case "changed":
		return nil, ErrChanged
	}
	return nil, nil
}
func (f *answering) Intact() bool  { return !f.broken }
func (f *answering) Place() string { return "/place" }

func TestASourceDecidesHowItIsSent(t *testing.T) {
	for _, row := range []struct {
		name    string
		answers string
		broken  bool
		asked   []string // for 30 bytes, 20 a turn
		whole   bool
	}{
		{"the kernel sends a range", "range range", false,
			[]string{"0+20 last=false memory=false", "20+10 last=true memory=false"}, true},
		{"the loop sends bytes", "bytes bytes", false,
			[]string{"0+20 last=false memory=false", "20+10 last=true memory=false"}, true},
		{"each part may be sent in another way", "range bytes", false,
			[]string{"0+20 last=false memory=false", "20+10 last=true memory=false"}, true},
		{"a part that is cold is asked for again when a worker has read it", "cold range cold bytes", false,
			[]string{"0+20 last=false memory=false", "0+20 last=false memory=false", "20+10 last=true memory=false", "20+10 last=true memory=false"}, true},
		{"a file that has changed ends the connection", "range changed", false,
			[]string{"0+20 last=false memory=false", "20+10 last=true memory=false"}, false},
		{"one that has changed while a worker read it, too", "cold changed", false,
			[]string{"0+20 last=false memory=false", "0+20 last=false memory=false"}, false},
		{"one that is not intact after its last part, too", "range range", true,
			[]string{"0+20 last=false memory=false", "20+10 last=true memory=false"}, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			var log []string
			f := &answering{text: text{strings.NewReader(thirty), &log}, answers: strings.Fields(row.answers), broken: row.broken}
			var why error
			h := build(t, Limits{WriteBudget: 20}, func(*Conn) Protocol {
				return &script{
					speak: func(c *Conn, p []byte) int {
						c.SendFile(f, 0, int64(len(thirty)))
						c.Close()
						return len(p)
					},
					gone: func(c *Conn, err error) { why = err },
				}
			})
			h.visit(func(s *sim.Script, w *sim.Wire) {
				s.Send(w, []byte("a"))
				p, err := s.ReceiveAll(w)
				if whole := err == nil && string(p) == thirty; whole != row.whole {
					t.Errorf("%q came, %v", p, err)
				}
				w.Close()
			})
			if err := h.live(); err != nil {
				t.Error(err)
			}
			if (why == ErrChanged) == row.whole || !row.whole && why != io.ErrUnexpectedEOF {
				t.Errorf("the connection ended with %v", why)
			}
			if !slices.Equal(f.asked, row.asked) || !slices.Equal(log, []string{"released"}) {
				t.Errorf("asked for %q, then %q", f.asked, log)
			}
		})
	}
}

// TestAFileOutlivesItsConnectionWhileAWorkerReadsIt has a client leave while a worker
// reads a part for it: the file is released when the worker is back, and not before.
func TestAFileOutlivesItsConnectionWhileAWorkerReadsIt(t *testing.T) {
	f := &coldFile{t: t}
	h := build(t, Limits{}, func(*Conn) Protocol {
		return &script{
			speak: func(c *Conn, p []byte) int {
				c.SendFile(f, 0, coldSize)
				return len(p)
			},
			gone: func(*Conn, error) {
				if f.released > 0 {
					t.Error("it is released before the worker is back")
				}
			},
		}
	})
	h.k.Luck = sim.Luck{ColdFile: 1000, SlowWork: 1000}
	h.visit(func(s *sim.Script, w *sim.Wire) {
		s.Send(w, []byte("?"))
		s.Sleep(10 * time.Microsecond)
		w.Reset()
		s.Sleep(time.Minute)
	})
	if err := h.live(); err != nil {
		t.Error(err)
	}
	if f.released != 1 || f.read != 1<<20 {
		t.Errorf("released %d times, %d bytes read", f.released, f.read)
	}
}

// A cachedKernel has all files in memory, and notes for which ranges it was asked.
type cachedKernel struct {
	bobbin.Kernel
	asked []string
}

func (k *cachedKernel) Cached(_ bobbin.File, at int64, n int) bool {
	k.asked = append(k.asked, fmt.Sprintf("%d+%d", at, n))
	return true
}

// TestTheKernelIsAskedOnceForSeveralParts goes through a range in parts. One answer of
// the kernel covers several, and none that it was not asked for.
func TestTheKernelIsAskedOnceForSeveralParts(t *testing.T) {
	k := &cachedKernel{}
	p := Part{Size: 10, loop: &Loop{kernel: k}, piece: &piece{}, ahead: 30}
	for ; p.Offset < 70; p.Offset += p.Size {
		if !p.Cached() {
			t.Errorf("the part at %d is not in memory", p.Offset)
		}
	}
	if want := []string{"0+30", "30+30", "60+30"}; !slices.Equal(k.asked, want) {
		t.Errorf("the kernel was asked for %q, want %q", k.asked, want)
	}
}
