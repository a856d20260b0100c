package eventloop

import (
	"iter"
	"sync/atomic"
)

// A Task is a function that can stop in the middle and go on later, at the loop's
// word. It lets code that wants to wait be written as if it could.
//
// There are two kinds. One runs on the loop's goroutine, as a coroutine: a switch
// costs about 70 ns and no scheduler, and the stack is a few KiB; it must not
// wait in any other way. The other runs on a goroutine of its own and may wait
// for whatever it likes: the loop goes on, and is told when it pauses. Both are
// the loop's while they pause, and the function's while they run, so what they
// share needs no lock.
type Task struct {
	loop *Loop

	// A coroutine.
	next     func() (struct{}, bool)
	stop     func()
	name     string // of the goroutine whose stack it has, if owners are checked
	anywhere bool   // a worker may take its steps: nothing in it is the loop's

	// On its own goroutine.
	run     func(wait func())
	wake    func()
	stopped atomic.Bool
}

// A Progress is how far a task has come.
type Progress uint8

const (
	Running Progress = iota // on its own goroutine; the loop will be told
	Paused                  // it waits for Resume
	Ended                   // it has returned
)

// NewTask makes a coroutine of f. It runs nothing yet. In f, pause gives control
// back until the next Resume, and answers false when the task was stopped
// instead: f should return soon then, and pause no more.
func (l *Loop) NewTask(f func(pause func() bool)) *Task {
	l.owner.check("Loop.NewTask")
	t := &Task{loop: l}
	t.next, t.stop = iter.Pull(func(yield func(struct{}) bool) {
		if l.owner.checked && !t.anywhere {
			// The runtime counts a coroutine as a goroutine. While it
			// runs, the loop is its.
			t.name = goroutine()
			l.owner.name = t.name
		}
		f(func() bool { return yield(struct{}{}) })
	})
	return t
}

// NewTaskOffLoop makes a task that runs f on a goroutine of its own. Whenever it
// pauses, and when it has ended, told runs on the loop. A panic in f ends the
// process: f has to recover.
func (l *Loop) NewTaskOffLoop(f func(pause func() bool), told func(Progress)) *Task {
	l.owner.check("Loop.NewTaskOffLoop")
	t := &Task{loop: l}
	t.run = func(wait func()) {
		defer func() { // also if f ends its goroutine by runtime.Goexit
			_ = t.tell(func(p Progress) {
				l.workers.tasks--
				told(p)
			}, Ended) // a loop that has ended need not know
		}()
		f(func() bool {
			if t.stopped.Load() {
				return false
			}
			if t.tell(told, Paused) != nil {
				return false // the loop has ended, and would not wake us
			}
			wait()
			return !t.stopped.Load()
		})
	}
	return t
}

// tell has the loop hear from a task that runs aside, even if others have posted
// too much.
func (t *Task) tell(told func(Progress), p Progress) error {
	l := t.loop
	if err := l.mail.put(func() { told(p) }, false); err != nil {
		return err
	}
	return l.kernel.Wake()
}

// Resume lets the task run until it pauses or returns. One that runs aside is
// Running then. A panic in a coroutine comes out here.
func (t *Task) Resume() Progress {
	if t.run != nil {
		t.loop.owner.check("Task.Resume")
		if t.wake == nil {
			t.loop.workers.tasks++
			t.wake = t.loop.workers.start(t.run)
		} else {
			t.wake()
		}
		return Running
	}
	defer t.lend()()
	if _, paused := t.next(); paused {
		return Paused
	}
	return Ended
}

// work is Resume for a worker.
func (t *Task) work() { t.next() }

// lend makes the task's goroutine the owner of the loop, until the result is
// called.
func (t *Task) lend() (back func()) {
	l := t.loop
	owner := l.owner.name
	if t.name != "" {
		l.owner.name = t.name
	}
	return func() { l.owner.name = owner }
}

// Stop ends a task: its pause answers false. For a coroutine, which must be
// paused, Stop returns when the function has; one that is not run to its end must
// be stopped, or its stack is never given back. A task that runs aside ends when
// it is ready to, and the loop is told as always; it must have been resumed once.
func (t *Task) Stop() {
	if t.run != nil {
		t.stopped.Store(true)
		t.wake()
		return
	}
	defer t.lend()()
	t.stop()
}
