package http

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/eventloop/sim"
)

// Clients that are slow to take an answer, each in its way, and each way to answer.
// What counts is what their kernel acknowledges, which comes in jumps.

// slowSize is the size of the answers here, which is more than any of these clients
// takes while it is watched.
const slowSize = 40 << 20

// slowSite answers with slowSize bytes or more, in one way or another.
func slowSite(w *Response, r *Request) error {
	text := bytes.Repeat([]byte("x"), 16<<10)
	switch r.Path() {
	case "/whole":
		return w.WriteNoCopy(slowBody)
	case "/last":
		w.Add("Connection", "close")
		return w.WriteNoCopy(slowBody)
	case "/file":
		return w.SendFile(memoryFile{bytes.NewReader(slowBody)}, 0, slowSize)
	case "/half", "/pipelined": // so small that the sockets of both sides take it
		return w.WriteNoCopy(slowBody[:1<<20])
	case "/streaming":
		return Streaming(func(w *Response, r *Request) error {
			_, err := io.Copy(w, bytes.NewReader(slowBody))
			return err
		})(w, r)
	case "/ticking": // slowly, so that the sockets take it
		return Streaming(func(w *Response, r *Request) error {
			for {
				w.Write(text[:100])
				if err := w.Flush(); err != nil {
					return err
				}
				if err := w.Pause(time.Second); err != nil {
					return err
				}
			}
		})(w, r)
	case "/held", "/events":
		say := func() error { return nil }
		if r.Path() == "/held" {
			h, err := w.Hold()
			if err != nil {
				return err
			}
			say = func() error { _, err := h.Write(text); return err }
		} else {
			e, err := w.Events()
			if err != nil {
				return err
			}
			say = func() error { return e.Send(Event{Data: string(text)}) }
		}
		loop := r.Loop()
		var tick func()
		tick = func() {
			if say() != ErrGone {
				loop.After(100*time.Millisecond, tick)
			}
		}
		tick()
		return nil
	}
	return StatusNotFound
}

var slowBody = bytes.Repeat([]byte("x"), slowSize)

// A taker is a client that takes an answer in its way. It returns early with the
// error that ends it.
type taker func(s *sim.Script, take func(n int) error) error

// evenly takes n bytes a second, for some time.
func evenly(n int, d time.Duration) taker {
	return func(s *sim.Script, take func(int) error) error {
		for range int(d / time.Second) {
			if err := take(n); err != nil {
				return err
			}
			s.Sleep(time.Second)
		}
		return nil
	}
}

// inJumps takes some at once, and then some more each time after it took nothing
// for long.
func inJumps(first, jump int, silence, d time.Duration) taker {
	return func(s *sim.Script, take func(int) error) error {
		if err := take(first); err != nil {
			return err
		}
		for range int(d / silence) {
			s.Sleep(silence)
			if err := take(jump); err != nil {
				return err
			}
		}
		return nil
	}
}

// stopsAfter takes some at once, and then nothing more.
func stopsAfter(n int) taker {
	return func(s *sim.Script, take func(int) error) error {
		if err := take(n); err != nil {
			return err
		}
		s.Sleep(time.Hour)
		return take(slowSize)
	}
}

