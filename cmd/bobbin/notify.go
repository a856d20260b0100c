package main

import (
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/bobbin-http/bobbin/cmd/bobbin/internal/sdnotify"
	"github.com/bobbin-http/bobbin/http"
)

// What a service manager is told: that the process serves, reloads, stops, or has been
// followed by another; and all the time that its loops turn. One goroutine sends it, because
// a service manager may be slow to read, and no loop waits for one.

// A manager is the service manager. A nil one is none.
type manager struct {
	to    *sdnotify.Notifier
	log   *slog.Logger
	queue chan message
	lost  atomic.Bool // a message found no room, and the log says so
}

// A message is one notification.
type message struct {
	variables []string
	last      bool          // another process speaks from then on
	again     bool          // that has failed, and this one speaks again
	sent      chan struct{} // closed then; may be nil
}

// messagesMax is how many messages may wait: a service manager that reads none of them has
// none of the later ones either.
const messagesMax = 64

// newManager returns nil if there is no service manager.
func newManager(env func(string) string, log *slog.Logger) *manager {
	to, err := sdnotify.New(env)
	if err != nil {
		log.Error(err.Error())
	}
	if to == nil {
		return nil
	}
	m := &manager{to: to, log: log, queue: make(chan message, messagesMax)}
	go m.run()
	return m
}

// run sends the messages, in order.
func (m *manager) run() {
	silent, failed := false, ""
	for one := range m.queue {
		silent = silent && !one.again
		if !silent {
			err := m.to.Send(one.variables...)
			if err != nil && err.Error() != failed {
				failed = err.Error()
				m.log.Error("the service manager was not told", "error", err)
			}
		}
		silent = silent || one.last
		if one.sent != nil {
			close(one.sent)
		}
	}
}

// put queues a message, from any goroutine, and waits for nothing.
func (m *manager) put(one message) bool {
	if m == nil {
		return false
	}
	select {
	case m.queue <- one:
		return true
	default:
		if !m.lost.Swap(true) {
			m.log.Error("the service manager reads no messages, and misses some", "waiting", messagesMax)
		}
		return false
	}
}

// serving says that requests are served.
func (m *manager) serving(status string) {
	m.put(message{variables: []string{"READY=1", "STATUS=" + status}})
}

// reloading says that a reload has begun; serving says that it is over. The time tells it
// from one before.
func (m *manager) reloading() {
	m.put(message{variables: append([]string{"RELOADING=1"}, timeOfReload()...)})
}

// stopping says that the process ends.
func (m *manager) stopping(status string) {
	m.put(message{variables: []string{"STOPPING=1", "STATUS=" + status}})
}

// follow says that another process is the main one from now on, and waits for a moment until
// that was sent: the other speaks for itself then. This one says nothing any more.
func (m *manager) follow(pid int) {
	sent := make(chan struct{})
	if m.put(message{variables: []string{fmt.Sprintf("MAINPID=%d", pid)}, last: true, sent: sent}) {
		await(sent)
	}
}

// resume says that this process is the main one all the same.
func (m *manager) resume(status string) {
	m.put(message{variables: []string{fmt.Sprintf("MAINPID=%d", os.Getpid()), "READY=1", "STATUS=" + status}, again: true})
}

// end waits for a moment until all is sent.
func (m *manager) end() {
	sent := make(chan struct{})
	if !m.put(message{variables: []string{"STATUS=ended"}, sent: sent}) {
		return
	}
	await(sent)
}

// await waits until something was sent, but not for a service manager that hangs.
func await(sent <-chan struct{}) {
	select {
	case <-sent:
	case <-time.After(logEnd):
	}
}

// watch tells the service manager's watchdog that the loops turn, at half of the time that
// it gives them. Each time, all of them have answered: while a callback holds one, it hears
// nothing, and in the end it kills the process. A loop that has ended is not missed. It
// returns at once, and goes on until over is closed.
func (m *manager) watch(env func(string) string, servers http.Servers, over <-chan struct{}) {
	if m == nil {
		return
	}
	every, err := sdnotify.Watchdog(env, os.Getpid())
	if err != nil {
		m.log.Error(err.Error())
	}
	if every == 0 {
		return
	}
	go func() {
		timer := time.NewTicker(max(every/2, time.Millisecond))
		defer timer.Stop()
		for {
			if !turned(servers, over) {
				return
			}
			m.put(message{variables: []string{"WATCHDOG=1"}})
			select {
			case <-timer.C:
			case <-over:
				return
			}
		}
	}()
}

// lookEvery is how often it is looked whether a loop that does not answer has ended.
const lookEvery = 50 * time.Millisecond

// turned waits until all loops have run a function that was posted, or have ended. It
// returns false when over is closed first.
func turned(servers http.Servers, over <-chan struct{}) bool {
	for _, s := range servers {
		loop, answered := s.Loop(), make(chan struct{})
		asked := false
		for waiting := true; waiting; {
			asked = asked || loop.Post(func() { close(answered) }) == nil // not while it is far behind
			select {
			case <-answered:
				waiting = false
			case <-over:
				return false
			case <-time.After(lookEvery):
				waiting = !loop.Ended()
			}
		}
	}
	return true
}
