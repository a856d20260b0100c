package websocket

import (
	"unicode/utf8"

	"github.com/bobbin-http/bobbin/http/internal/ws"
)

// receive uses the bytes that have come, as far as their messages are wanted.
func (s *Session) receive(p []byte) (used int) {
	s.heard, s.pinged = s.shared.loop.Uptime(), false
	in := s.incoming
	if in == nil {
		in = s.shared.takeIncoming(s)
		s.incoming = in
	}
	blocked := s.pong != nil || s.tunnel.Buffered() > 0
	for used < len(p) && s.tunnel.Live() && !s.Full() && s.stream.reads() {
		e, n, why := in.reader.Next(p[used:])
		used += n
		if why != nil {
			s.fail(why)
			return len(p)
		}
		s.handle(&e, blocked)
	}
	switch {
	case s.state == over:
	case in.reader.Idle():
		s.incoming = nil
		s.shared.giveIncoming(in)
	case in.begun == 0:
		in.begun = max(s.heard, 1)
		s.arm(s.limits.MessageTimeout)
	}
	return used
}

// handle handles what has come. Blocked says that the client has not taken all that was
// sent before.
func (s *Session) handle(e *ws.Event, blocked bool) {
	switch e.Opcode {
	case ws.Text, ws.Binary:
		if s.state == open {
			s.part(e)
		}
	case ws.Ping:
		s.answerPing(e.Data, blocked)
	case ws.Close:
		s.closed(e.Code, string(e.Data))
	}
}

// part takes a part of a message. A message of one part is shown where it is.
func (s *Session) part(e *ws.Event) {
	if e.First && e.Last && !e.Deflated {
		s.deliver(Kind(e.Opcode), e.Data)
		return
	}
	in := s.incoming
	if e.First {
		in.message = s.shared.take()
	}
	in.message = append(in.message, e.Data...)
	if !e.Last {
		return
	}
	p := in.message
	in.message = nil
	if e.Deflated {
		s.inflate(Kind(e.Opcode), p)
	} else {
		s.deliver(Kind(e.Opcode), p)
	}
	s.shared.give(p)
}

// inflate inflates a message, and shows it.
func (s *Session) inflate(kind Kind, p []byte) {
	q, why := s.shared.inflate(s.shared.take(), p, s.limits.MessageSize)
	defer s.shared.give(q)
	switch {
	case why != nil:
		s.fail(why)
	case kind == Text && !utf8.Valid(q):
		s.fail(ws.ErrText)
	default:
		s.deliver(kind, q)
	}
}

// deliver shows a message to the handler.
func (s *Session) deliver(kind Kind, p []byte) {
	s.incoming.begun = 0
	switch {
	case s.stream != nil:
		s.stream.deliver(s, kind, p)
	case s.onMessage != nil:
		s.onMessage(kind, p)
	}
}

// answerPing answers at once, as long as the client takes what it is sent. If it does not,
// the latest ping alone is answered, later (RFC 6455 section 5.5.3): so no more than one
// pong is kept for a client that sends pings and reads nothing.
func (s *Session) answerPing(p []byte, blocked bool) {
	switch {
	case s.state != open:
	case !blocked:
		s.write(ws.Pong, p)
	case s.pong != nil:
		*s.pong = append((*s.pong)[:0], p...)
	default:
		kept := append([]byte(nil), p...)
		s.pong = &kept
		s.shared.loop.After(1, s.answerLater)
	}
}

// answerLater sends the pong that is kept, if the client has taken what is before it.
func (s *Session) answerLater() {
	switch {
	case s.state != open || s.pong == nil:
	case s.tunnel.Buffered() > 0:
		s.shared.loop.After(pongRetry, s.answerLater)
	default:
		p := *s.pong
		s.pong = nil
		s.write(ws.Pong, p)
	}
}
