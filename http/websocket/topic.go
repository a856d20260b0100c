package websocket

import (
	"slices"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
)

// A Topic sends messages to all sessions that have subscribed, in order, and to a part of
// them in each turn of the loop, as an http.Topic does. It belongs to the loop's goroutine,
// except for Post; a program with several loops has one for each.
type Topic struct {
	loop     *eventloop.Loop
	plain    *http.Topic
	deflated *http.Topic
	shared   *shared // of its sessions
}

// NewTopic makes a topic without sessions.
func NewTopic(s *http.Server) *Topic {
	return &Topic{loop: s.Loop(), plain: s.NewTopic(), deflated: s.NewTopic()}
}

// A subscription is a session as a receiver of an http.Topic.
type subscription struct {
	s   *Session
	end func()
}

// SendPiece implements http.Receiver.
func (u *subscription) SendPiece(p *http.Piece) error {
	if u.end == nil {
		return http.ErrGone
	}
	return u.s.sendPiece(p)
}

// OnClose implements http.Receiver.
func (u *subscription) OnClose(f func()) { u.end = f }

// Subscribe has a session get the messages that are published from now on, until it is over
// or the function that is returned is called. Full is called for each message that is not
// sent to it, because its client has not taken enough; it may close the session, or be nil.
func (t *Topic) Subscribe(s *Session, full func()) (unsubscribe func()) {
	if !s.Live() {
		return func() {}
	}
	t.shared = s.shared
	u := &subscription{s: s}
	if s.window == largestWindow {
		t.deflated.Add(u, full)
	} else {
		t.plain.Add(u, full)
	}
	if s.ends == nil {
		s.ends = new([]*subscription)
	}
	*s.ends = append(*s.ends, u)
	return func() {
		if s.ends != nil {
			*s.ends = slices.DeleteFunc(*s.ends, func(one *subscription) bool { return one == u })
		}
		u.over()
	}
}

// over ends a subscription, once.
func (u *subscription) over() {
	if end := u.end; end != nil {
		u.end = nil
		end()
	}
}

// Len returns how many sessions have subscribed.
func (t *Topic) Len() int { return t.plain.Len() + t.deflated.Len() }

// Publish sends a message to all, from the next turn on. The error is http.ErrFull if
// Limits.Pieces of the server are being sent.
func (t *Topic) Publish(m *Prepared) error {
	if t.plain.Full() || t.deflated.Full() {
		return http.ErrFull
	}
	if t.deflated.Len() > 0 {
		if err := t.deflated.Publish(m.deflate(&t.shared.deflater)); err != nil {
			return err
		}
	}
	return t.plain.Publish(m.plain)
}

// Post publishes a message from any goroutine, another loop's among them: it is sent to
// that loop's sessions. It does not wait. A message that Publish would refuse is dropped.
func (t *Topic) Post(m *Prepared) error {
	return t.loop.Post(func() { _ = t.Publish(m) })
}
