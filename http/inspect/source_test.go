package inspect

import (
	"testing"
	"time"
)

// TestALoopThatDoesNotAnswerIsHeld asks a loop that does not run, until its functions are
// called by hand.
func TestALoopThatDoesNotAnswerIsHeld(t *testing.T) {
	s := stage(t, 2, Config{})
	far := s.sources[1]
	at := time.Duration(0)
	look := func() (held []time.Duration) {
		at += frameEvery
		for _, source := range s.sources {
			source.refresh(at)
		}
		s.frame.look(s)
		for _, h := range read(t, s, &watcher{}).Held {
			if h.Loop != 1 {
				t.Errorf("loop %d is held", h.Loop)
			}
			held = append(held, h.For)
		}
		return held
	}
	for at < heldFrom-frameEvery {
		if held := look(); len(held) > 0 {
			t.Errorf("after %v it is held for %v", at, held)
		}
	}
	for range 3 {
		if held := look(); len(held) != 1 || held[0] != at {
			t.Errorf("after %v it is held for %v", at, held)
		}
	}
	far.answer()
	if held := look(); len(held) > 0 || far.shown.silent != 0 {
		t.Errorf("after its answer it is held for %v", held)
	}
	if !far.waiting {
		t.Error("it is not asked again")
	}
}

// TestALoopIsToldWhenItHasAnswered has one that is behind when a watcher comes: a frame
// without its figures would take all that it has done for the work of a moment.
func TestALoopIsToldWhenItHasAnswered(t *testing.T) {
	s := stage(t, 2, Config{})
	s.sources = nil
	s.begin()
	far := s.sources[1]
	s.tick()
	if s.frame.number != 0 {
		t.Error("there is a frame before the loop has answered")
	}
	far.answer()
	s.tick()
	if s.frame.number != 1 || !far.known {
		t.Error("there is no frame when it has answered")
	}
}

// TestALoopThatIsHeldFromTheBeginningKeepsNoFrame waits for one no longer than a second.
func TestALoopThatIsHeldFromTheBeginningKeepsNoFrame(t *testing.T) {
	s := stage(t, 2, Config{})
	s.sources = nil
	s.begin()
	s.sources[1].heard -= heldFrom
	if s.tick(); s.frame.number != 1 {
		t.Error("there is no frame")
	}
}
