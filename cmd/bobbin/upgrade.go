package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/bobbin-http/bobbin/cmd/bobbin/internal/handover"
	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// SIGUSR2 starts the program anew, which may be another version by now, and gives it the
// listening sockets. When it is ready, this process stops as on SIGTERM, except that it
// leaves the sockets alone: what waits in their queues is the new one's. If it fails, or
// says nothing, this process goes on as if nothing had been.

// upgradeWithin is how long a new process has to become ready. Tests change it.
var upgradeWithin = 30 * time.Second

// An upgrader has one upgrade at a time.
type upgrader struct {
	site  *site
	admin *adminServer
	log   *slog.Logger
	lines io.Writer // gets what the new process says at its start

	program   string // a path
	err       error  // of finding that
	listeners []*eventloop.Listener
	kept      []int // descriptors of a service manager
	activated bool  // some of them by LISTEN_FDS

	busy    atomic.Bool
	running sync.WaitGroup // has the goroutine of an upgrade
}

// newUpgrader is called before the servers run.
func (s *site) newUpgrader(o *options, servers http.Servers, admin *adminServer, log *slog.Logger, lines io.Writer) *upgrader {
	u := &upgrader{site: s, admin: admin, log: log, lines: lines}
	u.program, u.err = ownPath(os.Args[0])
	for _, server := range servers {
		u.listeners = append(u.listeners, server.Loop().Listeners()...)
	}
	if admin != nil {
		u.listeners = append(u.listeners, admin.server.Loop().Listeners()...)
	}
	at, _ := activated(o.env, os.Getpid()) // an error was reported at the start
	for _, name := range at {
		fd, err := strconv.Atoi(strings.TrimPrefix(name, "fd:"))
		if err == nil && isOpen(fd) {
			u.kept = append(u.kept, fd)
		}
	}
	u.activated = len(at) > 0
	for _, ln := range u.listeners {
		if fd := ln.Asked().FD; fd != 0 && !slices.Contains(u.kept, fd) {
			u.kept = append(u.kept, fd)
		}
	}
	for _, fd := range u.kept {
		syscall.CloseOnExec(fd) // no other program that is started is to have it
	}
	return u
}

// ownPath returns the absolute path of this program as it was started. That may be a
// symbolic link which leads to another version later, where os.Executable has followed it.
func ownPath(name string) (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", err
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return self, nil // it was started by another name
	}
	if path, err = filepath.Abs(path); err != nil {
		return self, nil
	}
	one, err1 := os.Stat(path)
	other, err2 := os.Stat(self)
	if err1 != nil || err2 != nil || !os.SameFile(one, other) {
		return self, nil
	}
	return path, nil
}

// isOpen reports whether a descriptor is open.
func isOpen(fd int) bool {
	var s syscall.Stat_t
	return syscall.Fstat(fd, &s) == nil
}

// begin begins an upgrade, off all loops, unless one is under way.
func (u *upgrader) begin() {
	switch {
	case u.site.stop.begun():
		u.log.Warn("SIGUSR2 ignored: this process is stopping")
	case u.busy.Swap(true):
		u.log.Warn("SIGUSR2 ignored: an upgrade is under way")
	default:
		u.running.Go(func() {
			defer u.busy.Store(false)
			u.upgrade()
		})
	}
}

// upgrade starts the new process, and ends this one when the new one is ready.
func (u *upgrader) upgrade() {
	next, list, err := u.start()
	if err != nil {
		u.log.Error("SIGUSR2: no new process was started, and this one goes on", "error", err)
		return
	}
	u.log.Info("SIGUSR2: a new process starts", "pid", next.PID, "program", u.program)
	taken, err := next.Ready(upgradeWithin, u.site.stop.asked)
	if err == nil {
		err = u.site.stop.followedBy(next, func() error { return u.give(next, list, taken) })
		if err == handover.ErrStopped {
			next.End()
		}
	}
	switch {
	case err == handover.ErrStopped:
		u.log.Warn("SIGUSR2: the new process was ended, because this one is stopping", "pid", next.PID)
		return
	case err != nil:
		u.log.Error("SIGUSR2: the new process failed, and this one goes on", "pid", next.PID, "error", err)
		return
	}
	u.log.Info("SIGUSR2: the new process serves, and this one finishes its requests", "pid", next.PID)
	u.admin.stop()
	select {
	case how := <-next.Ended():
		if how != handover.Well { // by a signal, or an upgrade of its own
			u.log.Error("the new process has ended before this one has finished", "pid", next.PID, "how", how)
		}
	case <-u.site.stop.ended:
	}
}

