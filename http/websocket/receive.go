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
	for used < len(p) && s.tunnel.Live() && !s.Full() && s.stream.reads() {
		e, n, why := in.reader.Next(p[used:])
		used += n
		if why != nil {
			s.fail(why)
			return len(p)
		}
		s.handle(&e)
	}
	switch {
	case s.state == over:
	case in.reader.Idle():
		s.incoming = nil
		s.shared.giveIncoming(in)
	case in.begun == 0 && s.state == open:
		in.begun = max(s.heard, 1)
		s.tunnel.SetTimeout(min(s.limits.MessageTimeout, s.limits.PingEvery))
	}
	return used
}

// handle handles what has come.
func (s *Session) handle(e *ws.Event) {
	switch e.Opcode {
	case ws.Text, ws.Binary:
		if s.state == open {
			s.part(e)
		}
	case ws.Ping:
		s.answerPing(e.Data)
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
