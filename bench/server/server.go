// Package server knows the compared servers: how to build or find, configure, start
// and check each, and its limitations.
package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/bobbin-http/bobbin/bench/child"
)

// A Role is the part of a server in the comparison.
type Role string

const (
	Floor Role = "floor" // only answers; the first one defines 1.00
	Ours  Role = "ours"
	Rival Role = "rival"
)

// A Kind is a server that can be measured.
type Kind struct {
	Name    string // without spaces, for --only
	Role    Role
	About   string // for the report: a description
	Slow    bool   // left out of a quick run, and of scenarios that are not for all
	Program string // the needed program, see Workshop.find

	// Command returns the command line for a job, or an error if the server cannot do
	// the job.
	Command func(w *Workshop, j Job) ([]string, error)

	// Speaks are the protocols for which it is compared; nil is HTTP/1.1 alone. A job
	// with another one it cannot do.
	Speaks []Protocol

	// OnlyHTTP1 marks a server that gets the requests of a scenario for HTTP/2 by
	// HTTP/1.1, to compare the two.
	OnlyHTTP1 bool

	// Uncounted is why its instructions cannot be counted by valgrind; "" if they
	// can.
	Uncounted string

	// Named marks a server that takes part only in scenarios that name it.
	Named bool

	// Minor marks rivals that take part only in scenarios for all: they are dearer
	// than others of their kind everywhere, and each takes time.
	Minor bool

	// Cheap marks the cheapest rivals. Only they take part where a number grows: ten
	// curves are unreadable, and each takes time.
	Cheap bool

	// Version is a command whose first line has the version.
	Version []string
}

// A Job is the task of a server.
type Job struct {
	Request Request // the request to come
	Files   bool    // from Folder; otherwise the answer is Hello
	Folder  string
	File    string        // the file that will be requested, for servers with only one
	Idle    time.Duration // the longest idle time of a connection
	TLS     *Certificate  // or nil
	Under   []string      // a program that starts it, such as valgrind; nil for none
	Env     []string      // added to this program's environment
	Port    int           // set by Start
	Scratch string        // a folder of its own, set by Start
}

// Hello is the answer of every server to HelloPath.
const (
	Hello     = "Hello, World!"
	HelloPath = "/bench"
)

// A cannot is why a server does not take part.
type cannot string

func (c cannot) Error() string { return string(c) }

// IsCannot reports whether an error means that a server does not support a job, as
// opposed to a failure.
func IsCannot(err error) bool {
	var c cannot
	return errors.As(err, &c)
}

// Can returns why a kind does not support a job, or nil. It starts nothing.
func (w *Workshop) Can(k *Kind, j Job) error {
	j.Scratch = w.Scratch
	if _, err := w.command(k, j); IsCannot(err) {
		return err
	}
	return nil
}

// command returns the command line of a kind for a job.
func (w *Workshop) command(k *Kind, j Job) ([]string, error) {
	speaks := k.Speaks
	if speaks == nil {
		speaks = []Protocol{HTTP1}
	}
	if p := j.Request.Protocol; !slices.Contains(speaks, p) {
		return nil, cannot("it is not compared over " + p.String())
	}
	return k.Command(w, j)
}

// Asked returns how a kind gets the request of a scenario.
func (k *Kind) Asked(r Request) Request {
	if k.OnlyHTTP1 && r.Protocol == HTTP2 {
		r.Protocol = HTTP1
	}
	return r
}

// Running is a server that answers.
type Running struct {
	Kind    *Kind
	Address string // of 127.0.0.1
	Child   *child.Child
}

// starting is the longest time until a server answers.
const starting = 15 * time.Second

// Start starts a server for a job on a free port, and returns when it answers.
func (w *Workshop) Start(ctx context.Context, k *Kind, j Job, core int) (*Running, error) {
	var err error
	if j.Scratch, err = os.MkdirTemp(w.Scratch, k.Name+"-"); err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		r, err := w.try(ctx, k, j, core)
		// Another program may have taken the port meanwhile.
		if err == nil || try == 2 || IsCannot(err) || ctx.Err() != nil {
			return r, err
		}
	}
}

func (w *Workshop) try(ctx context.Context, k *Kind, j Job, core int) (*Running, error) {
	var err error
	if j.Port, err = freePort(); err != nil {
		return nil, err
	}
	args, err := w.command(k, j)
	if err != nil {
		return nil, err
	}
	c, err := child.Start(ctx, child.Command{
		Args: slices.Concat(j.Under, args), Env: j.Env, Core: core, Dir: j.Scratch,
	})
	if err != nil {
		return nil, err
	}
	r := &Running{Kind: k, Address: net.JoinHostPort("127.0.0.1", strconv.Itoa(j.Port)), Child: c}
	if err := r.wait(ctx, j); err != nil {
		c.End()
		return nil, err
	}
	return r, nil
}

// wait waits for the first answer of the server.
func (r *Running) wait(ctx context.Context, j Job) error {
	plain := j.Request
	plain.Pipeline = 0
	var last error
	for until := time.Now().Add(starting); time.Now().Before(until); {
		if err := r.Child.Died(); err != nil {
			return fmt.Errorf("it does not start: %w", err)
		}
		if _, last = Ask(ctx, r.Address, plain, time.Second); last == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
	return fmt.Errorf("it does not answer: %w", last)
}

// End ends the server.
func (r *Running) End() { r.Child.End() }

// given has the ports that servers have got. The kernel may name a port again before its
// server listens there.
var given struct {
	sync.Mutex
	ports map[int]bool
}

// freePort returns a port that is free and was not given before.
func freePort() (int, error) {
	given.Lock()
	defer given.Unlock()
	if given.ports == nil {
		given.ports = make(map[int]bool)
	}
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 0, err
		}
		port := l.Addr().(*net.TCPAddr).Port
		l.Close()
		if !given.ports[port] {
			given.ports[port] = true
			return port, nil
		}
	}
}
