package eventloop

import "iter"

// A Task is a function that can stop in the middle and go on later, on the
// loop's goroutine and at the loop's word: a coroutine. It lets code that wants
// to wait be written as if it could. A switch costs about 70 ns and no
// scheduler, and the stack of a task is a few KiB.
type Task struct {
	next func() (struct{}, bool)
	stop func()
}

// NewTask makes a task of f. It runs nothing yet. In f, pause gives control
// back until the next Resume, and answers false when the task was stopped
// instead: f should return soon then, and pause no more.
func NewTask(f func(pause func() bool)) *Task {
	t := &Task{}
	t.next, t.stop = iter.Pull(func(yield func(struct{}) bool) {
		f(func() bool { return yield(struct{}{}) })
	})
	return t
}

// Resume runs the task until it pauses or returns, and reports whether it only
// paused. A panic in the task comes out here.
func (t *Task) Resume() (paused bool) {
	_, paused = t.next()
	return paused
}

// Stop ends a task that paused: its pause answers false, and Stop returns when
// the function has. A task that is not run to its end must be stopped, or its
// stack is never given back.
func (t *Task) Stop() { t.stop() }
