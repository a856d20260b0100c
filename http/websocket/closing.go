package websocket

import (
	"errors"
	"time"

	"github.com/bobbin-http/bobbin/http/internal/ws"
)

// ErrCode is what Close returns for a code that no Close frame may have.
var ErrCode = errors.New("websocket: a session is closed with a code from 1000 to 1014 that is sent, or from 3000 to 4999")

// Close ends the session: it sends a Close frame, waits for the client's, for CloseWithin at
// most, and closes the connection, behind what was sent. A client that has not taken enough of
// what was sent before gets the frame when it has. Of a reason of more than 123 bytes, the
// characters that fit are sent. Nothing is sent after Close, and messages that still come are
// dropped.
func (s *Session) Close(code int, reason string) error {
	if !ws.ValidCode(code) {
		return ErrCode
	}
	if s.state != open {
		return nil
	}
	s.state, s.why = closing, &CloseError{code, reason}
	if s.Full() {
		s.owes = true // one that takes nothing ends by Limits.SendTimeout of the server
		s.tunnel.SetTimeout(0)
		return nil
	}
	s.sendClose()
	return nil
}

// sendClose writes our Close frame. From then on, the end is abnormal unless the client
// answers.
func (s *Session) sendClose() {
	s.owes, s.since = false, s.shared.loop.Uptime()
	s.put(ws.AppendClose(nil, s.why.Code, s.why.Reason)) // it is not full, or gone
	s.why = abnormal
	s.tunnel.SetTimeout(s.limits.CloseWithin)
}

// closed is called with the client's Close frame.
func (s *Session) closed(code int, reason string) {
	switch {
	case s.state == open:
		s.put(ws.AppendClose(nil, code, ""))
	case s.owes:
		s.sendClose()
	}
	s.end(&CloseError{code, reason})
}

// fail ends the session for a mistake of the client's: it is told, and not waited for (RFC
// 6455 section 7.1.7).
func (s *Session) fail(why *ws.Violation) {
	if s.state == open {
		s.put(ws.AppendClose(nil, why.Code, why.Reason))
	}
	s.end(&CloseError{why.Code, why.Reason})
}

// end closes the connection. Our half ends first.
func (s *Session) end(why *CloseError) {
	s.why, s.state = why, over
	s.tunnel.Close()
}

// errSlow is the violation of a client whose message does not come to its end.
var errSlow = &ws.Violation{Code: ws.PolicyError, Reason: "a message takes too long"}

// tick looks at the deadlines of the session, and sets the time for the next look.
func (s *Session) tick() {
	now := s.shared.loop.Uptime()
	if s.state >= over {
		return
	}
	if next := s.look(now); s.state < over && s.tunnel.Live() {
		s.tunnel.SetTimeout(max(next-now, time.Millisecond))
	}
}

// look does what is due, and returns when to look again. While the client is not read from,
// because it does not take what it is sent or because the handler does not want more, it
// need not say anything.
func (s *Session) look(now time.Duration) (next time.Duration) {
	l, in := s.limits, s.incoming
	if s.state == closing {
		if next = s.since + l.CloseWithin; next <= now {
			s.end(s.why)
		}
		return next
	}
	if s.Full() || s.tunnel.Paused() {
		s.restart()
	}
	if in == nil || in.begun == 0 {
		return s.lookForSilence(now)
	}
	if next = in.begun + l.MessageTimeout; next <= now {
		s.fail(errSlow)
		return next
	}
	return min(next, s.lookForSilence(now))
}

// restart begins the times anew that a client has, because it was not read from.
func (s *Session) restart() {
	now := s.shared.loop.Uptime()
	s.heard, s.pinged = now, false
	if in := s.incoming; in != nil && in.begun > 0 {
		in.begun = now
	}
}

// lookForSilence sends a ping to a client of which nothing was heard, and resets one that
// does not answer it.
func (s *Session) lookForSilence(now time.Duration) (next time.Duration) {
	l := s.limits
	switch {
	case s.pinged && s.since+l.PongWithin <= now && s.comesToPing():
		s.since = now
	case s.pinged && s.since+l.PongWithin <= now:
		s.why, s.state = errSilent, over
		s.tunnel.Abort()
	case s.pinged:
	case s.heard+l.PingEvery <= now:
		s.pingAt, s.acked = s.wrote, s.position()
		if s.write(ws.Ping, nil) == nil {
			s.pinged, s.since = true, now
		}
	default:
		return s.heard + l.PingEvery
	}
	return s.since + l.PongWithin
}

// errSilent is the end of a session whose client does not answer a ping.
var errSilent = &CloseError{CodeAbnormal, "a ping was not answered"}

// position returns how much of what was written the client has taken, modulo 4 GiB.
func (s *Session) position() uint32 { return s.wrote - uint32(s.tunnel.Unsent()) }

// comesToPing reports whether a client that has not answered a ping is still taking what was
// written before it, and has taken some since the last look.
func (s *Session) comesToPing() bool {
	before, now := s.acked, s.position()
	s.acked = now
	return int32(s.pingAt-before) > 0 && int32(now-before) > 0
}
