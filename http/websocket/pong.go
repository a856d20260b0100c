package websocket

import (
	"time"

	"github.com/bobbin-http/bobbin/http/internal/ws"
)

// Pongs. A ping is answered at once, behind what was sent before. A client that sends pings
// and takes nothing has a few pongs before it, and then one: of those that come while that is
// not taken, the latest is answered, later (RFC 6455 section 5.5.3).

// pongRoom is how much may wait for a client that has each of its pings answered.
const pongRoom = 4 << 10

// pongRetry is when it is looked again whether a client has taken its pong.
const pongRetry = 100 * time.Millisecond

// A pong is one that the client has not taken.
type pong struct {
	at     uint32 // Session.wrote, behind it
	asked  bool   // another ping came meanwhile
	latest []byte // of that ping
}

// answerPing answers a ping, or keeps it.
func (s *Session) answerPing(p []byte) {
	switch k := s.pong; {
	case s.state != open:
	case k != nil:
		k.asked, k.latest = true, append(k.latest[:0], p...)
	case s.tunnel.Buffered() < pongRoom:
		s.write(ws.Pong, p)
	default:
		s.write(ws.Pong, p)
		s.pong = &pong{at: s.wrote}
		s.shared.loop.After(pongRetry, s.answerLater)
	}
}

// answerLater answers the latest ping, if the client has taken the pong before it.
func (s *Session) answerLater() {
	k := s.pong
	switch {
	case s.state != open || k == nil:
		return
	case s.tunnel.Buffered() > int64(s.wrote-k.at) || s.Full():
	case !k.asked:
		s.pong = nil
		return
	default:
		s.write(ws.Pong, k.latest)
		k.at, k.asked = s.wrote, false
	}
	s.shared.loop.After(pongRetry, s.answerLater)
}
