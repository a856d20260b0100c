package eventloop

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// DefaultLog returns the logger of a loop, or a server, whose Config.Log is nil: that of
// slog.Default at this moment. The loop does not wait for it, although it may write to a
// pipe that nothing reads: a line is put aside, and a goroutine hands it on. When 1,024
// lines wait, further ones are dropped, and a line says how many. Loop.Run waits for a
// second at its end for the lines to be written. Silence is slog.DiscardHandler.
func DefaultLog() *slog.Logger {
	return slog.New(&logHandler{queue: new(logQueue), to: slog.Default().Handler()})
}

// A logHandler hands records on in the background.
type logHandler struct {
	queue *logQueue // shared by all that WithAttrs and WithGroup return
	to    slog.Handler
}

// Enabled implements slog.Handler.
func (h *logHandler) Enabled(c context.Context, level slog.Level) bool { return h.to.Enabled(c, level) }

// WithAttrs implements slog.Handler.
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logHandler{h.queue, h.to.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h *logHandler) WithGroup(name string) slog.Handler {
	return &logHandler{h.queue, h.to.WithGroup(name)}
}

// Handle implements slog.Handler. It never waits.
func (h *logHandler) Handle(_ context.Context, r slog.Record) error {
	h.queue.add(h.to, r.Clone())
	return nil
}

// logQueueMax is the most lines that wait.
const logQueueMax = 1024

// A logQueue has the lines that wait. A goroutine hands them on while there are any.
type logQueue struct {
	mu      sync.Mutex
	lines   []queuedLine
	dropped int
	done    chan struct{} // of the goroutine, which closes it; nil while there is none
}

// A queuedLine is a record and the handler that it is for.
type queuedLine struct {
	to     slog.Handler
	record slog.Record
}

// add puts a line aside.
func (q *logQueue) add(to slog.Handler, r slog.Record) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.lines) == logQueueMax {
		q.dropped++
		return
	}
	q.lines = append(q.lines, queuedLine{to, r})
	if q.done == nil {
		q.done = make(chan struct{})
		go q.run(q.done)
	}
}

// run hands lines on until there are none.
func (q *logQueue) run(done chan struct{}) {
	defer close(done)
	for {
		lines, dropped := q.take()
		for _, l := range lines {
			l.write()
		}
		if dropped > 0 {
			r := slog.NewRecord(time.Time{}, slog.LevelWarn, fmt.Sprintf("%d lines of the log were dropped, because it is not taken as fast as it is written", dropped), 0)
			queuedLine{lines[len(lines)-1].to, r}.write()
		}
		if len(lines) == 0 {
			return
		}
	}
}

// take returns all lines that wait. If there are none, the next one starts a goroutine.
func (q *logQueue) take() (lines []queuedLine, dropped int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	lines, dropped = q.lines, q.dropped
	q.lines, q.dropped = nil, 0
	if len(lines) == 0 {
		q.done = nil
	}
	return lines, dropped
}

// write hands a line on. A panic of the handler costs the line.
func (l queuedLine) write() {
	defer func() { _ = recover() }()
	_ = l.to.Handle(context.Background(), l.record) // there is no other place to complain
}

// flushLog waits until the lines of a logger that DefaultLog has returned are written, for
// so long at most.
func flushLog(log *slog.Logger, within time.Duration) {
	h, ok := log.Handler().(*logHandler)
	if !ok {
		return
	}
	h.queue.mu.Lock()
	done := h.queue.done
	h.queue.mu.Unlock()
	if done == nil {
		return
	}
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-done:
	case <-timer.C:
	}
}
