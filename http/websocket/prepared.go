package websocket

import (
	"sync"

	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/internal/ws"
)

// A Prepared is a message for many sessions. It is framed once, and deflated once if a
// session wants that; its bytes are in memory once. It never changes, so any goroutine may
// make one, and all loops may send it.
type Prepared struct {
	kind  Kind
	text  int // where it begins in the frame
	plain *http.Piece

	once     sync.Once
	deflated *http.Piece // plain, if that is no longer
}

// Prepare makes a message of a copy of p. It panics if the kind is neither Text nor Binary.
func Prepare(kind Kind, p []byte) *Prepared {
	if kind != Text && kind != Binary {
		panic(ErrNotAMessage)
	}
	b := ws.AppendHead(make([]byte, 0, len(p)+ws.MaxHead), ws.Opcode(kind), false, len(p))
	text := len(b)
	return &Prepared{kind: kind, text: text, plain: http.PreparePiece(append(b, p...))}
}

// deflate returns the frame for sessions that take deflated messages. The first call
// deflates, on the loop that it is made on; another loop that wants it then waits for that.
func (m *Prepared) deflate(d *deflater) *http.Piece {
	m.once.Do(func() {
		m.deflated = m.plain
		p := m.plain.Bytes()[m.text:]
		if !mayDeflate(p, largestWindow) {
			return
		}
		if q := d.deflate(nil, p); len(q) < len(p) {
			m.deflated = http.PreparePiece(append(ws.AppendHead(nil, ws.Opcode(m.kind), true, len(q)), q...))
		}
	})
	return m.deflated
}

// piece returns the frame for a session. One with a window that is smaller than usual gets
// the message as it is.
func (m *Prepared) piece(s *Session) *http.Piece {
	if s.window == largestWindow {
		return m.deflate(&s.shared.deflater)
	}
	return m.plain
}

// SendPrepared is Send for a message that Prepare has made.
func (s *Session) SendPrepared(m *Prepared) error {
	return s.waiting(func() error { return s.sendPiece(m.piece(s)) })
}

// sendPiece sends a frame.
func (s *Session) sendPiece(p *http.Piece) error {
	if err := s.mayWrite(); err != nil {
		return err
	}
	err := s.tunnel.SendPiece(p)
	if err == nil {
		s.wrote += uint32(len(p.Bytes()))
	}
	return err
}
