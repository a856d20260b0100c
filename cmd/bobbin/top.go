package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// topCommand is "bobbin top ADDR": it shows the loops of a running server in a terminal.
// Where there is no screen, it writes a line each second.
func topCommand(t *terminals, args []string, env func(string) string) int {
	if len(args) != 1 || strings.HasPrefix(args[0], "-") {
		return t.fail(errors.New("usage: bobbin top ADDR, such as bobbin top :8080"))
	}
	server, err := targetOf(args[0])
	if err != nil {
		return t.fail(err)
	}
	p := &top{server: server, out: t.out, do: make(chan func()), view: view{paint: paintOf(env), address: server.shown(), tab: -1}}
	if terminal := env("TERM"); terminal != "" && terminal != "dumb" && atTerminal(t.in) && atTerminal(t.out) {
		p.screen = screenOf(t.in.(*os.File), t.out.(*os.File))
		p.keys = t.in
	}
	if err := p.run(); err != nil {
		fmt.Fprintf(t.err, "bobbin: %s\n", p.cleaned(err.Error())) // it may have words of the server
		return exitFailed
	}
	return exitOK
}

// shown is the address without its password, because others may see the screen.
func (t *target) shown() string {
	if t.base.User != nil {
		return t.base.Redacted()
	}
	return t.text
}

// A top follows a server and shows it. All but following and reading keys is done by the
// goroutine of run.
type top struct {
	view
	server *target
	out    io.Writer
	screen *screen   // nil for lines
	keys   io.Reader // nil if there are none

	ctx  context.Context // ends with run
	do   chan func()     // is run by run
	over bool
	err  error

	told string // the last line that was no figure
}

// drawEvery is how often figures change: faster ones cannot be read. A screen that has come
// to another verdict is drawn at once.
const (
	drawEvery = 500 * time.Millisecond
	lineEvery = time.Second
)

// run shows the server until the person has enough.
func (t *top) run() error {
	ctx, end := context.WithCancel(context.Background())
	defer end()
	t.ctx = ctx
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer signal.Stop(signals)
	every := lineEvery
	if t.screen != nil {
		signal.Notify(signals, syscall.SIGWINCH, syscall.SIGCONT)
		if err := t.screen.enter(); err != nil {
			return err
		}
		defer t.screen.leave() // also in a panic
		every = drawEvery
		go t.guard(t.readKeys)
	}
	go t.guard(t.follow)
	ticks := time.NewTicker(every)
	defer ticks.Stop()
	t.at = time.Now()
	t.last = t.at
	for t.draw(); !t.over; {
		select {
		case f := <-t.do:
			t.at = time.Now()
			f()
		case <-ticks.C:
			t.at = time.Now()
			t.tick()
		case s := <-signals:
			t.signalled(s)
		}
	}
	return t.err
}

// end ends run.
func (t *top) end(err error) {
	if !t.over {
		t.over, t.err = true, err
	}
}

// hand has run call f, and reports whether there is a run.
func (t *top) hand(f func()) bool {
	select {
	case t.do <- f:
		return true
	case <-t.ctx.Done():
		return false
	}
}

// guard moves a panic of another goroutine to that of run, which gives the terminal back.
func (t *top) guard(f func()) {
	defer func() {
		if why := recover(); why != nil {
			t.hand(func() { panic(why) })
		}
	}()
	f()
}

// tick shows the time that has passed.
func (t *top) tick() {
	if t.screen != nil {
		t.draw()
		return
	}
	words := t.summary()
	if t.frame() == nil || t.lost != "" {
		return // told when it happened
	}
	t.tell(words)
}

// tell writes a line. Its reader may have gone, which is no failure.
func (t *top) tell(words string) {
	if _, err := fmt.Fprintln(t.out, words); err != nil {
		if errors.Is(err, syscall.EPIPE) {
			err = nil
		}
		t.end(err)
	}
}

// draw shows everything on the screen, if there is one.
func (t *top) draw() {
	if t.screen == nil || t.screen.restore == nil {
		return
	}
	t.screen.show(t.view.draw(t.screen.size()))
	if t.screen.err != nil {
		t.end(t.screen.err)
	}
}

// signalled draws for another size, or takes the terminal again, or ends the program.
func (t *top) signalled(s os.Signal) {
	switch s {
	case syscall.SIGWINCH:
		t.screen.forget()
		t.draw()
	case syscall.SIGCONT:
		t.resume()
	default:
		t.end(nil)
	}
}

// suspend stops the program as Ctrl-Z does, and gives the terminal back for that time. The
// shell stops and continues all processes of a command, so those of this one's group are
// stopped.
func (t *top) suspend() {
	t.screen.leave()
	continued := make(chan os.Signal, 1)
	signal.Notify(continued, syscall.SIGCONT)
	defer signal.Stop(continued)
	if err := syscall.Kill(0, syscall.SIGTSTP); err != nil {
		t.end(err)
	}
	// The signal may be on its way to another thread. Where no shell could continue the
	// program, the kernel ignores it, and no SIGCONT comes.
	select {
	case <-continued:
	case <-time.After(stopsWithin):
	}
	t.resume()
}

// stopsWithin is how long a signal takes at most to stop this process.
const stopsWithin = 200 * time.Millisecond

// resume takes the terminal again, whose state others may have changed.
func (t *top) resume() {
	if err := t.screen.enter(); err != nil {
		t.end(err)
	}
	t.at = time.Now()
	t.draw()
}

// readKeys reads keys until the terminal has gone.
func (t *top) readKeys() {
	var p [64]byte
	for {
		n, err := t.keys.Read(p[:])
		keys := keysOf(p[:n])
		if !t.hand(func() { t.press(keys) }) {
			return
		}
		if err != nil {
			t.hand(func() { t.end(nil) })
			return
		}
	}
}

// press does what keys mean.
func (t *top) press(keys []key) {
	for _, k := range keys {
		switch k {
		case keyQuit:
			t.end(nil)
		case keyPause:
			if t.paused.IsZero() {
				t.paused = t.at
			} else {
				t.paused = time.Time{}
			}
		case keyNext, keyBefore:
			if t.hello != nil && t.hello.Loops > 1 {
				tabs := t.hello.Loops + 1 // all loops, and each
				step := 1
				if k == keyBefore {
					step = tabs - 1
				}
				t.tab = (t.tab+1+step)%tabs - 1
			}
		case keyRedraw:
			t.screen.forget()
		case keySuspend:
			t.suspend()
		}
	}
	t.draw()
}