func TestSlowReaders(t *testing.T) {
	const stays = 10 * time.Minute
	rows := []struct {
		name  string
		taker taker
		paths string        // where this holds; everywhere if empty
		from  time.Duration // it is reset after that, 0 if never
		to    time.Duration // and before that
	}{
		{"an even 5 kB a second is waited for", evenly(5000, stays), "", 0, 0},
		{"an even 120 kB a second is waited for", evenly(120_000, 5*time.Minute), "", 0, 0},
		{"two megabytes at once and then nothing for 100 s is waited for", inJumps(2<<20, 500_000, 100*time.Second, stays), "", 0, 0},
		{"two megabytes each time after 130 s are waited for", inJumps(2<<20, 2<<20, 130*time.Second, stays), "", 0, 0},
		{"MinRate is enough where it is even", evenly(300, stays), "", 0, 0},
		{"a peer that takes nothing is gone by SendTimeout and 10 s", stopsAfter(0), "", 20 * time.Second, 30 * time.Second},
		{"what a kernel takes for a program that reads nothing earns no time", stopsAfter(128 << 10), "", 20 * time.Second, 30 * time.Second},
		{"each 5 kB beyond earn a second", stopsAfter(128<<10 + 250_000), "", 70 * time.Second, 80 * time.Second},
		{"two minutes are saved at most", stopsAfter(20 << 20), "/whole /file /last /streaming", 140 * time.Second, 150 * time.Second},
		{"a drip below MinRate is nothing", func(s *sim.Script, take func(int) error) error {
			for {
				if err := take(1); err != nil {
					return err
				}
				s.Sleep(time.Second)
			}
		}, "", 20 * time.Second, 31 * time.Second},
		{"an answer that the sockets have taken whole is owed, too", stopsAfter(100), "/half /ticking", 20 * time.Second, 30 * time.Second},
		{"a large answer that the sockets have taken whole is waited for", evenly(5000, 200*time.Second), "/half", 0, 0},
		{"an answer in pieces that come slowly may be taken slowly", evenly(120, stays), "/ticking", 0, 0},
	}
	for i, row := range rows {
		if testing.Short() && i%4 != 0 {
			continue
		}
		t.Run(row.name, func(t *testing.T) {
			for _, way := range []struct {
				path   string
				buffer int
				secure bool
			}{
				{"/whole", 64 << 10, false}, {"/whole", 4 << 20, false}, {"/whole", 1 << 20, true},
				{"/file", 4 << 20, false}, {"/last", 1 << 20, false},
				{"/streaming", 64 << 10, false}, {"/streaming", 4 << 20, false}, {"/streaming", 1 << 20, true},
				{"/held", 64 << 10, false}, {"/held", 4 << 20, false}, {"/events", 1 << 20, false},
				{"/pipelined", 64 << 10, false}, {"/pipelined", 1 << 20, false},
				{"/half", 4 << 20, false}, {"/ticking", 1 << 20, false},
			} {
				if row.paths == "" && way.path != "/half" && way.path != "/ticking" || strings.Contains(row.paths, way.path) {
					lasted, err := visitSlowly(t, way.path, way.buffer, way.secure, row.taker)
					name := fmt.Sprintf("%s, socket of %d KiB, TLS %v", way.path, way.buffer>>10, way.secure)
					switch {
					case row.from == 0 && err != nil:
						t.Errorf("%s: %v after %v", name, err, lasted)
					case row.from != 0 && (err == nil || lasted < row.from || lasted > row.to):
						t.Errorf("%s: %v after %v, not from %v to %v", name, err, lasted, row.from, row.to)
					}
				}
			}
		})
	}
}

// visitSlowly asks for a path and takes the answer. It returns for how long the
// server has kept the connection, and the error that the client met.
func visitSlowly(t *testing.T, path string, buffer int, secure bool, taker taker) (lasted time.Duration, err error) {
	k := sim.New(1)
	k.Buffer = buffer
	config := Config{Handler: slowSite, Loop: eventloop.Config{Kernel: k}}
	config.TLS = &tls.Config{Certificates: []tls.Certificate{certificate()}, Time: k.Now}
	s, err := NewServer(config)
	if err != nil {
		t.Fatal(err)
	}
	listen := s.Listen
	if secure {
		listen = s.ListenTLS
	}
	if _, err := listen(":80"); err != nil {
		t.Fatal(err)
	}
	begun, served := k.Now(), false
	k.Every = func() {
		switch open := s.loop.Open() > 0; {
		case open:
			served = true
		case served && lasted == 0:
			lasted = k.Now().Sub(begun)
		}
		if k.Running() == 0 && !s.loop.Stopping() {
			s.Stop()
			s.Stop()
		}
	}
	k.Go(func(c *sim.Script) {
		w, dialled := k.Dial()
		if dialled != nil {
			t.Error(dialled)
			return
		}
		defer w.Reset()
		request := []byte("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n")
		if path == "/pipelined" {
			request = bytes.Repeat(request, slowSize>>20)
		}
		if secure {
			keys := trusting()
			keys.ServerName, keys.Time = "localhost", k.Now
			conn := tls.Client(&slowLine{s: c, w: w}, keys)
			_, err = conn.Write(request)
		} else {
			err = c.Send(w, request)
		}
		if err == nil {
			begun = k.Now()
			err = taker(c, func(n int) error { _, err := c.Take(w, n); return err })
		}
	})
	s.Run()
	for _, f := range k.Faults() {
		t.Error(f)
	}
	if len(s.slow) > 0 {
		t.Errorf("%d accounts are left", len(s.slow))
	}
	return lasted, err
}

// A slowLine is the net.Conn of a client that speaks TLS. It waits as scripts do.
type slowLine struct {
	net.Conn
	s *sim.Script
	w *sim.Wire
}

func (l *slowLine) Read(p []byte) (int, error) {
	got, err := l.s.Receive(l.w, nil, len(p))
	return copy(p, got), err
}

func (l *slowLine) Write(p []byte) (int, error) { return len(p), l.s.Send(l.w, p) }
