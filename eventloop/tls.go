package eventloop

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"
)

// TLS stands between a connection and its protocol, which notices nothing: what
// comes is decrypted before it is shown, and what is said is queued in plain text
// and encrypted when the socket has taken what was before it. It is crypto/tls as
// everybody has it, which speaks in a net.Conn that waits. Ours never does:
//
//   - A handshake runs in a coroutine, and our Read pauses that when there are no
//     bytes (handshake.go). crypto/tls keeps any error of a handshake for good, so
//     that it must not be told "not now".
//   - Afterwards it may be told. It keeps no error that is a net.Error and calls
//     itself temporary, and goes on in the middle of a record. So there is no
//     coroutine any more, and tls.Conn.Read is called with what has come until it
//     says that it wants more. TestNotNowIsNotSticky holds Go to that.
//   - Our Write takes everything, as an error or a short write would spoil the
//     stream for good. So tls.Conn.Write is called only when there is room.

// A TLS says how connections are secured. Around has them be.
type TLS struct {
	// Config is that of crypto/tls, as it is: certificates, versions, clients'
	// certificates, ALPN, tickets. It must have certificates or a callback that
	// finds them, and nobody may change it any more.
	Config *tls.Config

	// Waits says that a callback of Config may wait, for a disk or for others,
	// or compute for long, or find a private key that does. Handshakes are left
	// to workers then; a callback must touch nothing of the loop's. Without it,
	// callbacks run on the loop like everything else. Where the private key of the
	// certificate that a handshake chooses is slow to sign with, as those of RSA are,
	// a worker takes that handshake anyway. To find out, Config.GetCertificate is
	// called once more.
	Waits bool

	// Plain, if there is one, is shown the first bytes of a peer that does not
	// speak TLS. What it returns is the answer, in plain text, before the
	// connection is closed. Without an answer, it is reset.
	Plain func(c *Conn, first []byte) []byte
}

// Reasons for the end of a connection over TLS, beside those that crypto/tls gives.
var (
	ErrTruncated     = errors.New("eventloop: the peer's end came without TLS saying so")
	ErrNotTLS        = errors.New("eventloop: the peer does not speak TLS")
	ErrSlowHandshake = errors.New("eventloop: the TLS handshake took too long")

	// ErrHello is about the first message of a handshake.
	ErrHello = errors.New("eventloop: the first TLS message is no hello, or is larger than Limits.Hello")

	// ErrHandshakesFull ends a handshake that has done nothing wrong by itself.
	ErrHandshakesFull = errors.New("eventloop: handshakes hold more than three quarters of Limits.HandshakesTotal, and this client's hold most")
)

// Wrap makes a beginning of connections over TLS, for Listen, of one in plain
// text: begin is called when the handshake is done. A connection whose handshake
// fails has no protocol, and none is told.
func (t *TLS) Wrap(begin func(*Conn) Protocol) func(*Conn) Protocol {
	config, aside := t.Config, t.Waits
	if !aside {
		config = choosing(config)
	}
	return func(c *Conn) Protocol {
		c.SetDeadline(c.loop.limits.HandshakeTimeout)
		h := &handshake{how: t, config: config, begin: begin, conn: c, who: c.Client(), offLoop: aside}
		c.loop.handshakes.add(h)
		return h
	}
}

// A secure is the TLS of one connection. It is the net.Conn that crypto/tls speaks
// in, on the one side, and holds what crypto/tls makes of it, on the other.
type secure struct {
	conn      *Conn
	tls       *tls.Conn
	handshake *handshake // while it lasts

	in    []byte               // has come, and crypto/tls has not taken it yet
	at    int32                // how much of its present record it has taken
	size  int32                // of that
	plain *output              // said by the protocol, and not yet encrypted
	state *tls.ConnectionState // once somebody has asked
	why   error                // it has failed

	heard bool // the peer has said that it will say nothing more
	ended bool // we have
	shown bool // something to the protocol
}

// TLS returns what was agreed upon in the handshake, or nil if the connection is
// in plain text. Nobody may change that. When it was called once, other goroutines
// may call it too.
func (c *Conn) TLS() *tls.ConnectionState {
	s := c.tls
	if s == nil {
		return nil
	}
	if s.state == nil {
		state := s.tls.ConnectionState()
		s.state = &state
	}
	return s.state
}

// decrypt decrypts what has come, behind what came before, and returns what the peer
// has said. That is the loop's memory, until it is called again.
func (l *Loop) decrypt(c *Conn, p []byte) []byte {
	s, n := c.tls, 0
	for s.in = p; len(s.in) > 0; {
		if len(l.plain)-n < largestText {
			l.plain = append(l.plain, make([]byte, 4*largestText)...)
		}
		got, err := s.tls.Read(l.plain[n:])
		n += got
		switch {
		case err == nil, err == errNotNow:
			continue
		case err == io.EOF:
			s.heard = true
			c.readable, c.ended, c.hungUp = false, true, false
		default:
			n = 0
			l.fail(c, err)
		}
		s.in = nil
	}
	s.shown = s.shown || n > 0
	c.checkHighWater(0) // crypto/tls may have answered something
	return l.plain[:n]
}

// fail ends a connection whose TLS has failed. An alert that says why may be on
// its way to the peer, which is to see it; nothing else is sent any more.
func (l *Loop) fail(c *Conn, why error) {
	s := c.tls
	s.why = why
	l.log.Debug("TLS failed", "peer", c.Peer(), "error", why)
	l.dropQueue(&s.plain)
	c.SetDeadline(l.limits.LingerTotal)
	c.Close()
}

