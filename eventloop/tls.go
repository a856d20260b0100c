package eventloop

import (
	"crypto/tls"
	"errors"
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
