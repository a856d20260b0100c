package sim_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// A witness notes the errors of a test that is to fail.
type witness struct{ errors []string }

func (w *witness) Helper() {}
func (w *witness) Errorf(format string, args ...any) {
	w.errors = append(w.errors, fmt.Sprintf(format, args...))
}

// A play is a loop of a few lines: it turns until it is stopped.
type play struct {
	k       *sim.Kernel
	act     func()
	stopped int
}

func (p *play) Stop() { p.stopped++ }

func (p *play) Run() error {
	p.act()
	for events := make([]bobbin.Event, 1); p.stopped == 0; {
		if _, err := p.k.Wait(events, p.k.Monotonic()+time.Second); err != nil {
			return err
		}
	}
	return nil
}

// TestAStageTellsWhatIsLeft has loops that make one mistake each.
func TestAStageTellsWhatIsLeft(t *testing.T) {
	for _, row := range []struct {
		name string
		act  func(k *sim.Kernel)
		want string // part of the only error, "" for none
	}{
		{"a loop without a mistake passes", func(*sim.Kernel) {}, ""},
		{"a descriptor is left open", func(k *sim.Kernel) { k.Listen(bobbin.Address{}, bobbin.ListenOptions{}) }, "1 descriptors are still open"},
		{"a descriptor is closed that is none", func(k *sim.Kernel) { k.Close(7) }, "7"},
		{"a handler waits for ever", func(k *sim.Kernel) { k.Work(func(wait func()) { wait() }) }, "1 handlers never return"},
	} {
		t.Run(row.name, func(t *testing.T) {
			var seen witness
			p := &play{k: sim.New(1)}
			p.act = func() { row.act(p.k) }
			p.k.Go(func(s *sim.Script) { s.Sleep(time.Second) })
			if err := p.k.Stage(&seen, p, func() bool { return p.stopped > 0 }); err != nil {
				t.Error(err)
			}
			text := strings.Join(seen.errors, "\n")
			if p.stopped != 1 || row.want == "" && text != "" || row.want != "" && !strings.Contains(text, row.want) {
				t.Errorf("stopped %d times, and told %q", p.stopped, text)
			}
		})
	}
}
