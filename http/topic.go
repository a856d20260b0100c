package http

import (
	"slices"

	"github.com/bobbin-http/bobbin/eventloop"
)

// A Topic sends pieces to many receivers, in order, and a part of them in each turn of the
// loop: so other clients are served in between, however many receivers there are. It
// belongs to the loop's goroutine; a program with several loops has one for each.
type Topic struct {
	loop    *eventloop.Loop
	limit   int
	members []*member
	live    int // of them

	waiting []*Piece // the first is being sent
	sent    uint64   // pieces that were sent to all
	next    int      // the member that the first piece goes to next
	timer   *eventloop.Timer
}

// A Receiver gets the pieces of a Topic: Events, a Held or a Tunnel.
type Receiver interface {
	SendPiece(*Piece) error
	OnClose(func())
}

// A member is a Receiver of a Topic.
type member struct {
	to    Receiver
	full  func()
	from  uint64 // the first piece for it, counted from 0
	ended bool
}

// How much a Topic sends in one turn.
const (
	topicReceivers = 64
	topicBytes     = 1 << 20
)

// NewTopic makes a topic without receivers.
func (s *Server) NewTopic() *Topic { return &Topic{loop: s.loop, limit: s.limits.Pieces} }

// Add has a receiver get the pieces that are published from now on, until it is over. Full
// is called for each piece that is not sent to it, because its client has not taken
// enough; it may close the receiver, or be nil.
func (t *Topic) Add(to Receiver, full func()) {
	if t.next == 0 && len(t.members) >= 2*t.live+topicReceivers {
		t.tidy()
	}
	m := &member{to: to, full: full, from: t.sent + uint64(len(t.waiting))}
	t.members = append(t.members, m)
	t.live++
	to.OnClose(func() {
		m.ended = true
		t.live--
	})
}

// Len returns how many receivers there are.
func (t *Topic) Len() int { return t.live }

// Full reports whether Publish would return ErrFull.
func (t *Topic) Full() bool { return len(t.waiting) >= t.limit }

// Publish sends a piece to all receivers, from the next turn on. The error is ErrFull if
// Limits.Pieces of them are being sent.
func (t *Topic) Publish(p *Piece) error {
	if p.bad != nil {
		return p.bad
	}
	if t.Full() {
		return ErrFull
	}
	t.waiting = append(t.waiting, p)
	t.goOn()
	return nil
}

// goOn has the next part be sent in the next turn.
func (t *Topic) goOn() {
	if t.timer == nil && len(t.waiting) > 0 {
		t.timer = t.loop.After(1, t.send)
	}
}

// send sends a part of what is waiting.
func (t *Topic) send() {
	t.timer = nil
	defer t.goOn() // also when a function of a receiver's has panicked
	bytes := 0
	for n := 0; len(t.waiting) > 0 && n < topicReceivers && bytes < topicBytes; {
		if t.next == len(t.members) {
			t.waiting[0] = nil
			t.waiting = t.waiting[1:]
			t.sent++
			t.next = 0
			t.tidy()
			continue
		}
		m, p := t.members[t.next], t.waiting[0]
		t.next++
		if m.ended || m.from > t.sent {
			continue
		}
		n++
		bytes += p.to - p.from
		if m.to.SendPiece(p) == ErrFull && m.full != nil {
			m.full()
		}
	}
}

// tidy forgets the receivers that are over. It is called between two pieces.
func (t *Topic) tidy() {
	t.members = slices.DeleteFunc(t.members, func(m *member) bool { return m.ended })
	if len(t.waiting) == 0 {
		t.waiting = nil
	}
}
