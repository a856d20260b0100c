package eventloop

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin"
)

// A stuckHandler takes no line before it is let go.
type stuckHandler struct {
	letGo chan struct{}
	mu    sync.Mutex
	lines []string
}

func (h *stuckHandler) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelInfo }
func (h *stuckHandler) WithGroup(string) slog.Handler                { return h }
func (h *stuckHandler) WithAttrs(a []slog.Attr) slog.Handler {
	return &withAttrs{h, fmt.Sprint(a)}
}

func (h *stuckHandler) Handle(_ context.Context, r slog.Record) error { return h.note(r.Message) }

func (h *stuckHandler) note(line string) error {
	<-h.letGo
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.lines = append(h.lines, line); line == "bad" {
		panic("a handler of a log panics")
	}
	return nil
}

type withAttrs struct {
	*stuckHandler
	attrs string
}

func (h *withAttrs) Handle(_ context.Context, r slog.Record) error {
	return h.note(r.Message + h.attrs)
}

// stuckDefault makes such a handler the default of the process, until the test ends.
func stuckDefault(t *testing.T) *stuckHandler {
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	h := &stuckHandler{letGo: make(chan struct{})}
	slog.SetDefault(slog.New(h))
	return h
}

// TestTheDefaultLogIsNotWaitedFor writes lines to a default logger that takes none.
func TestTheDefaultLogIsNotWaitedFor(t *testing.T) {
	h := stuckDefault(t)
	log := DefaultLog()
	log.Debug("below its level")
	log.Info("first")
	log.With("a", 1).Error("second")
	log.Info("bad")
	log.Info("last")
	flushLog(log, time.Millisecond) // waits no longer than it is told
	if len(h.lines) > 0 {
		t.Fatalf("lines were taken: %q", h.lines)
	}
	close(h.letGo)
	flushLog(log, time.Hour)
	if got := strings.Join(h.lines, ", "); got != "first, second[a=1], bad, last" {
		t.Errorf("the log has %s", got)
	}
	log.Info("again")
	flushLog(log, time.Hour)
	flushLog(log, time.Hour) // and twice
	if last := h.lines[len(h.lines)-1]; last != "again" {
		t.Errorf("the last line is %s", last)
	}
}

// TestADefaultLogThatIsStuckHasSoManyLines writes more than it keeps.
func TestADefaultLogThatIsStuckHasSoManyLines(t *testing.T) {
	h := stuckDefault(t)
	log := DefaultLog()
	for range 3 * logQueueMax {
		log.Info("line")
	}
	close(h.letGo)
	flushLog(log, time.Hour)
	kept, dropped := 0, 0
	for _, line := range h.lines {
		n := 0
		if fmt.Sscanf(line, "%d lines of the log were dropped", &n); n == 0 {
			kept++
		}
		dropped += n
	}
	if kept+dropped != 3*logQueueMax || kept > 2*logQueueMax || dropped == 0 {
		t.Errorf("%d lines are there, and %d were dropped", kept, dropped)
	}
}

// TestALoopWithoutALogHasTheDefault has a loop log an error by nothing but its default, and
// wait for the line at its end.
func TestALoopWithoutALogHasTheDefault(t *testing.T) {
	h := stuckDefault(t)
	time.AfterFunc(10*time.Millisecond, func() { close(h.letGo) }) // Run is over by then, unless it waits
	l, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	l.Post(func() { l.LogPanic("panic in a test", "none") })
	l.Post(l.Stop)
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	if len(h.lines) != 1 || h.lines[0] != "panic in a test" {
		t.Errorf("the log has %q", h.lines)
	}
}

// TestALoopIsUsedOnce runs, and listens, when a loop has ended.
func TestALoopIsUsedOnce(t *testing.T) {
	l, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	l.Stop() // a stop before is none of a second use
	if err := l.Run(); err != nil {
		t.Fatal(err)
	}
	if err := l.Run(); err != errRan {
		t.Errorf("a second Run: %v", err)
	}
	if _, err := l.ListenAt("127.0.0.1:0", bobbin.ListenOptions{}, nil); !errors.Is(err, errEnded) {
		t.Errorf("Listen after the end: %v", err)
	}
	if err := (Loops{l}).Run(); err != errRan {
		t.Errorf("a second Run of several: %v", err)
	}
}
