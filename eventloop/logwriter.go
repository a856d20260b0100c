package eventloop

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// A LogWriter takes lines and never waits: a goroutine of its own passes them on to
// a writer that may wait for as long as it likes, a full pipe, a slow disk. So it is
// what a handler of log/slog writes to, when a loop logs, and what Config.Trace is:
//
//	lines := eventloop.NewLogWriter(os.Stderr, eventloop.LogOptions{})
//	defer lines.Close(time.Second)
//	log := slog.New(slog.NewTextHandler(lines, nil))
//
// Lines that do not fit into its memory (1 MiB, and as much on its way) are dropped
// and counted, and so are those that the writer has refused; a line says how many, as
// soon as one can be written. Each call of Write is of whole lines, and lines of one
// call stay together. Any goroutine may call it.
type LogWriter struct {
	to      io.Writer
	options LogOptions
	wake    chan struct{} // a line lies here
	hurry   chan struct{} // and is not to wait for others
	ended   chan struct{}

	// Owned by the goroutine that writes.
	partialLine bool // the writer has taken a part of a line
	failing     bool // its last call has failed
	tried       bool // at the end, to say what is missing

	mu      sync.Mutex
	lines   []byte // taken, and not yet on their way
	count   int    // how many those are, or are said to be missing there
	spare   []byte // memory for them
	sending int    // the same count, of those on their way
	before  int    // lines lost before those in lines, which no line says
	behind  int    // lines dropped behind those in lines, which no line says
	full    bool   // lines were dropped since the writer last kept up
	closed  bool
	err     error // the last of the writer
}

// LogOptions say how a LogWriter writes. The zero value will do.
type LogOptions struct {
	// Delay is how long lines are gathered, so that many go in one call; 32 KiB of
	// them go at once.
	Delay time.Duration

	// Dropped appends the line that says how many are missing; a sentence in
	// English if nil. Any goroutine may call it, while the LogWriter is locked: it
	// must not log there.
	Dropped func(p []byte, lines int) []byte

	// OnError, if set, is told, on a goroutine of its own or the one that writes,
	// that lines begin to be lost: ErrLogFull, or what the writer has answered. It
	// is told once, until lines are written again.
	OnError func(err error)
}

// ErrLogFull is why lines are dropped whose writer does not take them.
var ErrLogFull = errors.New("the log is not taken as fast as it is written, and lines are dropped")

// The sizes of a LogWriter: about five thousand lines of an access log, which is a
// tenth of a second at full speed, and more than an operator can read of other lines.
// A batch of logEnough is written in one call without waiting for more, and memory
// above logKept is given back after a flood.
const (
	logMax    = 1 << 20
	logEnough = 32 << 10
	logKept   = 4 * logEnough
)

// NewLogWriter makes one that writes to another writer, one call at a time. It has to
// be closed.
func NewLogWriter(to io.Writer, o LogOptions) *LogWriter {
	if o.Dropped == nil {
		o.Dropped = func(p []byte, lines int) []byte { return fmt.Appendf(p, "%d lines of the log were dropped\n", lines) }
	}
	w := &LogWriter{to: to, options: o, wake: make(chan struct{}, 1), hurry: make(chan struct{}, 1), ended: make(chan struct{})}
	go w.run()
	return w
}

// Write implements io.Writer. It never fails: lines that do not fit are counted.
func (w *LogWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || len(w.lines)+len(p) > logMax {
		if !w.full && !w.closed && w.options.OnError != nil {
			go w.options.OnError(ErrLogFull) // the goroutine that writes may hang
		}
		w.full = true
		w.behind += countLines(p)
		return len(p), nil
	}
	if w.behind > 0 {
		w.lines = w.options.Dropped(w.lines, w.behind)
		w.count += w.behind
		w.behind = 0
	}
	w.count += countLines(p)
	had := len(w.lines)
	w.lines = append(w.lines, p...)
	if had == 0 {
		tell(w.wake)
	}
	if had < logEnough && len(w.lines) >= logEnough {
		tell(w.hurry)
	}
	return len(p), nil
}

// countLines returns how many lines a text has, 1 at least.
func countLines(p []byte) int { return max(1, bytes.Count(p, []byte("\n"))) }

