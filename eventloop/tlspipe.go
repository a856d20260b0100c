package eventloop

// The pipe of a connection over TLS, when its handshake is done: crypto/tls with the
// connection's queues at both ends of it.

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"
)

// A tlsPipe is the TLS of one connection. It is the net.Conn that crypto/tls reads and
// writes, on the one side, and holds what crypto/tls makes of it, on the other.
type tlsPipe struct {
	conn      *Conn
	tls       *tls.Conn
	handshake *handshake // while it lasts
	below     *below     // once the connection has left the loop; then nothing else here is used

	in      []byte               // has come, and crypto/tls has not taken it yet
	at      int32                // how much of its present record crypto/tls has taken
	size    int32                // of that record
	version uint16               // of TLS
	state   *tls.ConnectionState // once it was asked for
	why     error                // TLS has failed

	heard bool // the peer has sent close_notify
	ended bool // we have
	shown bool // the protocol was shown something
	whole bool // an end without close_notify is always a failure
}

// readSocket is Conn.read over TLS.
func (s *tlsPipe) readSocket() (p []byte, n int) {
	c := s.conn
	if s.heard {
		c.readable = false // the peer has said that nothing more will come
		return nil, 0
	}
	sealed := c.receive()
	if len(sealed) > 0 {
		p = s.decrypt(sealed)
	}
	return p, len(sealed)
}

// decrypt decrypts the bytes that were read, behind those before, and returns the
// plain text. It is in the loop's memory, until decrypt is called again.
func (s *tlsPipe) decrypt(p []byte) []byte {
	c, n := s.conn, 0
	pools := &c.loop.pools
	for s.in = p; len(s.in) > 0; {
		if len(pools.plain)-n < maxText {
			pools.plain = append(pools.plain, make([]byte, 4*maxText)...)
		}
		got, err := s.tls.Read(pools.plain[n:])
		n += got
		switch {
		case err == nil, err == errNotNow:
			continue
		case err == io.EOF:
			s.heard = true
			c.noteEnd()
		default:
			n = 0
			s.fail(err)
		}
		s.in = nil
	}
	s.shown = s.shown || n > 0
	c.checkHighWater(0) // crypto/tls may have answered something
	return pools.plain[:n]
}

// fail ends a connection whose TLS has failed. An alert that says why may be on
// its way to the peer, which is to see it; nothing else is sent any more.
func (s *tlsPipe) fail(why error) {
	c := s.conn
	l := c.loop
	s.why = why
	l.report.log.Debug("TLS failed", "peer", c.Peer(), "error", why)
	if c.out != nil {
		c.out.dropText(l)
		if c.out.size == 0 {
			c.dropOutput()
		}
	}
	c.SetDeadline(l.limits.LingerGrace)
	c.Close()
}

// encrypt encrypts what the protocol has written, as much as should wait for the
// socket, and reports whether something does.
func (s *tlsPipe) encrypt() bool {
	c := s.conn
	for c.out != nil && len(c.out.text) > 0 && s.encryptSome() {
	}
	if (c.out == nil || len(c.out.text) == 0) && c.endsOutput() && !s.ended && s.why == nil {
		s.sendCloseNotify()
	}
	c.checkHighWater(0)
	return c.out != nil && len(c.out.pieces) > 0 && c.state != Dead
}

// sendCloseNotify says by TLS that nothing more is sent.
func (s *tlsPipe) sendCloseNotify() {
	s.ended = true
	_ = s.tls.CloseWrite() // a peer that has gone need not be told
}

// encryptSome encrypts a slice of what is first in the queue. It reports whether that
// was possible: only so much waits for the socket, and a file, which takes no
// memory while it is one, waits until the socket has taken most of what was before
// it.
func (s *tlsPipe) encryptSome() bool {
	c := s.conn
	l, o, p := c.loop, c.out, &c.out.text[0]
	step := min(chunkSize, l.limits.HighWater)
	waiting := sizeOf(o.pieces)
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
			c.reset(err)
			return false
		}
	}
	if _, err := s.tls.Write(text); err != nil {
		c.reset(err)
		return false
	}
	o.take(l, &o.text, len(text))
	return true
}

// Read implements net.Conn for crypto/tls. It never reads beyond the end of a
// record, whatever there is room for. So crypto/tls has at most one record in its
// memory, which is what an idle connection keeps for ever; and when our bytes are
// used up at the end of a record, there is no more to be had from it.
func (s *tlsPipe) Read(p []byte) (int, error) {
	if s.below != nil {
		return s.below.Read(p)
	}
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
func (s *tlsPipe) Write(p []byte) (int, error) {
	if s.below != nil {
		return s.below.Write(p)
	}
	if s.handshake != nil {
		// A worker may call, and must touch nothing of the loop's.
		s.handshake.flight = append(s.handshake.flight, p...)
		return len(p), nil
	}
	c := s.conn
	o, _ := c.outQueue()
	o.add(c.loop, &o.pieces, p)
	c.loop.lists.markDirty(c)
	return len(p), nil
}

// RemoteAddr implements net.Conn: callbacks of tls.Config may ask.
func (s *tlsPipe) RemoteAddr() net.Addr {
	if s.below != nil {
		return s.below.RemoteAddr()
	}
	if peer := s.conn.Peer(); peer.IsValid() {
		return net.TCPAddrFromAddrPort(peer)
	}
	return &net.UnixAddr{Net: "unix"}
}

// LocalAddr implements net.Conn: callbacks in a tls.Config ask for it, by
// ClientHelloInfo.Conn. It is known during the handshake, and in any Conn that has left the
// loop.
func (s *tlsPipe) LocalAddr() net.Addr {
	if s.below != nil {
		return s.below.LocalAddr()
	}
	if h := s.handshake; h != nil && h.local.IsValid() {
		return net.TCPAddrFromAddrPort(h.local)
	}
	return &net.TCPAddr{}
}

// Close implements net.Conn. When to close is the loop's decision, while it has the
// connection.
func (s *tlsPipe) Close() error {
	if s.below != nil {
		return s.below.Close()
	}
	return nil
}

// SetDeadline implements net.Conn. Nothing waits on the loop, which has deadlines of its
// own.
func (s *tlsPipe) SetDeadline(t time.Time) error {
	if s.below != nil {
		return s.below.SetDeadline(t)
	}
	return nil
}

// SetReadDeadline implements net.Conn.
func (s *tlsPipe) SetReadDeadline(t time.Time) error {
	if s.below != nil {
		return s.below.SetReadDeadline(t)
	}
	return nil
}

// SetWriteDeadline implements net.Conn.
func (s *tlsPipe) SetWriteDeadline(t time.Time) error {
	if s.below != nil {
		return s.below.SetWriteDeadline(t)
	}
	return nil
}

// errGivenUp ends a handshake that was given up.
var errGivenUp = errors.New("eventloop: the handshake was given up")

// errNotNow is what Read answers after the handshake when there is no more at
// present: the one kind of error that crypto/tls does not keep.
var errNotNow notNow

type notNow struct{}

func (notNow) Error() string   { return "eventloop: not now" }
func (notNow) Timeout() bool   { return true }
func (notNow) Temporary() bool { return true }

var _ net.Error = errNotNow
