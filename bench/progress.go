package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// A progress reports the current step: on a terminal in one line that changes,
// otherwise in a line for each scenario.
type progress struct {
	w        io.Writer
	terminal bool
	began    time.Time
	total    time.Duration // expected
	shown    bool
}

func newProgress(w io.Writer) *progress {
	p := &progress{w: w, began: time.Now()}
	if f, ok := w.(*os.File); ok {
		info, err := f.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

// expect sets the expected duration from now on.
func (p *progress) expect(d time.Duration) { p.began, p.total = time.Now(), d }

// now reports the current step.
func (p *progress) now(format string, a ...any) {
	if !p.terminal {
		return
	}
	left := ""
	if p.total > 0 {
		if d := p.total - time.Since(p.began); d > 90*time.Second {
			left = fmt.Sprintf(" · about %.0f min left", d.Minutes())
		} else if d > 0 {
			left = fmt.Sprintf(" · about %.0f s left", d.Seconds())
		}
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s%s", fmt.Sprintf(format, a...), left)
	p.shown = true
}

// say writes a line that stays.
func (p *progress) say(format string, a ...any) {
	p.clear()
	fmt.Fprintf(p.w, format+"\n", a...)
}

// clear removes the line of now.
func (p *progress) clear() {
	if p.shown {
		fmt.Fprint(p.w, "\r\x1b[K")
		p.shown = false
	}
}
