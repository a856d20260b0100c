// Package server knows the servers that are compared: how each is built or
// found, what it is told, how it is started and checked, and what it cannot do.
package server

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"time"

	"github.com/bobbin-http/bobbin/bench/child"
)

// A Role is what a server is compared as.
type Role string

const (
	Floor Role = "floor" // does nothing but answer; the first one is what 1.00 means
	Ours  Role = "ours"
	Rival Role = "rival"
)

// A Kind is a server that can be measured.
type Kind struct {
	Name    string // without spaces, for --only
	Role    Role
	About   string // for the report: what it is, and what should be known of it
	Slow    bool   // left out of a quick run, and where it is hardly another than one before it
	Program string // what must be there, see Workshop.find

	// Command says how to start it for a job. An error says what about the job
	// it cannot do.
	Command func(w *Workshop, j Job) ([]string, error)

	// Uncounted says why its instructions cannot be counted by valgrind; "" if
	// they can.
	Uncounted string

	// In is the only scenario in which it takes part; "" for all.
	In string

	// Cheap says that it is among the cheapest rivals, who alone take part where
	// a number grows: ten curves are no picture, and each takes its time.
	Cheap bool

	// Version is a command whose first line tells it.
	Version []string
}

// A Job is what a server is started for.
type Job struct {
	Request Request // that it will be asked
	Files   bool    // from Folder; otherwise it is Hello
	Folder  string
	File    string        // the one that will be asked for, for who has only one
	Idle    time.Duration // for which a connection may say nothing
	TLS     *Certificate  // or nil
	Under   []string      // what starts it, such as valgrind; nil for nobody
	Env     []string      // added to ours
	Port    int           // set by Start
	Scratch string        // a folder of its own, set by Start
}

// Hello is what every server answers to HelloPath.
const (
	Hello     = "Hello, World!"
	HelloPath = "/bench"
)

// A cannot is why a server does not take part.
type cannot string

func (c cannot) Error() string { return string(c) }

// IsCannot says whether an error means that a server was not made for a job, as
// opposed to having failed in it.
func IsCannot(err error) bool {
	var c cannot
	return errors.As(err, &c)
}

// Can says why a kind that was found was not made for a job, or nil. It starts
// nothing.
func (w *Workshop) Can(k *Kind, j Job) error {
	j.Scratch = w.Scratch
	if _, err := k.Command(w, j); IsCannot(err) {
		return err
	}
	return nil
}

// Running is a server that answers.
type Running struct {
	Kind    *Kind
	Address string // of 127.0.0.1
	Child   *child.Child
}

// starting is how long a server may take until it answers.
const starting = 15 * time.Second

// Start starts a server for a job, and returns when it answers. Its port is one
// that is free.
func (w *Workshop) Start(ctx context.Context, k *Kind, j Job, core int) (*Running, error) {
	var err error
	if j.Scratch, err = os.MkdirTemp(w.Scratch, k.Name+"-"); err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		r, err := w.try(ctx, k, j, core)
		// Somebody else may have taken the port that was free a moment ago.
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
	args, err := k.Command(w, j)
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

// wait waits until the server answers anything.
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

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}
