package websocket

import (
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/internal/ws"
)

// Send sends a copy of p as a message. It takes all or nothing: the error is http.ErrFull if
// the client has not taken enough of what was sent before, and http.ErrGone if it has left
// or the session is being closed. In the handler of Streaming it waits in place of
// ErrFull. A text must be UTF-8, because a client ends the session otherwise.
func (s *Session) Send(kind Kind, p []byte) error {
	return s.waiting(func() error { return s.send(kind, p) })
}

// send is Send without waiting.
func (s *Session) send(kind Kind, p []byte) error {
	if err := s.mayWrite(); err != nil {
		return err
	}
	if kind != Text && kind != Binary {
		return ErrNotAMessage
	}
	if !mayDeflate(p, s.window) {
		return s.write(ws.Opcode(kind), p)
	}
	d := s.shared.deflate(s.shared.take(), p)
	defer s.shared.give(d)
	s.shared.work += deflateWork + len(p)/deflateBytes
	if len(d) >= len(p) {
		return s.write(ws.Opcode(kind), p)
	}
	return s.writeFrame(ws.Opcode(kind), true, d)
}

// mayWrite returns why nothing can be written, nil if it can.
func (s *Session) mayWrite() error {
	switch {
	case !s.Live() || s.owes:
		return http.ErrGone
	case s.Full():
		return http.ErrFull
	}
	return nil
}

// write writes a frame.
func (s *Session) write(o ws.Opcode, p []byte) error { return s.writeFrame(o, false, p) }

// writeFrame writes a frame at once, so that no part of it is refused.
func (s *Session) writeFrame(o ws.Opcode, deflated bool, p []byte) error {
	b := append(ws.AppendHead(s.shared.scratch[:0], o, deflated, len(p)), p...)
	err := s.put(b)
	if s.shared.scratch = b; cap(b) > keepSpare {
		s.shared.scratch = nil
	}
	return err
}

// put writes whole frames.
func (s *Session) put(frames []byte) error {
	n, err := s.tunnel.Write(frames)
	s.wrote += uint32(n)
	return err
}

// drained is called when the client has taken enough.
func (s *Session) drained() {
	s.restart()
	switch {
	case s.owes:
		s.sendClose()
	case s.stream != nil && s.stream.wants == room:
		s.stream.resume(s)
	case s.onDrain != nil:
		s.onDrain()
	}
}
