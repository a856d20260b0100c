package eventloop

import (
	"crypto/tls"
	"errors"
)

// TLS is a pipe between a connection and its protocol, which sees no difference: input
// is decrypted before the protocol gets it, and output is queued in plain text and
// encrypted when the socket has taken the output before it. The standard crypto/tls
// reads and writes a net.Conn, and expects it to wait. Ours (tlspipe.go) never waits:
//
//   - A handshake runs in a coroutine, and Read pauses the coroutine when there are no
//     bytes (handshake.go). crypto/tls keeps any error of a handshake for good, so
//     that Read must not answer "not now".
//   - Afterwards Read may. crypto/tls keeps no error that is a temporary net.Error, and
//     goes on in the middle of a record. So the coroutine is gone, and tls.Conn.Read is
//     called with the bytes at hand until it wants more. TestNotNowIsNotSticky checks
//     that of Go.
//   - Write takes everything, as an error or a short write would spoil the stream for
//     good. So tls.Conn.Write is called only when there is room.

// A TLS is a configuration of connections over TLS. Wrap applies it.
type TLS struct {
	// Config is that of crypto/tls, as it is: certificates, versions, clients'
	// certificates, ALPN, tickets. It must have certificates or a callback that
	// finds them, and must not be changed any more.
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
	// speak TLS. It returns an answer in plain text, after which the connection is
	// closed. Without an answer, the connection is reset.
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

// Wrap makes an accept function for connections over TLS, for Listen, of one for plain
// text: begin is called when the handshake is done. A connection with a handshake
// that fails gets no protocol.
func (t *TLS) Wrap(begin func(*Conn) Protocol) func(*Conn) Protocol {
	config, aside := t.Config, t.Waits
	if !aside {
		config = choosing(config)
	}
	return func(c *Conn) Protocol {
		c.SetDeadline(c.loop.limits.HandshakeTimeout)
		h := &handshake{how: t, config: config, begin: begin, embeds: c.protocol, conn: c, who: c.Client(), since: c.loop.clock.now, offLoop: aside}
		c.loop.handshakes.add(h)
		return h
	}
}

// TLS returns what was agreed upon in the handshake, or nil if the connection is
// in plain text. The result must not be changed. After the first call, other
// goroutines may call TLS too.
func (c *Conn) TLS() *tls.ConnectionState {
	if c.fd == noDescriptor {
		return c.stream().on.conn.TLS()
	}
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

// TLSVersion returns the version of TLS that was agreed upon, such as tls.VersionTLS13, or 0 if
// the connection is in plain text. It keeps nothing of what TLS returns.
func (c *Conn) TLSVersion() uint16 {
	if s := c.whole().tls; s != nil {
		return s.version
	}
	return 0
}

// ALPN returns the protocol and the cipher suite that were agreed upon in the handshake, "" and 0
// if there was none. It asks crypto/tls each time, so that a connection need not keep what TLS
// returns.
func (c *Conn) ALPN() (protocol string, suite uint16) {
	if c.tls == nil {
		return "", 0
	}
	state := c.tls.tls.ConnectionState()
	return state.NegotiatedProtocol, state.CipherSuite
}

// Secure reports whether the connection is over TLS, and its handshake is done.
func (c *Conn) Secure() bool {
	return c.tls != nil || c.fd == noDescriptor && c.stream().on.conn.Secure()
}
