package sim

import (
	"errors"
	"io"
	"iter"
	"time"
)

// A Script is a client: a function that runs while the loop waits, on the same
// goroutine. It may wait itself, for bytes, for room or for a time.
type Script struct {
	kernel *Kernel
	next   func() (struct{}, bool)
	stop   func()
	pause  func(struct{}) bool

	at    time.Time   // when to go on, if ready is nil
	ready func() bool // or the condition to wait for
	until time.Time   // and how long, if not for ever
	over  bool
}

// Go starts a client. Its first step runs at the next Wait.
func (k *Kernel) Go(script func(s *Script)) {
	s := &Script{kernel: k, at: k.now}
	s.next, s.stop = iter.Pull(func(yield func(struct{}) bool) {
		defer func() {
			if r := recover(); r != nil && r != errAbandoned {
				panic(r)
			}
		}()
		s.pause = yield
		script(s)
	})
	k.scripts = append(k.scripts, s)
}

// Running returns how many scripts have not ended.
func (k *Kernel) Running() int { return len(k.scripts) }

// Outlive lets the scripts go on for d after the end of the loop, and reports whether
// all have ended.
func (k *Kernel) Outlive(d time.Duration) bool {
	for until := k.Monotonic() + d; len(k.scripts) > 0 && k.Monotonic() < until; {
		if _, err := k.Wait(nil, until); err != nil {
			break
		}
	}
	return len(k.scripts) == 0
}

// Abandon stops the scripts that have not ended.
func (k *Kernel) Abandon() {
	for _, s := range k.scripts {
		s.stop()
	}
	k.scripts = nil
}

// runScripts lets each client go on that can, and reports whether one did.
func (k *Kernel) runScripts() bool {
	moved := false
	for i := 0; i < len(k.scripts); i++ {
		s := k.scripts[i]
		if !s.canGoOn() {
			continue
		}
		moved = true
		k.note("script", i, 0)
		if _, paused := s.next(); !paused {
			s.over = true
		}
	}
	live := k.scripts[:0]
	for _, s := range k.scripts {
		if !s.over {
			live = append(live, s)
		}
	}
	clear(k.scripts[len(live):])
	k.scripts = live
	return moved
}

func (s *Script) canGoOn() bool {
	if s.ready != nil {
		return s.ready() || !s.until.IsZero() && !s.until.After(s.kernel.now)
	}
	return !s.at.After(s.kernel.now)
}

// nextMove returns when the next client or work goes on, or a deferred connection can
// be accepted.
func (k *Kernel) nextMove() (time.Time, bool) {
	var first time.Time
	found := false
	for _, w := range k.works {
		if !found || w.at.Before(first) {
			first, found = w.at, true
		}
	}
	if at := k.endDeferrals(); !at.IsZero() && (!found || at.Before(first)) {
		first, found = at, true
	}
	for _, s := range k.scripts {
		at := s.at
		if s.ready != nil {
			at = s.until
		}
		if (s.ready == nil || !at.IsZero()) && (!found || at.Before(first)) {
			first, found = at, true
		}
	}
	return first, found
}

// Sleep lets d pass.
func (s *Script) Sleep(d time.Duration) {
	s.ready, s.at = nil, s.kernel.now.Add(d)
	s.yield()
}

// Until waits for bytes to read, or for a time. It reports whether there are bytes.
func (s *Script) Until(w *Wire, t time.Time) bool {
	readable := func() bool { return w.reset || len(w.out) > 0 || w.outEnded }
	s.until = t
	s.wait(readable)
	s.until = time.Time{}
	return readable()
}

// wait waits until the condition holds.
func (s *Script) wait(ready func() bool) {
	s.ready = ready
	s.yield()
}

// errAbandoned ends a script after the end of its run.
var errAbandoned = errors.New("sim: abandoned")

func (s *Script) yield() {
	if !s.pause(struct{}{}) {
		panic(errAbandoned)
	}
}

// Send sends all of p, and waits for room where it must.
func (s *Script) Send(w *Wire, p []byte) error {
	for len(p) > 0 {
		if s.kernel.strikes(s.kernel.Luck.PeerReset) {
			w.Reset()
		}
		n, err := w.Send(p)
		p = p[n:]
		if err == ErrWouldWait {
			s.wait(func() bool { return w.reset || w.serverGone || len(w.in) < s.kernel.Buffer })
			continue
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Receive waits for bytes and appends up to most of them to dst.
func (s *Script) Receive(w *Wire, dst []byte, most int) ([]byte, error) {
	p := make([]byte, most)
	for {
		if s.kernel.strikes(s.kernel.Luck.PeerReset) {
			w.Reset()
		}
		n, err := w.Receive(p)
		if err != ErrWouldWait {
			return append(dst, p[:n]...), err
		}
		s.wait(func() bool { return w.reset || len(w.out) > 0 || w.outEnded })
	}
}

// Take receives n bytes and throws them away, as a peer whose window has room for n
// bytes: the window is open until they have come, and shut until Take is called again.
// It returns how many came before an end or an error.
func (s *Script) Take(w *Wire, n int) (taken int, err error) {
	for taken < n {
		p, err := s.Receive(w, nil, min(n-taken, 64<<10))
		taken += len(p)
		if err != nil {
			return taken, err
		}
	}
	return taken, nil
}

// ReceiveAll reads to the end.
func (s *Script) ReceiveAll(w *Wire) ([]byte, error) {
	var all []byte
	for {
		var err error
		all, err = s.Receive(w, all, 4096)
		if err == io.EOF {
			return all, nil
		}
		if err != nil {
			return all, err
		}
	}
}