// failed reports whether TLS has failed, and the protocol hears nothing any more.
func (c *Conn) failed() bool { return c.tls != nil && c.tls.why != nil }

// truncated reports whether the end of what the peer has said may be somebody
// else's doing, and matters: anybody on the way can end a connection, but only the
// peer can say by TLS that it meant to. Between two requests, it may just leave.
func (c *Conn) truncated() bool {
	return c.tls != nil && !c.tls.heard && c.tls.shown && c.idleSince <= 0
}

// encrypt encrypts what the protocol has said, as far as it should be, and reports
// whether there is something for the socket.
func (l *Loop) encrypt(c *Conn) bool {
	s := c.tls
	for s.plain != nil && l.encryptSome(c) {
	}
	if s.plain == nil && c.state == Closing && !s.ended && s.why == nil {
		l.sendCloseNotify(c)
	}
	c.checkHighWater(0)
	return c.out != nil && c.state != Dead
}

// sendCloseNotify says by TLS that nothing more is said.
func (l *Loop) sendCloseNotify(c *Conn) {
	c.tls.ended = true
	_ = c.tls.tls.CloseWrite() // there is nobody left to be told
}

// encryptSome encrypts a slice of what is first in the queue. It reports whether that
// was possible: only so much waits for the socket, and a file, which takes no
// memory while it is one, waits until the socket has taken most of what was before
// it.
func (l *Loop) encryptSome(c *Conn) bool {
	s, p := c.tls, &c.tls.plain.pieces[0]
	step := min(chunkSize, l.limits.HighWater)
	waiting := 0
	if c.out != nil {
		waiting = int(c.out.size)
	}
	if waiting >= step || p.file != nil && waiting >= step/4 {
		return false
	}
	var text []byte
	if p.file == nil {
		text = p.rest()[:min(len(p.rest()), step)]
	} else {
		var err error
		switch text, _, err = c.nextPart(p, int64(step), true); {
		case err == ErrCold:
			return false
		case err != nil:
			c.reset = true
			l.markClosed(c, err)
			return false
		}
	}
	if _, err := s.tls.Write(text); err != nil {
		c.reset = true
		l.markClosed(c, err)
		return false
	}
	s.plain.sent(l, len(text))
	if len(s.plain.pieces) == 0 {
		l.giveOutput(s.plain)
		s.plain = nil
	}
	return true
}

// Read implements net.Conn for crypto/tls. It never reads beyond the end of a
// record, whatever there is room for. So crypto/tls has at most one record in its
// memory, which is what an idle connection keeps for ever; and when our bytes are
// used up at the end of a record, there is no more to be had from it.
func (s *secure) Read(p []byte) (int, error) {
	for len(s.in) == 0 {
		if s.handshake == nil {
			return 0, errNotNow
		}
		if !s.handshake.pause() {
			return 0, errGivenUp
		}
	}
	n := 0
	for ; s.at < recordHead && n < len(s.in) && n < len(p); n++ {
		b := s.in[n]
		p[n] = b
		switch s.at {
		case 3:
			s.size = recordHead + int32(b)<<8
		case 4:
			s.size += int32(b)
		}
		s.at++
	}
	if s.at >= recordHead {
		k := copy(p[n:], s.in[n:min(len(s.in), n+int(s.size-s.at))])
		n += k
		if s.at += int32(k); s.at == s.size {
			s.at = 0
		}
	}
	s.in = s.in[n:]
	return n, nil
}

// Write implements net.Conn for crypto/tls. It takes everything.
func (s *secure) Write(p []byte) (int, error) {
	if s.handshake != nil {
		// It may be a worker that calls, and what is the loop's is not its.
		s.handshake.flight = append(s.handshake.flight, p...)
		return len(p), nil
	}
	c := s.conn
	l := c.loop
	if c.out == nil {
		c.out = l.takeOutput()
	}
	last := c.out.last(l, len(p))
	last.bytes = append(last.bytes, p...)
	c.out.size += int64(len(p))
	c.out.memory += int64(len(p))
	l.memory += int64(len(p))
	l.touch(c)
	return len(p), nil
}

// RemoteAddr implements net.Conn: callbacks of tls.Config may ask.
func (s *secure) RemoteAddr() net.Addr {
	if peer := s.conn.Peer(); peer.IsValid() {
		return net.TCPAddrFromAddrPort(peer)
	}
	return &net.UnixAddr{Net: "unix"}
}

// LocalAddr implements net.Conn. Nobody here knows it.
func (s *secure) LocalAddr() net.Addr { return &net.TCPAddr{} }

// Close implements net.Conn. When to close is the loop's decision.
func (s *secure) Close() error { return nil }

// SetDeadline implements net.Conn. What waits here waits in the loop, which has
// deadlines of its own.
func (s *secure) SetDeadline(time.Time) error      { return nil }
func (s *secure) SetReadDeadline(time.Time) error  { return nil }
func (s *secure) SetWriteDeadline(time.Time) error { return nil }

// errGivenUp ends a handshake that nobody wants to go on.
var errGivenUp = errors.New("eventloop: the handshake was given up")

// errNotNow is what Read answers after the handshake when there is no more at
// present: the one kind of error that crypto/tls does not keep.
var errNotNow notNow

type notNow struct{}

func (notNow) Error() string   { return "eventloop: not now" }
func (notNow) Timeout() bool   { return true }
func (notNow) Temporary() bool { return true }

var _ net.Error = errNotNow