// start starts the new process with the listening sockets.
func (u *upgrader) start() (next *handover.Next, list []*eventloop.Listener, err error) {
	if u.err != nil {
		return nil, nil, u.err
	}
	p := handover.Plan{Path: u.program, Args: os.Args, Env: u.environment(), Keep: u.kept, Secret: u.site.tickets.secret(), Relay: u.lines}
	for _, ln := range u.listeners {
		if ln.Asked().FD != 0 {
			continue // it has the same number there
		}
		file, err := ln.File()
		if err != nil {
			for _, f := range p.Files {
				f.Close()
			}
			return nil, nil, fmt.Errorf("%s cannot be handed over: %w", ln.Addr(), err)
		}
		list = append(list, ln)
		p.Files = append(p.Files, file)
		p.Sockets = append(p.Sockets, handover.Socket{Asked: ln.Asked().String(), Bound: ln.Addr().String(), File: ln.Addr().HasFile()})
	}
	next, err = handover.Start(p)
	return next, list, err
}

// environment returns that of this process, without what is said of its number.
func (u *upgrader) environment() []string {
	env := slices.DeleteFunc(os.Environ(), func(s string) bool {
		return strings.HasPrefix(s, "WATCHDOG_PID=") || u.activated && strings.HasPrefix(s, "LISTEN_PID=")
	})
	if u.activated {
		env = append(env, fmt.Sprintf("LISTEN_PID=%d", os.Getpid())) // the new one takes that for itself
	}
	return env
}

// give gives the new process the sockets that it has taken.
func (u *upgrader) give(next *handover.Next, list []*eventloop.Listener, taken []int) error {
	u.site.manager.follow(next.PID)
	if err := next.Give(); err != nil {
		u.site.manager.resume(u.site.status)
		return err
	}
	for _, i := range taken {
		list[i].HandOver()
	}
	return nil
}

// An heir is a process that follows another one. A nil one follows none.
type heir struct {
	from *handover.Previous
	in   *eventloop.Inheritance
}

// inherit returns what the process before has handed over, or nil if there is none; and the
// environment, in which sockets of a service manager are for this process.
func inherit(env func(string) string) (*heir, func(string) string, error) {
	value := env(handover.Variable)
	if value == "" {
		return nil, env, nil
	}
	from, err := handover.Receive(value)
	if err != nil {
		return nil, env, err
	}
	var sockets []eventloop.Inherited
	for _, s := range from.Sockets {
		asked, err1 := eventloop.ParseAddress(s.Asked)
		bound, err2 := eventloop.ParseAddress(s.Bound)
		if err1 != nil || err2 != nil || len(asked) != 1 || len(bound) != 1 {
			return nil, env, fmt.Errorf("the process before has handed over a socket at %s (%s), which is no address here", s.Bound, s.Asked)
		}
		sockets = append(sockets, eventloop.Inherited{FD: s.FD, Asked: asked[0], Bound: bound[0], File: s.File})
	}
	own := func(name string) string {
		if v := env(name); name != "LISTEN_PID" || v != strconv.Itoa(from.PID) {
			return v
		}
		return strconv.Itoa(os.Getpid())
	}
	return &heir{from, eventloop.NewInheritance(sockets)}, own, nil
}

// tell has loops take the sockets that were handed over.
func (h *heir) tell(servers ...*http.Server) {
	if h == nil {
		return
	}
	for _, s := range servers {
		s.Loop().Inherit(h.in)
	}
}

// takeOver says that this process is ready, waits until the sockets are its own, and has
// the loops accept.
func (h *heir) takeOver(servers http.Servers) error {
	var taken []int
	for i := range h.from.Sockets {
		if h.in.Taken(i) {
			taken = append(taken, i)
		}
	}
	if err := h.from.Ready(taken); err != nil {
		return err
	}
	for _, s := range servers {
		_ = s.Loop().Post(s.Loop().TakeOver) // in a stop the loop needs it no more
	}
	return nil
}
