package websocket

import (
	"unicode/utf8"

	"github.com/bobbin-http/bobbin/http/internal/ws"
)

// turnWork is how much work a session may make at a time, which is twice in a turn of the loop at
// most: with what was left over, and with what is read. A frame is one, or about 100 ns; few
// bytes can be much when they are inflated.
const (
	turnWork     = 1024
	inflateWork  = 32      // of a deflated message
	inflateBytes = 1 << 10 // inflated, are one
	deflateWork  = 64      // of a message that is deflated
	deflateBytes = 1 << 6  // of it, are one
)

// receive uses the bytes that have come, as far as their messages are wanted.
func (s *Session) receive(p []byte) (used int) {
	s.heard, s.pinged = s.shared.loop.Uptime(), false
	in := s.incoming
	if in == nil {
		in = s.shared.takeIncoming(s)
		s.incoming = in
	}
	for s.shared.work = 0; used < len(p) && s.tunnel.Live() && !s.Full(); {
		switch {
		case s.shared.work >= turnWork:
			s.tunnel.Yield()
			return s.received(in, used)
		case !s.stream.reads() && !in.reader.AtControl(p[used:]):
			s.stream.hold(s)
			return s.received(in, used)
		}
		e, n, why := in.reader.Next(p[used:])
		used += n
		if why != nil {
			s.fail(why)
			return len(p)
		}
		s.handle(&e)
	}
	return s.received(in, used)
}

// received ends a call of receive, which has used so many bytes.
func (s *Session) received(in *incoming, used int) int {
	if s.state == open {
		s.shared.count(&in.account, s, cap(in.message))
	}
	switch {
	case s.state >= over:
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
	s.shared.work++
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
		s.deliver(Kind(e.Opcode), e.Data, false)
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
	s.shared.count(&in.account, s, 0)
	if e.Deflated {
		s.inflate(Kind(e.Opcode), p)
	} else {
		s.deliver(Kind(e.Opcode), p, true)
	}
}

// inflate inflates a message, and shows it.
func (s *Session) inflate(kind Kind, p []byte) {
	q, why := s.shared.inflate(s.shared.take(), p, s.limits.MessageSize)
	s.shared.give(p)
	s.shared.work += inflateWork + len(q)/inflateBytes
	if why == nil && kind == Text && !utf8.Valid(q) {
		why = ws.ErrText
	}
	if why != nil {
		s.shared.give(q)
		s.fail(why)
		return
	}
	s.deliver(kind, q, true)
}

// deliver shows a message to the handler. Its memory may be the session's own, which is given
// back.
func (s *Session) deliver(kind Kind, p []byte, own bool) {
	s.incoming.begun = 0
	if s.stream != nil {
		s.stream.deliver(s, kind, p, own)
		return
	}
	if s.onMessage != nil {
		s.onMessage(kind, p)
	}
	if own {
		s.shared.give(p)
	}
}
