package eventloop

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

func TestOffload(t *testing.T) {
	const jobs = 100
	most, replied := 0, 0
	h := build(t, Limits{Workers: 3}, func(*Conn) Protocol { return &script{} })
	l := h.Loop
	h.visit(func(s *sim.Script, w *sim.Wire) {
		l.Post(func() {
			for i := range jobs {
				l.Offload(func() {
					if i == 7 {
						panic("seven")
					}
				}, func(err error) {
					replied++
					if (i == 7) != errors.Is(err, ErrPanicked) {
						t.Errorf("job %d: %v", i, err)
					}
					if err != nil && !strings.Contains(err.Error(), "seven") {
						t.Errorf("what panicked is not said: %v", err)
					}
				})
				most = max(most, l.workers.busy)
			}
		})
		for replied < jobs {
			s.Sleep(time.Second / 100)
		}
		w.Close()
	})
	h.live()
	if most != 3 || l.workers.busy != 0 || l.workers.lanes[LaneHandlers].waiting.Len() != 0 {
		t.Errorf("%d ran at a time, %d still do", most, l.workers.busy)
	}
}

// TestAColdFileIsFetchedElsewhere looks at what is asked of a file, and when it
// is released: never while it is being read from.
func TestAColdFileIsFetchedElsewhere(t *testing.T) {
	for _, row := range []struct {
		name string
		luck sim.Luck
		end  func(s *sim.Script, w *sim.Wire) (whole bool)
	}{
		{"it arrives whole", sim.Luck{ColdFile: 1000}, func(s *sim.Script, w *sim.Wire) bool {
			p, err := s.ReceiveAll(w)
			return err == nil && len(p) == coldSize
		}},
		{"a client that leaves meanwhile does not take the file away", sim.Luck{ColdFile: 1000, SlowWork: 1000}, func(s *sim.Script, w *sim.Wire) bool {
			w.Reset()
			return true
		}},
	} {
		f := &coldFile{t: t}
		h := build(t, Limits{}, func(*Conn) Protocol {
			return &script{speak: func(c *Conn, p []byte) int {
				c.SendFile(f, 0, coldSize)
				c.Close()
				return len(p)
			}}
		})
		h.k.Luck = row.luck
		h.visit(func(s *sim.Script, w *sim.Wire) {
			s.Send(w, []byte("?"))
			s.Sleep(10 * time.Microsecond)
			if !row.end(s, w) {
				t.Errorf("%s: it does not", row.name)
			}
			w.Close()
		})
		h.live()
		if f.released != 1 || f.read == 0 {
			t.Errorf("%s: released %d times, %d bytes read", row.name, f.released, f.read)
		}
	}
}

const coldSize = 3<<20 + 5

type coldFile struct {
	t        *testing.T
	read     int
	released int
}

func (f *coldFile) ReadAt(p []byte, at int64) (int, error) {
	if f.released > 0 {
		f.t.Error("read after it was released")
	}
	n := int(min(int64(len(p)), coldSize-at))
	f.read += n
	return n, nil
}
func (f *coldFile) Fd() uintptr { return 0 }
func (f *coldFile) Release()    { f.released++ }
