package main

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// A screen is a terminal that bobbin top has for itself: without echo and cursor, beside
// what was there before. It belongs to one goroutine.
type screen struct {
	out  io.Writer
	raw  func() (restore func(), err error)
	size func() (width, height int)

	restore func() // nil while the terminal is not ours
	shown   []string
	err     error // of the first write that failed
}

const (
	// Another screen where there is one (xterm's 1049), no cursor, no lines that go on in
	// the next one.
	beginScreen = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[m\x1b[2J"
	endScreen   = "\x1b[m\x1b[H\x1b[2J\x1b[?7h\x1b[?25h\x1b[?1049l"
)

// screenOf returns the screen of a terminal.
func screenOf(in, out *os.File) *screen {
	return &screen{
		out: out,
		raw: func() (func(), error) {
			before, err := term.MakeRaw(int(in.Fd()))
			return func() { _ = term.Restore(int(in.Fd()), before) }, err
		},
		size: func() (int, int) {
			width, height, err := term.GetSize(int(out.Fd()))
			if err != nil || width < 1 || height < 1 {
				return 80, 24
			}
			return width, height
		},
	}
}

// enter takes the terminal.
func (s *screen) enter() error {
	s.leave()
	restore, err := s.raw()
	if err != nil {
		return fmt.Errorf("the terminal cannot be used: %w", err)
	}
	s.restore = restore
	s.write([]byte(beginScreen))
	s.forget()
	return s.err
}

// forget has the next show write everything.
func (s *screen) forget() { s.shown = nil }

// leave gives the terminal back as it was. It may be called at any time.
func (s *screen) leave() {
	if s.restore == nil {
		return
	}
	s.write([]byte(endScreen))
	s.restore()
	s.restore = nil
}

// show writes the lines that are not as they were, all at once.
func (s *screen) show(lines []string) {
	var b bytes.Buffer
	if s.shown == nil {
		b.WriteString("\x1b[m\x1b[2J")
	}
	for i, line := range lines {
		if i >= len(s.shown) || s.shown[i] != line {
			fmt.Fprintf(&b, "\x1b[%d;1H\x1b[2K%s", i+1, line) // erasing at its end would take the last cell
		}
	}
	if len(lines) < len(s.shown) {
		fmt.Fprintf(&b, "\x1b[%d;1H\x1b[J", len(lines)+1)
	}
	s.shown = append(make([]string, 0, len(lines)), lines...)
	if b.Len() > 0 {
		s.write(b.Bytes())
	}
}

func (s *screen) write(p []byte) {
	if _, err := s.out.Write(p); err != nil && s.err == nil {
		s.err = err
	}
}

// A key is what a person pressed.
type key byte

const (
	keyQuit key = iota + 1
	keyPause
	keyNext
	keyBefore
	keyRedraw
	keySuspend
)

// keysOf reads the bytes of some keys. Others than those that mean something are left out.
func keysOf(p []byte) (keys []key) {
	for _, sequence := range []struct {
		bytes string
		key   key
	}{{"\x1b[C", keyNext}, {"\x1bOC", keyNext}, {"\x1b[D", keyBefore}, {"\x1bOD", keyBefore}, {"\x1b[Z", keyBefore}} {
		if string(p) == sequence.bytes {
			return []key{sequence.key}
		}
	}
	if len(p) > 1 && p[0] == 0x1b {
		return nil // another key with a sequence
	}
	for _, b := range p {
		switch b {
		case 'q', 'Q', 3, 4, 0x1c: // Ctrl-C, Ctrl-D, Ctrl-\
			keys = append(keys, keyQuit)
		case ' ':
			keys = append(keys, keyPause)
		case '\t':
			keys = append(keys, keyNext)
		case 12: // Ctrl-L
			keys = append(keys, keyRedraw)
		case 26: // Ctrl-Z
			keys = append(keys, keySuspend)
		}
	}
	return keys
}
