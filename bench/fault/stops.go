package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Stopping under load: is a request lost? Twelve clients make requests as fast as
// they can. A request is lost if its connection was made and no complete answer came.
// There is one exception: a kept connection may be closed in order, without a byte of
// an answer, at the moment of its next request (RFC 9112 section 9.6).

// A load is clients that make requests without end.
type load struct {
	client   *client
	answered atomic.Int64
	crossed  atomic.Int64 // requests that crossed an orderly close
	refused  atomic.Int64 // connections that were refused
	stop     context.CancelFunc
	clients  sync.WaitGroup

	mu   sync.Mutex
	lost map[string]int
}

const loadClients = 12

// startLoad starts clients of three kinds: some use each connection once, some keep
// it, and some connect and send a little later.
func startLoad(ctx context.Context, v *victim) *load {
	l := &load{client: newClient(v, v.probe), lost: make(map[string]int)}
	ctx, l.stop = context.WithCancel(ctx)
	for i := range loadClients {
		l.clients.Go(func() {
			for ctx.Err() == nil {
				if !l.makeRequests(ctx, i%3) {
					// The victim has ended, or is being replaced.
					time.Sleep(20 * time.Millisecond)
				}
			}
		})
	}
	return l
}

// Kinds of clients.
const (
	once = iota
	kept
	late
)

// makeRequests makes a connection and requests over it.
func (l *load) makeRequests(ctx context.Context, kind int) (connected bool) {
	line, err := l.client.dial(ctx)
	if err != nil {
		if ctx.Err() == nil {
			l.refused.Add(1)
		}
		return false
	}
	defer line.Close()
	if kind == late {
		time.Sleep(20 * time.Millisecond)
	}
	requests := 1
	if kind == kept {
		requests = 50
	}
	for n := range requests {
		if n > 0 && isClosed(line) {
			return true
		}
		more, err := l.client.ask(line, ask{path: "/small.txt", status: 200}, kind == once)
		switch {
		case n > 0 && errors.Is(err, errSilent):
			l.crossed.Add(1)
			return true
		case err != nil:
			l.lose(fmt.Sprintf("%s, request %d of %s", reason(err), n+1, []string{"one", "a kept connection", "a late one"}[kind]))
			return true
		}
		l.answered.Add(1)
		if !more {
			return true
		}
	}
	return true
}

func (l *load) lose(how string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost[how]++
}

// isClosed reports whether the server has closed a connection.
func isClosed(l *line) (is bool) {
	raw, err := l.Conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return false
	}
	raw.Read(func(fd uintptr) bool {
		var b [1]byte
		n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		is = err == nil && n == 0
		return true
	})
	return is
}

// end stops the clients after their answers, and reports.
func (l *load) end(t *trial) {
	l.stop()
	l.clients.Wait()
	var lost []string
	for how, n := range l.lost {
		lost = append(lost, fmt.Sprintf("%d × %s", n, how))
	}
	slices.Sort(lost)
	t.log("clients", "%d answers, %d requests crossed a close, %d connections refused, lost: %s", l.answered.Load(), l.crossed.Load(), l.refused.Load(), strings.Join(lost, ", "))
	if len(lost) > 0 {
		t.fail("requests lost: %s", strings.Join(lost, ", "))
	}
}

func stopOneLoop(t *trial) error   { return t.stopUnderLoad(1) }
func stopFourLoops(t *trial) error { return t.stopUnderLoad(4) }

// stopUnderLoad starts a victim and stops it under load, repeatedly.
func (t *trial) stopUnderLoad(loops int) error {
	for range pick(t, 2, 20) {
		v, err := t.start(order{args: []string{"--loops", fmt.Sprint(loops)}})
		if err != nil {
			return err
		}
		l := startLoad(t.ctx, v)
		t.wait(500 * time.Millisecond)
		v.stop(0)
		l.end(t)
		if l.answered.Load() == 0 {
			t.fail("no request was answered")
		}
	}
	return nil
}

func hangupOneLoop(t *trial) error   { return t.hangupUnderLoad(1) }
func hangupFourLoops(t *trial) error { return t.hangupUnderLoad(4) }

// hangupUnderLoad sends SIGHUP under load. The victim must continue.
func (t *trial) hangupUnderLoad(loops int) error {
	v, err := t.start(order{args: []string{"--loops", fmt.Sprint(loops)}})
	if err != nil {
		return err
	}
	l := startLoad(t.ctx, v)
	for range pick(t, 5, 20) {
		t.wait(150 * time.Millisecond)
		v.child.Signal(syscall.SIGHUP)
	}
	t.wait(150 * time.Millisecond)
	ended := v.child.Died()
	l.end(t)
	if ended == nil {
		v.settle()
	}
	v.stop(0)
	v.reportLog(false)
	return nil
}

// heldLoop has a handler hold one of four loops on a Unix socket, where the first
// loop accepts and distributes. A request on the held loop waits until it is free,
// and none is lost.
func heldLoop(t *trial) error {
	socket := filepath.Join(t.folder, "s")
	o := order{embedded: true, listen: "unix:" + socket, args: []string{"--loops", "4"}}
	return t.besiege(plan{order: o, attack: func(s *siege) error {
		c := newClient(s.victim, "")
		for range pick(t, 3, 20) {
			if err := c.once(s.ctx, ask{path: "/hold", status: 200}); err != nil {
				s.fail("the request that holds its loop: %s", reason(err))
			}
		}
		return nil
	}})
}
