package eventloop

import (
	"errors"
	"fmt"
	"slices"

	"github.com/bobbin-http/bobbin"
)

// Loops are several loops in one process. They share nothing: each has a kernel, its
// listeners, its connections, its limits and a goroutine of its own, and no protocol
// need know that there are others. Data that protocols of several loops share needs
// a lock.
//
// A connection stays on the loop that has begun it. The kernel chooses that loop where
// it can (see bobbin.ReusePort). Elsewhere, and on Unix sockets, the first loop accepts,
// and distributes connections to all in turn. While a callback holds a loop, the others
// accept in its place: see relieve.
type Loops []*Loop

// ListenAt is Loop.ListenAt for all of them: begin makes the accept function for each
// loop, by its number. It returns the listeners of the first loop; closing one of them
// closes no other loop's.
func (ls Loops) ListenAt(s string, how bobbin.ListenOptions, begin func(loop int) func(*Conn) Protocol) ([]*Listener, error) {
	if len(ls) > 1 {
		how.ReusePort = bobbin.ReusePortFirst
	}
	opened, err := ls[0].ListenAt(s, how, begin(0))
	if err != nil {
		return nil, err
	}
	return ls.share(opened, begin)
}

// share has all loops accept what comes to the listeners of the first.
func (ls Loops) share(opened []*Listener, begin func(loop int) func(*Conn) Protocol) ([]*Listener, error) {
	all := slices.Clone(opened)
	for _, first := range opened {
		g := &group{members: []*Listener{first}}
		err := ls.join(g, begin)
		all = append(all, g.members[1:]...)
		if err != nil {
			for _, ln := range all {
				ln.Close()
			}
			return nil, fmt.Errorf("cannot listen on %s once more: %w", first.addr, err)
		}
		for _, ln := range g.members {
			ln.group = g
		}
	}
	for _, l := range ls {
		l.dog.tell = func() { ls.relieve(l) }
	}
	return opened, nil
}

// join adds a listener of each other loop to the group of one that the first loop has.
func (ls Loops) join(g *group, begin func(loop int) func(*Conn) Protocol) error {
	for i, l := range ls[1:] {
		ln, err := g.sourceOf(i+1).addLoop(l, begin(i+1))
		if err != nil {
			return err
		}
		g.members = append(g.members, ln)
	}
	return ls.takeRest(g, begin)
}

// addLoop opens a listener on another loop that gets its part of the connections.
func (ln *Listener) addLoop(l *Loop, begin func(*Conn) Protocol) (*Listener, error) {
	how := ln.how
	how.ReusePort = bobbin.ReusePortNext
	if ln.adopted || ln.inherited && !ln.hasMore() {
		return ln.distributeTo(l, begin), nil
	}
	other, err := l.Listen(ln.addr, how, begin)
	if errors.Is(err, bobbin.ErrNotShared) {
		return ln.distributeTo(l, begin), nil
	}
	return other, err
}

// Run runs the loops, each on a goroutine of its own, until they have ended. If one
// fails, the others are stopped. It returns what is wrong with the first that failed,
// else ErrCut if something was cut off on any.
func (ls Loops) Run() error {
	ended := make(chan error)
	for _, l := range ls {
		go func() { ended <- l.Run() }()
	}
	var first error
	for range ls {
		err := <-ended
		if err != nil && err != ErrCut && (first == nil || first == ErrCut) {
			first = err
			for _, l := range ls {
				l.stopUnlessStopped()
			}
		} else if first == nil {
			first = err
		}
	}
	return first
}

// Stop stops each of them; see Loop.Stop. Any goroutine may call it.
func (ls Loops) Stop() {
	for _, l := range ls {
		l.Stop()
	}
}
