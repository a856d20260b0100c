package eventloop

import (
	"errors"
	"sync"
	"sync/atomic"
)

// Errors of Post.
var (
	ErrStopped = errors.New("eventloop: the loop has ended")
	ErrFull    = errors.New("eventloop: the loop is behind: Limits.Posts functions wait for it")
)

// A mailbox holds the functions that other goroutines have posted.
type mailbox struct {
	mu     sync.Mutex
	limit  int // of posted functions
	list   []func()
	closed bool

	waiting atomic.Bool  // list is not empty, for a look without the lock
	stops   atomic.Int32 // how often Stop was called

	walked []func() // the list that was run last, kept for its memory; the loop's own
}

// Post has the loop run f in its next phase for posted work. Any goroutine may
// call it. It does not wait: a loop that has ended answers ErrStopped, and one
// that is Limits.Posts functions behind answers ErrFull.
func (l *Loop) Post(f func()) error {
	if err := l.mail.put(f, true); err != nil {
		return err
	}
	return l.kernel.Wake()
}

// Ended reports whether the loop runs nothing any more that is posted. Any goroutine may
// call it.
func (l *Loop) Ended() bool {
	l.mail.mu.Lock()
	defer l.mail.mu.Unlock()
	return l.mail.closed
}

// put adds to the list, within the limit if it is bounded.
func (m *mailbox) put(f func(), bounded bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.closed:
		return ErrStopped
	case bounded && len(m.list) >= m.limit:
		return ErrFull
	}
	m.list = append(m.list, f)
	m.waiting.Store(true)
	return nil
}

// setLimit sets how many posted functions may wait.
func (m *mailbox) setLimit(most int) {
	m.mu.Lock()
	m.limit = most
	m.mu.Unlock()
}

// take returns what was posted, in its order.
func (m *mailbox) take() []func() {
	m.mu.Lock()
	defer m.mu.Unlock()
	list := m.list
	m.list = m.walked[:0]
	m.waiting.Store(false)
	return list
}

// reuse gives that list back.
func (m *mailbox) reuse(list []func()) { m.walked = list }

// hasNews reports whether something was posted, or Stop was called.
func (m *mailbox) hasNews() bool { return m.waiting.Load() || m.stops.Load() > 0 }

// Wake makes the loop turn once more instead of sleeping. Any goroutine may
// call it.
func (l *Loop) Wake() error { return l.kernel.Wake() }

// shut refuses what is posted from now on.
func (m *mailbox) shut() {
	m.mu.Lock()
	m.closed = true
	m.list = nil
	m.mu.Unlock()
}