// tell leaves word, unless some is left already.
func tell(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Flush has the lines written without waiting for more. It does not wait for that.
func (w *LogWriter) Flush() { tell(w.hurry) }

// Close waits until the lines are written, for so long at most, and ends the
// LogWriter: later lines are dropped. The error says how many lines were lost of
// which no line says so, and why, unless OnError was told. A second call waits again.
func (w *LogWriter) Close(within time.Duration) error {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	tell(w.hurry)
	timer := time.NewTimer(within)
	defer timer.Stop()
	hangs := false
	select {
	case <-w.ended:
	case <-timer.C:
		select {
		case <-w.ended:
		default:
			hangs = true
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	lost := w.before + w.behind + w.sending + w.count
	switch {
	case hangs && lost > 0:
		return fmt.Errorf("%d lines were lost: their writer does not take them", lost)
	case lost > 0 && w.err != nil && w.options.OnError == nil:
		return fmt.Errorf("%d lines were lost: %w", lost, w.err)
	case lost > 0:
		return fmt.Errorf("%d lines were lost", lost)
	}
	return nil
}

// run writes what comes, until the LogWriter is closed and empty.
func (w *LogWriter) run() {
	defer close(w.ended)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-w.wake:
			if w.options.Delay > 0 {
				timer.Reset(w.options.Delay)
				select {
				case <-timer.C:
				case <-w.hurry:
				}
			}
		case <-w.hurry:
		}
		for {
			b, closed := w.take()
			if len(b.text) > 0 {
				w.pass(b)
			} else if closed {
				return
			} else {
				break
			}
		}
	}
}

// A batch is what is written in one call.
type batch struct {
	text []byte

	// The lines that were taken are text[from:to], around them may stand lines that
	// say of how many others were lost.
	from, to       int
	before, behind int
}

// take makes a batch of what lies here. That lines are lost is said with the next
// line, or at the end, so that a full disk is not asked again and again.
func (w *LogWriter) take() (b batch, closed bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.lines)+w.behind == 0 {
		if !w.closed || w.before == 0 || w.tried {
			return batch{}, w.closed
		}
		w.tried = true
	}
	text := w.spare[:0]
	if w.partialLine {
		text = append(text, '\n')
	}
	if w.before > 0 {
		text = w.options.Dropped(text, w.before)
	}
	b.from = len(text)
	if len(text) == 0 {
		text, w.spare = w.lines, text
		w.lines = w.spare
	} else {
		text = append(text, w.lines...)
		w.lines = w.lines[:0]
	}
	b.to = len(text)
	if w.behind > 0 {
		text = w.options.Dropped(text, w.behind)
	}
	b.text, b.before, b.behind = text, w.before, w.behind
	w.sending = b.before + b.behind + w.count
	w.before, w.behind, w.count, w.spare = 0, 0, 0, nil
	return b, w.closed
}

// pass writes a batch, and counts the lines of it that were not taken.
func (w *LogWriter) pass(b batch) {
	n, err := w.write(b.text)
	w.partialLine = n > 0 && b.text[n-1] != '\n' || n == 0 && w.partialLine
	if err != nil && !w.failing && w.options.OnError != nil {
		w.options.OnError(err)
	}
	w.failing = err != nil
	w.mu.Lock()
	defer w.mu.Unlock()
	w.before += w.lostOf(b, n)
	w.sending, w.err = 0, err
	w.full = w.full && w.behind+b.behind > 0
	if cap(b.text) <= logKept {
		w.spare = b.text[:0]
	}
	if cap(w.lines) > logKept && len(w.lines) == 0 {
		w.lines = nil
	}
}

// lostOf returns how many lines of a batch are lost if n bytes of it were written. A
// line of which a part is there is lost.
func (w *LogWriter) lostOf(b batch, n int) int {
	switch {
	case n == len(b.text):
		return 0
	case n == 0:
		return w.sending
	}
	lost := b.behind + bytes.Count(b.text[min(max(n, b.from), b.to):b.to], []byte("\n"))
	if n < b.from {
		lost += b.before
	}
	return lost
}

// write calls the writer. A panic of it is an error like others.
func (w *LogWriter) write(p []byte) (n int, err error) {
	defer func() {
		if r := recover(); r != nil {
			n, err = 0, fmt.Errorf("eventloop: panic of a log's writer: %v", r)
		}
	}()
	n, err = w.to.Write(p)
	n = max(0, min(n, len(p)))
	if err == nil && n < len(p) {
		err = io.ErrShortWrite
	}
	return n, err
}
