package eventloop

import "iter"

// A Task is a function that can stop in the middle and go on later, on the
// loop's goroutine and at the loop's word: a coroutine. It lets code that wants
// to wait be written as if it could. A switch costs about 70 ns and no
// scheduler, and the stack of a task is a few KiB.
type Task struct {
	loop *Loop
	next func() (struct{}, bool)
	stop func()
	name string // of the goroutine whose stack it has, if owners are checked
}

// NewTask makes a task of f. It runs nothing yet. In f, pause gives control
// back until the next Resume, and answers false when the task was stopped
// instead: f should return soon then, and pause no more.
func (l *Loop) NewTask(f func(pause func() bool)) *Task {
	l.own("Loop.NewTask")
	t := &Task{loop: l}
	t.next, t.stop = iter.Pull(func(yield func(struct{}) bool) {
		if l.checkOwner {
			// The runtime counts a coroutine as a goroutine. While it
			// runs, the loop is its.
			t.name = goroutine()
			l.owner = t.name
		}
		f(func() bool { return yield(struct{}{}) })
	})
	return t
}

// Resume runs the task until it pauses or returns, and reports whether it only
// paused. A panic in the task comes out here.
func (t *Task) Resume() (paused bool) {
	defer t.lend()()
	_, paused = t.next()
	return paused
}

// lend makes the task's goroutine the owner of the loop, until the result is
// called.
func (t *Task) lend() (back func()) {
	l := t.loop
	owner := l.owner
	if t.name != "" {
		l.owner = t.name
	}
	return func() { l.owner = owner }
}

// Stop ends a task that paused: its pause answers false, and Stop returns when
// the function has. A task that is not run to its end must be stopped, or its
// stack is never given back.
func (t *Task) Stop() {
	defer t.lend()()
	t.stop()
}
