package websocket

import (
	"errors"
	"time"

	"github.com/bobbin-http/bobbin/http/internal/ws"
)

// ErrCode is what Close returns for a code that no Close frame may have.
var ErrCode = errors.New("websocket: a session is closed with a code from 1000 to 1014 that is sent, or from 3000 to 4999")

// Close ends the session: it sends a Close frame, waits for the client's, for CloseWithin at
// most, and closes the connection, behind what was sent. Of a reason of more than 123
// bytes, the characters that fit are sent. Nothing is sent after Close, and messages that
// still come are dropped.
func (s *Session) Close(code int, reason string) error {
	if !ws.ValidCode(code) {
		return ErrCode
	}
	if s.state != open {
		return nil
	}
	s.state, s.since = closing, s.shared.loop.Uptime()
	s.why = &CloseError{code, reason}
	s.arm(s.limits.CloseWithin)
	if s.Full() {
		s.owes = true // until the client has taken enough
		return nil
	}
	s.sendClose()
	return nil
}

// sendClose writes our Close frame. From then on, the end is abnormal unless the client
// answers.
func (s *Session) sendClose() {
	s.tunnel.Write(ws.AppendClose(nil, s.why.Code, s.why.Reason)) // it is not full, or gone
	s.why = abnormal
}

// closed is called with the client's Close frame.
func (s *Session) closed(code int, reason string) {
	if s.state == open {
		s.tunnel.Write(ws.AppendClose(nil, code, ""))
	}
	s.end(&CloseError{code, reason})
}

// fail ends the session for a mistake of the client's: it is told, and not waited for (RFC
// 6455 section 7.1.7).
func (s *Session) fail(why *ws.Violation) {
	if s.state == open {
		s.tunnel.Write(ws.AppendClose(nil, why.Code, why.Reason))
	}
	s.end(&CloseError{why.Code, why.Reason})
}

// end closes the connection. Our half ends first.
func (s *Session) end(why *CloseError) {
	s.why, s.state = why, over
	s.tunnel.Close()
}

// pongRetry is when it is looked again whether a client has taken what is before its pong.
const pongRetry = 100 * time.Millisecond

// errSlow is the violation of a client whose message does not come to its end.
var errSlow = &ws.Violation{Code: ws.PolicyError, Reason: "a message takes too long"}

// arm has tick called in d, or before.
func (s *Session) arm(d time.Duration) {
	now := s.shared.loop.Uptime()
	if at := now + d; s.due <= now || at < s.due {
		s.due = at
		s.tunnel.SetTimeout(d)
	}
}

// tick looks at the deadlines of the session, and sets the time for the next look.
func (s *Session) tick() {
	now := s.shared.loop.Uptime()
	if s.state == over {
		return
	}
	if next := s.look(now); s.state != over && s.tunnel.Live() {
		s.due = 0
		s.arm(max(next-now, time.Millisecond))
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
	if s.Full() || !s.stream.reads() {
		s.heard, s.pinged = now, false
		if in != nil && in.begun > 0 {
			in.begun = now
		}
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

// lookForSilence sends a ping to a client of which nothing was heard, and resets one that
// does not answer it.
func (s *Session) lookForSilence(now time.Duration) (next time.Duration) {
	l := s.limits
	switch {
	case s.pinged && s.since+l.PongWithin <= now:
		s.why, s.state = errSilent, over
		s.tunnel.Abort()
	case s.pinged:
	case s.heard+l.PingEvery <= now:
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
