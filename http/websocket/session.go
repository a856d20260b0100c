package websocket

import (
	"errors"
	"fmt"
	"time"

	"github.com/bobbin-http/bobbin/eventloop"
	"github.com/bobbin-http/bobbin/http"
	"github.com/bobbin-http/bobbin/http/internal/ws"
)

// A Session is a WebSocket with one client. It belongs to the loop's goroutine, except for
// Post. The functions that are given to it are called on the loop and must not wait.
type Session struct {
	tunnel    *http.Tunnel
	shared    *shared
	limits    *Limits
	incoming  *incoming // of what is incomplete; nil if nothing is
	onMessage func(kind Kind, p []byte)
	onGone    func(code int, reason string)
	onDrain   func()
	protocol  *string          // the subprotocol, or nil
	stream    *stream          // of Streaming, or nil
	ends      *[]*subscription // or nil
	pong      *pong            // that the client has not taken, or nil
	why       *CloseError      // of the end; before, of our Close frame that is not sent yet

	heard time.Duration // when the last byte came
	since time.Duration // when the ping or our Close frame was sent

	wrote  uint32 // bytes, modulo 4 GiB
	pingAt uint32 // wrote, before the ping
	acked  uint32 // how much of it the client had taken at the last look
	state  state
	window uint8 // bits of it, if messages may be deflated
	pinged bool  // and nothing was heard since
	owes   bool  // a Close frame, when the client takes it
}

// An incoming is what has come of a frame or a message that is incomplete. Sessions of a loop
// use a few of them in turn, because most are idle.
type incoming struct {
	reader  ws.Reader
	message []byte
	account account
	begun   time.Duration // 0 if nothing is incomplete
}

// state is where a session is in its life.
type state uint8

const (
	open    state = iota
	closing       // our Close frame is out, the client's is not here
	over          // nothing is sent or read any more
	told          // and OnGone was called
)

// ErrNotAMessage is what Send returns for a Kind that is neither Text nor Binary.
var ErrNotAMessage = errors.New("websocket: a message is Text or Binary")

// A CloseError is what Read returns at the end of a session.
type CloseError struct {
	Code   int
	Reason string
}

// Error implements error.
func (e *CloseError) Error() string {
	return fmt.Sprintf("websocket: the session has ended with %d %s", e.Code, e.Reason)
}

// abnormal is the end of a session without a Close frame.
var abnormal = &CloseError{Code: CodeAbnormal}

// newSession makes a session of a tunnel.
func newSession(t *http.Tunnel, loop *eventloop.Loop, l Limits, protocol *string, window uint8) *Session {
	sh := join(loop)
	s := &Session{
		tunnel: t, shared: sh, limits: sh.same(l), protocol: protocol, window: window,
		heard: loop.Uptime(), why: abnormal,
	}
	t.Handle((*handling)(s))
	t.SetTimeout(l.PingEvery)
	return s
}

// A handling is a session as its tunnel sees it.
type handling Session

// OnBytes implements http.TunnelHandler.
func (h *handling) OnBytes(p []byte) int { return (*Session)(h).receive(p) }

// OnEOF implements http.TunnelHandler.
func (h *handling) OnEOF() { h.tunnel.Close() }

// OnDrain implements http.TunnelHandler.
func (h *handling) OnDrain() { (*Session)(h).drained() }

// OnTimeout implements http.TunnelHandler.
func (h *handling) OnTimeout() { (*Session)(h).tick() }

// OnStop implements http.TunnelHandler.
func (h *handling) OnStop() { (*Session)(h).Close(CodeGoingAway, "the server stops") }

// OnClose implements http.TunnelHandler.
func (h *handling) OnClose() { (*Session)(h).gone() }

// Protocol returns the subprotocol that both sides know, or "".
func (s *Session) Protocol() string {
	if s.protocol == nil {
		return ""
	}
	return *s.protocol
}

// OnMessage has f called with each message. The bytes are valid only until f returns. While
// Send returns ErrFull, no messages are read.
func (s *Session) OnMessage(f func(kind Kind, p []byte)) { s.onMessage = f }

// OnGone has f called at the end of the session, exactly once, with the code and the reason
// of the client's Close frame: CodeNoStatus if it has none, CodeAbnormal if there was no
// Close frame. If the session was ended for a mistake of the client's, or for its slowness,
// they are those of the frame that told it so.
func (s *Session) OnGone(f func(code int, reason string)) {
	s.onGone = f
	if s.state == told {
		f(s.why.Code, s.why.Reason)
	}
}

// OnDrain has f called when the session is not Full any more.
func (s *Session) OnDrain(f func()) { s.onDrain = f }

// Live reports whether messages can be sent.
func (s *Session) Live() bool { return s.state == open && s.tunnel.Live() }

// Full reports whether the client has to take more before Send sends more.
func (s *Session) Full() bool { return s.tunnel.Full() }

// Post runs f on the loop. Any goroutine may call it; it does not wait.
func (s *Session) Post(f func()) error { return s.tunnel.Post(f) }

// Pause has no messages be read until Resume: the client has to wait. Pings are neither
// answered nor sent meanwhile.
func (s *Session) Pause() { s.tunnel.Pause() }

// Resume ends a Pause.
func (s *Session) Resume() {
	s.restart()
	s.tunnel.Resume()
}

// gone is called when the tunnel is over.
func (s *Session) gone() {
	s.state = told
	if in := s.incoming; in != nil {
		s.shared.count(&in.account, s, 0)
	}
	s.incoming, s.pong = nil, nil
	defer s.shared.leave()
	if s.ends != nil {
		for _, u := range *s.ends {
			u.over()
		}
		s.ends = nil
	}
	if s.stream != nil {
		defer s.stream.gone(s)
	}
	if s.onGone != nil {
		s.onGone(s.why.Code, s.why.Reason)
	}
}
