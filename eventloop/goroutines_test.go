package eventloop

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// TestWorkRunsBesideTheLoop has work wait twice, on goroutines and on the simulated
// kernel, which runs it in its own way.
func TestWorkRunsBesideTheLoop(t *testing.T) {
	for _, name := range []string{"the machine's kernel", "the simulated kernel"} {
		config := Config{CheckOwner: true}
		if name == "the simulated kernel" {
			config.Kernel = sim.New(1)
		}
		l, err := New(config)
		if err != nil {
			t.Fatal(err)
		}
		steps := make(chan string, 4)
		wake := l.workers.start(func(wait func()) {
			wait() // for the wake that has come already
			steps <- "woken before it waited"
			l.Post(func() { steps <- "on the loop" })
			wait()
			steps <- "woken while it waited"
			l.Stop()
		})
		wake()
		l.After(100*time.Millisecond, func() { wake() })
		if err := l.Run(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		close(steps)
		var got []string
		for s := range steps {
			got = append(got, s)
		}
		if want := []string{"woken before it waited", "on the loop", "woken while it waited"}; !slices.Equal(got, want) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

func TestAGoroutineIsUsedAgainUntilTheLoopHasEnded(t *testing.T) {
	var g goroutines
	idle := func() int {
		g.mu.Lock()
		defer g.mu.Unlock()
		return len(g.idle)
	}
	for range 3 {
		done := make(chan bool)
		g.start(func(func()) { done <- true })
		<-done
		for idle() == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	if n := idle(); n != 1 {
		t.Errorf("%d goroutines for work that came one after the other", n)
	}
	more, ended := make(chan bool), make(chan bool)
	g.start(func(func()) { <-more; close(ended) })
	g.stop()
	close(more)
	<-ended
	time.Sleep(10 * time.Millisecond)
	if n := idle(); n != 0 {
		t.Errorf("%d goroutines after the end", n)
	}
}

func TestChangesInAFolderComeOnTheLoop(t *testing.T) {
	k := sim.New(1)
	l, err := New(Config{Kernel: k, CheckOwner: true})
	if err != nil {
		t.Fatal(err)
	}
	k.NoFolders = true
	if _, err := l.WatchFolder("/site", nil); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("on a system without such watches: %v", err)
	}
	k.NoFolders = false
	var got []string
	stop, err := l.WatchFolder("/site", func(path string) { got = append(got, path) })
	if err != nil {
		t.Fatal(err)
	}
	k.Go(func(s *sim.Script) {
		for _, path := range []string{"/site/a", "/sites/b", "/site/c/d", ""} {
			k.Change(path)
			s.Sleep(time.Second)
		}
		l.Post(stop)
		s.Sleep(time.Second)
		k.Change("/site/e")
		s.Sleep(time.Second)
		l.Stop()
	})
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	if want := []string{"/site/a", "/site/c/d", ""}; !slices.Equal(got, want) {
		t.Errorf("reported are %q", got)
	}
	if faults := k.Faults(); len(faults) > 0 || len(l.attached) > 0 || k.OpenDescriptors() > 0 {
		t.Errorf("faults %q, and %d descriptors are open", faults, k.OpenDescriptors())
	}
}
